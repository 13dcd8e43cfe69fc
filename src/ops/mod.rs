//! What each operation does: a file a noun. A mutation says what it needs in memory and then decides on it, without
//! waiting for anything; a query reads. Who asks, in which order, in which transaction and who hears of it is the
//! engine's.
//!
//! - `world`    the state a group of mutations decides on, and what they changed of it
//! - `rows`     what it holds of a table
//! - `notices`  who is notified of what
//! - `accounts`, `workspaces`, `members`, `tasks`, `notifications`, `streams`, `presence`, `admin`   the nouns
//! - `node`     what they ask of the node beside its database
//! - `task_places`  where a task may be and whose
//! - `cascade`  a change that reaches many tasks
//! - `cursor`   where a page ended

pub mod accounts;
pub mod admin;
mod cascade;
pub mod cursor;
pub mod members;
pub mod node;
mod notices;
pub mod notifications;
pub mod presence;
pub mod rows;
pub mod streams;
mod task_places;
pub mod tasks;
pub mod workspaces;
pub mod world;

use crate::ids::Ids;
use crate::store::{Reader, Store, StoreError, Trouble};
use serde::Serialize;
use std::collections::BTreeSet;
use std::sync::Arc;
use taskwire_protocol::account::{GlobalRole, PublicUser};
use taskwire_protocol::member::Role;
use taskwire_protocol::operations::Nothing;
use taskwire_protocol::{
    Access, ErrorCode, Failure, NotificationId, OpId, Operation, SessionId, StreamId, TaskId, Timestamp,
    UserId, WorkspaceId,
};
use world::{Logged, World};

pub use crate::store::users::Login;

/// What every operation returns.
pub type Result<T> = std::result::Result<T, Failure>;

/// Who asks. Made once a socket or request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The person, as others see them.
    pub user: PublicUser,
    /// The session of the token.
    pub session: SessionId,
    /// What they may do on the whole server.
    pub role: GlobalRole,
    /// Their own workspace, meant where none is named.
    pub personal: WorkspaceId,
}

/// What an operation is about: it decides who may do it, and which stream is locked first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// What is the caller's own: their user stream.
    Own,
    /// A workspace.
    Workspace(WorkspaceId),
    /// A task, and the workspace that holds it.
    Task(TaskId),
}

/// An operation that concerns something.
pub trait Targeted: Operation {
    /// What it is about.
    fn target(&self, _caller: &Caller) -> Target {
        Target::Own
    }
}

/// What must be in memory before a mutation decides, beside its target.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// Streams whose counters are read and locked.
    pub streams: BTreeSet<StreamId>,
    /// Tasks; their workspaces are locked, and the members of those are known.
    pub tasks: BTreeSet<TaskId>,
    /// Tasks that are made with an id of the client's, and where: others of the group may name them.
    pub made: BTreeSet<(TaskId, WorkspaceId)>,
    /// Workspaces themselves, not only their members.
    pub workspaces: BTreeSet<WorkspaceId>,
    /// Accounts by e-mail address or username.
    pub logins: BTreeSet<Login>,
    /// Notifications.
    pub notifications: BTreeSet<(UserId, NotificationId)>,
    /// Whose notifications are all concerned: when the newest of them was made.
    pub newest: BTreeSet<UserId>,
    /// Accounts.
    pub accounts: BTreeSet<UserId>,
    /// Sessions.
    pub sessions: BTreeSet<SessionId>,
    /// The sessions of these accounts that have not ended.
    pub sessions_of: BTreeSet<UserId>,
    /// The parts of these tasks.
    pub children: BTreeSet<TaskId>,
    /// The tasks above these.
    pub ancestors: BTreeSet<TaskId>,
    /// The tasks near these, before (true) or after (false) them.
    pub neighbours: BTreeSet<(TaskId, bool)>,
    /// Tasks that leave their place.
    pub leaving: BTreeSet<TaskId>,
    /// What somebody does in a workspace.
    pub assigned: BTreeSet<(WorkspaceId, UserId)>,
    /// The notifications that these tasks left, and the streams of those who got them.
    pub notified: BTreeSet<TaskId>,
    /// It needs a group of its own.
    pub alone: bool,
    /// It makes room: it is done in a full database too, if it is alone.
    pub frees: bool,
}

impl Needs {
    /// Whether all of it is rows that workspaces' streams order: of tasks and members.
    pub fn is_ordered_by_workspaces(&self) -> bool {
        let Needs {
            streams,
            tasks: _,
            made: _,
            children: _,
            ancestors: _,
            neighbours: _,
            leaving: _,
            assigned: _,
            workspaces,
            logins,
            notifications,
            newest,
            accounts,
            sessions,
            sessions_of,
            notified,
            alone,
            frees,
        } = self;
        let others = workspaces.is_empty()
            && logins.is_empty()
            && notifications.is_empty()
            && newest.is_empty()
            && accounts.is_empty()
            && sessions.is_empty()
            && sessions_of.is_empty()
            && notified.is_empty();
        others
            && !alone
            && !frees
            && streams
                .iter()
                .all(|stream| matches!(stream, StreamId::Workspace(_)))
    }

    /// Adds what another mutation needs.
    pub fn merge(&mut self, other: &Needs) {
        self.streams.extend(&other.streams);
        self.tasks.extend(&other.tasks);
        self.made.extend(&other.made);
        self.workspaces.extend(&other.workspaces);
        self.logins.extend(other.logins.iter().cloned());
        self.notifications.extend(&other.notifications);
        self.newest.extend(&other.newest);
        self.accounts.extend(&other.accounts);
        self.sessions.extend(&other.sessions);
        self.sessions_of.extend(&other.sessions_of);
        self.children.extend(&other.children);
        self.ancestors.extend(&other.ancestors);
        self.neighbours.extend(&other.neighbours);
        self.leaving.extend(&other.leaving);
        self.assigned.extend(&other.assigned);
        self.notified.extend(&other.notified);
        self.alone |= other.alone;
        self.frees |= other.frees;
    }
}

/// One mutation being decided.
pub struct Act<'a> {
    /// Who.
    pub caller: &'a Caller,
    /// When.
    pub now: Timestamp,
    /// Makes ids.
    pub ids: &'a Ids,
    /// The client's name for it.
    pub op_id: Option<OpId>,
    /// Where, and as what: of targets in a workspace.
    pub place: Option<(WorkspaceId, Role)>,
}

impl Act<'_> {
    /// An id that bears this moment.
    pub fn new_id(&self) -> uuid::Uuid {
        self.ids.next_at(self.now.0)
    }

    /// The workspace of the target.
    pub fn workspace(&self) -> Result<WorkspaceId> {
        self.place
            .map(|(workspace, _)| workspace)
            .ok_or_else(|| bug("the target is in no workspace"))
    }
}

/// What a mutation came to. Without a log entry there is no changed state: only [`World::emit`] makes a [`Logged`].
pub struct Change<T>(Output<T>);

/// The answer.
enum Output<T> {
    Value(T),
    Encoded(Arc<str>),
}

impl<T> Change<T> {
    /// State changed, and the log says so.
    pub fn logged<P>(_: Logged<P>, output: T) -> Change<T> {
        Change(Output::Value(output))
    }

    /// State changed, and the answer is what the log says: it is not encoded again.
    pub fn as_logged(logged: Logged<T>) -> Change<T> {
        Change(Output::Encoded(logged.encoded()))
    }

    /// Nothing changed: the answer shows what is there.
    pub fn nothing(output: T) -> Change<T> {
        Change(Output::Value(output))
    }
}

/// A mutation: its rule on the world.
pub trait Mutation: Targeted {
    /// Trims and checks the parameters, before anything is read.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` with the field.
    fn check(self) -> Result<Self> {
        Ok(self)
    }

    /// What it needs beside its target.
    fn needs(&self, _caller: &Caller, _needs: &mut Needs) {}

    /// Decides: refuses and leaves the world as it is, or changes it. Checks come first, changes after.
    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Self::Output>>;
}

/// A query: what it reads.
pub trait Query: Targeted {
    /// Reads the answer.
    fn answer(self, ask: Ask) -> impl Future<Output = Result<Self::Output>> + Send;

    /// Whether it looks for words: then the index of words is brought up to date before.
    fn searches(&self) -> bool {
        false
    }

    /// Of a first page of a snapshot: the stream it shows and its position.
    fn snapshot(&self, _output: &Self::Output) -> Option<(StreamId, u64)> {
        None
    }
}

/// What a query is asked with.
pub struct Ask {
    /// Who.
    pub caller: Arc<Caller>,
    /// Where, and as what: of targets in a workspace.
    pub place: Option<(WorkspaceId, Role)>,
    /// Where to read.
    pub store: Store,
    /// The node itself.
    pub node: Arc<dyn node::Node>,
}

impl Ask {
    /// A connection for reading.
    pub async fn read(&self) -> Result<Reader> {
        Ok(self.store.read().await?)
    }

    /// A connection that shows a single moment.
    pub async fn moment(&self) -> Result<Reader> {
        Ok(self.store.moment().await?)
    }

    /// The workspace of the target.
    pub fn workspace(&self) -> Result<WorkspaceId> {
        self.place
            .map(|(workspace, _)| workspace)
            .ok_or_else(|| bug("the target is in no workspace"))
    }
}

/// A mutation of any kind, as the engine holds it.
pub trait Decide: Send + Sync {
    /// The wire name.
    fn name(&self) -> &'static str;
    /// Who may do it.
    fn access(&self) -> Access;
    /// What it is about.
    fn target(&self, caller: &Caller) -> Target;
    /// What it needs beside its target.
    fn needs(&self, caller: &Caller, needs: &mut Needs);
    /// Decides; the output as JSON.
    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>>;
    /// Tells whether a repeated `op_id` carries the same request: key order and white space don't matter.
    fn canonical(&self) -> String;
}

impl<M: Mutation> Decide for M {
    fn name(&self) -> &'static str {
        M::NAME
    }

    fn access(&self) -> Access {
        M::ACCESS
    }

    fn target(&self, caller: &Caller) -> Target {
        Targeted::target(self, caller)
    }

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        Mutation::needs(self, caller, needs);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        match Mutation::decide(self, act, world)?.0 {
            Output::Value(value) => Ok(json(&value)?.into()),
            Output::Encoded(json) => Ok(json),
        }
    }

    fn canonical(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Encodes what cannot fail to be encoded.
pub fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| {
        tracing::error!(error = %error, "a value cannot be encoded");
        bug("a value cannot be encoded")
    })
}

/// What a client is told of a failed database. The conversion writes the detail to the log, once.
impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        tracing::warn!(error = %error, "the database failed");
        match error.trouble {
            Trouble::Unavailable | Trouble::Contended => Failure::new(
                ErrorCode::Unavailable,
                "the database is not available just now; try again",
            ),
            Trouble::Full => Failure::new(
                ErrorCode::StorageFull,
                "the server's storage is full; nothing was changed",
            ),
            Trouble::Taken => Failure::new(ErrorCode::Conflict, "it was taken in the meantime"),
            Trouble::Bug => bug("the server failed; its log has the reason under this request_id"),
        }
    }
}

/// A fault of ours.
pub fn bug(message: &str) -> Failure {
    Failure::new(ErrorCode::InternalError, message)
}

/// It does not exist, or the caller may not know that it does.
pub fn not_found(what: &str) -> Failure {
    Failure::new(ErrorCode::NotFound, format!("there is no such {what}"))
}

/// The state does not allow it.
pub fn conflict(message: &str) -> Failure {
    Failure::new(ErrorCode::Conflict, message)
}

/// An answer with nothing to say.
pub const DONE: Nothing = Nothing {};
