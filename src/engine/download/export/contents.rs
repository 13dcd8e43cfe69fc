//! What is in the archive of an export: what an account has, and of its team workspaces what it created or is assigned to.
//! It is read in short pages, each on a connection that is given back before the page is sent. No secret is in it: neither
//! hashes nor tokens are in what the operations answer, and nothing else is read.

use super::super::pieces::Stop;
use super::outgoing::Outgoing;
use crate::engine::readers::Page;
use crate::engine::{Engine, Size};
use crate::ops::invites::received;
use crate::ops::{Caller, bug, json};
use crate::pictures::Kind;
use crate::store::notifications::Selection;
use crate::store::{comments, invites, log, members, notifications, streams, tasks, workspaces};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use taskwire_protocol::account::{
    ApiTokenList, GetProfile, ListApiTokens, ListSessions, PublicUser, SessionList, User,
};
use taskwire_protocol::invite::Invite;
use taskwire_protocol::notification::NotificationSort;
use taskwire_protocol::task::Task;
use taskwire_protocol::workspace::{Workspace, WorkspaceKind};
use taskwire_protocol::{ErrorCode, Failure, Request, StreamId, Timestamp, WorkspaceId};
use uuid::Uuid;

/// The rows of a page.
const PAGE: usize = 250;

type Result<T> = std::result::Result<T, Stop>;

/// The contents of one export.
pub(super) struct Contents<'a> {
    pub(super) engine: &'a Engine,
    pub(super) caller: &'a Arc<Caller>,
    pub(super) out: Outgoing,
}

impl<'a> Contents<'a> {
    pub(super) fn new(engine: &'a Engine, caller: &'a Arc<Caller>, out: Outgoing) -> Contents<'a> {
        Contents { engine, caller, out }
    }

    /// Writes all of it. Returns the size of the archive.
    pub(super) async fn write(mut self, now: Timestamp) -> Result<usize> {
        let user: User = self.answer(Request::GetProfile(Box::new(GetProfile {}))).await?;
        self.out.file("README.txt", readme(&user, now).as_bytes())?;
        self.out.object("profile.json", &user)?;
        self.photo(user.public()).await?;
        let sessions: SessionList = self
            .answer(Request::ListSessions(Box::new(ListSessions {})))
            .await?;
        self.out.object("sessions.json", &sessions)?;
        let tokens: ApiTokenList = self
            .answer(Request::ListApiTokens(Box::new(ListApiTokens {})))
            .await?;
        self.out.object("api_tokens.json", &tokens)?;
        self.invites().await?;
        let workspaces = self.workspaces().await?;
        // the answer begins here; what follows may take long
        self.out.send().await?;
        self.notifications().await?;
        self.comments().await?;
        self.activity().await?;
        self.attachments().await?;
        for workspace in workspaces {
            self.tasks(workspace).await?;
        }
        self.files().await?;
        self.still_allowed().await?;
        self.out.finish().await
    }

    /// A connection for a page, when it is the caller's turn.
    pub(super) async fn reader(&self) -> Result<Page> {
        Ok(self.engine.page(self.caller.user.id).await?)
    }

    /// The invitations that wait for an answer.
    async fn invites(&mut self) -> Result<()> {
        let shown = invites::shown_to(&mut *self.reader().await?, self.caller.user.id).await?;
        let received: Vec<Invite> = shown.into_iter().filter_map(received).collect();
        self.out.object("invites.json", &received)
    }

    /// What an operation answers to the caller.
    async fn answer<T: DeserializeOwned>(&self, request: Request) -> Result<T> {
        let reply = self.engine.call(self.caller, request, None).await?;
        let unread = || bug("the output of an operation cannot be read");
        Ok(reply.output().ok_or_else(unread)?)
    }

    /// Fails when the caller's session has ended meanwhile: what is read of an account that is gone would look complete.
    /// Also when nobody waits for the archive any more.
    pub(super) async fn still_allowed(&self) -> Result<()> {
        self.out.in_time()?;
        Ok(self.engine.check_session(self.caller).await?)
    }

    /// Both squares of the photo. Fails when it was replaced meanwhile.
    async fn photo(&mut self, user: PublicUser) -> Result<()> {
        let Some(url) = user.photo_url else {
            return Ok(());
        };
        for size in Size::ALL {
            let Some(square) = self.engine.photo_file(user.id, &url, size).await? else {
                let now: User = self.answer(Request::GetProfile(Box::new(GetProfile {}))).await?;
                if now.photo_url.as_deref() == Some(&*url) {
                    tracing::warn!(user.id = %user.id, "a photo is not in the store of files; the export lacks it");
                    return Ok(());
                }
                let message = "the photo changed during the export; ask for another export";
                return Err(Failure::new(ErrorCode::Unavailable, message).into());
            };
            let ending = match Kind::of_bytes(&square) {
                Some(Kind::Png) => "png",
                _ => "jpg",
            };
            let name = format!("photo-{}.{ending}", size.pixels());
            self.out.file(&name, &square)?;
        }
        Ok(())
    }

    /// The workspaces with the caller's role in each, one on each line of the array. Returns their ids and kinds.
    async fn workspaces(&mut self) -> Result<Vec<(WorkspaceId, WorkspaceKind)>> {
        let (user, mut after, mut found) = (self.caller.user.id, None, Vec::new());
        self.out.lines("workspaces.json", 0)?;
        let mut before = "[";
        loop {
            self.still_allowed().await?;
            let page = workspaces::list(&mut *self.reader().await?, user, after, PAGE as i64).await?;
            for workspace in &page {
                self.out.text(format!("{before}{}", json(workspace)?)).await?;
                before = ",";
            }
            found.extend(
                page.iter()
                    .map(|workspace: &Workspace| (workspace.id, workspace.kind)),
            );
            match page.last() {
                Some(last) if page.len() == PAGE => after = Some(last.id.0),
                _ => break,
            }
        }
        let end = if found.is_empty() { "[]" } else { "]" };
        self.out.text(end.to_owned()).await?;
        Ok(found)
    }

    /// The notifications, oldest first.
    async fn notifications(&mut self) -> Result<()> {
        let user = self.caller.user.id;
        let number = notifications::count(&mut *self.reader().await?, user).await?;
        self.out.lines("notifications.ndjson", number)?;
        let mut wanted = Selection {
            sort: NotificationSort::CreatedAt,
            limit: PAGE as i64,
            ..Selection::default()
        };
        loop {
            self.still_allowed().await?;
            let page = notifications::list(&mut *self.reader().await?, user, wanted).await?;
            for notification in &page {
                self.out.line(notification).await?;
            }
            match page.last() {
                Some(last) if page.len() == PAGE => wanted.after = Some(last.id.0),
                _ => return Ok(()),
            }
        }
    }

    /// What the caller wrote in the workspaces that they are in, oldest first.
    async fn comments(&mut self) -> Result<()> {
        let (user, mut after) = (self.caller.user.id, None);
        let number = comments::count_by(&mut *self.reader().await?, user).await?;
        self.out.lines("comments.ndjson", number)?;
        loop {
            self.still_allowed().await?;
            let page = comments::list_by(&mut *self.reader().await?, user, after, PAGE as i64).await?;
            for comment in &page {
                self.out.line(comment).await?;
            }
            match page.last() {
                Some(last) if page.len() == PAGE => after = Some(last.id.0),
                _ => return Ok(()),
            }
        }
    }

    /// The log of the caller's own stream, as far as it is kept.
    async fn activity(&mut self) -> Result<()> {
        let stream = StreamId::User(self.caller.user.id);
        let (mut after, head) = log::range(&mut *self.reader().await?, stream).await?;
        self.out.lines("activity.ndjson", (head - after).max(0) as u64)?;
        loop {
            self.still_allowed().await?;
            let page = log::page(&mut *self.reader().await?, stream, after, PAGE as i64).await?;
            let is_last = page.len() < PAGE;
            for (seq, frame) in page {
                self.out.text(frame).await?;
                after = seq;
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// The tasks of a workspace by id, deleted ones included: all of the caller's personal one; of a team's those that
    /// the caller created or is assigned to. Every page of a team's tasks is looked through, because no index has them
    /// by who created them; a file begins with its first task.
    async fn tasks(&mut self, (workspace, kind): (WorkspaceId, WorkspaceKind)) -> Result<()> {
        let user = self.caller.user.id;
        let name = format!("tasks/{workspace}.ndjson");
        let counters = streams::counters(&mut *self.reader().await?, workspace.into()).await?;
        let number = (counters.pending + counters.completed + counters.deleted).max(0) as u64;
        let is_personal = kind == WorkspaceKind::Personal;
        let mut has_begun = is_personal;
        if is_personal {
            self.out.lines(&name, number)?;
        }
        let is_own =
            |task: &Task| is_personal || task.created_by == user || task.assignee_ids.contains(&user);
        let mut after: Option<Uuid> = None;
        loop {
            self.still_allowed().await?;
            let page = self.page_of_tasks(workspace, after).await?;
            for task in page.iter().filter(|task| is_own(task)) {
                if !has_begun {
                    self.out.lines(&name, number)?;
                    has_begun = true;
                }
                self.out.line(task).await?;
            }
            match page.last() {
                Some(last) if page.len() == PAGE => after = Some(last.id.0),
                _ => return Ok(()),
            }
        }
    }

    /// A page of a workspace's tasks. Fails when the caller is no member any more.
    async fn page_of_tasks(&self, workspace: WorkspaceId, after: Option<Uuid>) -> Result<Vec<Task>> {
        let mut reader = self.reader().await?;
        let page = tasks::sync(&mut reader, workspace, after, PAGE as i64).await?;
        // after the read: who was removed before it gets nothing
        let role = members::find_role(&mut reader, self.caller.user.id, workspace).await?;
        if role.is_none() {
            let message = "you left a workspace during the export; ask for another export";
            return Err(Failure::new(ErrorCode::Conflict, message).into());
        }
        Ok(page)
    }
}

/// What is in the archive, for people.
fn readme(user: &User, now: Timestamp) -> String {
    format!(
        "The data of the Taskwire account {username}, as of {now}.

profile.json          your account and its preferences
photo-64, photo-256   your photo, if you have one, in two sizes
sessions.json         the devices that are signed in
api_tokens.json       your API tokens, without the tokens themselves
invites.json          the invitations to workspaces that you have not answered
workspaces.json       the workspaces that you are in, with your role in each
notifications.ndjson  your notifications, oldest first
comments.ndjson       the comments that you wrote in these workspaces, oldest first
activity.ndjson       what happened to your account, oldest first, as far back as the server keeps it
attachments.ndjson    what the files are that you uploaded in these workspaces, oldest first
attachments/ID/NAME   these files, the oldest ones first, up to 1 GiB of them
tasks/ID.ndjson       tasks of the workspace with this id, deleted ones included: all tasks of your personal
                      workspace; of a team workspace those that you created or are assigned to. A team
                      workspace without such tasks has no file.

A file that ends in .json is one JSON value. A file that ends in .ndjson has one JSON value on each line.
Their fields are those of the server's API.
",
        username = user.username,
    )
}
