//! The instances that share a database: each writes a heartbeat and knows the others. A note arrives at once. If a
//! kick's note is lost, the other instances find the order in the database within two seconds. On a database that is
//! not shared, there is only this instance.
//!
//! - `this`         this instance
//! - `sockets`      what the engine sees of its sockets
//! - `notes`        what instances say to each other
//! - `kicks`        closing sockets on all instances
//! - `connections`  listing the sockets of all instances

mod connections;
mod kicks;
mod notes;
mod sockets;
mod this;

pub use sockets::{Socket, Sockets};
pub(super) use this::ThisInstance;

use super::{Chore, Engine, spawned};
use crate::store::instances::{self, InstanceRecord};
use crate::store::{StoreError, Transaction};
use notes::Words;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use taskwire_protocol::admin::Instance;
use taskwire_protocol::{Failure, InstanceId, Timestamp, UserId};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::MissedTickBehavior;

/// The time between two looks into the database.
const LOOK: Duration = Duration::from_secs(2);
/// The instance writes a heartbeat once in this many looks.
const BEAT: u32 = 2;
/// Old rows are deleted once in this many looks.
const FORGET: u32 = 32;
/// An instance without a heartbeat for this long is not listed.
const SILENT_MS: i64 = 60_000;
/// Older rows are deleted, because every instance has read them.
const OLD_MS: i64 = 10 * 60_000;
/// How many instances are listed at most.
const INSTANCES: i64 = 256;

impl Engine {
    /// From now on the instance has sockets, and the other instances see it.
    pub fn attend(&self, sockets: Arc<dyn Sockets>) {
        if self.0.instance.sockets.set(sockets).is_err() {
            return; // this was called before
        }
        let (hearing, looking) = (self.clone(), self.clone());
        let ending = self.0.instance.ending.clone();
        tokio::spawn(
            ending
                .clone()
                .run_until_cancelled_owned(async move { hearing.hear().await }),
        );
        tokio::spawn(
            ending
                .clone()
                .run_until_cancelled_owned(self.clone().keep_newest_ids()),
        );
        tokio::spawn(
            ending
                .clone()
                .run_until_cancelled_owned(self.clone().keep_last_seen()),
        );
        tokio::spawn(
            ending
                .clone()
                .run_until_cancelled_owned(self.clone().watch_database()),
        );
        tokio::spawn(
            ending
                .clone()
                .run_until_cancelled_owned(self.clone().keep_last_used()),
        );
        tokio::spawn(
            ending
                .clone()
                .run_until_cancelled_owned(self.clone().keep_alarms()),
        );
        tokio::spawn(
            ending
                .clone()
                .run_until_cancelled_owned(self.clone().keep_counted()),
        );
        tokio::spawn(
            ending
                .clone()
                .run_until_cancelled_owned(self.clone().sweep_list_indexes()),
        );
        if self.0.store.is_shared() {
            tokio::spawn(ending.run_until_cancelled_owned(async move { looking.look().await }));
        }
    }

    /// The instances with a recent heartbeat, this one first.
    pub(super) async fn instances(&self) -> Result<Vec<Instance>, Failure> {
        let now = self.0.clock.now_ms();
        let mine = self.0.instance.record(Timestamp(now));
        let mut records = if self.0.store.is_shared() {
            let store = self.0.store.clone();
            let since = now - SILENT_MS;
            spawned(async move { instances::list(&mut store.read().await?, since, INSTANCES).await }).await?
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

    /// The users who have a socket here.
    pub(super) fn present(&self) -> HashSet<UserId> {
        let sockets = self.0.instance.sockets.get();
        sockets.map(|sockets| sockets.users()).unwrap_or_default()
    }

    /// Acts on the notes of other instances.
    async fn hear(&self) {
        let mut notes = self.0.hub.notes();
        loop {
            let note = match notes.recv().await {
                Ok(note) => note,
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return,
            };
            match notes::read(&note) {
                Some(Words::Kick(kick)) => self.0.instance.carry_out(kick.into()),
                Some(Words::Ask(question)) => self.answer_question(&question),
                Some(Words::Answer(_)) | None => {}
            }
        }
    }

    /// Looks for orders in the database, and writes heartbeats.
    async fn look(&self) {
        let mut tick = tokio::time::interval(LOOK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut looks = 0_u32;
        let mut first = true;
        loop {
            tick.tick().await;
            if looks.is_multiple_of(BEAT)
                && let Err(failure) = self.beat(looks.is_multiple_of(FORGET)).await
            {
                tracing::debug!(error.message = %failure, "could not write this instance's heartbeat");
            }
            looks = looks.wrapping_add(1);
            if self.look_for_kicks(first).await.is_ok() {
                first = false;
            }
        }
    }

    async fn beat(&self, forget: bool) -> Result<(), Failure> {
        let now = self.0.clock.now_ms();
        let instance = self.0.instance.record(Timestamp(now));
        let beat = Beat {
            instance,
            now,
            forget,
        };
        self.chore(beat).await
    }

    /// Tells the other instances that this one ends.
    pub(super) async fn leave(&self) {
        self.0.instance.ending.cancel();
        self.0.presences.goodbye();
        let attended = self.0.instance.sockets.get().is_some();
        if attended && self.0.store.is_shared() {
            let left = self.chore(Leave(self.0.instance.id)).await;
            if let Err(failure) = left {
                tracing::debug!(
                    error.message = %failure,
                    "could not delete this instance's row; the others list it until its heartbeat is too old"
                );
            }
        }
    }
}

struct Beat {
    instance: InstanceRecord,
    now: i64,
    forget: bool,
}

impl Chore for Beat {
    type Output = ();
    async fn run(self, tx: &mut Transaction) -> Result<(), StoreError> {
        instances::beat(tx, &self.instance).await?;
        if self.forget {
            instances::forget(tx, self.now - OLD_MS).await?;
        }
        Ok(())
    }
}

struct Leave(InstanceId);

impl Chore for Leave {
    type Output = ();
    async fn run(self, tx: &mut Transaction) -> Result<(), StoreError> {
        instances::leave(tx, self.0).await
    }
}
