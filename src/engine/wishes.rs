//! What people's preferences say about notifications, remembered by user, so that a group seldom asks the database for
//! it. Before a group decides, the people that it probably notifies are looked up, if they are unknown. If it notifies
//! somebody else who is unknown, that person is looked up too, and the group decides again.
//!
//! On SQLite all changes go through this process, so what is remembered stays exact. Other instances may change preferences
//! too; so with PostgreSQL it is forgotten after some seconds.

use super::submission::Submission;
use crate::domain::notices::Wishes;
use crate::ops::world::World;
use crate::store::{Result, Transaction, users};
use foldhash::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use taskwire_protocol::UserId;

/// The most users that are remembered, in about 4 MiB.
const USERS: usize = 65_536;
/// How long a change on another instance may go unnoticed.
const FRESH: Duration = Duration::from_secs(5);

/// Wishes by user.
pub(super) struct WishCache {
    /// Other instances may change preferences.
    shared: bool,
    kept: Mutex<HashMap<UserId, (Wishes, Instant)>>,
}

impl WishCache {
    /// `shared`: other instances may change preferences.
    pub(super) fn new(shared: bool) -> WishCache {
        let kept = Mutex::default();
        WishCache { shared, kept }
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<UserId, (Wishes, Instant)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, found: impl Iterator<Item = (UserId, Wishes)>) {
        let (mut kept, now) = (self.kept(), Instant::now());
        if kept.len() >= USERS {
            kept.clear();
        }
        kept.extend(found.map(|(user, wishes)| (user, (wishes, now))));
    }

    /// Remembers what a committed group changed.
    pub(super) fn committed(&self, world: &World) {
        let changed = world.accounts.changes().filter_map(|change| change.now);
        let wishes = changed.map(|account| (account.user.id, Wishes::of(&account.user.preferences)));
        let mut wishes = wishes.peekable();
        if wishes.peek().is_some() {
            self.put(wishes);
        }
    }

    /// Forgets all, because it is unknown what a commit changed.
    pub(super) fn clear(&self) {
        self.kept().clear();
    }

    /// What is known of a user.
    fn get(&self, user: UserId) -> Option<Wishes> {
        let (wishes, at) = *self.kept().get(&user)?;
        (!self.shared || at.elapsed() < FRESH).then_some(wishes)
    }

    /// Looks up the wishes of these users. An account that the group is about to make has none yet.
    pub(super) async fn look_up(
        &self,
        tx: &mut Transaction,
        missing: impl IntoIterator<Item = UserId>,
    ) -> Result<()> {
        let missing: Vec<UserId> = missing.into_iter().collect();
        let found = users::load_preferences(tx, missing.iter().copied()).await?;
        let none = missing.into_iter().map(|user| (user, Wishes::default()));
        let said = found
            .iter()
            .map(|(user, preferences)| (*user, Wishes::of(preferences)));
        self.put(none.chain(said));
        Ok(())
    }
}

/// Lets the world know what is remembered, after a look-up of the people that the group probably notifies: its callers,
/// and the people of the tasks that it loaded.
pub(super) async fn load(
    tx: &mut Transaction,
    cache: &Arc<WishCache>,
    submissions: &[Submission],
    world: &mut World,
) -> Result<()> {
    let mut people: Vec<UserId> = submissions.iter().map(|one| one.caller.user.id).collect();
    for (_, task) in world.tasks.iter() {
        people.push(task.created_by);
        people.extend(&task.assignee_ids);
    }
    people.sort_unstable();
    people.dedup();
    people.retain(|user| cache.get(*user).is_none());
    if !people.is_empty() {
        Box::pin(cache.look_up(tx, people)).await?;
    }
    let known = cache.clone();
    world.knows_wishes(Arc::new(move |user| known.get(user)));
    Ok(())
}
