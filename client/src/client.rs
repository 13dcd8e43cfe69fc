//! The handle of a client: calls, state, closing. The socket belongs to `connection`.

use crate::{
    config::Config,
    connection::{self, Call},
    door::Door,
    error::{CallError, ConfigError, Stopped},
    events::Events,
    reply::Reply,
    state::{Counters, Lifeline, Phase, Stats},
    wire::Answer,
};
use serde_json::{Value, value::RawValue};
use std::{borrow::Cow, sync::Arc, time::Duration};
use taskwire_protocol::{
    Failure, Kind, OpId, Operation, account::Streams, frames::Welcome, operations::CATALOG,
};
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

/// The capacity of the queue of calls to the connection. When it is full, further callers wait.
const WAITING_CALLS: usize = 32;
/// How long to wait before a call is repeated, when the server does not say.
const REPEAT_AFTER: Duration = Duration::from_secs(1);

/// A handle to a connection, which a background task maintains. Clones are cheap and share the connection. The
/// connection ends when the last clone and the [`Events`] are dropped, or on [`Client::close`].
#[derive(Clone)]
pub struct Client {
    calls: mpsc::Sender<Call>,
    phase: watch::Receiver<Phase>,
    counters: Arc<Counters>,
    lifeline: Arc<Lifeline>,
    follows_all: bool,
}

impl Client {
    /// Starts connecting and returns at once; [`Client::ready`] waits for the `welcome`. Needs a Tokio runtime with
    /// time and I/O.
    ///
    /// # Errors
    /// When the server's address is wrong or TLS cannot be set up.
    pub fn connect(config: Config) -> Result<(Client, Events), ConfigError> {
        let door = Door::to(&config)?;
        let (calls, waiting) = mpsc::channel(WAITING_CALLS);
        let (items_in, items_out) = mpsc::channel(config.event_buffer.max(1));
        let (phase_in, phase) = watch::channel(Phase::Connecting);
        let (lifeline, closing) = Lifeline::new();
        let counters = Arc::new(Counters::default());
        let lifeline = Arc::new(lifeline);
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

    /// Makes a call and returns its output.
    ///
    /// A mutation gets a new `op_id`. When the connection is lost, the call stays pending: after each `welcome` the
    /// client sends the pending calls again, in their order and with the same `op_id`s, until they are answered.
    /// Dropping the future does not undo a call that was sent.
    ///
    /// ```no_run
    /// # async fn example(client: taskwire_client::Client) -> Result<(), taskwire_client::CallError> {
    /// use taskwire_client::protocol::task::{ListTasks, Status};
    ///
    /// let pending = ListTasks { status: Some(Status::Pending), ..ListTasks::default() };
    /// for task in client.call(pending).await?.items {
    ///     println!("{}", task.title);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn call<O: Operation>(&self, params: O) -> Result<O::Output, CallError> {
        self.send(params, None).await.map(|reply| reply.data)
    }

    /// Makes a call with an `op_id` of the program. Store the `op_id` before the call: a restarted process can then
    /// repeat the call with the same `op_id`, and the server does it once.
    pub async fn call_with<O: Operation>(
        &self,
        op_id: OpId,
        params: O,
    ) -> Result<Reply<O::Output>, CallError> {
        self.send(params, Some(op_id)).await
    }

    /// Makes a call, and repeats it while the server refuses it and `wait_out` returns `true` for the refusal. Between
    /// two attempts it waits as long as the server says, or one second. All attempts of a mutation have one `op_id`.
    ///
    /// ```no_run
    /// # async fn example(client: taskwire_client::Client) -> Result<(), taskwire_client::CallError> {
    /// use taskwire_client::protocol::account::GetProfile;
    ///
    /// let profile = client.call_patiently(&GetProfile {}, |failure| failure.retryable).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn call_patiently<O: Operation + Clone>(
        &self,
        params: &O,
        wait_out: impl Fn(&Failure) -> bool,
    ) -> Result<O::Output, CallError> {
        let op_id = (O::KIND == Kind::Mutation).then(new_op_id);
        loop {
            let answer = self.send(params.clone(), op_id).await;
            match answer.map(|reply| reply.data) {
                Err(CallError::Refused(failure)) if wait_out(&failure) => {
                    let wait = failure.retry_after_ms.map_or(REPEAT_AFTER, Duration::from_millis);
                    tokio::time::sleep(wait).await;
                }
                answer => return answer,
            }
        }
    }

    /// Makes a call and returns the whole answer. Without an `op_id`, a mutation gets a new one.
    pub async fn send<O: Operation>(
        &self,
        params: O,
        op_id: Option<OpId>,
    ) -> Result<Reply<O::Output>, CallError> {
        let data =
            serde_json::to_string(&params).map_err(|error| CallError::Unwritable(error.to_string()))?;
        let op_id = op_id.or_else(|| (O::KIND == Kind::Mutation).then(new_op_id));
        Reply::read(self.exchange(O::NAME.into(), op_id, data).await?)
    }

    /// Makes a call by its wire name. The name may be one that only a newer server knows. The call gets a new `op_id`
    /// unless this client knows that the operation is not a mutation.
    pub async fn call_raw(&self, name: &str, data: Value) -> Result<Reply<Box<RawValue>>, CallError> {
        let known = CATALOG.iter().find(|entry| entry.name == name);
        let op_id = known
            .is_none_or(|entry| entry.kind == Kind::Mutation)
            .then(new_op_id);
        let name = Cow::Owned(name.to_owned());
        self.exchange(name, op_id, data.to_string()).await.map(Reply::raw)
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

    /// Waits for a connection and returns its `welcome`.
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

    /// The current connection's `welcome`; `None` while there is no connection.
    pub fn welcome(&self) -> Option<Arc<Welcome>> {
        match &*self.phase.borrow() {
            Phase::Connected(welcome) => Some(welcome.clone()),
            _ => None,
        }
    }

    /// Whether the configuration says to follow every stream that the user may read.
    pub(crate) fn follows_all(&self) -> bool {
        self.follows_all
    }

    /// Counts since the client started.
    pub fn stats(&self) -> Stats {
        self.counters.stats()
    }

    /// Closes the connection; calls without an answer end with `Stopped`.
    ///
    /// Waits up to 15 s for a token refresh that is under way. Without that wait, a program that keeps its tokens
    /// could lose the new ones when it exits.
    pub async fn close(&self) {
        self.lifeline.cut();
        let mut phase = self.phase.clone();
        // An error means that the connection's task has ended, so it is closed as well.
        let _ = phase.wait_for(|phase| matches!(phase, Phase::Stopped(_))).await;
    }
}

/// A new `op_id`: one intent, however often it is sent.
#[allow(clippy::disallowed_methods)] // a client has no clock module to ask, and an op_id needs no order
fn new_op_id() -> OpId {
    OpId(Uuid::now_v7())
}
