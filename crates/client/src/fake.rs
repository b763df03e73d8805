//! An agent for the tests of this crate: a listener on a thread, and what it does to each connection.

use std::{
    io::Write as _,
    thread::{self, JoinHandle},
    time::Duration,
};

use interprocess::local_socket::{GenericFilePath, ListenerOptions, Stream, prelude::*};
use valetkey_paths::{Paths, trust};
use valetkey_protocol::{Hello, Welcome, read_frame, write_frame};

pub(crate) struct Folder {
    pub(crate) paths: Paths,
    pub(crate) root: tempfile::TempDir,
}

pub(crate) fn folder() -> Folder {
    let root = tempfile::tempdir().unwrap();
    let paths = Paths::under(root.path()).unwrap();
    trust::ensure_private_dir(&paths.runtime_dir).unwrap();
    Folder { paths, root }
}

/// Listens at once, and serves that many connections one after the other.
pub(crate) fn serve(paths: &Paths, times: usize, each: impl Fn(Stream) + Send + 'static) -> JoinHandle<()> {
    let name = paths.socket.as_path().to_fs_name::<GenericFilePath>().unwrap();
    let listener = ListenerOptions::new().name(name).create_sync().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().take(times) {
            let stream = stream.unwrap();
            // A test that fails must end.
            stream.set_recv_timeout(Some(Duration::from_secs(60))).unwrap();
            each(stream);
        }
    })
}

pub(crate) fn welcome(stream: &mut Stream) {
    let hello: Hello = read_frame(&mut *stream).unwrap();
    write_frame(stream, &Welcome::to(&hello, "instance-1")).unwrap();
}

/// Says something that is no frame of ours.
pub(crate) fn say(stream: &mut Stream, bytes: &[u8]) {
    stream.write_all(bytes).unwrap();
}
