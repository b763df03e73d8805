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
        sync::{Arc, Mutex, PoisonError},
        thread::{self, JoinHandle},
    };

    use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
    use signal_hook::{
        iterator::{Handle, Signals},
        low_level,
    };
    use valetkey_protocol::{ExposeSecret as _, SecretString};
    use zeroize::Zeroizing;

    use crate::{real::ending, world::Shown};

    const TERMINAL: &str = "/dev/tty";
    /// xterm: the alternate screen, cleared; and back, cleared before.
    const ENTER: &str = "\x1b[?1049h\x1b[2J\x1b[H";
    const LEAVE: &str = "\x1b[2J\x1b[H\x1b[?1049l";

    /// A secret on the terminal. A signal that ends this program takes it away first.
    pub(in crate::real) struct Screen {
        terminal: Arc<Terminal>,
        listener: Handle,
        listening: Option<JoinHandle<()>>,
    }

    impl Screen {
        pub(in crate::real) fn is_there() -> bool {
            open().is_ok()
        }

        pub(in crate::real) fn show(heading: &str, secret: &SecretString) -> io::Result<Self> {
            let file = open()?;
            let before = tcgetattr(&file)?;
            let mut raw = before.clone();
            raw.make_raw();
            // From here on the drop puts everything back, and so does the listener.
            let screen = Self::over(Terminal { file, before: Mutex::new(Some(before)) })?;
            let mut file = &screen.terminal.file;
            tcsetattr(file, OptionalActions::Flush, &raw)?;
            let text = Zeroizing::new(format!(
                "{ENTER}{heading}\r\n\r\n{}\r\n\r\nPress any key when you have put it where it belongs. It is not shown again.",
                secret.expose_secret()
            ));
            file.write_all(text.as_bytes())?;
            file.flush()?;
            Ok(screen)
        }

        fn over(terminal: Terminal) -> io::Result<Self> {
            let mut signals = Signals::new(ending::heard())?;
            let terminal = Arc::new(terminal);
            let (listener, left) = (signals.handle(), Arc::clone(&terminal));
            let listening = thread::Builder::new().spawn(move || {
                if let Some(signal) = signals.forever().next() {
                    left.leave();
                    let _ = low_level::emulate_default_handler(signal);
                }
            })?;
            Ok(Self { terminal, listener, listening: Some(listening) })
        }
    }

    impl Shown for Screen {
        fn until_a_key(self: Box<Self>) -> io::Result<()> {
            (&self.terminal.file).read(&mut [0]).map(drop)
        }
    }

    impl Drop for Screen {
        fn drop(&mut self) {
            self.terminal.leave();
            self.listener.close();
            self.listening.take().map(JoinHandle::join);
        }
    }

    struct Terminal {
        file: File,
        /// Its settings, until they are put back.
        before: Mutex<Option<Termios>>,
    }

    impl Terminal {
        fn leave(&self) {
            let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(before) = before.take() {
                let _ = (&self.file).write_all(LEAVE.as_bytes());
                let _ = tcsetattr(&self.file, OptionalActions::Flush, &before);
            }
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
