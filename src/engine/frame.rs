//! The bytes of a change that clients receive: event frames and replies, each encoded once. A frame's keys have a fixed
//! order, so that `live::control` finds the event's name without parsing the frame.

use crate::ops::world::Entry;
use serde_json::value::to_raw_value;
use std::collections::BTreeMap;
use std::fmt::Write;
use taskwire_protocol::events::Forgotten;
use taskwire_protocol::frames::{EventFrame, ServerFrame};
use taskwire_protocol::{StreamId, Timestamp};
use uuid::Uuid;

/// Encodes an event frame.
pub fn event(entry: &Entry, seq: i64, at: Timestamp, unread: i64) -> String {
    let mut out = String::with_capacity(336 + entry.data.size());
    let _ = write!(
        out,
        "{{\"type\":\"event\",\"stream\":\"{}\",\"seq\":{seq},\"event\":\"{}\"",
        entry.stream, entry.event
    );
    let _ = write!(out, ",\"at\":\"{at}\",\"actor\":");
    out.push_str(&entry.actor);
    if let Some(op_id) = entry.op_id {
        let _ = write!(out, ",\"op_id\":\"{op_id}\"");
    }
    out.push_str(",\"data\":");
    match entry.unread {
        Some(_) => entry.data.write_with(&mut out, "unread", unread),
        None => entry.data.write(&mut out),
    }
    out.push('}');
    out
}

/// A logged frame without its content: only the id of its entity is left.
pub(super) fn forgotten(frame: EventFrame, id: Uuid) -> serde_json::Result<String> {
    let data = to_raw_value(&Forgotten { id, purged: true })?;
    serde_json::to_string(&ServerFrame::Event(EventFrame { data, ..frame }))
}

/// The members of an `ok` frame that follow its id.
pub(super) fn reply(at: &BTreeMap<StreamId, i64>, data: &str) -> String {
    let mut out = String::with_capacity(80 + data.len());
    out.push_str("\"at\":{");
    for (i, (stream, seq)) in at.iter().enumerate() {
        let comma = if i == 0 { "" } else { "," };
        let _ = write!(out, "{comma}\"{stream}\":{seq}");
    }
    let _ = write!(out, "}},\"data\":{data}");
    out
}
