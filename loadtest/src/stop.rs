//! Whether somebody wants the run to end. What measures then ends early, checks and reports; what only prepares is
//! given up.

use crate::machine;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;
use tokio::sync::Notify;

static ASKED: AtomicBool = AtomicBool::new(false);
static MEASURING: AtomicBool = AtomicBool::new(false);
static WAKE: Notify = Notify::const_new();

/// While it lives there is something to report.
pub(crate) struct Measuring(());

/// From now on there is something to report.
pub(crate) fn measuring() -> Measuring {
    MEASURING.store(true, SeqCst);
    Measuring(())
}

impl Drop for Measuring {
    fn drop(&mut self) {
        MEASURING.store(false, SeqCst);
    }
}

/// Whether the run is to end.
pub(crate) fn is_asked() -> bool {
    ASKED.load(SeqCst)
}

/// Sleeps; less when the run is to end.
pub(crate) async fn sleep(time: Duration) {
    tokio::select! {
        () = tokio::time::sleep(time) => {}
        () = asked() => {}
    }
}

async fn asked() {
    loop {
        let wake = WAKE.notified();
        if is_asked() {
            return;
        }
        wake.await;
    }
}

/// Waits until the run has to be given up: somebody wants it to end and there is nothing to report, or wants it twice.
pub(crate) async fn given_up() {
    loop {
        machine::interrupted().await;
        if is_asked() || !MEASURING.load(SeqCst) {
            return;
        }
        eprintln!("ending early: checking what was measured (Ctrl-C again gives up)");
        ASKED.store(true, SeqCst);
        WAKE.notify_waiters();
    }
}
