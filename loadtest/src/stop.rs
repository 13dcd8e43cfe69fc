//! Ends a run on Ctrl-C or SIGTERM. A run that measures ends early, checks and reports. A run that still prepares ends
//! at once, without a report.

use crate::machine;
use crate::trouble::Trouble;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::Notify;

static ASKED: AtomicBool = AtomicBool::new(false);
static MEASURING: AtomicBool = AtomicBool::new(false);
static WAKE: Notify = Notify::const_new();

/// While this value exists, the run measures and has something to report.
pub(crate) struct Measuring(());

/// Notes that the run measures from now on.
pub(crate) fn measuring() -> Measuring {
    MEASURING.store(true, SeqCst);
    Measuring(())
}

impl Drop for Measuring {
    fn drop(&mut self) {
        MEASURING.store(false, SeqCst);
    }
}

/// Whether a person asked the run to end.
pub(crate) fn is_asked() -> bool {
    ASKED.load(SeqCst)
}

/// Sleeps, but wakes early when the run should end.
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

/// Waits until the run has to end without a report: a person asked once while there was nothing to report, or asked
/// twice.
async fn given_up() {
    loop {
        machine::interrupted().await;
        if is_asked() || !MEASURING.load(SeqCst) {
            return;
        }
        eprintln!("ending early: checking the part that was measured (Ctrl-C again ends without a report)");
        ASKED.store(true, SeqCst);
        WAKE.notify_waiters();
    }
}

/// Runs until `run` is done or has to end without a report. In both cases a server that it started ends too.
pub(crate) fn attend<T>(
    runtime: &Runtime,
    run: impl Future<Output = Result<T, Trouble>>,
) -> Result<T, Trouble> {
    runtime.block_on(async {
        tokio::select! {
            done = run => done,
            () = given_up() => Err(Trouble::Interrupted),
        }
    })
}
