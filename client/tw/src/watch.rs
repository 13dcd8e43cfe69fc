//! `watch`: a line for each event, over any number of reconnects.

use crate::{
    connect::{Context, tell_lost},
    fault::Fault,
    output::Output,
    resolve,
    terminal::{note, plain},
    text::{line as task_line, moment, short},
    waiting::waiting_long,
};
use serde_json::json;
use std::{collections::BTreeMap, sync::Arc};
use taskwire_client::{
    Client, Events, Item,
    protocol::{
        Event, StreamId, WorkspaceId, frames::Actor, frames::EventFrame, frames::Welcome, signals,
        stream::Reason, stream::Subscribe, task::Task, workspace::Workspace,
    },
};

/// The names of the streams, for people.
#[derive(Default)]
struct Names(BTreeMap<StreamId, Arc<str>>);

pub(crate) async fn watch(context: &Context, output: &Output, workspace: Option<&str>) -> Result<(), Fault> {
    let mut config = context.config()?;
    if workspace.is_some() {
        config = config.following([]);
    }
    let (client, events) = Client::connect(config)?;
    let done = follow(context, output, &client, events, workspace).await;
    // This waits for a token refresh that is under way, even if the reader of the lines is gone.
    client.close().await;
    done
}

async fn follow(
    context: &Context,
    output: &Output,
    client: &Client,
    mut events: Events,
    workspace: Option<&str>,
) -> Result<(), Fault> {
    let mut names = Names::default();
    let mut scope = if workspace.is_some() {
        Scope::Joining
    } else {
        Scope::All
    };
    let mut has_begun = false;
    let mut joining = workspace.map(|workspace| Box::pin(join(client.clone(), workspace.to_owned())));
    loop {
        let item = tokio::select! {
            // The workspace must be known before its first event is read.
            biased;
            joined = async { match &mut joining { Some(joining) => joining.await, None => std::future::pending().await } } => {
                joining = None;
                let joined = joined?;
                names.0.insert(joined.id.into(), joined.name);
                scope = Scope::Only(joined.id);
                continue;
            }
            item = async {
                if has_begun { events.next().await } else { waiting_long(&context.answer(), events.next()).await }
            } => item,
        };
        has_begun = true;
        match item {
            Some(Item::Stopped(why)) => return Err(context.stopped(why)),
            Some(item) if scope.ends_with(&item) => {
                return Err(Fault::not_found("you can no longer read this workspace"));
            }
            Some(item) if scope.shows(&item) => print(context, output, &mut names, item)?,
            Some(_) => {}
            None => return Ok(()),
        }
    }
}

/// The streams to watch.
#[derive(Clone, Copy)]
enum Scope {
    All,
    /// One workspace that is not known yet.
    Joining,
    Only(WorkspaceId),
}

impl Scope {
    /// Whether to print the item. With one workspace, the user's own stream only tells when access ends.
    fn shows(self, item: &Item) -> bool {
        let stream = match item {
            Item::Event(frame) => frame.stream,
            Item::Resync { stream, .. } => *stream,
            _ => return true,
        };
        match self {
            Scope::All => true,
            Scope::Joining => false,
            Scope::Only(workspace) => stream == workspace.into(),
        }
    }

    fn ends_with(self, item: &Item) -> bool {
        let Scope::Only(workspace) = self else {
            return false;
        };
        match item {
            Item::Resync {
                stream,
                reason: Reason::NoAccess,
            } => *stream == workspace.into(),
            Item::Event(frame) => matches!(
                Event::read(&frame.event, &frame.data),
                Ok(Event::AccessLost(lost)) if lost.workspace_id == workspace
            ),
            _ => false,
        }
    }
}

/// Follows one workspace from now on; the client keeps following it over reconnects. It subscribes to the user's own
/// stream first, so that it learns when access ends in between.
async fn join(client: Client, text: String) -> Result<Workspace, Fault> {
    let me = client.ready().await?.user.id;
    let workspace = resolve::listed(&client, &text).await?;
    for stream in [me.into(), workspace.id.into()] {
        client.call(Subscribe { stream, since: None }).await?;
    }
    Ok(workspace)
}

fn print(context: &Context, output: &Output, names: &mut Names, item: Item) -> Result<(), Fault> {
    match item {
        Item::Event(frame) if output.json => {
            let mut value = serde_json::to_value(&frame)?;
            value["type"] = json!("event");
            output.value(&value)?;
        }
        Item::Event(frame) => output.line(&line(names, &frame))?,
        Item::Connected(welcome) => {
            names.learn(&welcome);
            note(&format!("tw: connected to {}", context.url));
        }
        Item::Disconnected { reason, retry_in } => tell_lost(&reason, retry_in),
        Item::Resync { stream, reason } => {
            if let Some(text) = lost(reason) {
                note(&format!("tw: {}: {text}", names.of(stream)));
            }
        }
        Item::Signal { signal, .. } if signal == signals::SERVER_GOODBYE => {
            note("tw: the server is restarting");
        }
        _ => {}
    }
    Ok(())
}

/// The note for the user about a stream that is not resumed.
fn lost(reason: Reason) -> Option<&'static str> {
    match reason {
        Reason::New => None,
        Reason::Expired => Some("some events are missing: the server no longer holds them"),
        Reason::Epoch | Reason::Unknown => Some("some events may be missing: the server's log was reset"),
        Reason::NoAccess => Some("you can no longer read this workspace"),
        Reason::Limit => Some("not watched, because you have too many workspaces; watch it with --workspace"),
    }
}

impl Names {
    fn learn(&mut self, welcome: &Welcome) {
        self.0.insert(welcome.user.id.into(), "you".into());
        for state in &welcome.streams {
            if let (Ok(stream), Some(workspace)) = (state.stream.parse(), &state.workspace) {
                self.0.insert(stream, workspace.name.clone());
            }
        }
    }

    fn of(&self, stream: StreamId) -> String {
        self.0
            .get(&stream)
            .map_or_else(|| stream.to_string(), |name| plain(name))
    }
}

fn line(names: &mut Names, frame: &EventFrame) -> String {
    let event = Event::read(&frame.event, &frame.data).unwrap_or(Event::Unknown);
    if let Event::AccessGranted(granted) = &event {
        let name = granted.workspace.name.clone();
        names.0.insert(granted.workspace.id.into(), name);
    }
    let actor = match &frame.actor {
        Actor::User { name, .. } => format!("  by {}", plain(name)),
        Actor::Server => String::new(),
        Actor::Operator => "  by an operator".to_owned(),
    };
    format!(
        "{}  {}  {}{}{}",
        moment(frame.at),
        names.of(frame.stream),
        plain(&frame.event),
        describe(names, &event),
        actor
    )
}

fn describe(names: &Names, event: &Event) -> String {
    let task = |task: &Task| format!("  {}", task_line(task));
    match event {
        Event::TaskCreated(t)
        | Event::TaskUpdated(t)
        | Event::TaskCompleted(t)
        | Event::TaskReopened(t)
        | Event::TaskDeleted(t)
        | Event::TaskRestored(t)
        | Event::TaskMoved(t) => task(t),
        Event::TaskPurged(purged) => format!("  {}", purged.id),
        Event::CommentCreated(changed) | Event::CommentUpdated(changed) | Event::CommentDeleted(changed) => {
            let body = plain(changed.comment.body.lines().next().unwrap_or_default());
            format!("  {}  “{body}”", short(changed.task.id))
        }
        Event::MemberAdded(joined) => format!("  {}", plain(&joined.member.user.name)),
        Event::MemberUpdated(member) => format!("  {}", plain(&member.user.name)),
        Event::InviteReceived(invite) => format!("  {}", plain(&invite.workspace.name)),
        Event::AttachmentCreated(changed) | Event::AttachmentDeleted(changed) => {
            let name = plain(&changed.attachment.name);
            format!("  {}  {name}", short(changed.task.id))
        }
        Event::ProjectCreated(project) | Event::ProjectUpdated(project) => {
            format!("  {}", plain(&project.name))
        }
        Event::ProjectDeleted(gone) => format!("  {}", gone.id),
        Event::TagCreated(tag) | Event::TagUpdated(tag) => format!("  {}", plain(&tag.name)),
        Event::TagDeleted(gone) => format!("  {}", gone.id),
        Event::MemberRemoved(gone) => format!("  {}", gone.user_id),
        Event::NotificationCreated(changed) | Event::NotificationUpdated(changed) => {
            format!(
                "  {} ({} unread)",
                plain(&changed.notification.title),
                changed.unread
            )
        }
        Event::NotificationAllRead(all) => format!("  ({} unread)", all.unread),
        Event::NotificationDeleted(gone) => format!("  ({} unread)", gone.unread),
        Event::WorkspaceCreated(workspace) | Event::WorkspaceUpdated(workspace) => {
            format!("  {}", plain(&workspace.name))
        }
        Event::AccessGranted(granted) => format!("  {}", plain(&granted.workspace.name)),
        Event::AccessChanged(changed) => format!("  {}", names.of(changed.workspace_id.into())),
        Event::AccessLost(lost) => format!("  {}", names.of(lost.workspace_id.into())),
        Event::StreamReset(reset) => format!("  {}", plain(&reset.message)),
        Event::ProfileUpdated(user) => format!("  {}", plain(&user.name)),
        Event::SessionCreated(session) => {
            format!("  {}", plain(session.device_name.as_deref().unwrap_or_default()))
        }
        Event::ApiTokenCreated(token) => format!("  {}", plain(&token.name)),
        Event::SessionRevoked(_)
        | Event::ApiTokenRevoked(_)
        | Event::CalendarCreated(_)
        | Event::CalendarRevoked(_)
        | Event::WorkspaceDeleted(_)
        | Event::InviteCreated(_)
        | Event::InviteRevoked(_)
        | Event::Forgotten(_)
        | Event::Unknown => String::new(),
    }
}
