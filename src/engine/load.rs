//! A group's first step: locks its primary streams and loads what its mutations need, with one statement per table.

use super::costs::Costs;
use super::loading::{HeldUsers, Loading, Noted};
use super::lookups;
use super::narrow::narrowed;
use super::optimism::{ordered_by, orders};
use super::recovery::{Fault, Tries};
use super::shared::Shared;
use super::submission::Submission;
use super::wishes;
use crate::ops::world::{Members, World};
use crate::ops::{Needs, Target, for_each_entity};
use crate::store::ops::Remembered;
use crate::store::start::{self, Start};
use crate::store::streams::Counters;
use crate::store::{self, Result, Transaction, attachments, comments, members, projects, tags, tasks};
use foldhash::{HashMap, HashMapExt};
use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use taskwire_protocol::stage::Stages;
use taskwire_protocol::{OpId, StreamId, UserId, WorkspaceId};

/// What the group's op_ids did before.
pub(super) type Memory = HashMap<(UserId, OpId), Remembered>;

/// What these submissions need together.
pub(super) fn needs(submissions: &[Submission]) -> Needs {
    let mut all = Needs::default();
    for submission in submissions {
        all.merge(&submission.needs);
    }
    all
}

/// Adds the workspaces of targets that name none: they must be locked. Nothing moves to another workspace, so what is
/// found holds.
pub(super) async fn find_homes(tx: &mut Transaction, needs: &mut Needs) -> Result<()> {
    let (mut comments, mut attachments) = (Vec::new(), Vec::new());
    let (mut projects, mut tags) = (Vec::new(), Vec::new());
    for target in &needs.homeless {
        match target {
            Target::Comment(id) => comments.push(*id),
            Target::Attachment(id) => attachments.push(*id),
            Target::Project(id) => projects.push(*id),
            Target::Tag(id) => tags.push(*id),
            Target::Own | Target::User(_) | Target::Workspace(_) | Target::Outside(_) | Target::Task(_) => {}
        }
    }
    let mut places = comments::places(tx, comments).await?;
    places.extend(attachments::places(tx, attachments).await?);
    for (task, workspace) in places {
        needs.tasks.insert(task);
        needs.streams.insert(workspace.into());
    }
    for project in projects::load(tx, projects).await? {
        needs.streams.insert(project.workspace_id.into());
    }
    for tag in tags::load(tx, tags).await? {
        needs.streams.insert(tag.workspace_id.into());
    }
    Ok(())
}

/// What a group decides on.
pub(super) struct Loaded {
    pub(super) world: World,
    pub(super) memory: Memory,
    pub(super) users: HeldUsers,
    /// What lookups were for, if they were not for all that the mutations need.
    pub(super) narrowed: Option<Needs>,
}

/// Locks the streams, notes them, and reads the rows.
pub(super) async fn load(
    tx: &mut Transaction,
    shared: &Shared,
    submissions: &[Submission],
    needs: &Needs,
    tries: &Tries,
    costs: &mut Costs,
    noted: Option<&Noted>,
) -> std::result::Result<Loaded, Fault> {
    let (mut world, mut users) = (World::default(), HeldUsers::default());
    let keys = submissions.iter().flat_map(|submission| {
        submission
            .op_ids()
            .map(|op_id| (submission.caller.user.id, op_id))
    });
    let keys: BTreeSet<(UserId, OpId)> = keys.collect();
    let (locks, homes) = (needs.streams.iter().copied(), needs.tasks.iter().copied());
    let known = if tries.must_lock() || !needs.homeless.is_empty() {
        None
    } else {
        ordered_by(&shared.homes, needs)
    };
    let Start { streams, memory } = match known.and_then(|streams| start::assume(tx, streams)) {
        Some(start) => start,
        None => start::start(tx, locks, homes, keys).await?,
    };
    if let Some(noted) = noted {
        let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
        noted.extend(streams.keys().copied());
    }
    if !tx.is_optimistic() {
        users.hold(needs.streams.iter().copied());
    }
    counters_and_members(tx, shared, streams, &mut world).await?;
    entities(tx, needs, &mut world).await?;
    for task in tasks::load(tx, tries.tasks.iter().copied()).await? {
        world.tasks.loaded(task);
    }
    for (id, task) in world.tasks.iter() {
        shared.homes.put(*id, task.workspace_id);
        if tx.is_optimistic() && !orders(&world, task.workspace_id) {
            return Err(Fault::Unsure);
        }
    }
    let mut less = None;
    if needs.look_far() && !tries.hopes() {
        world.expect(needs.made.iter().copied());
        less = narrowed(submissions, needs, &world, |key| memory.contains_key(key));
    }
    let mut loading = Loading {
        tx,
        shared,
        needs: less.as_ref().unwrap_or(needs),
        is_narrowed: less.is_some(),
        tries,
        submissions,
        world,
        users,
        brought: 0,
        waited: Duration::ZERO,
        costs,
    };
    lookups::all(&mut loading).await?;
    let Loading {
        tx, mut world, users, ..
    } = loading;
    wishes::load(tx, &shared.wishes, submissions, &mut world).await?;
    Ok(Loaded {
        world,
        memory,
        users,
        narrowed: less,
    })
}

macro_rules! derive_entities {
    (
        entities { $( $(#[doc = $doc:literal])+ $name:ident: $key:ty => $row:ty,
            ordered($order:ident), concerns($concern:ident), store($store:ident); )* }
        lookups { $($lookups:tt)* }
    ) => {
        /// Loads the rows of every entity that are needed by key.
        async fn entities(tx: &mut Transaction, needs: &Needs, world: &mut World) -> Result<()> {
            $( for row in store::$store::load(tx, needs.$name.iter().copied()).await? {
                world.$name.loaded(row);
            } )*
            Ok(())
        }
    };
}

for_each_entity!(derive_entities);

/// Puts the counters of the streams into the world, and the members and stages of the workspaces among them.
async fn counters_and_members(
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
    let mut loaded: HashMap<WorkspaceId, (Stages, Vec<_>)> = HashMap::new();
    for (id, member, stages) in members::load(tx, missing.iter().map(|(id, _)| *id)).await? {
        let of = loaded.entry(id).or_default();
        of.1.push(member);
        if let Some(stages) = stages {
            of.0 = stages;
        }
    }
    for (id, acl_version) in missing {
        let (stages, members) = loaded.remove(&id).unwrap_or_default();
        let members = Arc::new(Members::new(acl_version, stages, members));
        // read under the stream's lock, these are committed and of this version. An optimistic group may read newer
        // members, but then no other group asks for the older version
        shared.cache.put(id, members.clone());
        world.loaded_members(id, members);
    }
    Ok(())
}
