//! The state on which a group of mutations decides, with the changes that they made. The engine fills it before they
//! decide and writes it afterwards; nothing waits in between. Later mutations of a group see what earlier ones did.
//!
//! - `entry`   what is logged, and the proof that it was logged
//! - `files`   attachments, and the removal of their files
//! - `counts`  the streams' counters, and what the group adds to them
//! - `object`  a payload, encoded once
//! - `near`    what is known of tasks whose rows memory does not have, and what is too much to have
//! - `tags`    tags by their keys

mod counts;
mod entry;
mod files;
mod near;
mod object;
mod tags;

pub use super::rows::Members;
pub use entry::{Entry, Logged};
pub use near::Crowd;
pub use object::Object;

use super::bounds::Belongings;
use super::rows::Rows;
use super::{Act, Login, Result, for_each_entity};
use crate::domain::notices::Wishes;
use crate::store::jobs::NewJob;
use crate::store::sessions::SessionRecord;
use crate::store::streams::Counters;
use crate::store::users::Account;
use counts::Counts;
use foldhash::HashMap;
use near::Near;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tags::KnownTags;
use taskwire_protocol::account::{GlobalRole, PublicUser};
use taskwire_protocol::events::{self, CountedEvent, PlainEvent};
use taskwire_protocol::member::{Member, Role};
use taskwire_protocol::notification::Notification;
use taskwire_protocol::stage::Stages;
use taskwire_protocol::task::Task;
use taskwire_protocol::workspace::{Workspace, WorkspaceKind};
use taskwire_protocol::{CommentId, SessionId, StreamId, TaskId, Timestamp, UserId, WorkspaceId};

/// What the preferences of people say about notifications.
#[derive(Clone, Default)]
struct KnownWishes {
    known: Option<Arc<dyn Fn(UserId) -> Option<Wishes> + Send + Sync>>,
    /// Who was notified although it was unknown.
    missed: BTreeSet<UserId>,
}

/// The members that changed.
pub struct MemberChanges<'a> {
    /// New and changed ones.
    pub written: Vec<(WorkspaceId, &'a Member)>,
    /// Removed ones.
    pub removed: Vec<(WorkspaceId, UserId)>,
}

macro_rules! is_account {
    (accounts) => {
        true
    };
    (content) => {
        false
    };
}

macro_rules! derive_world {
    (
        entities { $( $(#[doc = $doc:literal])+ $name:ident: $key:ty => $row:ty,
            ordered($order:ident), concerns($concern:ident), store($store:ident); )* }
        lookups { $($lookups:tt)* }
    ) => {
        /// What the group decides on.
        #[derive(Clone, Default)]
        pub struct World {
            $( $(#[doc = $doc])+ pub $name: Rows<$key, $row>, )*
            /// The accounts that have these logins.
            pub logins: HashMap<Login, PublicUser>,
            /// The active administrators, if a mutation of the group needs them.
            administrators: BTreeSet<UserId>,
            /// How many workspaces some users have.
            belongings: HashMap<UserId, Belongings>,
            /// How many sessions of some users have not ended.
            living: HashMap<UserId, u64>,
            /// The team workspaces that would have no owner without these users, by id and name.
            sole_ownerships: HashMap<UserId, Vec<(WorkspaceId, String)>>,
            known_tags: KnownTags,
            members: HashMap<WorkspaceId, Arc<Members>>,
            changed_members: BTreeSet<(WorkspaceId, UserId)>,
            /// Workspaces that were deleted.
            dissolved: BTreeSet<WorkspaceId>,
            /// The workspaces whose members or stages changed.
            readjusted: BTreeSet<WorkspaceId>,
            counts: Counts,
            entries: Vec<Entry>,
            purged: Vec<TaskId>,
            /// Tasks about which too much was told to forget it in one transaction.
            much_told: BTreeSet<TaskId>,
            newest: HashMap<UserId, Timestamp>,
            near: Near,
            /// How many subtasks some tasks have, without deleted ones.
            subtasks: HashMap<TaskId, u64>,
            zones: HashMap<UserId, String>,
            /// How many bytes the attachments of some users have.
            stored: HashMap<UserId, u64>,
            acquainted: BTreeSet<(UserId, UserId)>,
            read_all: BTreeSet<UserId>,
            wishes: KnownWishes,
            jobs: BTreeMap<(&'static str, String), NewJob>,
        }

        impl World {
            /// Whether there is nothing to write.
            pub fn is_unchanged(&self) -> bool {
                $( self.$name.is_unchanged() && )* self.counts.is_unchanged() && self.jobs.is_empty()
            }

            /// Whether the group changed rows that invalidate cached sessions and memberships.
            pub fn concerns_accounts(&self) -> bool {
                $( (is_account!($concern) && !self.$name.is_unchanged()) || )*
                    !self.changed_members.is_empty() || !self.dissolved.is_empty()
            }
        }
    };
}

for_each_entity!(derive_world);

impl World {
    /// Sessions that have ended, of those that the group loaded, and API tokens that it ended.
    pub fn ended_sessions(&self) -> impl Iterator<Item = SessionId> {
        let sessions = self.sessions.iter();
        let ended = sessions.filter(|(_, session)| session.revoked_at.is_some());
        ended.map(|(id, _)| *id).chain(self.ended_tokens())
    }

    /// Whether a session or API token has ended, as far as the group knows.
    pub fn has_ended(&self, id: SessionId) -> bool {
        let session = self.sessions.get(id);
        session.is_some_and(|session| session.revoked_at.is_some())
            || self.ended_tokens().any(|token| token == id)
    }

    /// An API token is a session of its own.
    fn ended_tokens(&self) -> impl Iterator<Item = SessionId> {
        let removed = self.api_tokens.changes().filter(|change| change.now.is_none());
        removed.map(|change| SessionId(change.key.0))
    }

    /// Sets the counters of a locked stream.
    pub fn loaded_counters(&mut self, stream: StreamId, counters: Counters) {
        self.counts.load(stream, counters);
    }

    /// Sets the members of a locked workspace.
    pub fn loaded_members(&mut self, workspace: WorkspaceId, members: Arc<Members>) {
        self.members.insert(workspace, members);
    }

    /// Sets the time at which a user's newest notification was made.
    pub fn loaded_newest(&mut self, user: UserId, at: Timestamp) {
        self.newest.insert(user, at);
    }

    /// Sets what knows what the preferences of people say about notifications.
    pub fn knows_wishes(&mut self, known: Arc<dyn Fn(UserId) -> Option<Wishes> + Send + Sync>) {
        self.wishes.known = Some(known);
    }

    /// What a user's preferences say about notifications.
    pub(in crate::ops) fn wishes(&mut self, user: UserId) -> Wishes {
        // an account in memory is newer, and may have been changed by the group
        if let Some(account) = self.accounts.get(user) {
            return Wishes::of(&account.user.preferences);
        }
        let known = self.wishes.known.as_ref().and_then(|known| known(user));
        known.unwrap_or_else(|| {
            self.wishes.missed.insert(user);
            Wishes::default()
        })
    }

    /// The people whom the group notified although it did not know what their preferences say.
    pub fn take_unknown(&mut self) -> BTreeSet<UserId> {
        std::mem::take(&mut self.wishes.missed)
    }

    /// Sets the name of a user's time zone.
    pub fn loaded_zone(&mut self, user: UserId, zone: String) {
        self.zones.insert(user, zone);
    }

    /// The name of a user's time zone, if a mutation needs it; UTC for one that is unknown.
    pub(in crate::ops) fn zone(&self, user: UserId) -> &str {
        self.zones.get(&user).map_or("UTC", String::as_str)
    }

    /// A user shares a workspace with another one.
    pub fn loaded_acquainted(&mut self, user: UserId, other: UserId) {
        self.acquainted.insert((user, other));
    }

    /// Whether these users share a workspace, or are one.
    pub fn are_acquainted(&self, user: UserId, other: UserId) -> bool {
        user == other || self.acquainted.contains(&(user, other))
    }

    /// Sets the active administrators.
    pub fn loaded_administrators(&mut self, administrators: impl IntoIterator<Item = UserId>) {
        self.administrators.extend(administrators);
    }

    /// Sets how many workspaces a user has.
    pub fn loaded_belongings(&mut self, user: UserId, belongings: Belongings) {
        self.belongings.insert(user, belongings);
    }

    /// How many workspaces a user has.
    pub(in crate::ops) fn belongings(&self, user: UserId) -> Belongings {
        self.belongings.get(&user).copied().unwrap_or_default()
    }

    /// Sets how many sessions of a user have not ended.
    pub fn loaded_living(&mut self, user: UserId, sessions: u64) {
        self.living.insert(user, sessions);
    }

    /// How many sessions of a user have not ended, if they are counted.
    pub(in crate::ops) fn living(&self, user: UserId) -> u64 {
        self.living.get(&user).copied().unwrap_or_default()
    }

    /// Writes a session, new or changed, and counts it.
    pub(in crate::ops) fn put_session(&mut self, session: SessionRecord) {
        let lives = |session: &SessionRecord| u64::from(session.revoked_at.is_none());
        let before = self.sessions.get(session.id).map_or(0, lives);
        if let Some(living) = self.living.get_mut(&session.user) {
            *living = (*living + lives(&session)).saturating_sub(before);
        }
        self.sessions.put(session);
    }

    /// Sets the team workspaces with other members whose only owner is this user.
    pub fn loaded_sole_ownerships(&mut self, user: UserId, workspaces: Vec<(WorkspaceId, String)>) {
        self.sole_ownerships.insert(user, workspaces);
    }

    /// The team workspaces with other members whose only owner is this user.
    pub(in crate::ops) fn sole_ownerships(&self, user: UserId) -> &[(WorkspaceId, String)] {
        self.sole_ownerships.get(&user).map_or(&[], Vec::as_slice)
    }

    /// Whether there is an active administrator besides this account.
    pub(in crate::ops) fn has_another_administrator(&self, than: UserId) -> bool {
        self.administrators.iter().any(|id| *id != than)
    }

    /// Writes an account.
    pub(in crate::ops) fn put_account(&mut self, account: Account) {
        let (id, user) = (account.user.id, &account.user);
        if user.role == GlobalRole::Admin && user.is_active {
            self.administrators.insert(id);
        } else {
            self.administrators.remove(&id);
        }
        self.accounts.put(account);
    }

    /// An account has another public profile: its logins find that, and no longer its former username.
    pub(in crate::ops) fn renamed(&mut self, before: &PublicUser, now: &PublicUser) {
        self.logins.remove(&Login::username(&before.username));
        for user in self.logins.values_mut().filter(|user| user.id == now.id) {
            *user = now.clone();
        }
        self.logins.insert(Login::username(&now.username), now.clone());
    }

    /// A stream's counters with what the group added so far. Exact for locked streams.
    pub fn counters(&self, stream: StreamId) -> Counters {
        self.counts.now(stream)
    }

    /// How many tasks a workspace has, deleted ones included. Exact if its stream is locked.
    pub(in crate::ops) fn tasks_of(&self, workspace: WorkspaceId) -> u64 {
        let counters = self.counters(workspace.into());
        let tasks = counters.pending + counters.completed + counters.deleted;
        tasks.max(0).unsigned_abs()
    }

    /// The members of a workspace; `None` if there is no such workspace.
    pub fn members(&self, workspace: WorkspaceId) -> Option<&Members> {
        self.members.get(&workspace).map(Arc::as_ref)
    }

    /// A user's role in a workspace.
    pub fn role(&self, workspace: WorkspaceId, user: UserId) -> Option<Role> {
        self.members(workspace)?.role(user)
    }

    /// The stages of a workspace's tasks.
    pub fn stages(&self, workspace: WorkspaceId) -> Stages {
        let stages = self.members(workspace).map(Members::stages);
        stages.cloned().unwrap_or_default()
    }

    /// Gives a workspace, whose row is written too, other stages.
    pub(in crate::ops) fn put_stages(&mut self, workspace: WorkspaceId, stages: Stages) {
        self.change_members(workspace).stages = stages;
    }

    /// Too much was told about a task to forget it in one transaction.
    pub fn loaded_much_told(&mut self, task: TaskId) {
        self.much_told.insert(task);
    }

    /// Whether a job is to forget what was told about a task.
    pub fn is_much_told(&self, task: TaskId) -> bool {
        self.much_told.contains(&task)
    }

    /// Sets how many subtasks a task has, without deleted ones.
    pub fn loaded_subtasks(&mut self, task: TaskId, number: u64) {
        self.subtasks.insert(task, number);
    }

    /// How many subtasks a task has, without deleted ones.
    pub(in crate::ops) fn subtasks(&self, task: TaskId) -> u64 {
        self.subtasks.get(&task).copied().unwrap_or_default()
    }

    /// Writes a task, new or changed, and counts it.
    pub fn put_task(&mut self, task: Task) {
        if let Some(before) = self.tasks.get(task.id) {
            self.counts.task(before, -1);
            count_below(&mut self.subtasks, before, -1);
        }
        self.counts.task(&task, 1);
        count_below(&mut self.subtasks, &task, 1);
        self.tasks.put(task);
    }

    /// Purges a task: its row, its comments, its attachments, and its content in the log, including this group's entries.
    pub fn purge_task(&mut self, id: TaskId) -> Result<()> {
        for entry in self.entries.iter_mut().filter(|entry| entry.task == Some(id)) {
            entry.forget()?;
        }
        let comments = self
            .comments
            .iter()
            .filter(|(_, record)| record.comment.task_id == id);
        let comments: Vec<CommentId> = comments.map(|(comment, _)| *comment).collect();
        for comment in comments {
            self.comments.remove(comment);
        }
        if let Some(task) = self.tasks.remove(id) {
            self.counts.task(&task, -1);
            count_below(&mut self.subtasks, &task, -1);
            if task.attachment_count > 0 {
                self.purge_attachments(id, task.workspace_id)?;
            }
            self.purged.push(id);
        }
        Ok(())
    }

    /// Enqueues a job in the group's transaction. Of several jobs with the same kind and key, only the last one is
    /// enqueued.
    pub fn enqueue(&mut self, job: NewJob) {
        self.jobs.insert(job.identity(), job);
    }

    /// The jobs that the group enqueues.
    pub fn jobs(&self) -> impl Iterator<Item = &NewJob> {
        self.jobs.values()
    }

    /// Writes a member.
    pub fn put_member(&mut self, workspace: WorkspaceId, member: Member) {
        let (user, role) = (member.user.id, member.role);
        self.belongs(workspace, user, Some(role));
        self.changed_members.insert((workspace, user));
        let members = self.change_members(workspace);
        members.by_user.insert(member.user.id, member);
    }

    /// Removes a member.
    pub fn remove_member(&mut self, workspace: WorkspaceId, user: UserId) {
        self.belongs(workspace, user, None);
        self.changed_members.insert((workspace, user));
        self.change_members(workspace).by_user.remove(&user);
    }

    /// Removes all members of a workspace, and returns them by id.
    pub(in crate::ops) fn dissolve(&mut self, workspace: WorkspaceId) -> Vec<UserId> {
        let members = self.members(workspace).into_iter().flat_map(Members::iter);
        let mut users: Vec<UserId> = members.map(|member| member.user.id).collect();
        users.sort_unstable();
        for user in &users {
            self.belongs(workspace, *user, None);
        }
        self.change_members(workspace).by_user.clear();
        self.changed_members.retain(|(of, _)| *of != workspace);
        self.dissolved.insert(workspace);
        users
    }

    /// The workspaces that were deleted. They have no members.
    pub fn dissolved(&self) -> impl Iterator<Item = WorkspaceId> {
        self.dissolved.iter().copied()
    }

    /// Counts a change of a member, if the user's workspaces are counted.
    fn belongs(&mut self, workspace: WorkspaceId, user: UserId, now: Option<Role>) {
        let before = self.role(workspace, user);
        let is_team = |workspace: &Workspace| workspace.kind == WorkspaceKind::Team;
        let is_team = self.workspaces.get(workspace).is_some_and(is_team);
        let Some(has) = self.belongings.get_mut(&user) else {
            return;
        };
        let owns = |role: Option<Role>| u64::from(is_team && role == Some(Role::Owner));
        has.all = (has.all + u64::from(now.is_some())).saturating_sub(u64::from(before.is_some()));
        has.owned = (has.owned + owns(now)).saturating_sub(owns(before));
    }

    fn change_members(&mut self, workspace: WorkspaceId) -> &mut Members {
        self.counts.delta(workspace.into()).acl_version += 1;
        self.readjusted.insert(workspace);
        let members = Arc::make_mut(self.members.entry(workspace).or_default());
        members.acl_version += 1;
        members
    }

    /// Logs what happened.
    pub fn emit<E: PlainEvent>(
        &mut self,
        act: &Act<'_>,
        stream: E::Stream,
        payload: &E::Payload,
    ) -> Result<Logged<E::Payload>> {
        let (entry, logged) = Entry::new::<E, _>(act, stream.into(), payload)?;
        self.log(entry);
        Ok(logged)
    }

    /// Logs what happened to a user's notifications, and adds to the count of unread ones. The payload gets the count
    /// when the entry gets its `seq`.
    pub fn emit_counted<E: CountedEvent>(
        &mut self,
        act: &Act<'_>,
        user: UserId,
        payload: &E::Uncounted,
        unread: i64,
    ) -> Result<Logged<E::Uncounted>> {
        let (entry, logged) = Entry::new::<E, _>(act, user.into(), payload)?;
        self.counts.delta(user.into()).unread += unread;
        let unread = Some(unread);
        self.log(Entry { unread, ..entry });
        Ok(logged)
    }

    fn log(&mut self, entry: Entry) {
        self.counts.delta(entry.stream).seq += 1;
        self.entries.push(entry);
    }

    /// Writes a notification and logs it on its user's stream.
    pub fn notify(
        &mut self,
        act: &Act<'_>,
        user: UserId,
        notification: Notification,
    ) -> Result<Logged<Notification>> {
        let unread = i64::from(!notification.is_read);
        let logged = self.emit_counted::<events::NotificationCreated>(act, user, &notification, unread)?;
        self.notifications.put((user, notification));
        Ok(logged)
    }

    /// A time that is not before any of the user's notifications: now, or the newest one's time if the clock that dated
    /// it was ahead of ours.
    pub fn all_made_by(&self, act: &Act<'_>, user: UserId) -> Timestamp {
        self.newest
            .get(&user)
            .map_or(act.now, |newest| act.now.max(*newest))
    }

    /// Marks all of a user's notifications as read: those in memory now, the others in the database when the group
    /// writes.
    pub fn read_all(&mut self, user: UserId) {
        let unread = self
            .notifications
            .iter()
            .filter(|((of, _), row)| *of == user && !row.is_read);
        let unread: Vec<_> = unread.map(|(_, row)| row.clone()).collect();
        for row in unread {
            let (is_read, version) = (true, row.version + 1);
            self.notifications.put((
                user,
                Notification {
                    is_read,
                    version,
                    ..row
                },
            ));
        }
        self.read_all.insert(user);
    }

    /// The number of entries so far. [`World::entries`] returns what was logged after this point.
    pub fn logged(&self) -> usize {
        self.entries.len()
    }

    /// The entries after the first `from`.
    pub fn entries(&self, from: usize) -> &[Entry] {
        self.entries.get(from..).unwrap_or_default()
    }

    /// What the group adds to each stream's counters, sorted by id.
    pub fn deltas(&self) -> Vec<(StreamId, Counters)> {
        self.counts.deltas()
    }

    /// The members that the group wrote, and those that it removed.
    pub fn member_changes(&self) -> MemberChanges<'_> {
        let (mut written, mut removed) = (Vec::new(), Vec::new());
        for (workspace, user) in &self.changed_members {
            match self.members(*workspace).and_then(|members| members.get(*user)) {
                Some(member) => written.push((*workspace, member)),
                None => removed.push((*workspace, *user)),
            }
        }
        MemberChanges { written, removed }
    }

    /// The workspaces whose members or stages changed, with both as they are now.
    pub fn changed_workspaces(&self) -> impl Iterator<Item = (WorkspaceId, Arc<Members>)> {
        let ids = self.readjusted.iter();
        ids.filter_map(|id| Some((*id, self.members.get(id)?.clone())))
    }

    /// The tasks that the group purged.
    pub fn purged(&self) -> &[TaskId] {
        &self.purged
    }

    /// The users whose notifications were all marked as read.
    pub fn all_read(&self) -> impl Iterator<Item = UserId> {
        self.read_all.iter().copied()
    }
}

/// Counts a subtask of those tasks whose subtasks are counted.
fn count_below(subtasks: &mut HashMap<TaskId, u64>, task: &Task, change: i64) {
    let parent = task.parent_id.filter(|_| !task.is_deleted);
    if let Some(number) = parent.and_then(|parent| subtasks.get_mut(&parent)) {
        *number = number.saturating_add_signed(change);
    }
}
