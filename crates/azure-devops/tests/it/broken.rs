//! Connections that break, and answers no honest server gives.

use std::{future::Future, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpSocket, TcpStream},
};
use url::Url;
use valetkey_azure_devops::{DevOps, DevOpsError, DevOpsErrorKind as Kind, Endpoints};
use valetkey_http::{Http, HttpError, Settings};

use crate::{create::new_pat, server::bearer};

/// Creates a key at a server that does this with each connection once the request has arrived.
async fn create_at<F, T>(patience: Duration, behave: F) -> DevOpsError
where
    F: Fn(TcpStream) -> T + Send + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            read_request(&mut stream).await;
            tokio::spawn(behave(stream));
        }
    });
    let error = devops(url, patience).create("contoso", &bearer(), &new_pat()).await.unwrap_err();
    assert!(error.sentence.contains("`contoso`") && !error.hint.is_empty(), "{error:?}");
    error
}

/// Where the server does its part, however busy this machine is.
const LONG: Duration = Duration::from_secs(60);
/// Where it is the time that ends it.
const SHORT: Duration = Duration::from_millis(400);

fn devops(url: Url, patience: Duration) -> DevOps {
    let settings = Settings { total_timeout: patience, connect_timeout: LONG, ..Settings::default() };
    DevOps::new(Http::new(settings), Endpoints { dev: url.clone(), pats: url })
}

async fn read_request(stream: &mut TcpStream) {
    let mut seen = Vec::new();
    let mut chunk = [0; 4096];
    while !seen.ends_with(b"}") {
        match stream.read(&mut chunk).await {
            Ok(n) if n > 0 => seen.extend_from_slice(&chunk[..n]),
            _ => return,
        }
    }
}

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ";

async fn say(stream: &mut TcpStream, parts: &[&[u8]]) {
    for part in parts {
        let _ = stream.write_all(part).await;
    }
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_request_may_have_created_a_key() {
    let closed = create_at(LONG, |stream| async { drop(stream) }).await;
    assert!(
        matches!(&closed.kind, Kind::Http(e) if matches!(**e, HttpError::Interrupted { .. })),
        "{closed:?}"
    );
    assert!(closed.may_have_committed());

    let reset = create_at(LONG, |stream| async move { stream.set_zero_linger().unwrap() }).await;
    assert!(reset.may_have_committed(), "{reset:?}");

    let truncated =
        create_at(
            LONG,
            |mut stream| async move { say(&mut stream, &[HEAD, b"500\r\n\r\n{\"patToken\":"]).await },
        )
        .await;
    assert!(truncated.may_have_committed(), "{truncated:?}");

    let silent = create_at(SHORT, |stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    assert!(matches!(&silent.kind, Kind::Http(e) if matches!(**e, HttpError::TimedOut { .. })), "{silent:?}");
    assert!(silent.may_have_committed());

    let nonsense =
        create_at(LONG, |mut stream| async move { say(&mut stream, &[b"\0\x01\x02 what\r\n\r\n"]).await })
            .await;
    assert!(nonsense.may_have_committed(), "{nonsense:?}");
}

#[tokio::test]
async fn a_body_without_an_end_is_cut_in_size_and_time() {
    let long = create_at(LONG, |mut stream| async move {
        say(&mut stream, &[HEAD, b"10485760\r\n\r\n\""]).await;
        let chunk = vec![b'a'; 64 * 1024];
        while stream.write_all(&chunk).await.is_ok() {}
    })
    .await;
    assert!(matches!(&long.kind, Kind::Http(e) if matches!(**e, HttpError::TooLarge { .. })), "{long:?}");
    assert!(long.may_have_committed());

    let dripping = create_at(SHORT, |mut stream| async move {
        say(&mut stream, &[HEAD, b"10485760\r\n\r\n"]).await;
        while stream.write_all(b"a").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    assert!(
        matches!(&dripping.kind, Kind::Http(e) if matches!(**e, HttpError::TimedOut { .. })),
        "{dripping:?}"
    );
    assert!(dripping.may_have_committed());
}

#[tokio::test]
async fn headers_without_an_end_are_given_up() {
    let error = create_at(LONG, |mut stream| async move {
        say(&mut stream, &[b"HTTP/1.1 200 OK\r\n"]).await;
        while stream
            .write_all(b"x-more: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n")
            .await
            .is_ok()
        {}
    })
    .await;
    assert!(matches!(error.kind, Kind::Http(_)), "{error:?}");
    assert!(error.may_have_committed());
}

#[tokio::test]
async fn a_request_that_never_left_created_nothing() {
    // Taken, so that no test beside this one listens there, and listened at by nobody.
    let taken = TcpSocket::new_v4().unwrap();
    taken.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let url = Url::parse(&format!("http://{}", taken.local_addr().unwrap())).unwrap();
    let error = devops(url, LONG).create("contoso", &bearer(), &new_pat()).await.unwrap_err();
    assert!(
        matches!(&error.kind, Kind::Http(e) if matches!(**e, HttpError::Unreachable { .. })),
        "{error:?}"
    );
    assert!(!error.may_have_committed());

    let plain = Url::parse("http://vssps.example.com").unwrap();
    let error = devops(plain, LONG).create("contoso", &bearer(), &new_pat()).await.unwrap_err();
    assert!(
        matches!(&error.kind, Kind::Http(e) if matches!(**e, HttpError::Configuration { .. })),
        "{error:?}"
    );
    assert!(!error.may_have_committed());
}
