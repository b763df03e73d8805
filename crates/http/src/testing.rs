//! Small servers on loopback, and a throw-away authority.

use std::{sync::Arc, time::Duration};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::mpsc,
};
use tokio_rustls::TlsAcceptor;

/// Answers every connection with the same bytes, after the head of a request; gives the port.
pub(crate) async fn serve(answer: impl Into<Vec<u8>>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = answer.into();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(respond(stream, answer.clone()));
        }
    });
    port
}

/// The same over TLS, with a certificate for `name` from `authority`.
pub(crate) async fn serve_tls(authority: &Authority, name: &str, years: (i32, i32), answer: &str) -> u16 {
    let acceptor = TlsAcceptor::from(Arc::new(authority.server(name, years)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = answer.as_bytes().to_vec();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, answer) = (acceptor.clone(), answer.clone());
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    respond(stream, answer).await;
                }
            });
        }
    });
    port
}

/// How a client of TLS begins; a plain server answers such gibberish at once.
const TLS_HANDSHAKE: &[u8] = &[0x16];

/// A proxy that tunnels every host to one port here; gives its port and the head of each `CONNECT`.
pub(crate) async fn proxy_to(target: u16) -> (u16, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (heads, seen) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = heads.send(read_head(&mut stream).await.unwrap_or_default());
            let _ = stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await;
            let mut onward = TcpStream::connect(("127.0.0.1", target)).await.unwrap();
            tokio::spawn(async move { copy_bidirectional(&mut stream, &mut onward).await });
        }
    });
    (port, seen)
}

/// A proxy that tunnels like [`proxy_to`] for whoever shows this `Proxy-Authorization`, and asks everybody else for one.
pub(crate) async fn guarded_proxy_to(
    target: u16,
    wanted: &'static str,
) -> (u16, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (heads, seen) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let head = read_head(&mut stream).await.unwrap_or_default();
            let shown = head.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                name.eq_ignore_ascii_case("proxy-authorization").then(|| value.to_owned())
            });
            let _ = heads.send(shown.clone().unwrap_or_default());
            if shown.as_deref() != Some(wanted) {
                let asks =
                    b"HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic realm=x\r\n\
                    content-length: 0\r\n\r\n";
                let _ = stream.write_all(asks).await;
                continue;
            }
            let _ = stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await;
            let mut onward = TcpStream::connect(("127.0.0.1", target)).await.unwrap();
            tokio::spawn(async move { copy_bidirectional(&mut stream, &mut onward).await });
        }
    });
    (port, seen)
}

/// Begins an answer and then sends a byte now and then, for ever.
pub(crate) async fn serve_drop_by_drop() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                read_head(&mut stream).await?;
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok()?;
                while stream.write_all(b"a").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                Some(())
            });
        }
    });
    port
}

async fn respond(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: Vec<u8>) {
    if read_head(&mut stream).await.is_some() {
        let _ = stream.write_all(&answer).await;
        let _ = stream.shutdown().await;
    }
}

async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && !head.starts_with(TLS_HANDSHAKE) {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}

/// A port where nobody listens, kept from everybody who might: a test beside this one looks for a free port, too.
pub(crate) fn closed_port() -> u16 {
    let taken = TcpSocket::new_v4().unwrap();
    taken.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let port = taken.local_addr().unwrap().port();
    tokio::spawn(async move {
        let _taken = taken;
        std::future::pending::<()>().await;
    });
    port
}

/// A certificate authority that nobody trusts yet.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    fn server(&self, name: &str, (from, to): (i32, i32)) -> rustls::ServerConfig {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap()
    }
}
