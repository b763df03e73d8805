//! Azure DevOps' error objects.

use serde_json::json;

use crate::answer::{Answer, AnswerBody};

/// The standard object: `$id`, `innerException`, `message`, `typeName`, `typeKey`, `errorCode`, `eventId`.
pub(crate) fn exception(status: u16, type_key: &str, message: &str) -> Answer {
    let body = json!({
        "$id": "1",
        "innerException": null,
        "message": message,
        "typeName": format!("Microsoft.TeamFoundation.Framework.Server.{type_key}, Microsoft.TeamFoundation.Framework.Server"),
        "typeKey": type_key,
        "errorCode": 0,
        "eventId": 3000,
    });
    Answer::json(status, &body)
}

/// The same after a byte order mark, as refused bearers get it.
pub(crate) fn exception_with_bom(status: u16, type_key: &str, message: &str) -> Answer {
    let mut answer = exception(status, type_key, message);
    if let Some(text) = answer.whole() {
        let marked = [b"\xef\xbb\xbf", text.as_ref()].concat();
        answer.body = AnswerBody::Whole(marked.into());
    }
    answer
}

pub(crate) fn no_such_page() -> Answer {
    Answer::html(
        404,
        "<html><head><title>404 - Page not found</title></head><body>Page not found.</body></html>",
    )
}
