//! The least that NuGet takes for a credential plugin (Microsoft: "NuGet cross platform plugins"): every question has
//! a fixed answer. The benchmarks measure the real one against it; it shares no code with it and is never shipped.

use std::io::{self, BufRead as _, Write as _};

/// What it answers when it is asked for a key.
const KEY: &str = "BENCH_PLUGIN_KEY";

fn main() -> io::Result<()> {
    #[expect(clippy::disallowed_methods, reason = "a variable of the benchmarks, not of the product")]
    let key = std::env::var(KEY).unwrap_or_else(|_| "no-key".to_owned());
    let mut to = io::stdout().lock();
    to.write_all(
        b"{\"RequestId\":\"h\",\"Type\":\"Request\",\"Method\":\"Handshake\",\"Payload\":\
          {\"ProtocolVersion\":\"2.0.0\",\"MinimumProtocolVersion\":\"2.0.0\"}}\n",
    )?;
    for line in io::stdin().lock().lines() {
        let line = line?;
        let field = |name| text(&line, name).unwrap_or_default();
        if field("Type") != "Request" {
            continue;
        }
        let method = field("Method");
        let payload = match method {
            "Close" => break,
            "Handshake" => r#"{"ResponseCode":"Success","ProtocolVersion":"2.0.0"}"#,
            "GetOperationClaims" if line.contains("PackageSourceRepository") => r#"{"Claims":[]}"#,
            "GetOperationClaims" => r#"{"Claims":["Authentication"]}"#,
            "GetAuthenticationCredentials" => &format!(
                r#"{{"Username":"u","Password":"{key}","AuthenticationTypes":["Basic"],"ResponseCode":"Success"}}"#
            ),
            _ => r#"{"ResponseCode":"Success"}"#,
        };
        let id = field("RequestId");
        let answer = format!(
            "{{\"RequestId\":\"{id}\",\"Type\":\"Response\",\"Method\":\"{method}\",\"Payload\":{payload}}}\n"
        );
        to.write_all(answer.as_bytes())?;
        to.flush()?;
    }
    Ok(())
}

/// A member of the envelope. NuGet writes it compactly, and before the payload.
fn text<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(&format!("\"{name}\":\""))?;
    rest.split_once('"').map(|(value, _)| value)
}
