//! `X-NuGet-Warning`, which comes with answers that are good, too.

use valetkey_http::header::HeaderMap;

/// The most warnings of one answer that are kept.
const MAX: usize = 8;

/// What nuget.org wants a person to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// The key ends in so many days, rounded to the nearest.
    Expires {
        /// 0 within half a day.
        days: u32,
    },
    /// The key is over.
    Expired,
    /// Anything else, usually about the package, safe to print.
    Other(String),
}

impl Warning {
    /// Every warning of an answer.
    pub fn all(headers: &HeaderMap) -> Vec<Self> {
        headers
            .get_all("x-nuget-warning")
            .iter()
            .map(|value| Self::parse(&String::from_utf8_lossy(value.as_bytes())))
            .take(MAX)
            .collect()
    }

    /// One warning: `Your API key expires in 7 days. Visit …` and `Your API key has expired. …` are understood
    /// (NuGetGallery: `ApiAuthorizeAttribute`).
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        if text.starts_with("Your API key has expired") {
            return Self::Expired;
        }
        let days = text.strip_prefix("Your API key expires in ").and_then(|rest| {
            let (days, unit) = rest.split_once(' ')?;
            unit.starts_with("day").then(|| days.parse().ok())?
        });
        match days {
            Some(days) => Self::Expires { days },
            None => Self::Other(valetkey_protocol::shown(text)),
        }
    }

    /// Whether it is about the key.
    pub fn is_about_the_key(&self) -> bool {
        !matches!(self, Self::Other(_))
    }
}

#[cfg(test)]
mod tests {
    use valetkey_http::header::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn what_the_gallery_says() {
        for (text, expected) in [
            (
                "Your API key expires in 7 days. Visit https://www.nuget.org/account/ApiKeys to regenerate your API key.",
                Warning::Expires { days: 7 },
            ),
            ("Your API key expires in 1 day. Visit https://…", Warning::Expires { days: 1 }),
            ("Your API key expires in 0 days. Visit https://…", Warning::Expires { days: 0 }),
            ("Your API key has expired. Visit https://… to generate a new API key.", Warning::Expired),
            (
                "Your API key expires in many days.",
                Warning::Other("Your API key expires in many days.".into()),
            ),
            ("Your API key expires in 7 hours.", Warning::Other("Your API key expires in 7 hours.".into())),
            ("<license> is deprecated", Warning::Other("<license> is deprecated".into())),
            ("", Warning::Other(String::new())),
        ] {
            assert_eq!(Warning::parse(text), expected, "{text}");
        }
        assert!(!Warning::parse("The package …").is_about_the_key());
    }

    #[test]
    fn several_come_and_none_moves_the_cursor() {
        let name = HeaderName::from_static("x-nuget-warning");
        let mut headers = HeaderMap::new();
        headers.append(&name, HeaderValue::from_static("Your API key expires in 3 days. Visit"));
        headers.append(&name, HeaderValue::from_bytes(b"\xff\xe2\x80\xae odd").unwrap());
        let found = Warning::all(&headers);
        assert_eq!(found[0], Warning::Expires { days: 3 });
        assert!(matches!(&found[1], Warning::Other(text) if !text.contains('\u{202e}')));
        for _ in 0..20 {
            headers.append(&name, HeaderValue::from_static("more"));
        }
        assert_eq!(Warning::all(&headers).len(), MAX);
    }
}
