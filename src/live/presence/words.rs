//! The format of the notes in which instances tell each other about presence. Does not know when they are sent.

use super::person::Told;
use crate::live::Note;
use serde::{Deserialize, Serialize};
use serde_json::value::to_raw_value;
use taskwire_protocol::{InstanceId, TaskId, WorkspaceId};

/// The value of `about` in notes about presence.
pub(super) const ABOUT: &str = "presence";
/// The most entries of one note, which keeps it to some kilobytes.
const PART: usize = 16;

/// The content of a note.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub(super) enum Words {
    /// Users who are present on the sender, or left it.
    Here { from: InstanceId, told: Vec<Told> },
    /// The sender is new, and asks who is present.
    Ask { from: InstanceId },
    /// The sender stops.
    Gone { from: InstanceId },
    /// A task was deleted for good: nobody looks at it any more.
    Purged {
        from: InstanceId,
        workspace: WorkspaceId,
        task: TaskId,
    },
}

impl Words {
    /// Encodes it as a note. These types always encode, so it is never `None`.
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

/// Splits entries into notes of bounded size.
pub(super) fn notes(from: InstanceId, mut told: Vec<Told>) -> Vec<Note> {
    let mut notes = Vec::with_capacity(told.len().div_ceil(PART));
    while !told.is_empty() {
        let rest = told.split_off(told.len().min(PART));
        notes.extend(Words::Here { from, told }.note());
        told = rest;
    }
    notes
}
