//! The seam to other instances. Their commits enter by `Hub::receive`, their signals by `Hub::receive_signal`, their notes
//! by `Hub::hear`; commits that were lost on the way are found by comparing heads (`heads`). The seam does not know its
//! carrier; below it is Redis.
//!
//! - `redis`       the carrier: its address, and what the hub hands to it
//! - `message`     what travels, in bytes
//! - `outbox`      what waits to be published, bounded
//! - `publisher`   the connection that publishes
//! - `subscriber`  the connection that listens, and which streams are listened to
//! - `pulse`       whether what is published comes back
//! - `backoff`     when a lost connection is tried again

mod backoff;
mod message;
mod outbox;
mod publisher;
mod pulse;
mod redis;
mod subscriber;

use super::{Frame, Published};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::time::Duration;
use taskwire_protocol::StreamId;

pub use redis::{BadAddress, Redis, RedisOptions};

/// The state of the connection to the other instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BusHealth {
    /// There are no other instances.
    Off,
    /// What is published comes back, after this long.
    Up(Duration),
    /// It does not come back, or too late; commits of others are found in the log.
    Down,
}

/// What one instance tells all others, such as who is present there. It may get lost.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Note {
    /// The part of the server that it is for.
    pub about: String,
    /// Its content.
    pub words: Box<RawValue>,
}

/// Carries committed groups, signals and notes to the other instances.
///
/// It may lose, repeat and reorder: a receiver applies the next seq, ignores older ones, and reads the log for a gap.
/// No method waits or fails: all are called on paths that must not wait.
pub trait Bus: Send + Sync + 'static {
    /// Hands a committed group on. Called on a writer's lane.
    fn carry(&self, group: &[Published]);

    /// Hands an encoded signal frame to the watchers of a stream on other instances.
    fn signal(&self, stream: StreamId, frame: &Frame);

    /// Hands a note to all other instances.
    fn tell(&self, note: &Note);

    /// The log was rewritten up to `last`: frames that others hold of it are to be dropped.
    fn forget(&self, _stream: StreamId, _last: u64) {}

    /// The stream is watched here from now on.
    fn join(&self, stream: StreamId);

    /// The stream is no longer watched here.
    fn leave(&self, stream: StreamId);

    /// The state of the connection to the others.
    fn health(&self) -> BusHealth {
        BusHealth::Off
    }

    /// Whether no other instance fell silent lately.
    fn hears_all(&self) -> bool {
        true
    }

    /// Whether something waits to be handed on.
    fn is_busy(&self) -> bool {
        false
    }
}

/// There are no other instances.
pub struct Alone;

impl Bus for Alone {
    fn carry(&self, _: &[Published]) {}
    fn signal(&self, _: StreamId, _: &Frame) {}
    fn tell(&self, _: &Note) {}
    fn join(&self, _: StreamId) {}
    fn leave(&self, _: StreamId) {}
}
