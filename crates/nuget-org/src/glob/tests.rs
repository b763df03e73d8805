use proptest::prelude::*;

use super::*;

fn id(text: &str) -> PackageId {
    PackageId::parse(text).unwrap()
}

fn glob(text: &str) -> Glob {
    Glob::parse(text).unwrap()
}

/// What the words say, without any cleverness.
fn naive(pattern: &[char], text: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('*', rest)) => (0..=text.len()).any(|skipped| naive(rest, &text[skipped..])),
        Some((first, rest)) => {
            text.split_first().is_some_and(|(letter, left)| letter == first && naive(rest, left))
        }
    }
}

fn letters(text: &str) -> Vec<char> {
    text.to_lowercase().chars().collect()
}

proptest! {
    #[test]
    fn it_matches_what_the_naive_matcher_matches(
        pattern in "[abAB.*]{1,9}|(\\*[ab]){1,5}\\*?",
        text in "[abAB]{1,6}(\\.[abAB]{1,6})?",
    ) {
        let expected = naive(&letters(&pattern), &letters(&text));
        prop_assert_eq!(glob(&pattern).covers(&id(&text)), expected, "{} {}", pattern, text);
    }

    #[test]
    fn an_id_matches_itself_its_prefixes_and_everything(text in "[a-zA-Z0-9_]{1,20}", at in 0_usize..20) {
        let package = id(&text);
        let at = at.min(text.len());
        prop_assert!(glob(&text).covers(&package));
        prop_assert!(glob(&text.to_uppercase()).covers(&package));
        let (begin, end) = (format!("{}*", &text[..at]), format!("*{}", &text[at..]));
        prop_assert!(glob(&begin).covers(&package) && glob(&end).covers(&package));
        let longer = format!("{text}x");
        prop_assert!(!glob(&longer).covers(&package));
    }

    #[test]
    fn what_is_written_is_read_again(texts in prop::collection::vec("[a-z.*]{1,8}", 0..5)) {
        let globs = Globs::parse(&texts.join(", ")).unwrap();
        prop_assert_eq!(&Globs::parse(&globs.to_string()).unwrap(), &globs);
        let json = serde_json::to_string(&globs).unwrap();
        prop_assert_eq!(serde_json::from_str::<Globs>(&json).unwrap(), globs);
    }
}

#[test]
fn a_question_mark_is_no_wildcard_and_a_dot_is_a_dot() {
    assert_eq!(Glob::parse("Contoso.?"), None);
    assert!(!glob("Contoso.Data").covers(&id("ContosoxData")));
    assert!(!glob("Contoso").covers(&id("Contoso.Data")));
    assert!(!glob("Data").covers(&id("Contoso.Data")));
}

#[test]
fn none_is_all() {
    for empty in ["", " , ;\n"] {
        assert_eq!(Globs::parse(empty).unwrap().to_string(), "*");
    }
    assert_eq!(serde_json::from_str::<Globs>("[]").unwrap(), Globs::default());
    assert!(Globs::default().covering(&id("Anything.At-all")).is_some());
}

#[test]
fn what_is_no_pattern_is_named() {
    assert_eq!(Globs::parse("Contoso.*, Fab/rikam").unwrap_err(), "Fab/rikam");
    assert!(serde_json::from_str::<Globs>(r#"["a b"]"#).is_err());
    assert_eq!(Glob::parse(&"a".repeat(129)), None);
}

#[test]
fn many_stars_are_no_trap() {
    let pattern = glob(&"*a".repeat(60));
    assert!(!pattern.covers(&id(&format!("{}b", "a".repeat(99)))));
}

#[test]
fn narrower_comes_first() {
    let order =
        ["Contoso.Data.Core", "Contoso.Data.*", "Contoso.*", "Contoso.*.*", "C*e", "C*", "*.Core", "*"];
    let widths: Vec<_> = order.iter().map(|text| glob(text).width()).collect();
    assert!(widths.is_sorted());
    let globs = Globs::parse("*, Contoso.*, contoso.data").unwrap();
    assert_eq!(globs.covering(&id("Contoso.Data")).unwrap().as_str(), "contoso.data");
    assert_eq!(globs.covering(&id("Contoso.X")).unwrap().as_str(), "Contoso.*");
    assert_eq!(globs.widest(), Some(glob("*").width()));
}
