//! The wish to end, which must not leave an agent and a folder behind.

use std::{sync::mpsc, thread};

use anyhow::Result;
use tokio::{
    runtime::Builder,
    select,
    signal::unix::{SignalKind, signal},
};

/// From now on Ctrl-C, a request to end and a closed terminal no longer kill this process. The programs it started
/// are killed by them as ever, so that the step in progress fails and what was begun is taken down.
pub(crate) fn listen(wish: mpsc::Sender<()>) -> Result<()> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let (mut interrupt, mut terminate, mut hang_up) = {
        let _entered = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?)
    };
    thread::spawn(move || {
        runtime.block_on(async {
            loop {
                select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    _ = hang_up.recv() => {}
                }
                if wish.send(()).is_err() {
                    return;
                }
            }
        });
    });
    Ok(())
}
