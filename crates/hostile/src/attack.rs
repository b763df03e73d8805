//! One way to answer badly.

/// Stands for the address that nobody should ask.
pub(crate) const ELSEWHERE: &str = "{elsewhere}";
/// Stands for the head and the body of the question, as much of it as fits into a string of JSON.
pub(crate) const QUESTION: &str = "{question}";

/// What the answer is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Harm {
    /// It is none: whoever takes it for one is wrong.
    None,
    /// It is an honest one in odd clothes: it may be taken, or not.
    Odd,
}

/// One way to answer badly.
#[derive(Debug, Clone)]
pub struct Attack {
    /// What it is, for the message of a test.
    pub name: String,
    /// What the answer is worth.
    pub harm: Harm,
    pub(crate) steps: Vec<Step>,
}

/// What the server does, one after the other; then it closes the connection.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Sends this.
    Say(Vec<u8>),
    /// Sends this over and over.
    Flood(Vec<u8>),
    /// Sends this over and over, a byte at a time.
    Drip(Vec<u8>),
    /// Says nothing more, and keeps the connection.
    Wait,
}

impl Attack {
    pub(crate) fn new(name: impl Into<String>, harm: Harm, steps: Vec<Step>) -> Self {
        Self { name: name.into(), harm, steps }
    }

    /// One that sends these bytes and closes.
    pub(crate) fn saying(name: impl Into<String>, harm: Harm, bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(name, harm, vec![Step::Say(bytes.into())])
    }

    /// One that answers with this status, these further lines of the head, and this body.
    pub(crate) fn answering(
        name: impl Into<String>,
        harm: Harm,
        status: u16,
        lines: &str,
        body: impl AsRef<[u8]>,
    ) -> Self {
        Self::saying(name, harm, answer(status, lines, body.as_ref()))
    }
}

/// A whole answer. Each of the further lines ends with CR LF.
pub(crate) fn answer(status: u16, lines: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status} x\r\n{lines}content-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// The line of an honest content type.
pub(crate) const JSON: &str = "content-type: application/json; charset=utf-8\r\n";
/// The line of a web page's.
pub(crate) const HTML: &str = "content-type: text/html; charset=utf-8\r\n";
