//! The person at the terminal, if there is one.

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{self, Write as _},
    process::{Command, Stdio},
};

use valetkey_paths::env;

/// Somebody who reads and clicks.
pub trait Person: fmt::Debug + Send {
    /// Shows lines at once. NuGet's own way shows them when the restore has ended.
    fn show(&mut self, lines: &[&str]);

    /// Whether there is a screen that a browser would open on.
    fn has_screen(&self) -> bool;

    /// Opens an address in the browser, and says whether that worked.
    fn open_browser(&mut self, url: &str) -> bool;
}

/// The terminal this program was started from.
#[derive(Debug)]
pub struct Terminal;

impl Person for Terminal {
    fn show(&mut self, lines: &[&str]) {
        let text = text(lines);
        // A line that nobody can be shown is lost; the restore must go on.
        let _ = match terminal() {
            Ok(mut terminal) => terminal.write_all(text.as_bytes()),
            Err(_) => io::stderr().lock().write_all(text.as_bytes()),
        };
    }

    fn has_screen(&self) -> bool {
        env::SSH_CONNECTION.get().is_none()
            && (cfg!(any(windows, target_os = "macos"))
                || env::DISPLAY.get().is_some()
                || env::WAYLAND_DISPLAY.get().is_some())
    }

    fn open_browser(&mut self, url: &str) -> bool {
        // Standard output belongs to NuGet.
        let started =
            opener().arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        started.is_ok()
    }
}

fn text(lines: &[&str]) -> String {
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        let before = if number == 0 { "valetkey: " } else { "  " };
        text.push_str(format!("{before}{line}").trim_end());
        text.push('\n');
    }
    text
}

/// The terminal itself, wherever the standard streams lead.
fn terminal() -> io::Result<File> {
    OpenOptions::new().write(true).open(if cfg!(windows) { "CONOUT$" } else { "/dev/tty" })
}

/// The program that opens an address in whatever browser the person has chosen.
fn opener() -> Command {
    if cfg!(windows) {
        let mut command = Command::new("rundll32.exe");
        command.arg("url.dll,FileProtocolHandler");
        command
    } else if cfg!(target_os = "macos") {
        Command::new("open")
    } else {
        Command::new("xdg-open")
    }
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn the_first_line_says_who_speaks() {
        assert_eq!(
            text(&["open this", "https://login.example", ""]),
            "valetkey: open this\n  https://login.example\n\n"
        );
    }
}
