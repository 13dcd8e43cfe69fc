//! A group's first step: locks its primary streams and brings into memory what its mutations need, a statement a table.

use super::group::Shared;
use super::job::Job;
use super::optimism::{ordered_by, orders};
use super::recovery::{Fault, Tries};
use crate::domain::position;
use crate::ops::world::{Members, World};
use crate::ops::{Login, Needs};
use crate::store::ops::Remembered;
use crate::store::start::{self, Start};
use crate::store::streams::{self, Counters};
use crate::store::{Result, Transaction, members, notifications, sessions, tasks, users, workspaces};
use foldhash::{HashMap, HashMapExt};
use std::collections::BTreeSet;
use std::sync::Arc;
use taskwire_protocol::{OpId, StreamId, TaskId, UserId, WorkspaceId};

/// What the group's op_ids did before.
pub(super) type Memory = HashMap<(UserId, OpId), Remembered>;

/// What these jobs need together.
pub(super) fn needs(jobs: &[Job]) -> Needs {
    let mut all = Needs::default();
    for job in jobs {
        all.merge(&job.needs);
    }
    all
}

/// The users' streams that a group has locked. Everybody locks workspaces first and then users, each in the order of
/// their ids: whoever holds a user's stream may only wait for those after it.
#[derive(Default)]
pub(super) struct HeldUsers(BTreeSet<StreamId>);

impl HeldUsers {
    /// Refuses what would be waited for out of order.
    pub(super) fn admit(&self, streams: impl Iterator<Item = StreamId>) -> std::result::Result<(), Fault> {
        let Some(last) = self.0.last().map(|stream| stream.uuid()) else {
            return Ok(());
        };
        let more: BTreeSet<StreamId> = streams
            .filter(|stream| matches!(stream, StreamId::User(_)) && !self.0.contains(stream))
            .collect();
        if more.iter().any(|stream| stream.uuid() < last) {
            return Err(Fault::Narrow(more));
        }
        Ok(())
    }

    fn hold(&mut self, streams: impl IntoIterator<Item = StreamId>) {
        let users = streams
            .into_iter()
            .filter(|stream| matches!(stream, StreamId::User(_)));
        self.0.extend(users);
    }
}

/// What a group decides on.
pub(super) struct Loaded {
    pub(super) world: World,
    pub(super) memory: Memory,
    pub(super) users: HeldUsers,
}

/// Locks and reads.
pub(super) async fn load(
    tx: &mut Transaction,
    shared: &Shared,
    jobs: &[Job],
    needs: &Needs,
    tries: &Tries,
) -> std::result::Result<Loaded, Fault> {
    let (mut world, mut users) = (World::default(), HeldUsers::default());
    let keys = jobs
        .iter()
        .flat_map(|job| job.op_ids().map(|op_id| (job.caller.user.id, op_id)));
    let keys: BTreeSet<(UserId, OpId)> = keys.collect();
    let (locks, homes) = (needs.streams.iter().copied(), needs.tasks.iter().copied());
    let known = if tries.must_lock() {
        None
    } else {
        ordered_by(&shared.homes, needs)
    };
    let Start { streams, memory } = match known.and_then(|streams| start::assume(tx, streams)) {
        Some(start) => start,
        None => start::start(tx, locks, homes, keys).await?,
    };
    if !tx.is_optimistic() {
        users.hold(needs.streams.iter().copied());
    }
    know(tx, shared, streams, &mut world).await?;
    for task in tasks::load(tx, needs.tasks.iter().copied()).await? {
        shared.homes.put(task.id, task.workspace_id);
        if tx.is_optimistic() && !orders(&world, task.workspace_id) {
            return Err(Fault::Unsure);
        }
        world.tasks.loaded(task.id, task);
    }
    for workspace in workspaces::load(tx, needs.workspaces.iter().copied()).await? {
        world.workspaces.loaded(workspace.id, workspace);
    }
    for (email, username, user) in users::by_login(tx, &needs.logins).await? {
        world.logins.insert(Login::Email(email), user.clone());
        world.logins.insert(Login::Username(username), user);
    }
    for (user, notification) in notifications::load(tx, needs.notifications.iter().copied()).await? {
        world.notifications.loaded((user, notification.id), notification);
    }
    for user in &needs.newest {
        if let Some(at) = notifications::newest(tx, *user).await? {
            world.loaded_newest(*user, at);
        }
    }
    for account in users::load(tx, needs.accounts.iter().copied()).await? {
        world.accounts.loaded(account.user.id, account);
    }
    for session in sessions::load(tx, needs.sessions.iter().copied()).await? {
        world.sessions.loaded(session.id, session);
    }
    for user in &needs.sessions_of {
        for session in sessions::load_living(tx, *user).await? {
            world.sessions.loaded(session.id, session);
        }
    }
    relatives(tx, needs, &mut world).await?;
    neighbours(tx, shared, needs, &mut world).await?;
    notified(tx, needs, &mut world, &mut users, tries).await?;
    Ok(Loaded { world, memory, users })
}

/// The streams of the group, and the members of the workspaces among them.
async fn know(
    tx: &mut Transaction,
    shared: &Shared,
    locked: HashMap<StreamId, Counters>,
    world: &mut World,
) -> Result<()> {
    let mut missing: Vec<(WorkspaceId, i64)> = Vec::new();
    for (stream, counters) in locked {
        world.loaded_counters(stream, counters);
        if let StreamId::Workspace(id) = stream {
            match shared.cache.get(id, counters.acl_version) {
                Some(members) => world.loaded_members(id, members),
                None => missing.push((id, counters.acl_version)),
            }
        }
    }
    let mut loaded: HashMap<WorkspaceId, Vec<_>> = HashMap::new();
    for (id, member) in members::load(tx, missing.iter().map(|(id, _)| *id)).await? {
        loaded.entry(id).or_default().push(member);
    }
    for (id, acl_version) in missing {
        let members = Arc::new(Members::new(acl_version, loaded.remove(&id).unwrap_or_default()));
        // read under the stream's lock: committed, and of this version; where an optimistic group reads newer ones, nobody
        // else will ask for those of the older version
        shared.cache.put(id, members.clone());
        world.loaded_members(id, members);
    }
    Ok(())
}

/// What only the rows themselves can name: parts, ancestors, tasks of a member.
async fn relatives(tx: &mut Transaction, needs: &Needs, world: &mut World) -> Result<()> {
    for id in &needs.children {
        for task in tasks::load_children(tx, *id).await? {
            world.tasks.loaded(task.id, task);
        }
    }
    for id in &needs.ancestors {
        for task in tasks::load_ancestors(tx, *id).await? {
            world.tasks.loaded(task.id, task);
        }
    }
    for (workspace, user) in &needs.assigned {
        for task in tasks::load_assigned(tx, *workspace, *user).await? {
            world.tasks.loaded(task.id, task);
        }
    }
    Ok(())
}

/// The tasks near those beside which others are placed. One that the group itself makes will stand where the end is now.
async fn neighbours(tx: &mut Transaction, shared: &Shared, needs: &Needs, world: &mut World) -> Result<()> {
    if needs.neighbours.is_empty() {
        return Ok(());
    }
    let end: Arc<str> = position::at_end(shared.ids.next()).into();
    // any of the group's tasks may have been moved away from there before the last of them is placed
    let nearest = needs.tasks.len() as i64 + 1;
    // who was placed on one side of a task that leaves has what stood on its other side beside it then
    let left = needs
        .neighbours
        .iter()
        .filter(|(id, _)| needs.leaving.contains(id));
    let other_sides = left.map(|(id, before)| (*id, !before));
    let sides: BTreeSet<(TaskId, bool)> = needs.neighbours.iter().copied().chain(other_sides).collect();
    for (id, before) in &sides {
        let made = needs.made.iter().filter(|(made, _)| made == id);
        let places: Vec<(WorkspaceId, Arc<str>)> = world.tasks.get(*id).map_or_else(
            || made.map(|(_, workspace)| (*workspace, end.clone())).collect(),
            |task| vec![(task.workspace_id, task.position.clone())],
        );
        for (workspace, place) in places {
            let place = (&*place, *id);
            for task in tasks::load_neighbours(tx, workspace, place, *before, nearest).await? {
                world.tasks.loaded(task.id, task);
            }
        }
    }
    Ok(())
}

/// The notifications that tasks left. Whose they are is read first; their streams are locked, all at once, before the
/// rows are read for good.
async fn notified(
    tx: &mut Transaction,
    needs: &Needs,
    world: &mut World,
    users: &mut HeldUsers,
    tries: &Tries,
) -> std::result::Result<(), Fault> {
    let mut owners: BTreeSet<StreamId> = BTreeSet::new();
    for id in &needs.notified {
        let left = notifications::of_task(tx, *id).await?;
        owners.extend(left.iter().map(|(user, _)| StreamId::from(*user)));
    }
    if tries.may_widen() && !tx.is_alone() {
        users.admit(owners.iter().copied())?;
    }
    for (stream, counters) in streams::lock(tx, owners.iter().copied()).await? {
        world.loaded_counters(stream, counters);
    }
    users.hold(owners);
    for id in &needs.notified {
        for (user, notification) in notifications::of_task(tx, *id).await? {
            world.notifications.loaded((user, notification.id), notification);
        }
    }
    Ok(())
}
