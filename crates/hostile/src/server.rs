//! The server, and the place elsewhere.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::{
    Attack,
    attack::{ELSEWHERE, JSON, QUESTION, Step, answer},
};

/// Between two bytes that drip.
const PACE: Duration = Duration::from_millis(20);
/// No question of a test is longer.
const LONGEST: usize = 1 << 20;

/// What it is about.
#[derive(Debug)]
enum Manner {
    Attack(Attack),
    Honest(String),
}

#[derive(Debug)]
struct Shared {
    manner: Mutex<Vec<Manner>>,
    questions: Mutex<Vec<String>>,
    elsewhere: SocketAddr,
    followed: AtomicUsize,
}

/// A server on loopback that answers badly.
#[derive(Debug)]
pub struct Hostile {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Hostile {
    /// One that answers the first questions honestly, one with each of `first`, and everything after that with `attack`.
    ///
    /// # Errors
    /// Where nothing can be listened on.
    pub async fn start(first: &[&str], attack: &Attack) -> std::io::Result<Self> {
        let (here, elsewhere) =
            (TcpListener::bind("127.0.0.1:0").await?, TcpListener::bind("127.0.0.1:0").await?);
        let mut manner: Vec<_> = first.iter().rev().map(|body| Manner::Honest((*body).to_owned())).collect();
        manner.insert(0, Manner::Attack(attack.clone()));
        let shared = Arc::new(Shared {
            manner: Mutex::new(manner),
            questions: Mutex::default(),
            elsewhere: elsewhere.local_addr()?,
            followed: AtomicUsize::new(0),
        });
        let address = here.local_addr()?;
        let (noting, serving) = (Arc::clone(&shared), Arc::clone(&shared));
        tokio::spawn(async move {
            while elsewhere.accept().await.is_ok() {
                noting.followed.fetch_add(1, Ordering::Relaxed);
            }
        });
        tokio::spawn(async move {
            while let Ok((stream, _)) = here.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&serving)));
            }
        });
        Ok(Self { address, shared })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on every question is answered with this JSON.
    pub fn repent(&self, honest: &str) {
        *self.shared.manner() = vec![Manner::Honest(honest.to_owned())];
    }

    /// The questions so far, head and body.
    pub fn questions(&self) -> Vec<String> {
        self.shared.questions.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often somebody went where a redirect or a header pointed.
    pub fn followed(&self) -> usize {
        self.shared.followed.load(Ordering::Relaxed)
    }
}

impl Shared {
    fn manner(&self) -> std::sync::MutexGuard<'_, Vec<Manner>> {
        self.manner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What to do about the next question.
    fn steps(&self, question: &str) -> Vec<Step> {
        let mut manner = self.manner();
        let next = if manner.len() > 1 { manner.pop() } else { None };
        match next.as_ref().or(manner.last()) {
            Some(Manner::Attack(attack)) => {
                attack.steps.iter().map(|step| self.filled(step, question)).collect()
            }
            Some(Manner::Honest(body)) => {
                let lines = format!("{JSON}connection: close\r\n");
                vec![Step::Say(answer(200, &lines, body.as_bytes()))]
            }
            None => Vec::new(),
        }
    }

    fn filled(&self, step: &Step, question: &str) -> Step {
        let Step::Say(bytes) = step else { return step.clone() };
        // The rest is not looked at, and not all of it is text.
        let Some(text) = std::str::from_utf8(bytes).ok().filter(|text| text.contains('{')) else {
            return step.clone();
        };
        let text = text.replace(ELSEWHERE, &self.elsewhere.to_string());
        Step::Say(reflect(&text, question).into_bytes())
    }
}

/// The question in its place, and the length put right.
fn reflect(text: &str, question: &str) -> String {
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return text.replace(QUESTION, question) };
    let filled = body.replace(QUESTION, question);
    let length = |of: &str| format!("content-length: {}", of.len());
    let head = head.replace(&length(body), &length(&filled)).replace(QUESTION, question);
    format!("{head}\r\n\r\n{filled}")
}

/// One question for each connection.
async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    let Some(question) = read(&mut stream).await else { return };
    let steps = shared.steps(&in_a_string(&question));
    shared.questions.lock().unwrap_or_else(PoisonError::into_inner).push(question);
    for step in steps {
        if carry_out(&mut stream, step).await.is_err() {
            return;
        }
    }
    let _ = stream.shutdown().await;
}

async fn carry_out(stream: &mut TcpStream, step: Step) -> std::io::Result<()> {
    match step {
        Step::Say(bytes) => stream.write_all(&bytes).await,
        Step::Flood(bytes) => loop {
            stream.write_all(&bytes).await?;
        },
        Step::Drip(bytes) => loop {
            for byte in &bytes {
                stream.write_all(std::slice::from_ref(byte)).await?;
                tokio::time::sleep(PACE).await;
            }
        },
        Step::Wait => {
            let mut rest = [0; 64];
            while stream.read(&mut rest).await? > 0 {}
            Ok(())
        }
    }
}

/// A question, by its `content-length`.
async fn read(stream: &mut TcpStream) -> Option<String> {
    let (mut bytes, mut piece) = (Vec::new(), [0; 8192]);
    loop {
        if whole(&bytes) {
            return Some(String::from_utf8_lossy(&bytes).into_owned());
        }
        match stream.read(&mut piece).await {
            Ok(read) if read > 0 && bytes.len() < LONGEST => bytes.extend_from_slice(&piece[..read]),
            _ => return None,
        }
    }
}

fn whole(bytes: &[u8]) -> bool {
    let Some(head) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let length =
        text.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok());
    bytes.len() >= head + 4 + length.unwrap_or(0_usize)
}

/// The question as it may stand in a string of JSON and in a header: what matters in it first.
fn in_a_string(question: &str) -> String {
    let (head, body) = question.split_once("\r\n\r\n").unwrap_or((question, ""));
    let secret = ["authorization: ", "x-identity-header: ", "x-nuget-apikey: "];
    let lines = head.lines().filter(|line| {
        let line = line.to_ascii_lowercase();
        secret.iter().any(|name| line.starts_with(name))
    });
    let text = lines.chain([body]).collect::<Vec<_>>().join(" ");
    text.chars().filter(|c| !c.is_control() && !matches!(c, '"' | '\\')).take(2000).collect()
}
