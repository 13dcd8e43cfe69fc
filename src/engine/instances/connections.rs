//! The sockets of all instances: asks the other instances by a note, and waits a short time for their answers. Answers
//! arrive in parts of bounded size.

use super::notes::{Question, SocketList, Words, read};
use super::sockets::Socket;
use crate::engine::Engine;
use crate::ops::cursor;
use crate::ops::node::{SocketId, Which};
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;
use taskwire_protocol::admin::{Connection, ConnectionPage, InstanceName};
use taskwire_protocol::{Failure, InstanceId};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

/// How long the other instances have to answer.
const WAIT: Duration = Duration::from_secs(1);
/// The most sockets in one note.
const PART: usize = 16;

/// What an instance has answered so far.
#[derive(Default)]
struct Answered {
    parts: BTreeSet<usize>,
    total: u64,
}

impl Engine {
    /// A page of the sockets on all instances; with its last one, if there is another page.
    pub(in crate::engine) async fn connections(
        &self,
        which: Which,
    ) -> Result<(ConnectionPage, Option<SocketId>), Failure> {
        let question = Question {
            id: self.0.ids.next(),
            from: self.0.instance.id,
            user: which.user,
            after: which.after,
            limit: which.limit + 1,
        };
        let mut waiting: HashMap<InstanceId, String> = self
            .instances()
            .await?
            .into_iter()
            .filter(|instance| !instance.current)
            .map(|instance| (instance.id, instance.name))
            .collect();
        let mut notes = self.0.hub.notes(); // listen before asking, so that no answer is missed
        if !waiting.is_empty() {
            self.note(&Words::Ask(question));
        }
        let (own, mut total) = self.own_sockets(&question);
        let mut found: Vec<(SocketId, Connection)> = own
            .into_iter()
            .map(|socket| shown(socket, &self.0.instance.name()))
            .collect();
        let mut answered: HashMap<InstanceId, Answered> = HashMap::new();
        let deadline = Instant::now() + WAIT;
        while !waiting.is_empty() {
            let answer = match tokio::time::timeout_at(deadline, notes.recv()).await {
                Ok(Ok(note)) => match read(&note) {
                    Some(Words::Answer(answer)) if answer.to == question.id => answer,
                    _ => continue,
                },
                Ok(Err(RecvError::Lagged(_))) => continue,
                Ok(Err(RecvError::Closed)) | Err(_) => break,
            };
            let so_far = answered.entry(answer.from.id).or_default();
            so_far.parts.insert(answer.part);
            so_far.total = answer.total;
            if so_far.parts.len() >= answer.parts {
                waiting.remove(&answer.from.id);
            }
            found.extend(
                answer
                    .sockets
                    .into_iter()
                    .map(|socket| shown(socket, &answer.from)),
            );
        }
        total += answered.values().map(|answered| answered.total).sum::<u64>();
        Ok(page(found, which, total, waiting))
    }

    /// Answers a question of another instance.
    pub(super) fn answer_question(&self, question: &Question) {
        if question.from == self.0.instance.id {
            return;
        }
        let (mut sockets, total) = self.own_sockets(question);
        let parts = sockets.len().div_ceil(PART).max(1);
        for part in 0..parts {
            let rest = sockets.split_off(sockets.len().min(PART));
            self.note(&Words::Answer(SocketList {
                to: question.id,
                from: self.0.instance.name(),
                part,
                parts,
                total,
                sockets: std::mem::replace(&mut sockets, rest),
            }));
        }
    }

    /// What this instance answers: its sockets after the cursor, and how many it has.
    fn own_sockets(&self, question: &Question) -> (Vec<Socket>, u64) {
        let Some(sockets) = self.0.instance.sockets.get() else {
            return (Vec::new(), 0);
        };
        let me = self.0.instance.id;
        let (after, limit) = match question.after {
            Some((instance, _)) if me < instance => (None, 0),
            Some((instance, key)) if me == instance => (Some(key), question.limit),
            _ => (None, question.limit),
        };
        sockets.list(question.user, after, limit)
    }
}

fn shown(socket: Socket, instance: &InstanceName) -> (SocketId, Connection) {
    let id = (instance.id, socket.key);
    let connection = Connection {
        session_id: socket.session,
        user: socket.user,
        client: socket.client,
        address: socket.address.map(|address| address.to_string()),
        connected_at: socket.since,
        instance: instance.clone(),
    };
    (id, connection)
}

fn page(
    mut found: Vec<(SocketId, Connection)>,
    which: Which,
    total: u64,
    waiting: HashMap<InstanceId, String>,
) -> (ConnectionPage, Option<SocketId>) {
    found.sort_by_key(|(id, _)| *id);
    found.dedup_by_key(|(id, _)| *id); // a note may arrive twice
    let limit = i64::try_from(which.limit).unwrap_or(i64::MAX);
    let next = cursor::cut(&mut found, limit, |(id, _)| *id);
    let mut unanswered: Vec<_> = waiting
        .into_iter()
        .map(|(id, name)| InstanceName { id, name })
        .collect();
    unanswered.sort_by_key(|instance| instance.id);
    let page = ConnectionPage {
        items: found.into_iter().map(|(_, connection)| connection).collect(),
        next_cursor: None,
        total: which.after.is_none().then_some(total),
        unanswered,
    };
    (page, next)
}
