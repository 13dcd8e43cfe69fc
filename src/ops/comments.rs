//! Comments on tasks: members write them, their author edits them, their author or an admin deletes them. A task counts its
//! comments; its own version stays, so every event about a comment carries the counts.

use super::caller::{Target, Targeted};
use super::cursor::{List, Wanted};
use super::notices::{tell_of_comment, tell_of_mentions};
use super::tasks::living;
use super::world::{Logged, World};
use super::{Act, Ask, Caller, Change, Mutation, Query, Result, not_found};
use crate::domain::{mentions, text};
use crate::store::comments::{self, CommentRecord};
use crate::store::users::username_key;
use foldhash::HashMap;
use taskwire_protocol::comment::{
    Comment, CommentChanged, CreateComment, DeleteComment, ListComments, UpdateComment,
};
use taskwire_protocol::events::{self, PlainEvent};
use taskwire_protocol::member::Role;
use taskwire_protocol::task::Task;
use taskwire_protocol::{CommentId, ErrorCode, Failure, Page, UserId, WorkspaceId, limits};
use uuid::Uuid;

macro_rules! targets_its_task {
    ($($operation:ty),*) => { $(
        impl Targeted for $operation {
            fn target(&self, _: &Caller) -> Target {
                Target::Task(self.task_id)
            }
        }
    )* };
}

macro_rules! targets_a_comment {
    ($($operation:ty),*) => { $(
        impl Targeted for $operation {
            fn target(&self, _: &Caller) -> Target {
                Target::Comment(self.id)
            }
        }
    )* };
}

targets_its_task!(CreateComment, ListComments);
targets_a_comment!(UpdateComment, DeleteComment);

impl Mutation for CreateComment {
    fn check(mut self) -> Result<Self> {
        self.body = body(&self.body)?;
        if let Some(given) = &mut self.mentions {
            few(given, "mentions")?;
            let mut seen = Vec::with_capacity(given.len());
            given.retain(|user| {
                !seen.contains(user) && {
                    seen.push(*user);
                    true
                }
            });
        }
        Ok(self)
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Comment>> {
        let workspace = act.workspace()?;
        let task = living(world, self.task_id)?;
        act.bounds.one_more_comment(task.comment_count)?;
        let given = self.mentions.as_deref().unwrap_or_default();
        known_members(world, workspace, given)?;
        let mentions = together(given, &named(world, workspace, &self.body))?;
        let comment = Comment {
            id: CommentId(act.new_id()),
            task_id: task.id,
            body: self.body.as_str().into(),
            author: member(world, workspace, act.caller.user.id)?,
            mentions: mentions.clone(),
            version: 1,
            created_at: act.now,
            updated_at: act.now,
        };
        let record = CommentRecord {
            comment: comment.clone(),
            workspace,
            told: mentions,
        };
        let count = task.comment_count + 1;
        let task = Task {
            comment_count: count,
            ..task
        };
        let logged = log::<events::CommentCreated>(act, world, &comment, &task)?;
        tell_of_comment(act, world, &task, &comment.mentions)?;
        world.put_task(task);
        world.comments.put(record);
        Ok(Change::logged(logged, comment))
    }
}

impl Mutation for UpdateComment {
    fn check(mut self) -> Result<Self> {
        self.body = body(&self.body)?;
        Ok(self)
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Comment>> {
        let record = there(world, self.id)?;
        if record.comment.author.id != act.caller.user.id {
            return Err(forbidden("only its author can change a comment"));
        }
        let task = living(world, record.comment.task_id)?;
        if *record.comment.body == *self.body {
            return Ok(Change::nothing(record.comment));
        }
        // those that the body did not name were given, and stay
        let workspace = record.workspace;
        let before = named(world, workspace, &record.comment.body);
        let given = record
            .comment
            .mentions
            .iter()
            .filter(|user| !before.contains(user));
        let given: Vec<UserId> = given.copied().collect();
        let mentions = together(&given, &named(world, workspace, &self.body))?;
        let news = mentions.iter().filter(|user| !record.told.contains(user));
        let news: Vec<UserId> = news.copied().collect();
        let comment = Comment {
            body: self.body.as_str().into(),
            mentions,
            version: record.comment.version + 1,
            updated_at: act.now,
            ..record.comment
        };
        let logged = log::<events::CommentUpdated>(act, world, &comment, &task)?;
        tell_of_mentions(act, world, &task, &news)?;
        world.comments.put(CommentRecord {
            comment: comment.clone(),
            told: record.told.into_iter().chain(news).collect(),
            workspace,
        });
        Ok(Change::logged(logged, comment))
    }
}

impl Mutation for DeleteComment {
    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Comment>> {
        let record = there(world, self.id)?;
        let administers = act.place.is_some_and(|(_, role)| role >= Role::Admin);
        if record.comment.author.id != act.caller.user.id && !administers {
            return Err(forbidden("only its author and admins can delete a comment"));
        }
        let task = living(world, record.comment.task_id)?;
        let task = Task {
            comment_count: (task.comment_count - 1).max(0),
            ..task
        };
        let comment = Comment {
            version: record.comment.version + 1,
            updated_at: act.now,
            ..record.comment
        };
        let logged = log::<events::CommentDeleted>(act, world, &comment, &task)?;
        world.put_task(task);
        world.comments.remove(comment.id);
        Ok(Change::logged(logged, comment))
    }
}

impl Query for ListComments {
    async fn answer(self, ask: Ask) -> Result<Page<Comment>> {
        let list = List::of(&self, &ask.caller);
        let wanted: Wanted<Uuid> = Wanted::read(list, self.limit, self.cursor.as_deref())?;
        let mut reader = ask.read().await?;
        let items = comments::list(&mut reader, self.task_id, wanted.after, wanted.to_read()).await?;
        let count = comments::count(&mut reader, self.task_id);
        wanted.page(items, |comment| comment.id.0, count).await
    }
}

fn body(given: &str) -> Result<String> {
    text::visible("body", given, 1, limits::COMMENT)
}

fn forbidden(message: &str) -> Failure {
    Failure::new(ErrorCode::Forbidden, message)
}

fn there(world: &World, id: CommentId) -> Result<CommentRecord> {
    world
        .comments
        .get(id)
        .cloned()
        .ok_or_else(|| not_found("comment"))
}

fn log<E: PlainEvent<Stream = WorkspaceId, Payload = CommentChanged>>(
    act: &Act<'_>,
    world: &mut World,
    comment: &Comment,
    task: &Task,
) -> Result<Logged<CommentChanged>> {
    let changed = CommentChanged {
        comment: comment.clone(),
        task: task.counts(),
    };
    world.emit::<E>(act, task.workspace_id, &changed)
}

/// The profile of a member, as the workspace's stream last told it.
fn member(
    world: &World,
    workspace: WorkspaceId,
    user: UserId,
) -> Result<taskwire_protocol::account::PublicUser> {
    let member = world.members(workspace).and_then(|members| members.get(user));
    member
        .map(|member| member.user.clone())
        .ok_or_else(|| not_found("task"))
}

fn known_members(world: &World, workspace: WorkspaceId, given: &[UserId]) -> Result<()> {
    match given
        .iter()
        .position(|user| world.role(workspace, *user).is_none())
    {
        None => Ok(()),
        Some(i) => Err(Failure::invalid(
            format!("mentions[{i}]"),
            "whom a comment mentions must be a member of the workspace",
        )),
    }
}

/// The members whose `@username` a text has; of too many one more than a comment may mention.
fn named(world: &World, workspace: WorkspaceId, text: &str) -> Vec<UserId> {
    let Some(members) = world.members(workspace).filter(|_| text.contains('@')) else {
        return Vec::new();
    };
    let by_name: HashMap<String, UserId> = members
        .iter()
        .map(|member| (username_key(&member.user.username), member.user.id))
        .collect();
    mentions::mentioned(text, limits::MENTIONS + 1, |name| {
        by_name.get(&username_key(name)).copied()
    })
}

/// The people given and those named, each once.
fn together(given: &[UserId], named: &[UserId]) -> Result<Vec<UserId>> {
    let mut all = given.to_vec();
    all.extend(named.iter().filter(|user| !given.contains(user)));
    few(&all, "body")?;
    Ok(all)
}

fn few(people: &[UserId], field: &str) -> Result<()> {
    if people.len() > limits::MENTIONS {
        let message = format!("a comment mentions at most {} people", limits::MENTIONS);
        return Err(Failure::invalid(field, message));
    }
    Ok(())
}
