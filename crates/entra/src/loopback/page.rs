//! What the browser shows at the end.

use std::fmt::Write as _;

use crate::SignInError;

/// A page: self-contained, without a script, and every text in it escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    status: &'static str,
    title: &'static str,
    lines: Vec<String>,
}

impl Page {
    /// Signed in.
    pub(crate) fn success() -> Self {
        Self::new("200 OK", "You are signed in", ["You can close this tab and go back to your terminal."])
    }

    /// Not signed in, and why.
    pub(crate) fn failure(error: &SignInError) -> Self {
        Self::new("200 OK", "You are not signed in", [error.sentence.as_str(), error.hint.as_str()])
    }

    pub(super) fn already_used() -> Self {
        Self::new("410 Gone", "This sign-in is over", ["It was answered already. You can close this tab."])
    }

    pub(super) fn foreign() -> Self {
        Self::new(
            "400 Bad Request",
            "This is not the sign-in that is waiting",
            ["Go back to the tab that valetkey opened last, or start again from your terminal."],
        )
    }

    pub(super) fn not_found() -> Self {
        Self::new("404 Not Found", "Nothing here", ["You can close this tab."])
    }

    pub(super) fn wrong_method() -> Self {
        Self::new("405 Method Not Allowed", "Nothing here", ["You can close this tab."])
    }

    fn new<'a>(status: &'static str, title: &'static str, lines: impl IntoIterator<Item = &'a str>) -> Self {
        Self { status, title, lines: lines.into_iter().map(str::to_owned).collect() }
    }

    /// The whole answer.
    pub(super) fn response(&self) -> String {
        let body = self.html();
        let mut response = format!("HTTP/1.1 {}\r\n", self.status);
        for (name, value) in [
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),
            ("Referrer-Policy", "no-referrer"),
            ("X-Content-Type-Options", "nosniff"),
            ("X-Frame-Options", "DENY"),
            ("Cache-Control", "no-store"),
            ("Connection", "close"),
        ] {
            let _ = write!(response, "{name}: {value}\r\n");
        }
        let _ = write!(response, "Content-Length: {}\r\n\r\n{body}", body.len());
        response
    }

    fn html(&self) -> String {
        let mut paragraphs = String::new();
        for line in self.lines.iter().filter(|line| !line.is_empty()) {
            let _ = write!(paragraphs, "<p>{}</p>", escaped(line));
        }
        format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title><style>\
             body{{font:1.1em/1.5 system-ui,sans-serif;max-width:34em;margin:15vh auto;padding:0 1em}}\
             @media(prefers-color-scheme:dark){{body{{background:#1b1b1b;color:#eee}}}}</style></head>\
             <body><h1>{title}</h1>{paragraphs}</body></html>\n",
            title = self.title
        )
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SignInErrorKind;

    #[test]
    fn a_reason_is_text_and_nothing_else() {
        let error = SignInError::new(SignInErrorKind::Declined, "<script>alert('1')</script> & \"x\"", "");
        let html = Page::failure(&error).html();
        assert!(html.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;x&quot;"));
        assert!(!html.contains("<script"));
    }

    #[test]
    fn nothing_is_loaded_and_nothing_is_told_on() {
        let response = Page::success().response();
        assert!(
            response
                .contains("\r\nContent-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n")
        );
        assert!(response.contains("\r\nReferrer-Policy: no-referrer\r\n"));
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}", body.len())));
        assert!(!body.contains("src=") && !body.contains("href="));
    }
}
