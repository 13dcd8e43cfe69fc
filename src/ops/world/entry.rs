//! What a mutation logs, and the proof that it logged it. Without the proof a mutation cannot answer with a change.

use super::super::{Act, Result};
use super::object::Object;
use std::marker::PhantomData;
use std::sync::Arc;
use taskwire_protocol::events::{EventType, Payload};
use taskwire_protocol::{OpId, StreamId, TaskId, UserId};

/// An entry for the log. It gets its `seq` when its stream's counter is advanced.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The stream whose log gets the entry.
    pub stream: StreamId,
    /// The wire name of what happened.
    pub event: &'static str,
    /// The payload.
    pub data: Object,
    /// Who did it, as JSON.
    pub actor: Arc<str>,
    /// The client's id of the mutation.
    pub op_id: Option<OpId>,
    /// The task whose content the payload shows.
    pub task: Option<TaskId>,
    /// What the entry adds to the user's count of unread notifications. The payload gets the new count.
    pub unread: Option<i64>,
    /// The user who loses access to the stream.
    pub removes: Option<UserId>,
}

/// Proof that the log has an entry with such a payload.
#[derive(Debug)]
pub struct Logged<P> {
    data: Object,
    payload: PhantomData<P>,
}

impl Entry {
    /// An entry, and the proof to return when the entry is logged.
    pub(super) fn new<E: EventType, P: Payload>(
        act: &Act<'_>,
        stream: StreamId,
        payload: &P,
    ) -> Result<(Entry, Logged<P>)> {
        let data = Object::of(payload)?;
        let logged = Logged {
            data: data.clone(),
            payload: PhantomData,
        };
        let entry = Entry {
            stream,
            event: E::NAME,
            data,
            actor: act.caller.actor.json().clone(),
            op_id: act.op_id,
            task: payload.task(),
            unread: None,
            removes: payload.loses_access(),
        };
        Ok((entry, logged))
    }

    /// Removes all content except the entity's id.
    pub(super) fn forget(&mut self) -> Result<()> {
        self.data = self.data.forgotten()?;
        Ok(())
    }
}

impl<P> Logged<P> {
    /// The payload, as it was encoded.
    pub(in crate::ops) fn encoded(self) -> Arc<str> {
        self.data.text()
    }
}
