use proptest::prelude::*;

use super::{v5::made::checked, *};

/// The example of nuget.org's own source: made at 2024-12-05 13:30, for 15 minutes.
const EXAMPLE: &str =
    concat!("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "JQQJ99ALN5Z0000LZENeS003NUGT3OrW");
const V4: &str = concat!("oy2", "abcdefghijklmnopqrstuvwxyz234567abcdefghijk");

fn parse(text: &str) -> Result<Pasted, PasteError> {
    Pasted::parse(&SecretString::from(text))
}

fn failure(text: &str) -> PasteError {
    let error = parse(text).unwrap_err();
    assert!(!error.hint().is_empty());
    error
}

/// The example with other characters from a place on, and the right checksum.
fn with(at: usize, text: &str) -> String {
    let mut first = EXAMPLE[..80].to_owned();
    first.replace_range(at..at + text.len(), text);
    checked(&first)
}

#[test]
fn the_published_example_reads_as_published() {
    let key = parse(EXAMPLE).unwrap();
    assert_eq!(key.secret.expose_secret(), EXAMPLE);
    let facts = key.facts.clone().unwrap();
    assert_eq!(
        facts,
        V5Facts { allocated_at: 1_733_405_400, lifetime: 15 * 60, environment: 'Z', duration: 'S' }
    );
    assert_eq!(key.expires_at(), Some(1_733_406_300));
    assert_eq!(key.kind(), KeyKind::V5);
}

#[test]
fn a_year_long_key_ends_when_it_should() {
    // 366 days are 105,408 steps of five minutes: 27·62² + 26·62 + 8, or `RQ8`.
    let facts = parse(&with(72, "LRQ8")).unwrap().facts.unwrap();
    assert_eq!((facts.lifetime, facts.duration), (366 * 86_400, 'L'));
    // 2026, November, the 22nd, 23:59.
    let mut first = EXAMPLE[..80].to_owned();
    first.replace_range(58..60, "CK");
    first.replace_range(69..72, "VX7");
    assert_eq!(parse(&checked(&first)).unwrap().facts.unwrap().allocated_at, 1_795_391_940);
}

#[test]
fn an_older_key_says_nothing_of_its_end() {
    for text in [V4.to_owned(), V4.to_uppercase()] {
        let key = parse(&text).unwrap();
        assert_eq!((key.kind(), key.expires_at()), (KeyKind::V4, None));
        assert_eq!(key.secret.expose_secret(), text);
    }
}

#[test]
fn what_rides_along_is_left_out() {
    for text in [
        format!(" {V4}\r\n"),
        format!("\u{feff}{V4}\u{200b}"),
        format!("{}\n  {}", &V4[..20], &V4[20..]),
        format!("\t{V4}\u{a0}"),
    ] {
        assert_eq!(parse(&text).unwrap().secret.expose_secret(), V4, "{text:?}");
    }
}

#[test]
fn what_is_none_is_named() {
    for (text, expected) in [
        (String::new(), PasteError::Empty),
        (" \n".to_owned(), PasteError::Empty),
        (V4[..45].to_owned(), PasteError::Length { found: 45, expected: 46 }),
        (format!("{V4}{V4}"), PasteError::Length { found: 92, expected: 46 }),
        (V4.replace('7', "8"), PasteError::Mistyped),
        (EXAMPLE[..83].to_owned(), PasteError::Length { found: 83, expected: 84 }),
        (format!("{}XXXX", &EXAMPLE[..80]), PasteError::Mistyped),
        ("0f8fad5b-d9cb-469f-a165-70867728950e".to_owned(), PasteError::Legacy),
        (format!("{}AZDO{}", "a".repeat(76), "b".repeat(4)), PasteError::AzureDevOps),
        ("a".repeat(52), PasteError::Other),
        ("a".repeat(46), PasteError::Other),
        ("a".repeat(84), PasteError::Other),
        (format!("\"{V4}\""), PasteError::Other),
        ("ключ".repeat(21), PasteError::Other),
        ("é".repeat(42), PasteError::Other),
    ] {
        assert_eq!(failure(&text), expected, "{text:?}");
    }
}

#[test]
fn impossible_times_and_other_makers_are_refused() {
    for (at, text) in [(59, "M"), (69, "9"), (70, "Y"), (70, "9"), (71, "8"), (71, "9")] {
        assert_eq!(failure(&with(at, text)), PasteError::Mistyped, "{at} {text}");
    }
    // The thirtieth of February.
    let mut first = EXAMPLE[..80].to_owned();
    first.replace_range(59..60, "B");
    first.replace_range(69..70, "d");
    assert_eq!(failure(&checked(&first)), PasteError::Mistyped);
    for (at, text) in [(60, "A"), (61, "4"), (76, "AZFU")] {
        assert_eq!(failure(&with(at, text)), PasteError::Other, "{at} {text}");
    }
}

proptest! {
    #[test]
    fn one_changed_character_is_noticed(at in 0_usize..84, by in "[a-zA-Z0-9+/=]") {
        let mut changed = EXAMPLE.to_owned();
        changed.replace_range(at..=at, &by);
        prop_assume!(changed != EXAMPLE);
        prop_assert!(parse(&changed).is_err());
    }

    #[test]
    fn nothing_makes_it_panic_and_nothing_is_repeated(text in "\\PC{0,100}|[A-Za-z0-9]{84}|oy2[a-z]{40,46}") {
        if let Err(error) = parse(&text) {
            let said = format!("{error} {error:?} {}", error.hint());
            prop_assert!(text.len() < 20 || !said.contains(&text));
        }
    }

    #[test]
    fn any_end_can_be_read(random in "[A-Za-z0-9]{52}", lifetime in "[0-9A-Za-z]{3}") {
        let key = checked(&format!("{random}JQQJ99CKN5P0000LZVX7L{lifetime}NUGT"));
        let facts = parse(&key).unwrap().facts.unwrap();
        prop_assert!(facts.expires_at() < 1_795_391_940 + 62 * 62 * 62 * 300);
        prop_assert_eq!(facts.lifetime % 300, 0);
    }
}

#[test]
fn debug_shows_no_key() {
    assert!(!format!("{:?}", parse(V4).unwrap()).contains("oy2"));
    assert!(!format!("{:?}", parse(EXAMPLE).unwrap()).contains("JQQJ"));
}
