//! The index of texts (words, and the keys that order titles) on a database where writing a task does not update it. It is
//! brought up to date in short steps on the writer: by a job that the first change enqueues, and before each query that
//! reads it. The job also updates what an older version wrote.

use super::item::Whose;
use super::{Chore, Engine, spawned};
use crate::ops::Index as Read;
use crate::ops::world::World;
use crate::store::jobs::{NewJob, Payload};
use crate::store::search::{self, Due};
use crate::store::task_list::Scope;
use crate::store::{Result as Stored, StoreError, Transaction, tasks};
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use taskwire_protocol::{ErrorCode, Failure};

/// The tasks of the first step, which takes a few milliseconds.
const STEP: i64 = 128;
/// Steps grow up to this size while more tasks wait. Between two steps, groups of mutations run. They may write more
/// than a small step indexes, and with small steps the index would fall behind.
const LARGEST: i64 = 1024;

/// The job that indexes words runs this long after the first change, so it indexes all changes of that time together. A
/// search does not wait for it.
const DELAY: Duration = Duration::from_secs(2);

/// The payload of the job that indexes words.
#[derive(Debug, Serialize, Deserialize)]
pub struct IndexWords;

impl Payload for IndexWords {
    const KIND: &'static str = "words";
}

/// Whether the job that indexes words is in the table, as far as this process knows. Groups enqueue it on SQLite alone,
/// whose only writer is in this process; so of all groups within two seconds only one writes the job's row.
#[derive(Default)]
pub(super) struct WordsJob {
    is_enqueued: AtomicBool,
}

impl WordsJob {
    /// Enqueues the job in the transaction of the first group that changes words.
    pub(super) fn enqueue_if_wanted(&self, alone: bool, world: &mut World) -> Stored<()> {
        let is_wanted = alone && !self.is_enqueued.load(Ordering::Relaxed) && changes_words(world);
        if is_wanted {
            world.enqueue(NewJob::new("", &IndexWords, DELAY)?);
            // set before the commit, because a run that begins right after the commit clears it
            self.is_enqueued.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Makes the next change enqueue the job: a run has begun, or it is unknown whether the table has the job.
    pub(super) fn clear(&self) {
        self.is_enqueued.store(false, Ordering::Relaxed);
    }
}

fn changes_words(world: &World) -> bool {
    changes_tasks(world)
        || world
            .comments
            .changes()
            .any(|change| match (change.before, change.now) {
                (Some(before), Some(now)) => before.comment.body != now.comment.body,
                (before, now) => before.is_some() != now.is_some(),
            })
}

fn changes_tasks(world: &World) -> bool {
    world
        .tasks
        .changes()
        .any(|change| match (change.before, change.now) {
            (Some(before), Some(now)) => {
                before.title != now.title || before.description != now.description || before.tags != now.tags
            }
            (before, now) => before.is_some() != now.is_some(),
        })
}

/// A step that brings the index of words up to date.
pub struct Index {
    due: Vec<Due>,
    step: i64,
}

impl Index {
    /// The first step, if anything waits.
    fn of(mut due: Vec<Due>) -> Option<Index> {
        // the last one is taken first
        due.reverse();
        (!due.is_empty()).then_some(Index { due, step: STEP })
    }
}

impl Chore for Index {
    /// The next step; `None` when nothing waits any more.
    type Output = Option<Index>;

    async fn run(mut self, tx: &mut Transaction) -> Result<Option<Index>, StoreError> {
        let Some(next) = self.due.pop() else {
            return Ok(None);
        };
        self.due.extend(search::catch_up(tx, next, self.step).await?);
        let step = (self.step * 2).min(LARGEST);
        Ok((!self.due.is_empty()).then_some(Index { due: self.due, step }))
    }
}

/// A step that gives keys to tags which an older version wrote.
pub struct KeyTags;

impl Chore for KeyTags {
    /// Whether there are more.
    type Output = bool;

    async fn run(self, tx: &mut Transaction) -> Result<bool, StoreError> {
        tasks::lock_tags(tx).await?;
        Ok(tasks::key_tags(tx, LARGEST).await? as i64 >= LARGEST)
    }
}

impl Engine {
    /// The first step of indexing the tasks that wait now, without those that are changed meanwhile. `None` when no
    /// task waits.
    pub async fn words_to_index(&self) -> Result<Option<Index>, Failure> {
        let store = self.0.store.clone();
        let due = spawned(async move { search::all_due(&mut store.read().await?).await }).await?;
        Ok(Index::of(due))
    }

    /// The first step of removing the words of tasks that were erased; `None` where a task's row has its words.
    pub async fn words_left_behind(&self) -> Result<Option<Index>, Failure> {
        let store = self.0.store.clone();
        let due = spawned(async move { search::due(&mut store.read().await?).await }).await?;
        Ok(Index::of(due))
    }

    /// Whether there are tags without keys.
    pub async fn tags_to_key(&self) -> Result<bool, Failure> {
        let store = self.0.store.clone();
        spawned(async move { tasks::has_tags_to_key(&mut store.read().await?).await }).await
    }

    /// Notes that a run of the job that indexes texts begins: the next change enqueues the job again.
    pub fn words_job_begins(&self) {
        self.0.words.clear();
    }

    /// Indexes what waits, for a query that is about to read it. A full database has no room for the newest texts, and is no
    /// reason not to find the others. The steps wait for the turns of their owner.
    pub(super) async fn index_before(
        &self,
        whose: Whose,
        read: Read,
        scope: Scope<'static>,
    ) -> Result<(), Failure> {
        let store = self.0.store.clone();
        let due = spawned(async move {
            let mut reader = store.read().await?;
            match read {
                Read::Words => search::due(&mut reader).await,
                Read::Titles => search::titles_due(&mut reader, scope).await,
            }
        });
        let mut next = Index::of(due.await?);
        while let Some(step) = next {
            next = match self.chore_for(whose, step).await {
                Err(failure) if failure.code == ErrorCode::StorageFull => None,
                outcome => outcome?,
            };
        }
        Ok(())
    }
}
