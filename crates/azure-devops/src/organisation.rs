//! Names that become part of an address.

/// Longest name of an organisation, in characters.
const MOST: usize = 50;

/// Whether a text can be the name of an organisation: ASCII letters, digits and inner hyphens, at most 50.
/// Nothing else is ever put into the path of an address.
pub fn is_organisation(name: &str) -> bool {
    let bytes = name.as_bytes();
    bytes.len() <= MOST
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
        && bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
}

/// Whether a text is a GUID in its usual form, in either case.
pub(crate) fn is_guid(text: &str) -> bool {
    let mut groups = text.split('-');
    [8, 4, 4, 4, 12]
        .iter()
        .all(|n| groups.next().is_some_and(|g| g.len() == *n && g.bytes().all(|b| b.is_ascii_hexdigit())))
        && groups.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["contoso", "Contoso-2", "a", "9lives", &"a".repeat(50)] {
            assert!(is_organisation(good), "{good}");
        }
        for bad in [
            "",
            ".",
            "..",
            "-a",
            "a-",
            "a/b",
            "a\\b",
            "a%2fb",
            "a b",
            "a?b",
            "a#b",
            "a@b",
            "a:b",
            "a.b",
            "a\n",
            "\u{e4}",
            "a\0",
            "a;b",
            &"a".repeat(51),
        ] {
            assert!(!is_organisation(bad), "{bad:?}");
        }
    }

    #[test]
    fn guids() {
        assert!(is_guid("72f988bf-86f1-41af-91ab-2d7cd011db47"));
        assert!(is_guid("72F988BF-86F1-41AF-91AB-2D7CD011DB47"));
        for bad in [
            "",
            "72f988bf86f141af91ab2d7cd011db47",
            "{72f988bf-86f1-41af-91ab-2d7cd011db47}",
            "72f988bf-86f1-41af-91ab-2d7cd011db4",
            "72f988bf-86f1-41af-91ab-2d7cd011db47-",
            "72f988bg-86f1-41af-91ab-2d7cd011db47",
        ] {
            assert!(!is_guid(bad), "{bad}");
        }
    }
}
