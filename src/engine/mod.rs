//! The path of one request: authorize → handle → log → commit → publish, written once. Sockets and HTTP use the server
//! through this module; they see neither SQL nor rules.
//!
//! - `dispatch`  the entry for every request; `route` the table of operations → what answers each
//! - `sender`, `reply`   what a transport hands in and gets back; `measure` the metrics, `trace` the log
//! - `audit`     the line in the log about each thing that is done to the way into an account; `outlive` a client that
//!   hangs up does not get around it
//! - `ask`       queries and commands; `authorize` whether the caller may send them
//! - `readers`   who reads now: each user's share of the connections, by the turns of a `gate`
//! - `sign_in`   signing up, in and out, one file per operation; `identity` the owner of a token
//! - `bearer`    what a caller acts with: a session or an API token; `last_seen` when a session was used, `last_used` an
//!   API token
//! - `accounts`  making and finding accounts; `known` the cached account of a session; `seen_tokens` API tokens
//!   that were brought lately
//! - `prepare`   mutations that need work before they enter the lane
//! - `profiles`  shows a changed profile in the workspaces of its user; `erasure` takes a deleted user out of them,
//!   `departures` tells the members of a deleted workspace; `invites` what invitations need beside the lane;
//!   `tags` makes tags of names that tasks have from an older version
//! - `submission`   a mutation or a batch that waits for its turn, and its answer; `batch` reads a batch
//! - `lane`      the entrance to the writers' queue; `item` what waits there, `turns` whose turn it is
//! - `single`, `lanes`   one writer or several that drain it; `company` when a group begins, `homes` the workspaces of
//!   tasks
//! - `group`     one group: load, decide, write, commit
//! - `optimism`  groups that lock nothing first
//! - `recovery`  what happens to a group when the database fails
//! - `load`, `loading`, `lookups` (`crowds`, `neighbours`), `write`, `frame`, `answer`   the details of a group's steps;
//!   `narrow` which mutations lookups run for, `costs` who pays for them, `shared` what all writers share
//! - `members`   the members of workspaces, cached by `acl_version`
//! - `publish`   connects the engine to the live streams
//! - `instances`  the other instances: which ones run, which sockets each has, kicks
//! - `limits`    how often whom, for every way in; `charge` what users pay for a group
//! - `purges`    forgets what was told about a purged task
//! - `photos`    the photos of accounts, and their files; `attachments` the files of tasks
//! - `imports`   files that become tasks of a workspace
//! - `download`  bodies that are read while the client takes them: an account's data, a workspace's snapshot or
//!   file, calendar feeds
//! - `operator`  the changes that operators make on the command line
//! - `newest`    keeps the time of the newest id, so that ids increase over restarts
//! - `node`      what operations ask of the node itself, not of its database
//! - `health`    what probes and jobs ask; `watch` whether the database answers
//! - `jobs`      what the runner of jobs needs of the database; `words` the index of texts, which a job updates; `mails`
//!   what the job that sends mails needs
//! - `alarms`    tells people about tasks when their time comes; `reminders` what a mail of them says
//! - `list_index`  builds the indexes that lists of large workspaces read
//! - `statistics`  counts tasks before somebody reads how many there are
//! - `aside`     work whose caller does not wait for it

mod accounts;
mod alarms;
mod answer;
mod aside;
mod ask;
mod attachments;
mod audit;
mod authorize;
mod batch;
mod bearer;
mod charge;
mod company;
mod costs;
mod crowds;
mod departures;
mod detach;
mod dispatch;
mod download;
mod erasure;
pub mod frame;
mod gate;
mod group;
mod health;
mod homes;
mod identity;
mod imports;
mod instances;
mod invites;
mod item;
mod jobs;
mod known;
mod lane;
mod lanes;
mod last_seen;
mod last_used;
mod limits;
mod list_index;
mod load;
mod loading;
mod lookups;
mod mails;
mod measure;
mod members;
mod narrow;
mod neighbours;
mod newest;
mod node;
mod old_notifications;
mod operator;
mod optimism;
mod outlive;
mod photos;
mod prepare;
mod profiles;
mod publish;
mod purges;
mod readers;
mod recovery;
mod reminders;
mod reply;
mod route;
mod seen_tokens;
mod sender;
mod shared;
mod sign_in;
mod single;
mod statistics;
mod submission;
mod tags;
mod trace;
mod turns;
mod watch;
mod wishes;
mod words;
mod write;

use crate::auth::codes::Codes;
use crate::auth::device_codes::DeviceCodes;
use crate::auth::first_admin::FirstAdmin;
use crate::auth::limits::Limits;
use crate::auth::passwords::Passwords;
use crate::auth::refresh::RefreshTokens;
use crate::auth::tokens::AccessTokens;
use crate::auth::unsubscribe::Unsubscribe;
use crate::clock::Clock;
use crate::config::Settings;
use crate::files::{Files, FilesError};
use crate::ids::Ids;
use crate::live::{BadAddress, Hub, Presences, StatsSignals};
use crate::ops;
use crate::store::OpenError;
use crate::store::Store;
use crate::store::members as member_rows;
use crate::store::task_list::ListIndexes;
use aside::Aside;
use homes::Homes;
use instances::ThisInstance;
use item::Whose;
use known::Sessions;
use lane::Lane;
use last_seen::LastSeen;
use last_used::LastUsed;
use members::MemberCache;
use readers::Readers;
use shared::Shared;
use statistics::Counting;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};
use taskwire_protocol::member::Role;
use taskwire_protocol::{Failure, Timestamp, WorkspaceId};
use tokio::sync::Notify;
use tracing::Instrument as _;
use wishes::WishCache;
use words::WordsJob;

pub use crate::ops::Caller;
pub use attachments::{Attached, Content, ForgetAttachments, Upload, Uploaded};
pub use download::{CalendarFeed, Export, Pieces, Place, Room, Running, WorkspaceFile};
pub use erasure::{OpIds, RewriteLog, Rewritten};
pub use health::DatabaseHealth;
pub use identity::{Home, Identity};
pub use imports::{Importing, Wanted};
pub use instances::{Socket, Sockets};
pub use item::Chore;
pub use limits::insists;
pub use mails::Freshen;
pub use measure::Measure;
pub use photos::{Picture, Size};
pub use prepare::waits_before_the_lane;
pub use reminders::Reminder;
pub use reply::{Answering, Body, NewSession, Reply, Then};
pub use route::sign_ins;
pub use seen_tokens::Owner;
pub use sender::{Delivery, Incoming, Origin, Sender};
pub use sign_in::{Attempt, ByDevice, ByMail, Refresh};
pub use trace::named;
pub use words::{Index, IndexWords, KeyTags};

/// The longest time that a stopping node waits until its last commits are handed to the other instances. They find in
/// the log what was not handed over.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// The server without its transports. Clones share one engine.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    store: Store,
    files: Files,
    decoding: photos::Decoding,
    downloads: download::Downloads,
    attachments: attachments::Attachments,
    imports: imports::Imports,
    counting: Counting,
    list_indexes: Arc<ListIndexes>,
    readers: Readers,
    lane: Lane,
    hub: Arc<Hub>,
    presences: Arc<Presences>,
    instance: ThisInstance,
    clock: Clock,
    ids: Arc<Ids>,
    tokens: AccessTokens,
    limits: Arc<Limits>,
    refresh_tokens: RefreshTokens,
    passwords: Passwords,
    codes: Codes,
    device_codes: DeviceCodes,
    first_admin: FirstAdmin,
    unsubscribe: Unsubscribe,
    /// Where people reach the deployment.
    public_url: Option<Arc<str>>,
    aside: Aside,
    /// Whether an address must be verified before its account is used.
    verify_first: bool,
    /// How long a session lasts that nobody uses.
    idle_session: Duration,
    /// How long a session lasts, however much it is used.
    longest_session: Duration,
    batch_ops: usize,
    query: Duration,
    sessions: Arc<Sessions>,
    last_seen: LastSeen,
    last_used: LastUsed,
    /// How many API tokens a user may have.
    api_tokens: usize,
    describe: Arc<str>,
    words: Arc<WordsJob>,
    /// A job was enqueued on this instance.
    enqueued: Arc<Notify>,
    /// Whether the database answered the last question of `watch`.
    database_up: AtomicBool,
}

/// Why the engine does not start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The database cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The secret of the tokens cannot be read or created.
    #[error("cannot read or create jwt_secret in data_dir: {0}; make the user that runs taskwire its owner")]
    Secret(#[source] std::io::Error),
    /// The data folder cannot be created.
    #[error("cannot create the data folder {0}: {1}; check data_dir")]
    DataDir(std::path::PathBuf, #[source] std::io::Error),
    /// The address of Redis cannot be used.
    #[error("redis_url cannot be used: {0}")]
    Redis(#[from] BadAddress),
    /// The store of files cannot be used.
    #[error("cannot use the store of files: {0}")]
    Files(#[from] FilesError),
    /// The account of `admin_email` cannot be created.
    #[error("cannot create the account of admin_email: {0}")]
    Admin(Failure),
}

impl Engine {
    /// Opens the database and starts the writer and the fan-out.
    pub async fn start(settings: &Settings, clock: Clock) -> Result<Engine, EngineError> {
        let made = settings.create_data_dir();
        made.map_err(|error| EngineError::DataDir(settings.data_dir.clone(), error))?;
        let keys = settings.jwt_keys().map_err(EngineError::Secret)?;
        let files = Files::open(settings)?;
        let store = Store::open(settings).await?;
        let limits = limits::limits(settings, &store, &keys.current)?;
        let secrets = (&keys.current, keys.previous.as_ref());
        let hub = publish::hub(settings, &store, secrets, &clock, limits.clone())?;
        let newest = newest::found(&store, &clock).await?;
        let ids = Arc::new(Ids::after(clock.clone(), newest));
        let instance = ThisInstance::new(ids.next(), &settings.instance, Timestamp(clock.now_ms()));
        let presences = Presences::new(hub.clone(), clock.clone(), instance.id);
        tokio::spawn(presences.clone().attend());
        let stats = StatsSignals::new(hub.clone(), instance.id);
        tokio::spawn(stats.clone().attend());
        let (words, enqueued) = (Arc::<WordsJob>::default(), Arc::<Notify>::default());
        let sessions = Arc::new(Sessions::new(store.clone(), hub.clone()));
        tokio::spawn(limits.clone().keep_settling());
        let shared = Shared {
            store: store.clone(),
            cache: Arc::new(MemberCache::new()),
            homes: Arc::new(Homes::new(store.is_shared())),
            hub: hub.clone(),
            presences: presences.clone(),
            stats,
            sessions: sessions.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
            limits: limits.clone(),
            bounds: limits::bounds(settings),
            words: words.clone(),
            wishes: Arc::new(WishCache::new(store.is_shared())),
            enqueued: enqueued.clone(),
        };
        let inner = Inner {
            limits,
            lane: Lane::start(shared, settings.database_lanes),
            first_admin: FirstAdmin::new(&keys.current, keys.previous.as_ref(), &store.epoch()),
            unsubscribe: Unsubscribe::new(&keys.current, keys.previous.as_ref()),
            readers: Readers::new(&store, settings.reader_share_percent),
            store,
            files,
            decoding: photos::Decoding::new(),
            downloads: download::Downloads::default(),
            attachments: attachments::Attachments::new(limits::bounds(settings), settings.attachment_bytes),
            imports: imports::Imports::new(settings.import_bytes),
            counting: Counting::default(),
            list_indexes: Arc::new(ListIndexes::new(
                settings.list_index_from,
                settings.list_index_bytes,
            )),
            hub,
            presences,
            instance,
            clock,
            ids,
            tokens: AccessTokens::new(&keys.current, keys.previous.as_ref(), settings.access_token),
            refresh_tokens: RefreshTokens::new(&keys.current, keys.previous.as_ref()),
            passwords: Passwords::new(settings.password_hash_concurrency, settings.rate_limit_enabled),
            codes: Codes::new(&keys.current, keys.previous.as_ref()),
            device_codes: DeviceCodes::new(&keys.current, keys.previous.as_ref()),
            public_url: settings.public_url.as_ref().map(|url| url.as_str().into()),
            aside: Aside::default(),
            verify_first: settings.require_verified_email,
            idle_session: settings.refresh_token,
            longest_session: settings.session,
            batch_ops: settings.batch_ops,
            query: settings.query_timeout,
            sessions,
            last_seen: LastSeen::default(),
            last_used: LastUsed::default(),
            api_tokens: settings.api_tokens_per_user,
            describe: taskwire_protocol::generate::schema_text().into(),
            words,
            enqueued,
            database_up: AtomicBool::new(true),
        };
        let engine = Engine(Arc::new(inner));
        engine.ensure_admin(settings).await.map_err(EngineError::Admin)?;
        Ok(engine)
    }

    /// Brings the database's schema up to date, and does nothing else.
    pub async fn migrate(settings: &Settings) -> Result<(), EngineError> {
        let made = settings.create_data_dir();
        made.map_err(|error| EngineError::DataDir(settings.data_dir.clone(), error))?;
        Store::open(settings).await?.close(LAST_WORDS).await;
        Ok(())
    }

    /// A caller's role in a workspace now, and the head of its stream at that moment. `None` for one that they do not
    /// reach.
    pub async fn role_in(
        &self,
        caller: &Caller,
        workspace: WorkspaceId,
    ) -> Result<Option<(Role, u64)>, Failure> {
        if !caller.reaches(workspace) {
            return Ok(None);
        }
        let (store, user) = (self.0.store.clone(), caller.user.id);
        spawned(async move {
            let mut reader = store.read().await?;
            let found = member_rows::find_role_and_head(&mut reader, user, workspace).await?;
            Ok(found.map(|(role, head)| (role, head as u64)))
        })
        .await
    }

    /// How many mutations and batches wait for the writers, and how many users have some, about.
    pub fn waiting(&self) -> (usize, usize) {
        self.0.lane.waiting()
    }

    /// Runs a chore of the server's own on a writer, between groups.
    pub async fn chore<C: Chore>(&self, chore: C) -> Result<C::Output, Failure> {
        self.0.lane.chore(Whose::Server, chore).await
    }

    /// Runs a chore between groups that this user's query waits for: it waits its turn with the user's other ones.
    async fn chore_for<C: Chore>(&self, whose: Whose, chore: C) -> Result<C::Output, Failure> {
        self.0.lane.chore(whose, chore).await
    }

    /// The live streams.
    pub fn hub(&self) -> &Arc<Hub> {
        &self.0.hub
    }

    /// The epoch within which positions are valid.
    pub fn epoch(&self) -> Arc<str> {
        self.0.store.epoch()
    }

    /// The server's clock.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Lets what is queued finish.
    pub async fn stop(&self) {
        self.leave().await;
        self.0.aside.finish().await;
        self.write_last_used().await;
        self.keep_newest_id().await;
        self.0.lane.stop().await;
        let begun = Instant::now();
        while self.0.hub.is_busy() && begun.elapsed() < LAST_WORDS {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Closes the database once the engine has stopped. Readers get `patience` to finish. The file of SQLite is whole
    /// afterwards.
    pub async fn close(&self, patience: Duration) {
        self.0.store.close(patience).await;
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("database", &self.0.store.kind())
            .finish_non_exhaustive()
    }
}

/// Runs work in a separate task, so that it always runs to its end.
async fn finished<T: Send + 'static>(
    work: impl Future<Output = Result<T, Failure>> + Send + 'static,
) -> Result<T, Failure> {
    let broke = |_| ops::bug("the work failed; the server's log has the reason");
    tokio::spawn(work.in_current_span()).await.map_err(broke)?
}

/// Runs a read in a separate task, so that it always runs to its end: a read that is dropped halfway could leave an
/// open transaction in the pool.
async fn spawned<T: Send + 'static>(
    read: impl Future<Output = crate::store::Result<T>> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::spawn(read).await {
        Ok(read) => Ok(read?),
        Err(_) => Err(ops::bug("a read failed; the server's log has the reason")),
    }
}
