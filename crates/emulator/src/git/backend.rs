//! One run of `git http-backend` (CGI, RFC 3875), streamed both ways.

use std::{path::Path, process::Stdio};

use anyhow::{Context, Result, bail};
use bytes::{Bytes, BytesMut};
use http::HeaderName;
use http_body_util::{BodyExt, channel::Channel};
use hyper::body::Incoming;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{ChildStdin, ChildStdout, Command},
};

use super::{GitRequest, Repositories};
use crate::{
    answer::{Answer, AnswerBody},
    call::Call,
};

const CHUNK: usize = 64 * 1024;

/// Where the request's body comes from.
pub(super) enum Input {
    Whole(Bytes),
    /// A head that was read already, and what is still on the wire.
    Rest {
        head: Bytes,
        body: Incoming,
    },
}

pub(super) async fn run(
    repositories: &Repositories,
    directory: &Path,
    call: &Call,
    request: &GitRequest,
    input: Input,
) -> Result<Answer> {
    let mut child = command(repositories, directory, call, request)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("git http-backend")?;
    let stdin = child.stdin.take().context("git http-backend has no stdin")?;
    let mut stdout = child.stdout.take().context("git http-backend has no stdout")?;
    // A backend that stops reading early is its own affair: its answer says why.
    tokio::spawn(async move { feed(stdin, input).await.ok() });
    let (mut answer, rest) = head(&mut stdout).await?;
    let (mut sender, channel) = Channel::new(4);
    answer.body = AnswerBody::Stream(channel);
    tokio::spawn(async move {
        if !rest.is_empty() && sender.send_data(rest).await.is_err() {
            return;
        }
        loop {
            let mut chunk = BytesMut::with_capacity(CHUNK);
            match stdout.read_buf(&mut chunk).await {
                Ok(0) => break,
                Ok(_) if sender.send_data(chunk.freeze()).await.is_ok() => {}
                Ok(_) => return,
                Err(error) => return sender.abort(error),
            }
        }
        // Waiting here keeps the child alive to its end; dropping it would kill it.
        if child.wait().await.is_err() {
            sender.abort(std::io::Error::other("git http-backend was lost"));
        }
    });
    Ok(answer)
}

fn command(repositories: &Repositories, directory: &Path, call: &Call, request: &GitRequest) -> Command {
    let mut command = repositories.program("git-http-backend");
    let path = format!("/{}/{}", directory.display(), request.tail());
    command
        .env("GIT_PROJECT_ROOT", repositories.root())
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", path)
        .env("REQUEST_METHOD", call.method.as_str())
        .env("QUERY_STRING", &call.raw_query)
        .env("REMOTE_USER", "emulator")
        .env("REMOTE_ADDR", "127.0.0.1");
    for (variable, header) in [
        ("CONTENT_TYPE", "content-type"),
        ("CONTENT_LENGTH", "content-length"),
        ("HTTP_CONTENT_ENCODING", "content-encoding"),
        ("GIT_PROTOCOL", "git-protocol"),
    ] {
        if let Some(value) = call.header(header) {
            command.env(variable, value);
        }
    }
    command
}

async fn feed(mut stdin: ChildStdin, input: Input) -> Result<()> {
    match input {
        Input::Whole(bytes) => stdin.write_all(&bytes).await?,
        Input::Rest { head, mut body } => {
            stdin.write_all(&head).await?;
            while let Some(frame) = body.frame().await {
                if let Ok(data) = frame?.into_data() {
                    stdin.write_all(&data).await?;
                }
            }
        }
    }
    stdin.shutdown().await?;
    Ok(())
}

/// Reads the CGI header block; gives the answer so far and what was read beyond it.
async fn head(stdout: &mut ChildStdout) -> Result<(Answer, Bytes)> {
    let mut buffer = BytesMut::new();
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if buffer.len() > CHUNK || stdout.read_buf(&mut buffer).await? == 0 {
            bail!("git http-backend gave no header block");
        }
    };
    let block = buffer.split_to(end + 4);
    let mut answer = Answer::empty(200);
    for line in String::from_utf8_lossy(&block).lines().filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').context("a CGI header without a colon")?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("status") {
            answer.status = value.split(' ').next().unwrap_or_default().parse()?;
        } else {
            answer.headers.append(HeaderName::from_bytes(name.as_bytes())?, value.parse()?);
        }
    }
    Ok((answer, buffer.freeze()))
}
