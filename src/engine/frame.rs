//! The bytes that clients see of a change: event frames and replies, each encoded once. A frame's keys have one order,
//! by which its stream, seq and name are found without reading it (`live::control`).

use crate::ops::world::Entry;
use std::collections::BTreeMap;
use std::fmt::Write;
use taskwire_protocol::{StreamId, Timestamp};

/// An event frame.
pub fn event(entry: &Entry, seq: i64, at: Timestamp, unread: i64) -> String {
    let mut out = String::with_capacity(336 + entry.data.len());
    let _ = write!(
        out,
        "{{\"type\":\"event\",\"stream\":\"{}\",\"seq\":{seq},\"event\":\"{}\"",
        entry.stream, entry.event
    );
    let _ = write!(out, ",\"at\":\"{at}\",\"actor\":");
    match &entry.actor {
        // a name is free text: it needs escaping
        Some(actor) => out.push_str(&serde_json::to_string(actor).unwrap_or_else(|_| "null".into())),
        None => out.push_str("null"),
    }
    if let Some(op_id) = entry.op_id {
        let _ = write!(out, ",\"op_id\":\"{op_id}\"");
    }
    out.push_str(",\"data\":");
    match (entry.unread, entry.data.strip_suffix('}')) {
        (Some(_), Some(open)) => {
            let comma = if open.ends_with('{') { "" } else { "," };
            let _ = write!(out, "{open}{comma}\"unread\":{unread}}}");
        }
        _ => out.push_str(&entry.data),
    }
    out.push('}');
    out
}

/// The same entry with its content forgotten.
pub(super) fn forgotten(frame: &str, id: uuid::Uuid) -> Option<String> {
    // inside a JSON string every quote is escaped: the first match is the key
    let (head, _) = frame.split_once(",\"data\":{")?;
    Some(format!("{head},\"data\":{{\"id\":\"{id}\",\"purged\":true}}}}"))
}

/// The inside of an `ok` after its id.
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
