//! Skeleton.
use super::{Alone, Bus, Frame, Log};
use std::sync::Arc;
use taskwire_protocol::{StreamId, UserId};

/// A committed entry on its way to the watchers of its stream.
#[derive(Clone, Debug)]
pub struct Published {
    /// The stream.
    pub stream: StreamId,
    /// Its place there.
    pub seq: u64,
    /// The encoded event frame.
    pub frame: Frame,
    /// This entry ends the access of that user: nothing with this seq or a later one reaches their sockets.
    pub removed: Option<UserId>,
}

/// How much memory rings may take.
#[derive(Clone, Copy, Debug)]
pub struct RingLimits {
    /// Bytes of one topic's ring.
    pub bytes_per_topic: usize,
    /// Bytes of all rings together; beyond it the least recently used ones give way.
    pub budget: usize,
}

impl Default for RingLimits {
    fn default() -> RingLimits {
        RingLimits { bytes_per_topic: 256 * 1024, budget: 64 * 1024 * 1024 }
    }
}

/// All topics.
pub struct Hub {
    _log: Arc<dyn Log>,
    _bus: Box<dyn Bus>,
}

impl Hub {
    /// A hub of a single instance.
    pub fn new(log: Arc<dyn Log>, limits: RingLimits) -> Arc<Hub> {
        Hub::with_bus(log, limits, Box::new(Alone))
    }

    /// A hub that hands what is committed here to other instances.
    pub fn with_bus(log: Arc<dyn Log>, _limits: RingLimits, bus: Box<dyn Bus>) -> Arc<Hub> {
        Arc::new(Hub { _log: log, _bus: bus })
    }

    /// A group was committed here. Never waits for any socket.
    pub fn publish(&self, group: Vec<Published>) {
        drop(group);
        unimplemented!()
    }

    /// The past of a stream was rewritten.
    pub fn forget(&self, _stream: StreamId) {
        unimplemented!()
    }

    /// Marks the watchers of moved topics, for ever. One task.
    pub async fn fan_out(self: Arc<Hub>) {
        unimplemented!()
    }
}
