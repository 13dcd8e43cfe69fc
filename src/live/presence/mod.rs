//! Presence and typing on this instance, told to the others by notes and to people by signals.
//!
//! - `roster`  who is present where: versions, expiry; `person` merges what is said of one user
//! - `words`   how it travels between instances
//!
//! A lost note is repeated within `REFRESH`; an instance that is silent for `roster::HOLDS` counts as dead. Does not know
//! who may be present where: `ops` has that rule.

mod person;
mod roster;
#[cfg(test)]
mod tests;
mod words;

use super::{Frame, Hub, lock};
use crate::clock::Clock;
use moka::sync::Cache;
use roster::Roster;
use serde::Serialize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use taskwire_protocol::account::PublicUser;
use taskwire_protocol::presence::{Presence, PresenceChanged, PresenceState, Typing};
use taskwire_protocol::{InstanceId, TaskId, Timestamp, UserId, WorkspaceId, limits, signals};
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, MissedTickBehavior};
use words::Words;

/// Changes are gathered for this long before other instances are told.
const GATHER: Duration = Duration::from_millis(50);
/// Everybody present here is told again once in this many ticks of a second.
const REFRESH: u128 = 20;
const TICK: Duration = Duration::from_secs(1);
/// Ticks between two searches for what has expired.
const EXPIRE: u128 = 5;
/// The other instances are asked at these ticks: at once, and when the bus is likely to be connected.
const ASKS: [u128; 2] = [0, 3];
/// How often one user's typing on one task is passed on.
const TYPING: Duration = Duration::from_secs(1);
/// How many pairs of a task and a user who types are remembered.
const TYPISTS: u64 = 50_000;

/// Presence on one instance.
pub struct Presences {
    hub: Arc<Hub>,
    clock: Clock,
    me: InstanceId,
    roster: Mutex<Roster>,
    /// Notified when there is something to tell the other instances.
    untold: Notify,
    keys: AtomicU64,
    typists: Cache<(TaskId, UserId), ()>,
}

impl Presences {
    /// Nobody is here yet.
    pub fn new(hub: Arc<Hub>, clock: Clock, me: InstanceId) -> Arc<Presences> {
        let typists = Cache::builder()
            .max_capacity(TYPISTS)
            .time_to_live(TYPING)
            .build();
        Arc::new(Presences {
            hub,
            clock,
            me,
            roster: Mutex::default(),
            untold: Notify::new(),
            keys: AtomicU64::new(0),
            typists,
        })
    }

    /// A reader's presence, which it then sets.
    pub fn place(self: &Arc<Self>, workspace: WorkspaceId, user: UserId) -> PresenceGuard {
        PresenceGuard {
            presences: self.clone(),
            key: self.keys.fetch_add(1, Ordering::Relaxed),
            workspace,
            user,
        }
    }

    /// Who is present in a workspace, on any instance: by user id, at most [`limits::PRESENCES`].
    pub fn list(&self, workspace: WorkspaceId) -> Vec<Presence> {
        lock(&self.roster).list(workspace, limits::PRESENCES)
    }

    /// Tells those who watch the workspace that somebody is typing, at most once a second.
    pub fn typing(&self, workspace_id: WorkspaceId, task_id: TaskId, user: PublicUser) {
        if !self.typists.entry((task_id, user.id)).or_insert(()).is_fresh() {
            return;
        }
        let typing = Typing {
            workspace_id,
            task_id,
            user,
        };
        if let Some(frame) = signal(signals::TYPING, &typing) {
            self.hub.signal(workspace_id.into(), &frame);
        }
    }

    /// Exchanges notes with the other instances, for ever. One task.
    pub async fn attend(self: Arc<Self>) {
        let mut notes = self.hub.notes();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ticks = 0_u128;
        loop {
            tokio::select! {
                note = notes.recv() => match note {
                    Ok(note) => self.hear(Words::read(&note)),
                    Err(RecvError::Lagged(_)) => {} // it will be told again
                    Err(RecvError::Closed) => return,
                },
                () = self.untold.notified() => {
                    tokio::time::sleep(GATHER).await;
                    let untold = lock(&self.roster).untold();
                    self.tell(untold);
                }
                _ = tick.tick() => {
                    if ASKS.contains(&ticks) {
                        self.say(&Words::Ask { from: self.me });
                    }
                    ticks += 1;
                    let turn = ticks % REFRESH;
                    let again = lock(&self.roster).told(|user| user.0.as_u128() % REFRESH == turn);
                    self.tell(again);
                    if ticks.is_multiple_of(EXPIRE) {
                        self.expire(Instant::now());
                    }
                }
            }
        }
    }

    /// This instance ends.
    pub fn goodbye(&self) {
        self.say(&Words::Gone { from: self.me });
    }

    fn hear(&self, words: Option<Words>) {
        let (now, at) = (self.now(), Instant::now());
        match words {
            Some(Words::Here { from, told }) if from != self.me => {
                let roster = &mut *lock(&self.roster);
                for told in told {
                    self.show(roster.hear(from, told, now, at));
                }
            }
            Some(Words::Ask { from }) if from != self.me => {
                let all = lock(&self.roster).told(|_| true);
                self.tell(all);
            }
            Some(Words::Gone { from }) if from != self.me => {
                let roster = &mut *lock(&self.roster);
                self.show(roster.gone(from, now));
            }
            _ => {}
        }
    }

    fn expire(&self, at: Instant) {
        let now = self.now();
        let roster = &mut *lock(&self.roster);
        self.show(roster.expire(now, at));
    }

    /// Shows what changed to those who watch here. The roster is locked meanwhile, so that changes are shown in their
    /// order. Each instance shows its own watchers what its own roster says.
    fn show(&self, changed: impl IntoIterator<Item = PresenceChanged>) {
        for changed in changed {
            if let Some(frame) = signal(signals::PRESENCE_CHANGED, &changed) {
                self.hub.receive_signal(changed.workspace_id.into(), frame);
            }
        }
    }

    fn tell(&self, told: Vec<person::Told>) {
        for note in words::notes(self.me, told) {
            self.hub.tell(&note);
        }
    }

    fn say(&self, words: &Words) {
        if let Some(note) = words.note() {
            self.hub.tell(&note);
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.clock.now_ms())
    }
}

/// A reader's presence in one workspace, until it is dropped.
pub struct PresenceGuard {
    presences: Arc<Presences>,
    key: u64,
    workspace: WorkspaceId,
    user: UserId,
}

impl PresenceGuard {
    /// The workspace.
    pub fn workspace(&self) -> WorkspaceId {
        self.workspace
    }

    /// Says that the user is there; returns what that gives together with their other readers.
    pub fn set(&self, user: &PublicUser, state: PresenceState, task: Option<TaskId>) -> Presence {
        let now = self.presences.now();
        let roster = &mut *lock(&self.presences.roster);
        let (presence, changed) = roster.set(self.key, self.workspace, user, (state, task), now);
        self.presences.show(changed);
        self.presences.untold.notify_one();
        presence
    }
}

impl Drop for PresenceGuard {
    fn drop(&mut self) {
        let now = self.presences.now();
        let roster = &mut *lock(&self.presences.roster);
        let changed = roster.end(self.key, self.workspace, self.user, now);
        self.presences.show(changed);
        self.presences.untold.notify_one();
    }
}

/// A signal's frame.
fn signal(name: &str, data: &impl Serialize) -> Option<Frame> {
    let data = serde_json::to_string(data).ok()?;
    Some(format!(r#"{{"type":"signal","signal":"{name}","data":{data}}}"#).into())
}
