//! The seam to other instances: what is handed to them, and what comes from them. What they committed enters by
//! `Hub::receive`, what was lost on the way is found by comparing heads (`heads`); signals enter by
//! `Hub::receive_signal`, notes by `Hub::hear`. The seam does not know what carries it; below it Redis does.
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

/// How the way to the other instances is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BusHealth {
    /// There is none.
    Off,
    /// What is said is heard again, after this long.
    Up(Duration),
    /// It is not, or too late; what others commit is found in the log.
    Down,
}

/// Words that one instance says to all others, such as who is present there. Nobody may rely on their arrival.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Note {
    /// Which part of the server it is for.
    pub about: String,
    /// What that part has to say.
    pub words: Box<RawValue>,
}

/// Carries committed groups, signals and notes to the other instances.
///
/// It may lose, repeat and reorder: a receiver applies the next seq, ignores older ones, and reads the log for a gap.
/// Every method is called on paths that must not wait: none waits or fails.
pub trait Bus: Send + Sync + 'static {
    /// Hands a committed group on. Called on a writer's lane.
    fn carry(&self, group: &[Published]);

    /// Hands an encoded signal frame to the watchers of a stream on other instances.
    fn signal(&self, stream: StreamId, frame: &Frame);

    /// Hands a note to all other instances.
    fn tell(&self, note: &Note);

    /// The log was rewritten up to `last`: frames that others hold of it are to be dropped.
    fn forget(&self, _stream: StreamId, _last: u64) {}

    /// Somebody here watches the stream from now on.
    fn join(&self, stream: StreamId);

    /// Nobody here watches the stream any more.
    fn leave(&self, stream: StreamId);

    /// How the way to the others is.
    fn health(&self) -> BusHealth {
        BusHealth::Off
    }

    /// Whether every other instance that was heard a moment ago is still heard.
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
