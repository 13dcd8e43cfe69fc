//! The seam to other instances: what is handed to them, and what comes from them. What they committed enters by
//! `Hub::receive`, what was lost on the way by `Hub::observe`, which compares heads; signals enter by
//! `Hub::receive_signal`, notes by `Hub::hear`. Does not know what carries it.

use super::{Frame, Published};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use taskwire_protocol::StreamId;

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

    /// Somebody here watches the stream from now on.
    fn join(&self, stream: StreamId);

    /// Nobody here watches the stream any more.
    fn leave(&self, stream: StreamId);
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
