//! State that the handle, the events and the connection share: the connection's phase, its counters, and whether a
//! holder of the client is left.

use crate::error::Stopped;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};
use taskwire_protocol::frames::Welcome;
use tokio::sync::watch;

/// The connection's phase.
#[derive(Clone, Debug)]
pub(crate) enum Phase {
    Connecting,
    Connected(Arc<Welcome>),
    Stopped(Stopped),
}

/// The counters behind [`Stats`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) connections: AtomicU64,
    pub(crate) resent: AtomicU64,
    pub(crate) duplicates: AtomicU64,
    pub(crate) gaps: AtomicU64,
}

impl Counters {
    pub(crate) fn stats(&self) -> Stats {
        Stats {
            connections: self.connections.load(Relaxed),
            resent: self.resent.load(Relaxed),
            duplicates: self.duplicates.load(Relaxed),
            gaps: self.gaps.load(Relaxed),
        }
    }
}

/// Counts of one client, over all its connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Connections that the server welcomed.
    pub connections: u64,
    /// Requests that were sent again on a later connection.
    pub resent: u64,
    /// Events that arrived twice; the second one was dropped.
    pub duplicates: u64,
    /// Connections that the client ended because an event was missing.
    pub gaps: u64,
}

/// Keeps the connection alive: the connection ends when the last holder is dropped, or when one of them calls `cut`.
pub(crate) struct Lifeline(watch::Sender<bool>);

impl Lifeline {
    /// The line, and the end that the connection watches.
    pub(crate) fn new() -> (Lifeline, watch::Receiver<bool>) {
        let (line, closing) = watch::channel(false);
        (Lifeline(line), closing)
    }

    pub(crate) fn cut(&self) {
        self.0.send_replace(true);
    }
}

/// Waits until the line is cut or its last holder is gone.
pub(crate) async fn closed(closing: &mut watch::Receiver<bool>) {
    // An error means that every holder is gone.
    let _ = closing.wait_for(|closing| *closing).await;
}
