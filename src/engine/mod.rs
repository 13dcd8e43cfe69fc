//! One request's way: authorize → handle → log → commit → publish, written once. What sockets and HTTP see of the
//! server is here; they see neither SQL nor rules.
//!
//! - `dispatch`  the table of operations → what answers each
//! - `job`       a mutation that waits for its turn, and its answer
//! - `lane`      the writers' bounded queue, and a single writer that drains it, a group at a time
//! - `line`      who waits for room in it
//! - `lanes`     several writers that drain it; `homes` tells the streams of tasks
//! - `group`     one group: load, decide, write, commit
//! - `optimism`  groups that lock nothing first
//! - `recovery`  what becomes of a group when the database fails
//! - `load`, `lookups`, `write`, `frame`, `answer`   the details of its steps
//! - `accounts`  signing up, in and out; who a token speaks for
//! - `known`     who is behind a session, kept while it holds
//! - `instances`, `connections`   the other instances: who lives, whom to kick, whose sockets are where
//! - `operator` what is done from the command line
//! - `node`     what operations ask of the node beside its database
//! - `members`   the members of workspaces, cached by `acl_version`

mod accounts;
mod answer;
mod connections;
mod dispatch;
pub mod frame;
mod group;
mod homes;
mod instances;
mod job;
mod known;
mod lane;
mod lanes;
mod line;
mod load;
mod lookups;
mod members;
mod node;
mod operator;
mod optimism;
mod publish;
mod recovery;
mod words;
mod write;

use crate::auth::passwords::Passwords;
use crate::auth::tokens::AccessTokens;
use crate::clock::Clock;
use crate::config::Settings;
use crate::ids::Ids;
use crate::live::{BadAddress, Hub, Presences};
use crate::ops::{self, Ask, Target};
use crate::store::Store;
use crate::store::open::OpenError;
use dispatch::{Answer, Route, route};
use group::Shared;
use homes::Homes;
use instances::Instances;
use job::{Batch, Job, Step, Work};
use known::{Known, Sessions};
use members::MemberCache;
use std::sync::Arc;
use std::time::{Duration, Instant};
use taskwire_protocol::account::{GlobalRole, User};
use taskwire_protocol::member::Role;
use taskwire_protocol::workspace::Workspace;
use taskwire_protocol::{
    Access, ErrorCode, Failure, OpId, Request, StreamId, Timestamp, UserId, WorkspaceId,
};

pub use crate::ops::Caller;
use uuid::Uuid;

pub use accounts::Origin;
pub use answer::named;
pub use instances::{Socket, Sockets};
pub use lane::{Chore, Lane};

/// How long a stopping node waits at most until what it committed last is handed to the other instances, which find it
/// in the log otherwise.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// The server without its doors. Clones are the same engine.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    store: Store,
    lane: Lane,
    hub: Arc<Hub>,
    presences: Arc<Presences>,
    instances: Instances,
    clock: Clock,
    ids: Arc<Ids>,
    tokens: AccessTokens,
    passwords: Passwords,
    refresh: Duration,
    batch_ops: usize,
    query: Duration,
    sessions: Arc<Sessions>,
    describe: Arc<str>,
}

/// What a request came to.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The inside of the `ok` frame after its id: `"at":{…},"data":{…}`, of a query `"data":{…}`.
    pub body: Arc<str>,
    /// The operation was done before; this is the first answer again.
    pub replayed: bool,
    /// Of a first page of a snapshot: the stream to follow after this seq.
    pub subscribe: Option<(StreamId, u64)>,
}

/// Who a token speaks for.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Who asks.
    pub caller: Arc<Caller>,
    /// When the token ends.
    pub expires_at: Timestamp,
}

/// What a socket tells its user first. Clones are the same; sockets of a session share it.
#[derive(Clone)]
pub struct Home(Arc<Known>);

impl Home {
    /// The account.
    pub fn user(&self) -> &User {
        &self.0.account.user
    }

    /// Every workspace of theirs, with their role.
    pub fn workspaces(&self) -> &[Workspace] {
        &self.0.workspaces
    }

    /// How far a workspace's stream had come by then: removals up to there were before the membership, whenever they
    /// are heard of.
    pub fn head(&self, stream: StreamId) -> u64 {
        self.0.heads.get(&stream).copied().unwrap_or(0)
    }

    /// The caller as the account is now.
    pub fn caller(&self) -> Arc<Caller> {
        self.0.caller.clone()
    }
}

impl std::fmt::Debug for Home {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Home").field(&self.0.account.user.id).finish()
    }
}

/// How the database is.
#[derive(Clone, Copy, Debug)]
pub struct DatabaseHealth {
    /// Whether it answers.
    pub healthy: bool,
    /// How long that took.
    pub latency: Duration,
    /// `sqlite` or `postgres`.
    pub kind: &'static str,
}

/// Why the engine does not start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The database cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The secret of the tokens cannot be read or made.
    #[error("cannot read or make the secret of the tokens in data_dir: {0}")]
    Secret(#[source] std::io::Error),
    /// The data folder cannot be made.
    #[error("cannot make the data folder {0}: {1}")]
    DataDir(std::path::PathBuf, #[source] std::io::Error),
    /// The address of Redis cannot be used.
    #[error("redis_url cannot be used: {0}")]
    Redis(#[from] BadAddress),
    /// The account of `admin_email` cannot be made.
    #[error("cannot make the account of admin_email: {0}")]
    Admin(Failure),
}

impl Engine {
    /// Opens the database and starts the writer and the fan-out.
    pub async fn start(settings: &Settings, clock: Clock) -> Result<Engine, EngineError> {
        let made = settings.create_data_dir();
        made.map_err(|error| EngineError::DataDir(settings.data_dir.clone(), error))?;
        let keys = settings.jwt_keys().map_err(EngineError::Secret)?;
        let store = Store::open(settings).await?;
        let hub = publish::hub(settings, &store)?;
        let ids = Arc::new(Ids::new(clock.clone()));
        let instances = Instances::new(ids.next(), &settings.instance, Timestamp(clock.now_ms()));
        let presences = Presences::new(hub.clone(), clock.clone(), instances.me);
        tokio::spawn(presences.clone().attend());
        let sessions = Arc::new(Sessions::new(store.clone(), hub.clone()));
        let shared = Shared {
            store: store.clone(),
            cache: Arc::new(MemberCache::new()),
            homes: Arc::new(Homes::new(store.is_shared())),
            hub: hub.clone(),
            sessions: sessions.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
        };
        let inner = Inner {
            lane: Lane::start(shared, settings.database_lanes),
            store,
            hub,
            presences,
            instances,
            clock,
            ids,
            tokens: AccessTokens::new(&keys.current, keys.previous.as_ref(), settings.access_token),
            passwords: Passwords::new(settings.password_hash_concurrency),
            refresh: settings.refresh_token,
            batch_ops: settings.batch_ops,
            query: settings.query_timeout,
            sessions,
            describe: taskwire_protocol::generate::schema_text().into(),
        };
        let engine = Engine(Arc::new(inner));
        engine.ensure_admin(settings).await.map_err(EngineError::Admin)?;
        Ok(engine)
    }

    /// Brings the database's schema up to date, and does nothing else.
    pub async fn migrate(settings: &Settings) -> Result<(), EngineError> {
        let made = settings.create_data_dir();
        made.map_err(|error| EngineError::DataDir(settings.data_dir.clone(), error))?;
        Store::open(settings).await?.close().await;
        Ok(())
    }

    /// Answers a query or a mutation. A mutation takes its place in the queue at the first poll, so polling several
    /// once in order keeps their order; from then on it needs no polling, and once there is room for it in the queue, it is
    /// done even when nobody waits for the answer any more.
    pub fn call(
        &self,
        caller: &Arc<Caller>,
        request: Request,
        op_id: Option<OpId>,
    ) -> impl Future<Output = Result<Reply, Failure>> + Send + 'static {
        self.clone().dispatch(caller.clone(), request, op_id)
    }

    async fn dispatch(
        self,
        caller: Arc<Caller>,
        request: Request,
        op_id: Option<OpId>,
    ) -> Result<Reply, Failure> {
        let work = match route(request)? {
            Route::Mutation(step) => Work::One(Step::new(step)),
            Route::Batch(batch) => Work::Batch(Batch::read(*batch, op_id, self.0.batch_ops)?),
            // boxed: a mutation on its way must not be as large as a query
            Route::Query(query) => return Box::pin(self.answer(caller, query)).await,
            Route::Describe => {
                let body = format!("\"data\":{}", self.0.describe).into();
                return Ok(Reply {
                    body,
                    replayed: false,
                    subscribe: None,
                });
            }
            Route::Session(name) => {
                let message = format!("{name} belongs to a socket; it is not answered here");
                return Err(Failure::new(ErrorCode::Conflict, message).at("type"));
            }
        };
        let job = Box::new(Job::new(caller, op_id, work));
        self.0.lane.submit(job).await
    }

    async fn answer(self, caller: Arc<Caller>, query: Box<dyn Answer>) -> Result<Reply, Failure> {
        let (within, asked) = (self.0.query, self.ask(caller, query));
        tokio::time::timeout(within, asked).await.unwrap_or_else(|_| {
            Err(Failure::new(
                ErrorCode::Timeout,
                "the query took too long; ask for less",
            ))
        })
    }

    async fn ask(self, caller: Arc<Caller>, query: Box<dyn Answer>) -> Result<Reply, Failure> {
        if query.searches() {
            self.index_before_search().await?;
        }
        let store = self.0.store.clone();
        let node = Arc::new(self.clone());
        // in a task of its own: a query that is dropped half-way could leave a transaction in the pool
        let task = tokio::spawn(async move {
            let place = authorize(&store, &caller, query.access(), query.target(&caller)).await?;
            let ask = Ask {
                caller,
                place,
                store,
                node,
            };
            query.answer(ask).await
        });
        task.await
            .unwrap_or_else(|_| Err(ops::bug("the query failed; the server's log has the reason")))
    }

    /// The contract as JSON Schema: what `protocol.describe` and `GET /v1/protocol.json` answer.
    pub fn describe(&self) -> Arc<str> {
        self.0.describe.clone()
    }

    /// What somebody is in a workspace, just now, and how far its stream had come by then.
    pub async fn role_in(
        &self,
        user: UserId,
        workspace: WorkspaceId,
    ) -> Result<Option<(Role, u64)>, Failure> {
        let store = self.0.store.clone();
        spawned(async move {
            let mut reader = store.read().await?;
            let found = crate::store::members::find_role_and_head(&mut reader, user, workspace).await?;
            Ok(found.map(|(role, head)| (role, head as u64)))
        })
        .await
    }

    /// The caller's account and workspaces, for somebody who has seen the user's own stream come to `seen`: nothing
    /// that it tells up to there is missing.
    ///
    /// # Errors
    /// As [`Engine::authenticate`], when the session has ended since.
    pub async fn home(&self, caller: &Caller, seen: u64) -> Result<Home, Failure> {
        self.living(caller.session, seen).await.map(Home)
    }

    /// Whether the database answers, and how fast.
    pub async fn database_health(&self) -> DatabaseHealth {
        let (store, started) = (self.0.store.clone(), Instant::now());
        let ping = tokio::spawn(async move { store.ping().await.is_ok() });
        let healthy = matches!(
            tokio::time::timeout(Duration::from_secs(3), ping).await,
            Ok(Ok(true))
        );
        DatabaseHealth {
            healthy,
            latency: started.elapsed(),
            kind: self.0.store.kind(),
        }
    }

    /// Bytes of the log that SQLite writes before its file; `None` with another database.
    pub fn wal_bytes(&self) -> Option<u64> {
        self.0.store.wal_bytes()
    }

    /// Runs a chore of the server's own on the writer, between groups.
    pub async fn chore<C: Chore>(&self, chore: C) -> Result<C::Output, Failure> {
        self.0.lane.chore(chore).await
    }

    /// Streams after `after` with more than `events` entries: their ids and heads.
    pub async fn longer_streams(
        &self,
        events: i64,
        after: Uuid,
        limit: i64,
    ) -> Result<Vec<(Uuid, i64)>, Failure> {
        let store = self.0.store.clone();
        spawned(async move {
            crate::store::streams::longer_than(&mut store.read().await?, events, after, limit).await
        })
        .await
    }

    /// The live streams.
    pub fn hub(&self) -> &Arc<Hub> {
        &self.0.hub
    }

    /// Positions are valid within one epoch.
    pub fn epoch(&self) -> Arc<str> {
        self.0.store.epoch()
    }

    /// Waits until the database is in another epoch, because somebody began one or another server took over: only a new
    /// start tells clients that their positions do not count any more.
    pub async fn outdated(&self) {
        self.0.store.outdated().await;
    }

    /// The server's clock.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Lets what is queued finish, then closes the database.
    pub async fn stop(&self) {
        self.leave().await;
        self.0.lane.stop().await;
        let begun = Instant::now();
        while self.0.hub.is_busy() && begun.elapsed() < LAST_WORDS {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.0.store.close().await;
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("database", &self.0.store.kind())
            .finish_non_exhaustive()
    }
}

/// Runs a read in a task of its own, to its end.
async fn spawned<T: Send + 'static>(
    read: impl Future<Output = crate::store::Result<T>> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::spawn(read).await {
        Ok(read) => Ok(read?),
        Err(_) => Err(ops::bug("a read failed; the server's log has the reason")),
    }
}

/// Whether the caller may, and where the target is.
async fn authorize(
    store: &Store,
    caller: &Caller,
    access: Access,
    target: Target,
) -> Result<Option<(WorkspaceId, Role)>, Failure> {
    use crate::store::members;
    if access == Access::ServerAdmin && caller.role != GlobalRole::Admin {
        return Err(Failure::new(
            ErrorCode::Forbidden,
            "this takes an account with the global role admin",
        ));
    }
    let place = match target {
        Target::Own => return Ok(None),
        Target::Workspace(id) => {
            let role = members::find_role(&mut store.read().await?, caller.user.id, id).await;
            role?.map(|role| (id, role))
        }
        Target::Task(id) => {
            let mut reader = store.read().await?;
            members::find_role_at_task(&mut reader, caller.user.id, id).await?
        }
    };
    allowed(access, target, place).map(Some)
}

/// Not a member: it does not exist. Too low a role: it may not be done.
fn allowed(
    access: Access,
    target: Target,
    place: Option<(WorkspaceId, Role)>,
) -> Result<(WorkspaceId, Role), Failure> {
    let what = if matches!(target, Target::Task(_)) {
        "task"
    } else {
        "workspace"
    };
    let (workspace, role) = place.ok_or_else(|| ops::not_found(what))?;
    match access.role() {
        Some(least) if role < least => {
            let message =
                format!("this takes the role {least:?} in the workspace; yours is {role:?}").to_lowercase();
            Err(Failure::new(ErrorCode::Forbidden, message))
        }
        _ => Ok((workspace, role)),
    }
}
