//! The table of signals: messages that no log stores. Does not know when the server sends them.

use crate::{frames, presence, stats, stream};
use schemars::{Schema, SchemaGenerator};

/// A row of the table, for programs.
pub struct SignalEntry {
    /// The wire name.
    pub name: &'static str,
    /// When it is sent, in a sentence.
    pub doc: &'static str,
    /// The schema of its payload.
    pub payload: fn(&mut SchemaGenerator) -> Schema,
}

macro_rules! signals {
    ($( #[doc = $doc:literal] $constant:ident $name:literal: $payload:ty; )*) => {
        $( #[doc = $doc] pub const $constant: &str = $name; )*

        /// Every signal.
        pub const SIGNALS: &[SignalEntry] = &[ $( SignalEntry {
            name: $name,
            doc: $doc.trim_ascii(),
            payload: |generator| generator.subschema_for::<$payload>(),
        }, )* ];
    };
}

signals! {
    /// The access token expires within 60 seconds, and half of its life is over: send `auth.renew`.
    SESSION_EXPIRING "session.expiring": frames::SessionExpiring;
    /// The server is about to close the socket with 1012: reconnect after the delay.
    SERVER_GOODBYE "server.goodbye": frames::Goodbye;
    /// A user's presence in a workspace changed. Sent to all sockets that follow its stream, the user's own too.
    PRESENCE_CHANGED "presence.changed": presence::PresenceChanged;
    /// The user joined a workspace that the socket does not follow: it follows as many streams as it may.
    NOT_FOLLOWED "stream.not_followed": stream::NotFollowed;
    /// A user is typing on a task. Sent to all sockets that follow the workspace's stream, the user's own too.
    TYPING "typing": presence::Typing;
    /// What `stats.get` counts changed. Sent to all sockets that follow the workspace's stream, at most once a second.
    STATS_CHANGED "stats.changed": stats::StatsChanged;
}
