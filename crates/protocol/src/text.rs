//! Text that came from outside: what may pass, and how it is shown.

/// The longest single value taken from git, NuGet or a helper, in bytes.
pub const MAX_LINE: usize = 8 * 1024;

/// Whether a value can be passed on in a line-based protocol: no control character of any kind, no line separator,
/// not over-long. CVE-2020-5260 and CVE-2024-52006 are what happens otherwise.
pub fn is_clean(value: &str) -> bool {
    value.len() <= MAX_LINE && !value.chars().any(is_breaking)
}

/// The value with everything that could move a cursor or start a line replaced, and cut to a length a line bears.
pub fn shown(value: &str) -> String {
    cut(value, 200)
}

/// Like [`shown`], for a next step: half a command helps nobody.
pub fn shown_hint(hint: &str) -> String {
    cut(hint, 2000)
}

/// A sentence without the numbers that Rust puts behind what the system said: `(os error 30)` tells a person nothing.
pub fn without_errno(sentence: &str) -> String {
    const MARK: &str = " (os error ";
    let mut out = String::with_capacity(sentence.len());
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once(MARK) {
        out.push_str(before);
        let digits = after.trim_start_matches('-').trim_start_matches(|c: char| c.is_ascii_digit());
        rest = if let Some(behind) = digits.strip_prefix(')') {
            behind
        } else {
            out.push_str(MARK);
            after
        };
    }
    out + rest
}

fn cut(value: &str, most: usize) -> String {
    let mut out: String =
        value.chars().take(most).map(|c| if is_breaking(c) { '\u{fffd}' } else { c }).collect();
    if value.chars().nth(most).is_some() {
        out.push('…');
    }
    out
}

fn is_breaking(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_an_error_is_left_out() {
        for number in [2, 13, 28, 30] {
            let error = std::io::Error::from_raw_os_error(number).to_string();
            assert!(error.ends_with(&format!(" (os error {number})")), "{error}");
            let told =
                without_errno(&format!("`f` cannot be written: {error}, and without it no key is minted"));
            assert!(
                !told.contains("os error") && told.ends_with(", and without it no key is minted"),
                "{told}"
            );
            assert!(error.starts_with(&without_errno(&error)), "{error}");
        }
        for kept in ["", "a (os error x) (os error 1", "(os error 1)"] {
            assert_eq!(without_errno(kept), kept);
        }
    }

    #[test]
    fn control_characters_do_not_pass() {
        for bad in ["a\nb", "a\rb", "a\0b", "a\u{85}b", "a\u{2028}b", "\u{1b}[2J", "a\u{202e}b"] {
            assert!(!is_clean(bad), "{bad:?}");
            assert!(is_clean(&shown(bad)) && is_clean(&shown_hint(bad)), "{bad:?}");
        }
        assert!(is_clean("Payments Platform/_git/Card Auth (v2).Service"));
        assert!(!is_clean(&"a".repeat(MAX_LINE + 1)));
    }
}
