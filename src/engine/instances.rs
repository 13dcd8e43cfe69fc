//! This instance among those that share its database: it says that it lives, knows the others, and closes sockets that
//! any of them was told to close. At once by a note; what a note loses is found in the database within two seconds. On a
//! database that is this instance's alone there is nobody to talk with.

use super::{Chore, Engine, connections, spawned};
use crate::live::Note;
use crate::ops::node::Whom;
use crate::store::instances::{self, InstanceRecord, KickRecord};
use crate::store::{StoreError, Transaction};
use serde::{Deserialize, Serialize};
use serde_json::value::to_raw_value;
use std::collections::HashSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use taskwire_protocol::admin::{Instance, InstanceName};
use taskwire_protocol::{Failure, InstanceId, SessionId, Timestamp, UserId};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Which notes are about administration.
pub(super) const ABOUT: &str = "admin";
/// Between two looks at whom to kick.
const LOOK: Duration = Duration::from_secs(2);
/// An instance says that it lives at every so many looks.
const BEAT: u32 = 2;
/// What is old is forgotten at every so many.
const FORGET: u32 = 32;
/// One that did not for so long is not there.
const SILENT_MS: i64 = 60_000;
/// What is older is forgotten: by then everybody knows.
const OLD_MS: i64 = 10 * 60_000;
/// Instances that are looked at.
const INSTANCES: i64 = 256;
/// Orders to kick that are looked at.
const KICKS: i64 = 1000;

/// The sockets of this instance, as far as the engine reaches them.
pub trait Sockets: Send + Sync {
    /// How many there are.
    fn count(&self) -> usize;

    /// Those of a user, or all, after a key and in the order of keys; at most `limit`. And how many there are in all.
    fn list(&self, user: Option<UserId>, after: Option<u64>, limit: usize) -> (Vec<Socket>, u64);

    /// Closes them with 4403.
    fn close(&self, whom: Whom);
}

/// A socket of somebody who is signed in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Socket {
    /// Tells it from the others of its instance; a later one has a greater key.
    pub key: u64,
    /// The session that it speaks for.
    pub session: SessionId,
    /// Whose it is.
    pub user: taskwire_protocol::account::PublicUser,
    /// What the program said about itself, like `tw/0.1.0`.
    pub client: Option<String>,
    /// Where it comes from.
    pub address: Option<std::net::IpAddr>,
    /// When it was authenticated.
    pub since: Timestamp,
}

/// This instance, and what it did for the others.
pub(super) struct Instances {
    pub(super) me: InstanceId,
    name: String,
    started_at: Timestamp,
    pub(super) sockets: OnceLock<Arc<dyn Sockets>>,
    /// Orders that were carried out.
    kicked: Mutex<HashSet<Uuid>>,
    pub(super) ending: CancellationToken,
}

/// What instances say to each other.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Order {
    KickUser(UserId),
    KickSession(SessionId),
}

impl Instances {
    pub(super) fn new(me: Uuid, name: &str, started_at: Timestamp) -> Instances {
        Instances {
            me: InstanceId(me),
            name: name.to_owned(),
            started_at,
            sockets: OnceLock::new(),
            kicked: Mutex::default(),
            ending: CancellationToken::new(),
        }
    }

    pub(super) fn name(&self) -> InstanceName {
        InstanceName {
            id: self.me,
            name: self.name.clone(),
        }
    }

    fn record(&self, now: Timestamp) -> InstanceRecord {
        InstanceRecord {
            id: self.me,
            name: self.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: self.started_at,
            seen_at: now,
            sockets: self.sockets.get().map_or(0, |sockets| sockets.count()) as i64,
        }
    }

    fn close(&self, whom: Whom) {
        if let Some(sockets) = self.sockets.get() {
            sockets.close(whom);
        }
    }

    /// The orders that were not carried out yet; all count as carried out from now on.
    fn new_orders(&self, orders: Vec<KickRecord>) -> Vec<KickRecord> {
        let kicked = &mut *self.kicked.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(kicked, orders.iter().map(|order| order.id).collect());
        orders
            .into_iter()
            .filter(|order| !before.contains(&order.id))
            .collect()
    }
}

impl Engine {
    /// The instance takes sockets from now on: it is there for the others.
    pub fn attend(&self, sockets: Arc<dyn Sockets>) {
        if self.0.instances.sockets.set(sockets).is_err() {
            return; // it is already
        }
        let (hearing, looking) = (self.clone(), self.clone());
        let ending = self.0.instances.ending.clone();
        tokio::spawn(
            ending
                .clone()
                .run_until_cancelled_owned(async move { hearing.hear_orders().await }),
        );
        if self.0.store.is_shared() {
            tokio::spawn(ending.run_until_cancelled_owned(async move { looking.look().await }));
        }
    }

    /// The instances that were seen lately.
    pub(super) async fn instances(&self) -> Result<Vec<Instance>, Failure> {
        let now = self.0.clock.now_ms();
        let mine = self.0.instances.record(Timestamp(now));
        let mut records = if self.0.store.is_shared() {
            let store = self.0.store.clone();
            spawned(
                async move { instances::list(&mut store.read().await?, now - SILENT_MS, INSTANCES).await },
            )
            .await?
        } else {
            Vec::new()
        };
        records.retain(|record| record.id != mine.id);
        let current = mine.id;
        Ok(std::iter::once(mine)
            .chain(records)
            .map(|record| Instance {
                current: record.id == current,
                id: record.id,
                name: record.name,
                version: record.version,
                started_at: record.started_at,
                seen_at: record.seen_at,
                sockets: record.sockets as u64,
            })
            .collect())
    }

    /// Closes sockets here and on every other instance.
    pub(super) async fn kick(&self, whom: Whom) -> Result<(), Failure> {
        self.0.instances.close(whom);
        let (order, user, session) = match whom {
            Whom::User(id) => (Order::KickUser(id), Some(id), None),
            Whom::Session(id) => (Order::KickSession(id), None, Some(id)),
        };
        self.note(&order);
        if !self.0.store.is_shared() {
            return Ok(());
        }
        let id = self.0.ids.next();
        let kick = KickRecord { id, user, session };
        let at = self.0.clock.now_ms();
        self.chore(StoreKick { kick, at }).await
    }

    /// Says something to the other instances.
    pub(super) fn note(&self, words: &impl Serialize) {
        if let Ok(words) = to_raw_value(words) {
            self.0.hub.tell(&Note {
                about: ABOUT.to_owned(),
                words,
            });
        }
    }

    async fn hear_orders(&self) {
        let mut notes = self.0.hub.notes();
        loop {
            let note = match notes.recv().await {
                Ok(note) if note.about == ABOUT => note,
                Ok(_) | Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return,
            };
            match serde_json::from_str(note.words.get()) {
                Ok(Order::KickUser(id)) => self.0.instances.close(Whom::User(id)),
                Ok(Order::KickSession(id)) => self.0.instances.close(Whom::Session(id)),
                Err(_) => connections::answer(self, &note),
            }
        }
    }

    /// Looks for orders, and says that the instance lives.
    async fn look(&self) {
        let mut tick = tokio::time::interval(LOOK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut looks = 0_u32;
        let mut first = true;
        loop {
            tick.tick().await;
            if looks.is_multiple_of(BEAT) {
                let forget = looks.is_multiple_of(FORGET);
                let now = self.0.clock.now_ms();
                let instance = self.0.instances.record(Timestamp(now));
                if let Err(failure) = self
                    .chore(Beat {
                        instance,
                        now,
                        forget,
                    })
                    .await
                {
                    tracing::debug!(error.message = %failure, "nobody knows that this instance lives");
                }
            }
            looks = looks.wrapping_add(1);
            self.notice_epoch().await;
            let store = self.0.store.clone();
            let orders =
                spawned(async move { instances::kicks(&mut store.read().await?, KICKS).await }).await;
            let Ok(orders) = orders else { continue };
            let orders = self.0.instances.new_orders(orders);
            // what was ordered before this instance was there is not for its sockets
            if std::mem::take(&mut first) {
                continue;
            }
            for order in orders {
                if let Some(user) = order.user {
                    self.0.instances.close(Whom::User(user));
                }
                if let Some(session) = order.session {
                    self.0.instances.close(Whom::Session(session));
                }
            }
        }
    }

    /// Lets the store see whether another epoch began; a database that is away is asked again.
    async fn notice_epoch(&self) {
        let store = self.0.store.clone();
        let _ = spawned(async move { store.compare_epoch().await }).await;
    }

    /// The instance is no longer there for the others.
    pub(super) async fn leave(&self) {
        self.0.instances.ending.cancel();
        self.0.presences.goodbye();
        let attended = self.0.instances.sockets.get().is_some();
        if attended && self.0.store.is_shared() {
            let left = self.chore(Leave(self.0.instances.me)).await;
            if let Err(failure) = left {
                tracing::debug!(error.message = %failure, "the others learn late that this instance ended");
            }
        }
    }
}

type Running<'a> = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'a>>;

struct Beat {
    instance: InstanceRecord,
    now: i64,
    forget: bool,
}

impl Chore for Beat {
    type Output = ();
    fn run(self, tx: &mut Transaction) -> Running<'_> {
        Box::pin(async move {
            instances::beat(tx, &self.instance).await?;
            if self.forget {
                instances::forget(tx, self.now - OLD_MS).await?;
            }
            Ok(())
        })
    }
}

struct StoreKick {
    kick: KickRecord,
    at: i64,
}

impl Chore for StoreKick {
    type Output = ();
    fn run(self, tx: &mut Transaction) -> Running<'_> {
        Box::pin(async move { instances::kick(tx, self.kick, self.at).await })
    }
}

struct Leave(InstanceId);

impl Chore for Leave {
    type Output = ();
    fn run(self, tx: &mut Transaction) -> Running<'_> {
        Box::pin(async move { instances::leave(tx, self.0).await })
    }
}
