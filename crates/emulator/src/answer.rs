//! An HTTP answer before it is sent, so that a fault can still bend it.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, channel::Channel, combinators::UnsyncBoxBody};
use hyper::ext::ReasonPhrase;
use serde::Serialize;

/// The body type of every answer sent.
pub(crate) type SentBody = UnsyncBoxBody<Bytes, std::io::Error>;

/// A body that is either at hand or still coming.
pub(crate) enum AnswerBody {
    Whole(Bytes),
    Stream(Channel<Bytes, std::io::Error>),
}

/// Status, headers and body.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// Boxed, since answers travel as errors too.
    pub(crate) headers: Box<HeaderMap>,
    /// Sent in place of the status's own words.
    pub(crate) reason: Option<ReasonPhrase>,
    pub(crate) body: AnswerBody,
}

impl Answer {
    pub(crate) fn empty(status: u16) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, headers: Box::default(), reason: None, body: AnswerBody::Whole(Bytes::new()) }
    }

    pub(crate) fn json<T: Serialize>(status: u16, value: &T) -> Self {
        let text = serde_json::to_vec(value).unwrap_or_default();
        Self::empty(status).content("application/json; charset=utf-8", text)
    }

    /// Plain text that is the reason phrase too, up to 512 characters of it, as nuget.org answers.
    pub(crate) fn phrase(status: u16, text: &str) -> Self {
        let answer = Self::empty(status).content("text/plain; charset=utf-8", text.to_owned());
        answer.reason(text)
    }

    pub(crate) fn reason(mut self, text: &str) -> Self {
        let phrase: String = text.chars().take(512).collect();
        self.reason = ReasonPhrase::try_from(phrase).ok();
        self
    }

    pub(crate) fn html(status: u16, page: impl Into<Bytes>) -> Self {
        Self::empty(status).content("text/html; charset=utf-8", page)
    }

    pub(crate) fn redirect(location: &str) -> Self {
        Self::html(
            302,
            "<html><head><title>Object moved</title></head><body><h2>Object moved</h2></body></html>",
        )
        .header("location", location)
    }

    pub(crate) fn content(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        self.body = AnswerBody::Whole(body.into());
        self.set("content-type", content_type);
        self
    }

    /// Adds one header line; a name may come more than once.
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.append(HeaderName::from_static(name), value);
        }
        self
    }

    pub(crate) fn set(&mut self, name: &'static str, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
    }

    /// The body, when it is at hand.
    pub(crate) fn whole(&self) -> Option<&Bytes> {
        match &self.body {
            AnswerBody::Whole(bytes) => Some(bytes),
            AnswerBody::Stream(_) => None,
        }
    }

    pub(crate) fn into_response(self, date: &str) -> Response<SentBody> {
        let body = match self.body {
            AnswerBody::Whole(bytes) => Full::new(bytes).map_err(|never| match never {}).boxed_unsync(),
            AnswerBody::Stream(channel) => channel.boxed_unsync(),
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = *self.headers;
        if let Some(reason) = self.reason {
            response.extensions_mut().insert(reason);
        }
        if let Ok(date) = HeaderValue::from_str(date) {
            response.headers_mut().insert(header::DATE, date);
        }
        response
    }
}

/// Text made safe for HTML.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}
