//! Looks at alarms when their time comes, a few at a time, with turns for everybody else between them. Every instance looks:
//! who takes alarms first has them for some seconds, so no alarm waits for an instance that died. That each rings once
//! does not depend on it (`ops/alarms`).

use super::{Caller, Chore, Engine, spawned};
use crate::ops::alarms::Ring;
use crate::store::alarms::{self, Alarm, AlarmKey, AlarmKind};
use crate::store::{StoreError, Transaction};
use futures_util::future::join_all;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use taskwire_protocol::account::{GlobalRole, PublicUser};
use taskwire_protocol::frames::Actor;
use taskwire_protocol::operations::Nothing;
use taskwire_protocol::{ErrorCode, Failure, SessionId, TaskId, Timestamp, UserId, WorkspaceId};
use tokio::time::sleep;
use uuid::Uuid;

/// The longest time between two looks: others write alarms too, and clocks may step.
const LOOK: Duration = Duration::from_secs(1);
/// The alarms that are taken at a time, by one statement for which other mutations wait.
const TAKEN: i64 = 96;
/// How long taken alarms are this instance's.
const HELD_MS: i64 = 10_000;
/// The alarms that ring together. They delay a group of other mutations by a few milliseconds.
const WAVE: usize = 16;
/// The longest pause after taking alarms, and after a wave.
const PAUSE: Duration = Duration::from_millis(20);
/// The alarms that one step looks at again.
const PAGE: i64 = 500;

impl Engine {
    /// Lets alarms ring, until the instance ends.
    pub(super) async fn keep_alarms(self) {
        loop {
            match self.look_at_alarms().await {
                Ok(pause) => sleep(pause.min(LOOK)).await,
                Err(failure) => {
                    tracing::debug!(error.message = %failure, "could not look at alarms; it is tried again");
                    sleep(LOOK).await;
                }
            }
        }
    }

    /// Lets the alarms ring whose time has come. Returns the time until the next one.
    pub async fn look_at_alarms(&self) -> Result<Duration, Failure> {
        let store = self.0.store.clone();
        let next = spawned(async move { alarms::next(&mut store.read().await?).await }).await?;
        let now = self.0.clock.now_ms();
        let Some(Timestamp(next)) = next else {
            return Ok(LOOK);
        };
        if next > now {
            return Ok(Duration::from_millis((next - now).unsigned_abs()));
        }
        let began = Instant::now();
        let taken = self.chore(Take(now)).await?;
        // what waited for this must not wait for the first wave too
        give_way(began).await;
        let present = self.present();
        for wave in waves(taken) {
            let began = Instant::now();
            let ringing = wave.into_iter().map(|alarms| self.ring(alarms, &present));
            for rung in join_all(ringing).await {
                match rung {
                    Err(failure) if failure.code == ErrorCode::Unavailable => return Err(failure),
                    // these are taken again; the others must not wait for them
                    Err(failure) => {
                        tracing::warn!(error.message = %failure, "alarms did not ring; they are tried again");
                    }
                    Ok(()) => {}
                }
            }
            give_way(began).await;
        }
        Ok(Duration::ZERO)
    }

    /// Lets alarms of one person in one workspace ring.
    async fn ring(&self, of: Ringing, present: &HashSet<UserId>) -> Result<(), Failure> {
        let ring = Ring {
            workspace: of.workspace,
            alarms: of.alarms,
            away: !present.contains(&of.user),
        };
        let keys = ring.keys(of.user).collect();
        // a session of its own: mutations of one session wait for each other
        let caller = on_behalf(of.user, SessionId(self.0.ids.next()));
        match self.act::<Nothing>(caller, ring).await {
            // not a member, or gone: nobody is to be told
            Err(failure) if failure.code == ErrorCode::NotFound => {
                self.chore(PassOver(keys, Timestamp(self.0.clock.now_ms()))).await
            }
            rung => rung.map(drop),
        }
    }

    /// Looks again at a page of a user's alarms. Returns where the next page begins.
    pub async fn look_again(&self, user: UserId, after: TaskId) -> Result<Option<TaskId>, Failure> {
        let now = Timestamp(self.0.clock.now_ms());
        self.chore(LookAgain { user, after, now }).await
    }
}

/// Gives everybody else as much time as was taken since then, up to [`PAUSE`].
async fn give_way(began: Instant) {
    sleep(began.elapsed().min(PAUSE)).await;
}

/// The server, which acts for a user. The step reads the account.
fn on_behalf(user: UserId, session: SessionId) -> Arc<Caller> {
    let user = PublicUser {
        id: user,
        username: "".into(),
        name: "".into(),
        photo_url: None,
    };
    let caller = Caller::new(user, session, GlobalRole::User, WorkspaceId(Uuid::nil()));
    Arc::new(caller.as_actor(Actor::Server))
}

/// Alarms of one person in one workspace.
struct Ringing {
    workspace: WorkspaceId,
    user: UserId,
    alarms: Vec<(TaskId, AlarmKind)>,
}

/// The alarms by time, as many together as may ring together; in a wave, those of one person in one workspace are one step.
fn waves(mut taken: Vec<Alarm>) -> Vec<Vec<Ringing>> {
    taken.sort_unstable_by_key(|alarm| (alarm.workspace, alarm.key));
    let waves = taken.chunks(WAVE).map(|wave| {
        let mut steps: Vec<Ringing> = Vec::new();
        let mut sorted: Vec<&Alarm> = wave.iter().collect();
        sorted.sort_unstable_by_key(|alarm| (alarm.workspace, alarm.key.1, alarm.key));
        for alarm in sorted {
            let (task, user, kind) = alarm.key;
            match steps.last_mut() {
                Some(step) if step.user == user && step.workspace == alarm.workspace => {
                    step.alarms.push((task, kind));
                }
                _ => steps.push(Ringing {
                    workspace: alarm.workspace,
                    user,
                    alarms: vec![(task, kind)],
                }),
            }
        }
        steps
    });
    waves.collect()
}

struct Take(i64);

impl Chore for Take {
    type Output = Vec<Alarm>;
    async fn run(self, tx: &mut Transaction) -> Result<Vec<Alarm>, StoreError> {
        alarms::take(tx, Timestamp(self.0), Timestamp(self.0 + HELD_MS), TAKEN).await
    }
}

struct PassOver(Vec<AlarmKey>, Timestamp);

impl Chore for PassOver {
    type Output = ();
    async fn run(self, tx: &mut Transaction) -> Result<(), StoreError> {
        alarms::pass_over(tx, &self.0, self.1).await
    }
}

struct LookAgain {
    user: UserId,
    after: TaskId,
    now: Timestamp,
}

impl Chore for LookAgain {
    type Output = Option<TaskId>;
    async fn run(self, tx: &mut Transaction) -> Result<Option<TaskId>, StoreError> {
        alarms::look_again(tx, self.user, self.now, self.after, PAGE).await
    }
}
