//! The log: to standard error in the foreground, to a file of bounded size in the background.

use std::{path::Path, sync::Mutex};

use tracing_subscriber::{
    Layer as _,
    filter::{LevelFilter, Targets},
    fmt::{MakeWriter, layer},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::rotating::Rotating;

/// Size at which the file turns over, in bytes.
const CAP: u64 = 1 << 20;

/// Where the log goes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Destination<'a> {
    StandardError,
    File(&'a Path),
}

/// Begins logging at a level named as in `VALETKEY_LOG`; `info` where it is none or unknown.
pub(crate) fn begin(to: Destination<'_>, level: Option<&str>) {
    let known = level.map(str::parse::<LevelFilter>);
    let filter = match known {
        Some(Ok(level)) => level,
        _ => LevelFilter::INFO,
    };
    match to {
        Destination::StandardError => install(std::io::stderr, filter),
        Destination::File(path) => install(Mutex::new(Rotating::new(path.to_owned(), CAP)), filter),
    }
    if let Some(Err(_)) = known {
        tracing::warn!("`VALETKEY_LOG` is none of `error`, `warn`, `info`, `debug`, `trace`, `off`");
    }
}

/// Only our own crates speak: at `trace`, libraries for HTTP write headers down.
fn install<W: for<'w> MakeWriter<'w> + Send + Sync + 'static>(to: W, level: LevelFilter) {
    let ours = Targets::new().with_target("valetkey", level);
    let lines = layer().with_writer(to).with_ansi(false).with_filter(ours);
    let _ = tracing_subscriber::registry().with(lines).try_init();
}
