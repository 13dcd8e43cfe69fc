//! What a mutation logs, and the proof that it did: a handler can't answer a mutation without one.

use super::super::{Act, Result, bug, json};
use serde::Serialize;
use serde_json::Value;
use std::marker::PhantomData;
use std::sync::Arc;
use taskwire_protocol::frames::Actor;
use taskwire_protocol::{OpId, StreamId, TaskId, UserId};

/// An entry for the log, whose seq is known once its stream's counter was advanced.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The log.
    pub stream: StreamId,
    /// The wire name of what happened.
    pub event: &'static str,
    /// The payload as JSON: an object.
    pub data: Arc<str>,
    /// Who did it.
    pub actor: Option<Actor>,
    /// The client's name for it.
    pub op_id: Option<OpId>,
    /// The task concerned.
    pub task: Option<TaskId>,
    /// What it adds to the user's unread notifications; the payload gets the count.
    pub unread: Option<i64>,
    /// Whose access to the stream it ends.
    pub removes: Option<UserId>,
}

/// Proof that the log has an entry with such a payload.
#[derive(Debug)]
pub struct Logged<P> {
    data: Arc<str>,
    payload: PhantomData<P>,
}

impl Entry {
    /// An entry, and the proof for when it is logged.
    pub(super) fn new<P: Serialize>(
        act: &Act<'_>,
        stream: StreamId,
        event: &'static str,
        payload: &P,
    ) -> Result<(Entry, Logged<P>)> {
        let data: Arc<str> = json(payload)?.into();
        if !data.starts_with('{') {
            return Err(bug("an event's payload is an object"));
        }
        let logged = Logged {
            data: data.clone(),
            payload: PhantomData,
        };
        let user = &act.caller.user;
        let entry = Entry {
            stream,
            event,
            data,
            actor: Some(Actor::user(user.id, user.name.clone())),
            op_id: act.op_id,
            task: None,
            unread: None,
            removes: None,
        };
        Ok((entry, logged))
    }

    /// Leaves nothing of the content but whose it was.
    pub(super) fn forget(&mut self) {
        let id = serde_json::from_str::<Value>(&self.data).map_or(Value::Null, |data| data["id"].clone());
        self.data = serde_json::json!({ "id": id, "purged": true }).to_string().into();
    }
}

impl<P> Logged<P> {
    /// The payload, as it was encoded.
    pub(in crate::ops) fn encoded(self) -> Arc<str> {
        self.data
    }
}
