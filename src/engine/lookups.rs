//! How a group finds rows that its mutations cannot name by key: one function per lookup of the table of entities
//! (`ops/mod.rs`), in the order of the table. A lookup sees the entities and what earlier lookups loaded. `crowds` has the
//! lookups of tasks whose number nothing bounds, `neighbours` the one of places.

use super::crowds::{
    assigned, before, below, blocked, blockers, levels, restaged, tasks_of_project, tasks_with_tag,
};
use super::loading::{Done, Loading};
use super::neighbours::neighbours;
use crate::ops::bounds::Belongings;
use crate::ops::notifications::FORGOTTEN;
use crate::ops::sessions::AT_ONCE;
use crate::ops::world::Members;
use crate::ops::{Login, Target, for_each_entity};
use crate::store::{
    api_tokens, attachments, invites, members, notifications, projects, purges, repeats, sessions, streams,
    tags, tasks, users, workspaces,
};
use std::collections::BTreeSet;
use std::time::Instant;
use taskwire_protocol::member::Role;
use taskwire_protocol::{StreamId, TaskId, UserId, WorkspaceId};

macro_rules! derive_all {
    (
        entities { $($entities:tt)* }
        lookups { $( $(#[doc = $doc:literal])+ $name:ident: $key:ty, ordered($order:ident),
            brings($brings:ident); )* }
    ) => {
        /// Runs every lookup that the group needs.
        pub(super) async fn all(loading: &mut Loading<'_>) -> Done {
            $( if !loading.needs.$name.is_empty() {
                let began = Instant::now();
                let done = $name(loading).await;
                loading.ended(done, began, |needs| needs.$name.len())?;
            } )*
            Ok(())
        }
    };
}

for_each_entity!(derive_all);

async fn logins(loading: &mut Loading<'_>) -> Done {
    for (email, username, user) in users::by_login(loading.tx, &loading.needs.logins).await? {
        loading.world.logins.insert(Login::Email(email), user.clone());
        loading.world.logins.insert(Login::Username(username), user);
    }
    Ok(())
}

async fn accounts_of(loading: &mut Loading<'_>) -> Done {
    let (needs, world) = (loading.needs, &loading.world);
    let users = needs
        .accounts_of
        .iter()
        .filter_map(|login| world.logins.get(login));
    let users: BTreeSet<UserId> = users.map(|user| user.id).collect();
    for account in users::load(loading.tx, users).await? {
        loading.world.accounts.loaded(account);
    }
    Ok(())
}

async fn invites_of(loading: &mut Loading<'_>) -> Done {
    let workspaces = loading.needs.invites_of.iter().copied();
    for invite in invites::load_of(loading.tx, workspaces).await? {
        loading.world.invites.loaded(invite);
    }
    Ok(())
}

async fn acquainted(loading: &mut Loading<'_>) -> Done {
    let (needs, world) = (loading.needs, &loading.world);
    let pairs = needs.acquainted.iter().filter_map(|(user, login)| {
        let other = world.logins.get(login)?;
        Some((*user, other.id))
    });
    let pairs: BTreeSet<(UserId, UserId)> = pairs.collect();
    for (user, other) in members::load_acquainted(loading.tx, pairs).await? {
        loading.world.loaded_acquainted(user, other);
    }
    Ok(())
}

async fn administrators(loading: &mut Loading<'_>) -> Done {
    let found = users::administrators(loading.tx).await?;
    hold(loading, found.into_iter().map(StreamId::from).collect()).await?;
    let administrators = users::administrators(loading.tx).await?;
    loading.world.loaded_administrators(administrators);
    Ok(())
}

async fn founders(loading: &mut Loading<'_>) -> Done {
    let administrators = users::administrators_in_turn(loading.tx).await?;
    loading.world.loaded_administrators(administrators);
    Ok(())
}

async fn joining(loading: &mut Loading<'_>) -> Done {
    let found = loading
        .needs
        .joining
        .iter()
        .filter_map(|login| loading.world.logins.get(login));
    let found: BTreeSet<UserId> = found.map(|user| user.id).collect();
    hold_and_count(loading, &found).await
}

async fn taking(loading: &mut Loading<'_>) -> Done {
    let needs = loading.needs;
    hold_and_count(loading, &needs.taking).await
}

/// Counts the workspaces of users under the locks of their streams.
async fn hold_and_count(loading: &mut Loading<'_>, users: &BTreeSet<UserId>) -> Done {
    hold(loading, users.iter().map(|user| StreamId::from(*user)).collect()).await?;
    count_belongings(loading, users).await
}

async fn belongings(loading: &mut Loading<'_>) -> Done {
    let needs = loading.needs;
    count_belongings(loading, &needs.belongings).await
}

async fn count_belongings(loading: &mut Loading<'_>, users: &BTreeSet<UserId>) -> Done {
    for user in users {
        let (all, owned) = workspaces::belongings(loading.tx, *user).await?;
        loading.world.loaded_belongings(*user, Belongings { all, owned });
    }
    Ok(())
}

async fn sole_ownerships(loading: &mut Loading<'_>) -> Done {
    for user in &loading.needs.sole_ownerships {
        let found = workspaces::owned_alone(loading.tx, *user).await?;
        loading.world.loaded_sole_ownerships(*user, found);
    }
    Ok(())
}

async fn stored(loading: &mut Loading<'_>) -> Done {
    if !loading.shared.bounds.bounds_storage() {
        return Ok(());
    }
    let users = &loading.needs.stored;
    hold(loading, users.iter().map(|user| StreamId::from(*user)).collect()).await?;
    for account in users::load(loading.tx, users.iter().copied()).await? {
        loading.world.accounts.loaded(account);
    }
    for user in users {
        let bytes = attachments::load_bytes_by(loading.tx, *user).await?;
        loading.world.loaded_stored(*user, bytes);
    }
    Ok(())
}

async fn owners(loading: &mut Loading<'_>) -> Done {
    let members = loading
        .needs
        .owners
        .iter()
        .filter_map(|id| loading.world.members(*id));
    let owners = members
        .flat_map(Members::iter)
        .filter(|member| member.role == Role::Owner);
    let owners: BTreeSet<UserId> = owners.map(|owner| owner.user.id).collect();
    for account in users::load(loading.tx, owners).await? {
        loading.world.accounts.loaded(account);
    }
    Ok(())
}

/// Locks more users' streams.
async fn hold(loading: &mut Loading<'_>, streams: BTreeSet<StreamId>) -> Done {
    if loading.tries.may_widen() && !loading.tx.is_alone() {
        loading.users.admit(streams.iter().copied())?;
    }
    let began = Instant::now();
    let locked = streams::lock(loading.tx, streams.iter().copied()).await?;
    loading.waited += began.elapsed();
    for (stream, counters) in locked {
        loading.world.loaded_counters(stream, counters);
    }
    loading.users.hold(streams);
    Ok(())
}

async fn newest(loading: &mut Loading<'_>) -> Done {
    for user in &loading.needs.newest {
        if let Some(at) = notifications::newest(loading.tx, *user).await? {
            loading.world.loaded_newest(*user, at);
        }
    }
    Ok(())
}

async fn old_notifications(loading: &mut Loading<'_>) -> Done {
    for (user, before) in &loading.needs.old_notifications {
        for notification in notifications::load_before(loading.tx, *user, *before, FORGOTTEN).await? {
            loading.world.notifications.loaded(notification);
        }
    }
    Ok(())
}

async fn sessions_of(loading: &mut Loading<'_>) -> Done {
    for user in &loading.needs.sessions_of {
        for session in sessions::load_living(loading.tx, *user).await? {
            loading.world.sessions.loaded(session);
        }
    }
    Ok(())
}

async fn crowded_sessions(loading: &mut Loading<'_>) -> Done {
    let Some(most) = loading.shared.bounds.sessions_per_user else {
        return Ok(());
    };
    // several mutations of the group may begin one each
    let (most, now) = (
        i64::try_from(most).unwrap_or(i64::MAX),
        loading.shared.clock.now_ms(),
    );
    for user in &loading.needs.crowded_sessions {
        let living = sessions::count_living(loading.tx, *user, most.saturating_add(AT_ONCE)).await?;
        loading.world.loaded_living(*user, living.unsigned_abs());
        if living.saturating_add(AT_ONCE) <= most {
            continue;
        }
        for session in sessions::load_least_used(loading.tx, *user, now, AT_ONCE).await? {
            loading.world.sessions.loaded(session);
        }
    }
    Ok(())
}

async fn api_tokens_of(loading: &mut Loading<'_>) -> Done {
    for user in &loading.needs.api_tokens_of {
        for token in api_tokens::load_of(loading.tx, *user).await? {
            loading.world.api_tokens.loaded(token);
        }
    }
    Ok(())
}

async fn subtasks(loading: &mut Loading<'_>) -> Done {
    let needs = loading.needs;
    count_subtasks(loading, needs.subtasks.iter().copied().collect()).await
}

async fn siblings(loading: &mut Loading<'_>) -> Done {
    let (needs, world) = (loading.needs, &loading.world);
    let tasks = needs.siblings.iter().filter_map(|id| world.tasks.get(*id));
    let parents: BTreeSet<TaskId> = tasks.filter_map(|task| task.parent_id).collect();
    count_subtasks(loading, parents).await
}

async fn count_subtasks(loading: &mut Loading<'_>, parents: BTreeSet<TaskId>) -> Done {
    for (parent, number) in tasks::count_subtasks(loading.tx, parents).await? {
        loading.world.loaded_subtasks(parent, number);
    }
    Ok(())
}

async fn ancestors(loading: &mut Loading<'_>) -> Done {
    let ids = loading.needs.ancestors.iter().copied();
    for task in tasks::load_ancestors(loading.tx, ids).await? {
        loading.world.tasks.loaded(task);
    }
    Ok(())
}

/// The tasks that an import may have made before. Those of other workspaces are not locked: that their ids are taken is all
/// that matters.
async fn imported(loading: &mut Loading<'_>) -> Done {
    let mut ids: BTreeSet<TaskId> = loading.needs.imported.clone();
    let mut found = BTreeSet::new();
    // the tasks, their parents, and the parents of these
    for _ in 0..3 {
        let mut above = BTreeSet::new();
        for task in tasks::load(loading.tx, std::mem::take(&mut ids)).await? {
            above.extend(task.parent_id);
            found.insert(task.id);
            loading.world.tasks.loaded(task);
        }
        ids = above.difference(&found).copied().collect();
    }
    count_subtasks(loading, found).await
}

async fn projects_beside(loading: &mut Loading<'_>) -> Done {
    let needs = loading.needs;
    for target in &needs.projects_beside {
        let workspace = match target {
            Target::Workspace(id) => Some(*id),
            Target::Project(id) => loading
                .world
                .projects
                .get(*id)
                .map(|project| project.workspace_id),
            Target::Own
            | Target::User(_)
            | Target::Task(_)
            | Target::Comment(_)
            | Target::Attachment(_)
            | Target::Tag(_)
            | Target::Outside(_) => None,
        };
        let Some(workspace) = workspace else { continue };
        for project in projects::load_of(loading.tx, workspace).await? {
            loading.world.projects.loaded(project);
        }
    }
    Ok(())
}

/// A task that the group makes may be in any workspace for which it asks for the id.
async fn tags_named(loading: &mut Loading<'_>) -> Done {
    let (needs, world) = (loading.needs, &loading.world);
    let homes = |target: Target| -> Vec<WorkspaceId> {
        match target {
            Target::Own
            | Target::User(_)
            | Target::Comment(_)
            | Target::Attachment(_)
            | Target::Project(_)
            | Target::Outside(_) => Vec::new(),
            Target::Workspace(id) => vec![id],
            Target::Tag(id) => world
                .tags
                .get(id)
                .map(|tag| tag.workspace_id)
                .into_iter()
                .collect(),
            Target::Task(id) => match world.tasks.get(id) {
                Some(task) => vec![task.workspace_id],
                None => needs
                    .made
                    .iter()
                    .filter(|(made, _)| *made == id)
                    .map(|(_, home)| *home)
                    .collect(),
            },
        }
    };
    let wanted = needs.tags_named.iter();
    let wanted: BTreeSet<(WorkspaceId, String)> = wanted
        .flat_map(|(target, key)| homes(*target).into_iter().map(move |home| (home, key.clone())))
        .collect();
    for (workspace, key, named) in tags::named(loading.tx, wanted).await? {
        loading.world.loaded_name(workspace, key, named);
    }
    Ok(())
}

async fn zones(loading: &mut Loading<'_>) -> Done {
    let needs = loading.needs;
    load_zones(loading, &needs.zones).await
}

/// The zones are not locked: a change of one that goes on beside it is either seen or not.
async fn load_zones(loading: &mut Loading<'_>, users: &BTreeSet<UserId>) -> Done {
    for (user, zone) in users::zones(loading.tx, users.iter().copied()).await? {
        loading.world.loaded_zone(user, zone);
    }
    Ok(())
}

/// Only of tasks that repeat: for others it reads nothing.
async fn repeating(loading: &mut Loading<'_>) -> Done {
    let (needs, world) = (loading.needs, &loading.world);
    let tasks = needs.repeating.iter().filter_map(|(id, begins)| {
        let task = world.tasks.get(*id)?;
        (*begins || task.recurrence.is_some()).then_some(task)
    });
    let tasks: Vec<_> = tasks.collect();
    let creators: BTreeSet<UserId> = tasks.iter().map(|task| task.created_by).collect();
    let ids: Vec<TaskId> = tasks.iter().map(|task| task.id).collect();
    for repeat in repeats::load(loading.tx, ids).await? {
        loading.world.repeats.loaded(repeat);
    }
    load_zones(loading, &creators).await
}

async fn told(loading: &mut Loading<'_>) -> Done {
    for (user, task) in &loading.needs.told {
        for notification in notifications::about(loading.tx, *user, *task, FORGOTTEN).await? {
            loading.world.notifications.loaded(notification);
        }
    }
    Ok(())
}

/// How many notifications and log entries about tasks a group forgets at once. What is beyond, a job forgets.
const FORGOTTEN_AT_ONCE: i64 = 500;

/// The notifications about tasks. It reads their recipients, locks the recipients' streams all at once, and then reads
/// the rows again under the locks. What is about a task of which too much was told stays for a job.
async fn notified(loading: &mut Loading<'_>) -> Done {
    let needs = loading.needs;
    let (mut owners, mut few) = (BTreeSet::new(), Vec::new());
    let mut room = FORGOTTEN_AT_ONCE;
    for id in &needs.notified {
        let number = purges::count(loading.tx, *id, room + 1).await?;
        if number > room {
            loading.world.loaded_much_told(*id);
            continue;
        }
        room -= number;
        few.push(*id);
        let left = notifications::of_task(loading.tx, *id).await?;
        owners.extend(left.iter().map(|(user, _)| StreamId::from(*user)));
    }
    hold(loading, owners).await?;
    for id in few {
        for notification in notifications::of_task(loading.tx, id).await? {
            loading.world.notifications.loaded(notification);
        }
    }
    Ok(())
}
