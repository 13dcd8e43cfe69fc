//! Presence and typing on this instance: sent to other instances by notes, and to watchers by signals.
//!
//! - `roster`  who is present where: versions, expiry; `person` merges the states of one user
//! - `words`   the notes between instances
//!
//! Each state is repeated every `REFRESH` ticks, so a lost note does no lasting harm. A state that another instance
//! does not repeat for `roster::HOLDS` expires. Does not know who may be present where: `ops` has that rule.

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

/// Changes are gathered for this long before they are sent to other instances.
const GATHER: Duration = Duration::from_millis(50);
/// The state of each user present here is repeated once in this many ticks of a second.
const REFRESH: u128 = 20;
const TICK: Duration = Duration::from_secs(1);
/// Ticks between two searches for expired states.
const EXPIRE: u128 = 5;
/// The other instances are asked for their states at these ticks: at once, and when the bus is likely to be connected.
const ASKS: [u128; 2] = [0, 3];
/// Who left may come back within this, as a page does that is loaded again, without being shown as offline.
const GRACE: Duration = Duration::from_secs(5);
/// One user's typing on one task is passed on at most once in this time.
const TYPING: Duration = Duration::from_secs(1);
/// How many pairs of a task and a typing user are remembered.
const TYPISTS: u64 = 50_000;

/// Presence on one instance.
pub struct Presences {
    hub: Arc<Hub>,
    clock: Clock,
    me: InstanceId,
    roster: Mutex<Roster>,
    /// Notified when there is a change to send to the other instances.
    untold: Notify,
    keys: AtomicU64,
    typists: Cache<(TaskId, UserId), ()>,
}

impl Presences {
    /// An instance where nobody is present yet.
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

    /// A guard for a reader's presence, which is not set yet.
    pub fn place(self: &Arc<Self>, workspace: WorkspaceId, user: UserId) -> PresenceGuard {
        PresenceGuard {
            presences: self.clone(),
            key: self.keys.fetch_add(1, Ordering::Relaxed),
            workspace,
            user,
            grace: GRACE,
        }
    }

    /// Who is present in a workspace, on any instance: ordered by user id, at most [`limits::PRESENCES`].
    pub fn list(&self, workspace: WorkspaceId) -> Vec<Presence> {
        lock(&self.roster).list(workspace, limits::PRESENCES)
    }

    /// Signals to the watchers of the workspace that the user is typing, at most once a second for each task.
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

    /// A task was deleted for good here: nobody looks at it any more.
    pub fn purged(&self, workspace: WorkspaceId, task: TaskId) {
        self.forget_task(workspace, task);
        self.say(&Words::Purged {
            from: self.me,
            workspace,
            task,
        });
    }

    fn forget_task(&self, workspace: WorkspaceId, task: TaskId) {
        let now = self.now();
        let roster = &mut *lock(&self.roster);
        let changed = roster.forget_task(workspace, task, now);
        if !changed.is_empty() {
            self.untold.notify_one();
        }
        self.show(changed);
    }

    /// Exchanges notes with the other instances, for ever. Run it in one task.
    pub async fn attend(self: Arc<Self>) {
        let mut notes = self.hub.notes();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ticks = 0_u128;
        let mut gone_at = None;
        loop {
            tokio::select! {
                note = notes.recv() => match note {
                    Ok(note) => {
                        let words = Words::read(&note);
                        if let Some(Words::Gone { .. }) = words {
                            gone_at = Some(Instant::now() + GRACE);
                        }
                        self.hear(words);
                    }
                    Err(RecvError::Lagged(_)) => {} // lost states are repeated
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
                    let at = Instant::now();
                    self.end_left(at);
                    if gone_at.take_if(|gone_at| *gone_at <= at).is_some() || ticks.is_multiple_of(EXPIRE) {
                        self.expire(at);
                    }
                }
            }
        }
    }

    /// Tells the other instances that this one stops.
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
                lock(&self.roster).gone(from, at + GRACE);
            }
            Some(Words::Purged {
                from,
                workspace,
                task,
            }) if from != self.me => {
                self.forget_task(workspace, task);
            }
            _ => {}
        }
    }

    fn expire(&self, at: Instant) {
        let now = self.now();
        let roster = &mut *lock(&self.roster);
        self.show(roster.expire(now, at));
    }

    fn end_left(&self, at: Instant) {
        let now = self.now();
        let roster = &mut *lock(&self.roster);
        let ended = roster.end_left(now, at);
        if !ended.is_empty() {
            self.untold.notify_one();
        }
        self.show(ended);
    }

    /// Sends changes to the watchers on this instance. The caller holds the roster's lock, so that changes are sent in
    /// order. Each instance does this for its own watchers, from its own roster.
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

/// A reader's presence in one workspace, until it is dropped, and for [`GRACE`] after that if it is the user's last one.
pub struct PresenceGuard {
    presences: Arc<Presences>,
    key: u64,
    workspace: WorkspaceId,
    user: UserId,
    grace: Duration,
}

impl PresenceGuard {
    pub fn workspace(&self) -> WorkspaceId {
        self.workspace
    }

    /// Ends it at once: the user will not come back.
    pub fn end(mut self) {
        self.grace = Duration::ZERO;
    }

    /// Sets the reader's state; returns the user's presence, merged from all their readers.
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
        let until = (!self.grace.is_zero()).then(|| Instant::now() + self.grace);
        let changed = roster.end(self.key, self.workspace, self.user, now, until);
        self.presences.show(changed);
        self.presences.untold.notify_one();
    }
}

/// Encodes a signal's frame.
fn signal(name: &str, data: &impl Serialize) -> Option<Frame> {
    let data = serde_json::to_string(data).ok()?;
    Some(format!(r#"{{"type":"signal","signal":"{name}","data":{data}}}"#).into())
}
