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
    fn control_characters_do_not_pass() {
        for bad in ["a\nb", "a\rb", "a\0b", "a\u{85}b", "a\u{2028}b", "\u{1b}[2J", "a\u{202e}b"] {
            assert!(!is_clean(bad), "{bad:?}");
            assert!(is_clean(&shown(bad)) && is_clean(&shown_hint(bad)), "{bad:?}");
        }
        assert!(is_clean("Payments Platform/_git/Card Auth (v2).Service"));
        assert!(!is_clean(&"a".repeat(MAX_LINE + 1)));
    }
}
