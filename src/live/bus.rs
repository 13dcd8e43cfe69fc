//! The interface to other instances. Their commits enter by `Hub::receive`, their signals by `Hub::receive_signal`,
//! their notes by `Hub::hear`. `heads` finds commits whose messages were lost. The trait `Bus` does not know how
//! messages travel; Redis implements it.

use super::Frame;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::time::Duration;
use taskwire_protocol::{StreamId, UserId};

/// A committed entry on its way to the watchers of its stream.
#[derive(Clone, Debug)]
pub struct Published {
    pub stream: StreamId,
    /// The entry's seq in this stream.
    pub seq: u64,
    /// The encoded event frame.
    pub frame: Frame,
    /// The user whose access this entry ends: their readers get neither this entry nor a later one.
    pub removed: Option<UserId>,
}

/// The state of the connection to the other instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BusHealth {
    /// There are no other instances.
    Off,
    /// Published messages arrive. A probe took this long to come back.
    Up(Duration),
    /// Probes do not come back, or too late. Commits of other instances are read from the log.
    Down,
}

/// A message from one instance to all others, such as who is present there. It may get lost.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Note {
    /// The name of the part of the server that reads it.
    pub about: String,
    /// Its content, in that part's format.
    pub words: Box<RawValue>,
}

/// Carries committed groups, signals and notes to the other instances.
///
/// It may lose, repeat and reorder messages: a receiver applies the next seq, ignores older ones, and reads the log
/// when one is missing. No method waits or fails: all are called on paths that must not wait.
pub trait Bus: Send + Sync + 'static {
    /// Sends a committed group to other instances. Called on a writer's lane.
    fn carry(&self, group: &[Published]);

    /// Sends an encoded signal frame to the watchers of a stream on other instances.
    fn signal(&self, stream: StreamId, frame: &Frame);

    /// Sends a note to all other instances.
    fn tell(&self, note: &Note);

    /// The log was rewritten up to `last`: other instances must drop the frames that they hold of it.
    fn forget(&self, _stream: StreamId, _last: u64) {}

    /// The stream is watched here from now on.
    fn join(&self, stream: StreamId);

    /// The stream is no longer watched here.
    fn leave(&self, stream: StreamId);

    /// The state of the connection to the others.
    fn health(&self) -> BusHealth {
        BusHealth::Off
    }

    /// Whether all instances that were heard recently are still heard.
    fn hears_all(&self) -> bool {
        true
    }

    /// Whether something waits to be sent.
    fn is_busy(&self) -> bool {
        false
    }
}

/// The bus of a single instance: there are no others.
pub struct Alone;

impl Bus for Alone {
    fn carry(&self, _: &[Published]) {}
    fn signal(&self, _: StreamId, _: &Frame) {}
    fn tell(&self, _: &Note) {}
    fn join(&self, _: StreamId) {}
    fn leave(&self, _: StreamId) {}
}
