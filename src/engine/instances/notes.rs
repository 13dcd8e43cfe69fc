//! The notes about administration that instances send each other. A note may be lost, or arrive twice.

use super::sockets::Socket;
use crate::engine::Engine;
use crate::live::Note;
use crate::ops::node::SocketId;
use crate::store::instances::KickRecord;
use serde::{Deserialize, Serialize};
use serde_json::value::to_raw_value;
use taskwire_protocol::admin::InstanceName;
use taskwire_protocol::{InstanceId, SessionId, UserId};
use uuid::Uuid;

/// The label of notes about administration.
const ABOUT: &str = "admin";

/// The content of a note.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Words {
    /// Close these sockets.
    Kick(Kick),
    /// Ask for the sockets of every other instance.
    Ask(Question),
    /// A part of an answer: these sockets.
    Answer(SocketList),
}

/// An order to close the sockets of a user or of a session. The table `kicks` has it too.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct Kick {
    /// The same as that of the row.
    id: Uuid,
    user: Option<UserId>,
    session: Option<SessionId>,
}

impl From<KickRecord> for Kick {
    fn from(KickRecord { id, user, session }: KickRecord) -> Kick {
        Kick { id, user, session }
    }
}

impl From<Kick> for KickRecord {
    fn from(Kick { id, user, session }: Kick) -> KickRecord {
        KickRecord { id, user, session }
    }
}

/// A question for the sockets of the other instances.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct Question {
    pub(super) id: Uuid,
    pub(super) from: InstanceId,
    pub(super) user: Option<UserId>,
    pub(super) after: Option<SocketId>,
    pub(super) limit: usize,
}

/// A part of an instance's answer.
#[derive(Serialize, Deserialize)]
pub(super) struct SocketList {
    pub(super) to: Uuid,
    pub(super) from: InstanceName,
    /// The number of this part, from 0; `parts` is how many there are.
    pub(super) part: usize,
    pub(super) parts: usize,
    pub(super) total: u64,
    pub(super) sockets: Vec<Socket>,
}

impl Engine {
    /// Sends a note to the other instances.
    pub(super) fn note(&self, words: &Words) {
        if let Ok(words) = to_raw_value(words) {
            self.0.hub.tell(&Note {
                about: ABOUT.to_owned(),
                words,
            });
        }
    }
}

/// The content of a note about administration; `None` for other notes, and for content that this version does not know.
pub(super) fn read(note: &Note) -> Option<Words> {
    if note.about != ABOUT {
        return None;
    }
    serde_json::from_str(note.words.get()).ok()
}
