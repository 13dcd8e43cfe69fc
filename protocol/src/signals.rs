//! The table of signals: what a socket is told now and what no log keeps. Knows neither who sends them nor when.

use crate::{frames, presence};
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
    /// The access token ends in 60 seconds: send `auth.renew`.
    SESSION_EXPIRING "session.expiring": frames::SessionExpiring;
    /// The server is about to close the socket with 1012: come back after the delay.
    SERVER_GOODBYE "server.goodbye": frames::Goodbye;
    /// Somebody's presence in a workspace changed; sent to those who follow its stream, their own sockets too.
    PRESENCE_CHANGED "presence.changed": presence::PresenceChanged;
    /// Somebody is typing on a task; sent to those who follow its workspace's stream, their own sockets too.
    TYPING "typing": presence::Typing;
}
