//! The handle of a client: calls, state, closing. Everything with the socket happens in `connection`.

use crate::{
    config::Config,
    connection::{self, Call},
    dial::Door,
    error::{CallError, ConfigError, Stopped},
    events::Events,
    wire::Answer,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, value::RawValue};
use std::{
    borrow::Cow,
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};
use taskwire_protocol::{Kind, OpId, Operation, account::Streams, frames::Welcome, operations::CATALOG};
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

/// Calls that wait for their turn in the queue to the connection; more of them wait in their callers.
const WAITING_CALLS: usize = 32;

/// A handle to a connection that is kept up in the background. Clones are cheap and share it; it ends when the last
/// clone and the [`Events`] are dropped, or on [`Client::close`].
#[derive(Clone)]
pub struct Client {
    calls: mpsc::Sender<Call>,
    phase: watch::Receiver<Phase>,
    counters: Arc<Counters>,
    lifeline: Arc<Lifeline>,
    follows_all: bool,
}

/// The connection ends with its last holder: the receiving side sees the sender drop.
pub(crate) struct Lifeline(watch::Sender<bool>);

/// How things stand.
#[derive(Clone, Debug)]
pub(crate) enum Phase {
    Connecting,
    Connected(Arc<Welcome>),
    Stopped(Stopped),
}

/// What the connection counts.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) connections: AtomicU64,
    pub(crate) resent: AtomicU64,
    pub(crate) duplicates: AtomicU64,
    pub(crate) gaps: AtomicU64,
}

/// What has happened on a client's connections so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Connections that were welcomed.
    pub connections: u64,
    /// Requests that were sent once more on a later connection.
    pub resent: u64,
    /// Events that came twice and were dropped.
    pub duplicates: u64,
    /// Connections that were given up because an event was missing.
    pub gaps: u64,
}

/// An answer with what the contract says beside the data.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Reply<T> {
    /// The operation's output.
    pub data: T,
    /// Of a mutation: the last `seq` that it produced in each stream the caller may read.
    pub at: BTreeMap<String, u64>,
    /// The mutation was done before, under the same `op_id`: this is the first answer again.
    pub replayed: bool,
}

impl Client {
    /// Starts connecting and returns at once; [`Client::ready`] waits for the `welcome`. Needs a Tokio runtime with
    /// time and I/O.
    ///
    /// # Errors
    /// When the configuration cannot work.
    pub fn connect(config: Config) -> Result<(Client, Events), ConfigError> {
        let door = Door::to(&config)?;
        let (calls, waiting) = mpsc::channel(WAITING_CALLS);
        let (items_in, items_out) = mpsc::channel(config.event_buffer.max(1));
        let (phase_in, phase) = watch::channel(Phase::Connecting);
        let (alive, closing) = watch::channel(false);
        let counters = Arc::new(Counters::default());
        let lifeline = Arc::new(Lifeline(alive));
        let follows_all = matches!(config.streams, Streams::All(_));
        let events = Events::new(items_out, lifeline.clone(), config.resume.as_ref());
        let ends = connection::Ends {
            calls: waiting,
            items: items_in,
            phase: phase_in,
            closing,
            counters: counters.clone(),
        };
        tokio::spawn(connection::run(config, door, ends));
        let client = Client {
            calls,
            phase,
            counters,
            lifeline,
            follows_all,
        };
        Ok((client, events))
    }

    /// Makes a call. A mutation gets a fresh `op_id`, and it stays pending while the connection is lost: it is sent
    /// again with the same `op_id` after the next `welcome`, in its place among the others, until there is an
    /// answer. Dropping the future does not undo a call that was sent.
    pub async fn call<O: Operation>(&self, params: O) -> Result<O::Output, CallError> {
        self.send(params, None).await.map(|reply| reply.data)
    }

    /// Makes a call under an `op_id` of the program's, for intents that outlive the process.
    pub async fn call_with<O: Operation>(
        &self,
        op_id: OpId,
        params: O,
    ) -> Result<Reply<O::Output>, CallError> {
        self.send(params, Some(op_id)).await
    }

    /// Makes a call, and gives all of its answer.
    pub async fn send<O: Operation>(
        &self,
        params: O,
        op_id: Option<OpId>,
    ) -> Result<Reply<O::Output>, CallError> {
        let data =
            serde_json::to_string(&params).map_err(|error| CallError::Unwritable(error.to_string()))?;
        let op_id = op_id.or_else(|| (O::KIND == Kind::Mutation).then(new_op_id));
        read(self.exchange(O::NAME.into(), op_id, data).await?)
    }

    /// Makes a call by its wire name, also one that this client does not know. It gets a fresh `op_id` unless it is
    /// known not to be a mutation.
    pub async fn call_raw(&self, name: &str, data: Value) -> Result<Reply<Box<RawValue>>, CallError> {
        let kind = CATALOG
            .iter()
            .find(|entry| entry.name == name)
            .map(|entry| entry.kind);
        let op_id = kind.is_none_or(|kind| kind == Kind::Mutation).then(new_op_id);
        let answer = self
            .exchange(Cow::Owned(name.to_owned()), op_id, data.to_string())
            .await?;
        Ok(Reply {
            data: answer.data,
            at: answer.at,
            replayed: answer.replayed,
        })
    }

    async fn exchange(
        &self,
        name: Cow<'static, str>,
        op_id: Option<OpId>,
        data: String,
    ) -> Result<Answer, CallError> {
        let (reply, answer) = oneshot::channel();
        let call = Call::new(name, op_id, data, reply);
        if self.calls.send(call).await.is_err() {
            return Err(self.stopped());
        }
        answer.await.unwrap_or_else(|_| Err(self.stopped()))
    }

    fn stopped(&self) -> CallError {
        match &*self.phase.borrow() {
            Phase::Stopped(why) => CallError::Stopped(why.clone()),
            _ => CallError::Stopped(Stopped::Closed),
        }
    }

    /// Waits until a connection stands; its `welcome`.
    ///
    /// # Errors
    /// When the client has stopped.
    pub async fn ready(&self) -> Result<Arc<Welcome>, Stopped> {
        let mut phase = self.phase.clone();
        let settled = phase
            .wait_for(|phase| !matches!(phase, Phase::Connecting))
            .await
            .map_err(|_| Stopped::Closed)?;
        match &*settled {
            Phase::Connected(welcome) => Ok(welcome.clone()),
            Phase::Stopped(why) => Err(why.clone()),
            Phase::Connecting => Err(Stopped::Closed),
        }
    }

    /// The `welcome` of the connection that stands now, if one does.
    pub fn welcome(&self) -> Option<Arc<Welcome>> {
        match &*self.phase.borrow() {
            Phase::Connected(welcome) => Some(welcome.clone()),
            _ => None,
        }
    }

    /// Whether it was told to follow all that its user may read.
    pub(crate) fn follows_all(&self) -> bool {
        self.follows_all
    }

    /// What has happened so far.
    pub fn stats(&self) -> Stats {
        Stats {
            connections: self.counters.connections.load(Relaxed),
            resent: self.counters.resent.load(Relaxed),
            duplicates: self.counters.duplicates.load(Relaxed),
            gaps: self.counters.gaps.load(Relaxed),
        }
    }

    /// Closes the connection in good order; calls without an answer end with `Stopped`. Waits for a refresh of the
    /// tokens that is under way, 15 s at most: a program that ends without this may lose the new ones.
    pub async fn close(&self) {
        self.lifeline.0.send_replace(true);
        let mut phase = self.phase.clone();
        // An error means that the connection's task is gone: closed as well.
        let _ = phase.wait_for(|phase| matches!(phase, Phase::Stopped(_))).await;
    }
}

/// A fresh name for one intent.
#[allow(clippy::disallowed_methods)] // a client has no clock's owner to ask, and an op_id needs no order
fn new_op_id() -> OpId {
    OpId(Uuid::now_v7())
}

pub(crate) fn read<T: DeserializeOwned>(answer: Answer) -> Result<Reply<T>, CallError> {
    let data =
        serde_json::from_str(answer.data.get()).map_err(|error| CallError::Unreadable(error.to_string()))?;
    Ok(Reply {
        data,
        at: answer.at,
        replayed: answer.replayed,
    })
}
