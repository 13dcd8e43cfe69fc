//! What instances tell each other about presence: how it travels in notes. Does not know when or why.

use super::person::Told;
use crate::live::Note;
use serde::{Deserialize, Serialize};
use serde_json::value::to_raw_value;
use taskwire_protocol::InstanceId;

/// Which notes are about presence.
pub(super) const ABOUT: &str = "presence";
/// Entries of one note: some kilobytes at most.
const PART: usize = 16;

/// What an instance says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub(super) enum Words {
    /// Who is present, or left.
    Here { from: InstanceId, told: Vec<Told> },
    /// It is new, and asks who is present.
    Ask { from: InstanceId },
    /// It stops.
    Gone { from: InstanceId },
}

impl Words {
    /// As a note. These types always encode, so it is never `None`.
    pub(super) fn note(&self) -> Option<Note> {
        let words = to_raw_value(self).ok()?;
        Some(Note {
            about: ABOUT.to_owned(),
            words,
        })
    }

    /// Reads a note; `None` when it is about something else or cannot be read.
    pub(super) fn read(note: &Note) -> Option<Words> {
        if note.about != ABOUT {
            return None;
        }
        let read = serde_json::from_str(note.words.get());
        read.inspect_err(|error| {
            tracing::debug!(error.message = %error, "a note of another instance cannot be read");
        })
        .ok()
    }
}

/// Entries as notes of bounded size.
pub(super) fn notes(from: InstanceId, mut told: Vec<Told>) -> Vec<Note> {
    let mut notes = Vec::with_capacity(told.len().div_ceil(PART));
    while !told.is_empty() {
        let rest = told.split_off(told.len().min(PART));
        notes.extend(Words::Here { from, told }.note());
        told = rest;
    }
    notes
}
