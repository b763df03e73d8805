//! The terminal's second screen: what stood on it is gone when the first comes back, from the scrollback too.

#[cfg(unix)]
pub(super) use unix::Screen;

#[cfg(not(unix))]
pub(super) use other::Screen;

#[cfg(unix)]
mod unix {
    use std::{
        fs::{File, OpenOptions},
        io::{self, Read as _, Write as _},
    };

    use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
    use valetkey_protocol::{ExposeSecret as _, SecretString};
    use zeroize::Zeroizing;

    use crate::world::Shown;

    const TERMINAL: &str = "/dev/tty";
    /// xterm: the alternate screen, cleared; and back, cleared before.
    const ENTER: &str = "\x1b[?1049h\x1b[2J\x1b[H";
    const LEAVE: &str = "\x1b[2J\x1b[H\x1b[?1049l";

    /// A secret on the terminal.
    pub(in crate::real) struct Screen {
        terminal: File,
        before: Termios,
    }

    impl Screen {
        pub(in crate::real) fn is_there() -> bool {
            open().is_ok()
        }

        pub(in crate::real) fn show(heading: &str, secret: &SecretString) -> io::Result<Self> {
            let terminal = open()?;
            let before = tcgetattr(&terminal)?;
            // From here on the drop puts everything back.
            let mut screen = Self { terminal, before };
            let mut raw = screen.before.clone();
            raw.make_raw();
            tcsetattr(&screen.terminal, OptionalActions::Flush, &raw)?;
            let text = Zeroizing::new(format!(
                "{ENTER}{heading}\r\n\r\n{}\r\n\r\nPress any key when you have put it where it belongs. It is not shown again.",
                secret.expose_secret()
            ));
            screen.terminal.write_all(text.as_bytes())?;
            screen.terminal.flush()?;
            Ok(screen)
        }
    }

    impl Shown for Screen {
        fn until_a_key(mut self: Box<Self>) -> io::Result<()> {
            self.terminal.read(&mut [0]).map(drop)
        }
    }

    impl Drop for Screen {
        fn drop(&mut self) {
            let _ = self.terminal.write_all(LEAVE.as_bytes());
            let _ = tcsetattr(&self.terminal, OptionalActions::Flush, &self.before);
        }
    }

    fn open() -> io::Result<File> {
        OpenOptions::new().read(true).write(true).open(TERMINAL)
    }
}

#[cfg(not(unix))]
mod other {
    use std::io;

    use valetkey_protocol::SecretString;

    use crate::world::Shown;

    /// There is no such screen here.
    pub(in crate::real) struct Screen;

    impl Screen {
        pub(in crate::real) fn is_there() -> bool {
            false
        }

        pub(in crate::real) fn show(_: &str, _: &SecretString) -> io::Result<Self> {
            Err(io::ErrorKind::Unsupported.into())
        }
    }

    impl Shown for Screen {
        fn until_a_key(self: Box<Self>) -> io::Result<()> {
            Ok(())
        }
    }
}
