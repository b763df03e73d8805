//! A proxy that tunnels every name to one port of this machine, and may ask for a name and a password first.

use std::{
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use anyhow::Result;

const TUNNEL: &[u8] = b"HTTP/1.1 200 Connected\r\n\r\n";
/// RFC 9110 §15.5.8.
const ASKS: &[u8] =
    b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"office\"\r\n\
    Connection: close\r\nContent-Length: 0\r\n\r\n";
const REFUSES: &[u8] = b"HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
/// Longest head of a request, in bytes.
const LONGEST: usize = 16 * 1024;

/// The proxy. It listens on loopback for as long as the test runs.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    desk: Arc<Mutex<Desk>>,
}

#[derive(Debug, Default)]
struct Desk {
    /// The `Proxy-Authorization` that is asked for.
    wanted: Option<String>,
    /// What each request showed.
    shown: Vec<Option<String>>,
    /// `host:port` of each tunnel.
    reached: Vec<String>,
}

impl Proxy {
    /// One that lets everybody through to this port.
    pub fn to(target: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let desk = Arc::<Mutex<Desk>>::default();
        let inside = Arc::clone(&desk);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let desk = Arc::clone(&inside);
                // A client that goes away is none of ours.
                thread::spawn(move || drop(serve(stream, target, &desk)));
            }
        });
        Ok(Self { port, desk })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on only who shows this `Proxy-Authorization` gets through.
    pub fn ask_for(&self, wanted: &str) {
        held(&self.desk).wanted = Some(wanted.to_owned());
    }

    /// The `Proxy-Authorization` of each request so far.
    pub fn shown(&self) -> Vec<Option<String>> {
        held(&self.desk).shown.clone()
    }

    /// `host:port` of each tunnel so far.
    pub fn reached(&self) -> Vec<String> {
        held(&self.desk).reached.clone()
    }

    /// Forgets what was shown and reached.
    pub fn forget(&self) {
        let mut desk = held(&self.desk);
        desk.shown.clear();
        desk.reached.clear();
    }
}

fn held(desk: &Mutex<Desk>) -> MutexGuard<'_, Desk> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(mut stream: TcpStream, target: u16, desk: &Mutex<Desk>) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < LONGEST {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head);
    let shown = head.lines().filter_map(|line| line.split_once(": ")).find_map(|(name, value)| {
        name.eq_ignore_ascii_case("proxy-authorization").then(|| value.trim().to_owned())
    });
    let name = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next());
    let Some(name) = name else { return stream.write_all(REFUSES) };
    let gets_through = {
        let mut desk = held(desk);
        desk.shown.push(shown.clone());
        let gets_through = desk.wanted.is_none() || desk.wanted == shown;
        if gets_through {
            desk.reached.push(name.to_owned());
        }
        gets_through
    };
    if !gets_through {
        return stream.write_all(ASKS);
    }
    let onward = TcpStream::connect((Ipv4Addr::LOCALHOST, target))?;
    stream.write_all(TUNNEL)?;
    let (from, to) = (stream.try_clone()?, onward.try_clone()?);
    thread::spawn(move || pass(from, to));
    pass(onward, stream);
    Ok(())
}

/// Until one side has said all: the other is told.
fn pass(mut from: TcpStream, mut to: TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}
