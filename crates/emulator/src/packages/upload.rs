//! The multipart body of a push (Microsoft: "Push and Delete, NuGet API").

use bytes::Bytes;

use crate::call::Call;

/// The package in the body: the first part of a multipart body, else the whole body.
pub(crate) fn uploaded(call: &Call) -> Option<Bytes> {
    let content_type = call.header("content-type").unwrap_or_default();
    if !content_type.to_ascii_lowercase().starts_with("multipart/") {
        return (!call.body.is_empty()).then(|| call.body.clone());
    }
    let boundary = content_type.split(';').find_map(|part| {
        let (name, value) = part.trim().split_once('=')?;
        name.eq_ignore_ascii_case("boundary").then(|| value.trim_matches('"'))
    })?;
    let opening = format!("--{boundary}");
    let closing = format!("\r\n--{boundary}");
    let start = find(&call.body, opening.as_bytes())? + opening.len();
    let content = start + find(&call.body[start..], b"\r\n\r\n")? + 4;
    let end = content + find(&call.body[content..], closing.as_bytes())?;
    Some(call.body.slice(content..end))
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;

    fn call(content_type: &str, body: &'static [u8]) -> Call {
        let request = http::Request::builder().method("PUT").uri("/").header("content-type", content_type);
        let mut call = Call::new(Host::Pkgs, request.body(()).expect("request").into_parts().0);
        call.body = Bytes::from_static(body);
        call
    }

    #[test]
    fn the_first_part_is_the_package() {
        let body = b"--b1\r\nContent-Type: application/octet-stream\r\n\r\nPK\r\n\r\n--b\r\n--b1--\r\n";
        let quoted = call("multipart/form-data; boundary=\"b1\"", body);
        assert_eq!(uploaded(&quoted).as_deref(), Some(&b"PK\r\n\r\n--b"[..]));
        assert_eq!(uploaded(&call("multipart/form-data", body)), None);
        assert_eq!(uploaded(&call("multipart/form-data; boundary=other", body)), None);
        assert_eq!(uploaded(&call("application/octet-stream", b"PK")).as_deref(), Some(&b"PK"[..]));
        assert_eq!(uploaded(&call("application/octet-stream", b"")), None);
    }
}
