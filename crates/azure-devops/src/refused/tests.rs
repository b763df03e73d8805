use proptest::{collection::vec, prelude::*};
use valetkey_http::{Bytes, header::HeaderName};

use super::*;

const NAMES: [&str; 6] = [
    "www-authenticate",
    "x-tfs-serviceerror",
    "x-vss-resourcetenant",
    "content-type",
    "retry-after",
    "activityid",
];

fn reply(status: u16, headers: &[(usize, Vec<u8>)], body: Vec<u8>) -> Reply {
    let headers = headers.iter().filter_map(|(name, value)| {
        let value = HeaderValue::from_bytes(value).ok()?;
        Some((HeaderName::from_static(NAMES[name % NAMES.len()]), value))
    });
    Reply {
        status: StatusCode::from_u16(status).unwrap(),
        headers: headers.collect(),
        body: Bytes::from(body),
    }
}

fn check(reply: &Reply, creates: bool) -> Result<(), TestCaseError> {
    let dev = Url::parse("https://dev.azure.com").unwrap();
    let longest = "o".repeat(50);
    let asked = Asked {
        organisation: &longest,
        dev: &dev,
        whom: &dev,
        tenant: Some("72f988bf-86f1-41af-91ab-2d7cd011db47"),
        authority: None,
        creates,
        by_key: false,
    };
    let error = failure(reply, &asked);
    prop_assert!(error.sentence.contains(&longest), "{error:?}");
    prop_assert!(valetkey_protocol::is_clean(&error.sentence), "{error:?}");
    prop_assert_eq!(&error.refusal().hint, &error.hint, "a hint is never cut");
    prop_assert!(creates || !error.may_have_committed());
    prop_assert!(error.retry_after.is_none_or(|seconds| seconds <= 3600));
    Ok(())
}

proptest! {
    #[test]
    fn any_answer_has_a_sentence(
        status in 100..1000u16,
        headers in vec((0..NAMES.len(), vec(any::<u8>(), 0..60)), 0..5),
        body in vec(any::<u8>(), 0..200),
        creates in any::<bool>(),
    ) {
        check(&reply(status, &headers, body), creates)?;
    }

    #[test]
    fn any_message_has_a_sentence(
        status in prop_oneof![Just(400u16), Just(401), Just(403), Just(409), Just(500)],
        message in "(TF401444|VS403463|TF400813|InvalidScope|Service principals are not allowed|accessDenied)?.{0,40}",
        challenge in "(Bearer )?(authorization_uri=https://login.windows.net/)?(error=insufficient_claims, )?[ -~]{0,40}",
    ) {
        let body = serde_json::json!({ "message": message }).to_string().into_bytes();
        check(&reply(status, &[(0, challenge.into_bytes())], body), true)?;
    }
}
