//! The bytes of a change that clients receive: event frames and replies, each encoded once. A frame's keys have a fixed
//! order, so that `live::control` finds the event's name without parsing the frame.

use crate::ops::world::Entry;
use serde_json::value::to_raw_value;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt::Write;
use taskwire_protocol::account::PublicUser;
use taskwire_protocol::events::{self, EventType as _};
use taskwire_protocol::frames::{Actor, EventFrame, ServerFrame};
use taskwire_protocol::workspace::AccessLost;
use taskwire_protocol::{StreamId, Timestamp, WorkspaceId};

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

/// A logged frame with what is left of a deleted user in the place of who they were; `None` if it shows nothing else.
pub(super) fn without_name(text: &str, left: &PublicUser) -> serde_json::Result<Option<String>> {
    let id = left.id.to_string();
    if !text.contains(&id) {
        return Ok(None);
    }
    let mut frame: EventFrame = serde_json::from_str(text)?;
    if matches!(frame.actor, Actor::User { id, .. } if id == left.id) {
        frame.actor = Actor::user(left.id, left.name.clone());
    }
    let mut data: Value = serde_json::from_str(frame.data.get())?;
    if replace_user(&mut data, &id, &serde_json::to_value(left)?) {
        frame.data = to_raw_value(&data)?;
    }
    let rewritten = serde_json::to_string(&ServerFrame::Event(frame))?;
    Ok(Some(rewritten).filter(|rewritten| rewritten != text))
}

/// The workspace that a user can no longer read, according to an entry of their own log.
pub(super) fn workspace_lost(text: &str) -> Option<WorkspaceId> {
    if !text.contains(events::AccessLost::NAME) {
        return None;
    }
    let frame: EventFrame = serde_json::from_str(text).ok()?;
    let lost: Option<AccessLost> = serde_json::from_str(frame.data.get()).ok();
    lost.filter(|_| frame.event == events::AccessLost::NAME)
        .map(|lost| lost.workspace_id)
}

/// Replaces each public profile of a user. Returns whether that changed anything.
fn replace_user(value: &mut Value, id: &str, by: &Value) -> bool {
    match value {
        Value::Object(fields) if is_profile(fields, id) => {
            let differs = value != by;
            if differs {
                value.clone_from(by);
            }
            differs
        }
        Value::Object(fields) => replace_in(fields.values_mut(), id, by),
        Value::Array(items) => replace_in(items.iter_mut(), id, by),
        _ => false,
    }
}

/// Looks at all of them, also after the first change.
fn replace_in<'v>(values: impl Iterator<Item = &'v mut Value>, id: &str, by: &Value) -> bool {
    let changes = values.map(|value| replace_user(value, id, by));
    changes.filter(|changed| *changed).count() > 0
}

fn is_profile(fields: &Map<String, Value>, id: &str) -> bool {
    fields.contains_key("username") && fields.get("id").and_then(Value::as_str) == Some(id)
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

#[cfg(test)]
mod tests {
    use super::*;
    use taskwire_protocol::UserId;
    use uuid::Uuid;

    #[test]
    fn a_deleted_user_has_no_name_in_a_log() {
        let (gone, other) = (UserId(Uuid::from_u128(7)), UserId(Uuid::from_u128(8)));
        let left = PublicUser {
            id: gone,
            username: "deleted-1".into(),
            name: "Deleted user".into(),
            photo_url: None,
        };
        let entry = |actor: UserId, member: UserId, name: &str, username: &str| {
            let stream = StreamId::User(other);
            format!(
                r#"{{"type":"event","stream":"{stream}","seq":3,"event":"member.added","at":"2026-01-01T00:00:00.000Z","actor":{{"kind":"user","id":"{actor}","name":"{name}"}},"data":{{"role":"member","user":{{"id":"{member}","name":"{name}","photo_url":null,"username":"{username}"}}}}}}"#
            )
        };
        let rewritten = without_name(&entry(gone, gone, "Ada", "ada"), &left).expect("a frame");
        let expected = entry(gone, gone, "Deleted user", "deleted-1");
        let read = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
        assert_eq!(rewritten.map(|text| read(&text)), Some(read(&expected)));
        for same in [expected, entry(other, other, "Bob", "bob")] {
            assert_eq!(without_name(&same, &left).expect("a frame"), None);
        }
    }
}
