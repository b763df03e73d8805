//! Carrying faults out.

use std::{
    future::pending,
    io::{self, Write as _},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderName, HeaderValue};
use http_body_util::channel::Channel;
use hyper::body::Incoming;
use serde_json::{Value, json};

use super::Action;
use crate::{
    answer::{Answer, AnswerBody},
    call::Call,
    devops::{challenge, exception},
    login::EntraError,
    server::{Aborted, Shared, dispatch},
};

/// Answers the request under this fault. A hanging one ends when the emulator does; one that was to be held has been.
pub(crate) async fn apply(
    shared: &Arc<Shared>,
    action: Action,
    call: &Call,
    body: Option<Incoming>,
) -> Result<Answer, Aborted> {
    match action {
        Action::Reset => return Err(Aborted::Closed),
        Action::TcpReset => return Err(Aborted::Reset),
        Action::Hang => pending().await,
        Action::Delay { millis } => tokio::time::sleep(Duration::from_millis(millis)).await,
        _ => {}
    }
    if let Some(answer) = instead(shared, &action) {
        return Ok(answer);
    }
    if matches!(action, Action::Anonymous) {
        return Ok(dispatch(shared, &call.anonymous(), body).await);
    }
    let answer = dispatch(shared, call, body).await;
    match action {
        Action::ResetAfterCommit => Err(Aborted::Closed),
        Action::HangAfterCommit => pending().await,
        action => Ok(bend(action, answer)),
    }
}

/// The actions that take the place of the real answer.
fn instead(shared: &Shared, action: &Action) -> Option<Answer> {
    Some(match action {
        Action::Status { status, retry_after } => {
            let answer = refused(*status);
            match retry_after {
                Some(value) => answer.header("retry-after", value),
                None => answer,
            }
        }
        Action::SignInPage => Answer::html(203, challenge::sign_in_page()),
        Action::Html => Answer::html(200, "<html><body><h1>Welcome to the network</h1></body></html>"),
        Action::Redirect { to } => Answer::redirect(to),
        Action::BigBody { bytes } => Answer::empty(200).content("application/json", vec![b' '; *bytes]),
        Action::Entra { name, claims } => {
            let mut error = EntraError::of(name);
            error.claims.clone_from(claims);
            error.answer(&mut shared.world())
        }
        Action::InsufficientClaims { claims } => challenge::insufficient_claims(&mut shared.world(), claims),
        Action::Exception { status: 401, type_key, message } => {
            challenge::bearer_refused(&mut shared.world(), type_key, message)
        }
        Action::Exception { status, type_key, message } => {
            challenge::with_activity(&mut shared.world(), exception(*status, type_key, message))
        }
        Action::ServiceError { status, message } => {
            challenge::told_by_header(&mut shared.world(), Answer::empty(*status), message)
        }
        Action::PatError { name } => Answer::json(200, &json!({"patToken": null, "patTokenError": name})),
        _ => return None,
    })
}

fn refused(status: u16) -> Answer {
    if status == 429 {
        let message = "TF400733: The request has been canceled: Request was blocked due to exceeding usage of \
                       resource 'Concurrency' in namespace 'User'.";
        return exception(429, "RequestBlockedException", message);
    }
    Answer::html(status, format!("<html><head><title>{status}</title></head><body>{status}</body></html>"))
}

/// The actions that change the real answer.
fn bend(action: Action, mut answer: Answer) -> Answer {
    let Some(body) = answer.whole().cloned() else { return answer };
    match action {
        Action::ContentType { value } => answer.set("content-type", &value),
        Action::Bom => answer.body = AnswerBody::Whole([b"\xef\xbb\xbf", body.as_ref()].concat().into()),
        Action::Merge { patch } => {
            if let Ok(mut document) = serde_json::from_slice(&body) {
                merge(&mut document, &patch);
                answer.body = AnswerBody::Whole(document.to_string().into());
            }
        }
        Action::Headers { headers } => {
            let parsed = |(name, value): &(String, String)| {
                Some((name.parse::<HeaderName>().ok()?, HeaderValue::from_str(value).ok()?))
            };
            let headers: Vec<_> = headers.iter().filter_map(parsed).collect();
            for (name, _) in &headers {
                answer.headers.remove(name);
            }
            for (name, value) in headers {
                answer.headers.append(name, value);
            }
        }
        Action::Truncated => {
            answer.set("content-length", &body.len().to_string());
            answer.body = AnswerBody::Stream(truncated(body));
        }
        Action::Gzip => {
            answer.set("content-encoding", "gzip");
            answer.body = AnswerBody::Whole(compressed(&body).into());
        }
        Action::SlowDrip { millis } => answer.body = AnswerBody::Stream(drip(body, millis)),
        _ => {}
    }
    answer
}

fn compressed(body: &[u8]) -> Vec<u8> {
    let mut writer = GzEncoder::new(Vec::new(), Compression::default());
    // A vector takes everything.
    writer.write_all(body).and_then(|()| writer.finish()).unwrap_or_default()
}

fn truncated(body: Bytes) -> Channel<Bytes, io::Error> {
    let (mut sender, channel) = Channel::new(1);
    tokio::spawn(async move {
        if sender.send_data(body.slice(..body.len() / 2)).await.is_ok() {
            sender.abort(io::Error::other("truncated by a fault"));
        }
    });
    channel
}

fn drip(body: Bytes, millis: u64) -> Channel<Bytes, io::Error> {
    let (mut sender, channel) = Channel::new(1);
    tokio::spawn(async move {
        for at in 0..body.len() {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            if sender.send_data(body.slice(at..=at)).await.is_err() {
                return;
            }
        }
    });
    channel
}

fn merge(document: &mut Value, patch: &Value) {
    let (Some(fields), true) = (patch.as_object(), document.is_object()) else {
        *document = patch.clone();
        return;
    };
    for (name, value) in fields {
        if value.is_null() {
            if let Some(object) = document.as_object_mut() {
                object.remove(name);
            }
        } else {
            merge(&mut document[name], value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_merge_as_in_rfc_7396() {
        let mut document = json!({"a": {"b": 1, "c": 2}, "d": 3});
        merge(&mut document, &json!({"a": {"b": null, "e": 4}, "d": "x", "f": {"g": 5}}));
        assert_eq!(document, json!({"a": {"c": 2, "e": 4}, "d": "x", "f": {"g": 5}}));
    }
}
