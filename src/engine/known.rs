//! A session or an API token, both called session here, with its account and workspaces; read once when many sockets
//! reconnect. A cached session is valid for at most a second, and only until this instance commits a change of accounts,
//! sessions or memberships. Commits of other instances show in the user's own stream: a caller that has seen a later
//! position of it than the read gets the cached session only if no entry in between concerns accounts. Callers that want a
//! session at the same time share one read.

use super::bearer::{Bearer, Credential, reached};
use super::seen_tokens::{GOOD, Owner, SeenTokens, lately};
use super::spawned;
use super::submission::Step;
use crate::live::{Flights, Hub};
use crate::ops::world::World;
use crate::ops::{self, Caller};
use crate::store::users::Account;
use crate::store::{self, Reader, Store, users, workspaces};
use moka::sync::Cache;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use taskwire_protocol::workspace::Workspace;
use taskwire_protocol::{Failure, SessionId, StreamId};

/// The most sessions in the cache.
const SESSIONS: u64 = 20_000;
/// How long a cached session is valid.
const FRESH: Duration = Duration::from_secs(1);
/// How long it is remembered that a session or an API token has ended. Most of a session's access tokens have expired by
/// then, and memory does not take the API token for good any more.
const ENDED: Duration = GOOD;

/// A session, its account, and the account's workspaces.
pub(super) struct Known {
    pub(super) bearer: Bearer,
    /// The caller: one for all sockets of the session.
    pub(super) caller: Arc<Caller>,
    pub(super) account: Account,
    /// Those that the caller reaches.
    pub(super) workspaces: Vec<Workspace>,
    /// The head of the user's own stream when this was read: the other fields include everything up to it. It advances
    /// past entries that do not concern accounts.
    as_of: AtomicU64,
    /// The heads of the workspaces' streams when the memberships were read. Removals up to these positions are older
    /// than the memberships.
    pub(super) heads: HashMap<StreamId, u64>,
}

/// What was read, and the generation in which the read began.
type Read = (u64, Option<Arc<Known>>);

/// The cached sessions.
pub(super) struct Sessions {
    store: Store,
    hub: Arc<Hub>,
    cache: Cache<Credential, (u64, Arc<Known>)>,
    /// Sessions that ended on this instance, or that the database has as ended. None of them ever begins again, so a request of
    /// one is refused without asking the database (0.3 ms on PostgreSQL). What is not in here says nothing.
    ended: Cache<SessionId, ()>,
    pub(super) api_tokens: SeenTokens,
    generation: AtomicU64,
    reads: Arc<Flights<Credential, Result<Read, Failure>>>,
}

impl Known {
    /// Whether this includes every change of accounts that the user's own stream has up to `seen`.
    fn tells_all(&self, hub: &Hub, seen: u64) -> bool {
        let as_of = self.as_of.load(Ordering::Acquire);
        if as_of >= seen {
            return true;
        }
        let holds = hub.leaves_accounts_alone(StreamId::User(self.bearer.user()), as_of, seen);
        if holds {
            self.as_of.fetch_max(seen, Ordering::AcqRel); // the next caller need not check these entries again
        }
        holds
    }
}

impl Sessions {
    pub(super) fn new(store: Store, hub: Arc<Hub>) -> Sessions {
        let cache = Cache::builder()
            .max_capacity(SESSIONS)
            .time_to_live(FRESH)
            .build();
        let ended = lately(SESSIONS, ENDED).build();
        Sessions {
            store,
            hub,
            cache,
            ended,
            api_tokens: SeenTokens::new(),
            generation: AtomicU64::new(0),
            reads: Flights::new(),
        }
    }

    /// Invalidates the cache, because a change of accounts, sessions or memberships was committed. Called before the
    /// change is published, so that a socket that joins a stream after the publication reads again.
    pub(super) fn outdate(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    /// What the database has, noted by the read itself: it ends also when its caller has gone.
    fn note(&self, by: &Credential, found: Option<&Bearer>) {
        match found {
            None => self.api_tokens.note_unknown(by),
            Some(Bearer::ApiToken(token)) => self.api_tokens.note_good(token),
            Some(Bearer::Session(session)) if session.revoked_at.is_some() => self.remember_ended(session.id),
            Some(Bearer::Session(_)) => {}
        }
    }

    /// The database has a session as ended.
    pub(super) fn remember_ended(&self, id: SessionId) {
        self.ended.insert(id, ());
    }

    /// Whether a session is known to have ended.
    pub(super) fn is_known_to_have_ended(&self, id: SessionId) -> bool {
        self.ended.contains_key(&id)
    }

    /// Whose an API token is, if it was good and has not ended since, as far as memory tells.
    pub(super) fn owner_of(&self, token: &Credential, now_ms: i64) -> Option<Owner> {
        let (user, token) = self.api_tokens.good(token, now_ms)?;
        // a token is a session of its own
        let ended = self.is_known_to_have_ended(SessionId(token.0));
        (!ended).then(|| Owner {
            user: Some(user),
            by: token.into(),
        })
    }

    /// Refuses a mutation whose session ended before it in this group, or in an earlier one of this instance: it waited in
    /// the queue meanwhile. The server's own steps decide by themselves.
    pub(super) fn refuse_if_ended(&self, step: &Step, caller: &Caller, world: &World) -> Result<(), Failure> {
        let ended = || world.has_ended(caller.session) || self.is_known_to_have_ended(caller.session);
        if !step.own && ended() {
            return Err(Credential::of(caller).ended());
        }
        Ok(())
    }

    /// The cached session, if it is complete up to position `seen` of the user's own stream.
    pub(super) fn kept(&self, by: &Credential, seen: u64) -> Option<Arc<Known>> {
        let (generation, known) = self.cache.get(by)?;
        let holds = generation == self.generation.load(Ordering::Acquire) && known.tells_all(&self.hub, seen);
        holds.then_some(known)
    }

    /// Reads a session, complete up to position `seen` of the user's own stream. Callers at the same time share the
    /// read. `None`: there is no such session.
    pub(super) async fn read(
        self: &Arc<Self>,
        by: &Credential,
        seen: u64,
    ) -> Result<Option<Arc<Known>>, Failure> {
        let since = self.generation.load(Ordering::Acquire);
        let (generation, found) = self.share(by).await?;
        let misses = |known: &Arc<Known>| generation < since || !known.tells_all(&self.hub, seen);
        if !found.as_ref().is_some_and(misses) {
            return Ok(found);
        }
        // another caller began the read before we asked; the next read begins after that
        let (_, found) = self.share(by).await?;
        Ok(found)
    }

    async fn share(self: &Arc<Self>, by: &Credential) -> Result<Read, Failure> {
        let read = self.reads.share(by.clone(), || {
            let (sessions, by) = (self.clone(), by.clone());
            async move { Ok(sessions.read_alone(by).await?) }
        });
        let broken = || ops::bug("a read failed; the server's log has the reason");
        read.await.unwrap_or_else(|| Err(broken()))
    }

    /// Reads a session and its account, and nothing else, as the database has them now.
    pub(super) async fn read_owner(
        self: &Arc<Self>,
        by: Credential,
    ) -> Result<Option<(Bearer, Account)>, Failure> {
        metrics::counter!("taskwire_session_reads_total").increment(1);
        let sessions = self.clone();
        let read = async move {
            let mut reader = sessions.store.read().await?;
            let found = owner(&mut reader, &by).await?;
            sessions.note(&by, found.as_ref().map(|(bearer, ..)| bearer));
            Ok(found.map(|(bearer, account, _)| (bearer, account)))
        };
        spawned(read).await
    }

    async fn read_alone(&self, by: Credential) -> store::Result<Read> {
        metrics::counter!("taskwire_session_reads_total").increment(1);
        let generation = self.generation.load(Ordering::Acquire);
        let found = find(&self.store, &by).await?;
        self.note(&by, found.as_ref().map(|known| &known.bearer));
        if let Some(known) = &found {
            self.cache.insert(by, (generation, known.clone()));
        }
        Ok((generation, found))
    }
}

/// A session with its account, and the head of the user's own stream.
async fn owner(reader: &mut Reader, by: &Credential) -> store::Result<Option<(Bearer, Account, i64)>> {
    let Some((bearer, as_of)) = by.find(reader).await? else {
        return Ok(None);
    };
    let account = users::find_even_deleted(reader, bearer.user()).await?;
    Ok(account.map(|account| (bearer, account, as_of)))
}

/// Reads the head of the user's own stream first. What is read after it may already include later commits; a reader
/// then gets these a second time, and misses nothing.
async fn find(store: &Store, by: &Credential) -> store::Result<Option<Arc<Known>>> {
    let mut reader = store.read().await?;
    let Some((bearer, account, as_of)) = owner(&mut reader, by).await? else {
        return Ok(None);
    };
    let caller = bearer.caller(&account);
    let rows = workspaces::list_with_heads(&mut reader, account.user.id).await?;
    let rows = reached(&caller, rows);
    let heads = rows
        .iter()
        .map(|(workspace, head)| (workspace.id.into(), *head as u64))
        .collect();
    let workspaces = rows.into_iter().map(|(workspace, _)| workspace).collect();
    Ok(Some(Arc::new(Known {
        caller,
        bearer,
        account,
        workspaces,
        as_of: AtomicU64::new(as_of as u64),
        heads,
    })))
}
