//! Follows one workspace and prints a line for each change. It survives restarts of the server. It keeps its positions
//! in a file, so after its own restart it prints what happened meanwhile.
//!
//! ```sh
//! TASKWIRE_PASSWORD=… cargo run --example follow -- http://127.0.0.1:8080 ada@example.com [WORKSPACE]
//! ```

mod support;

use std::{error::Error, fs, path::PathBuf};
use support::sign_in;
use taskwire_client::{
    Client, Config, Item,
    protocol::{
        Event, StreamId,
        account::Resume,
        frames::{Actor, EventFrame},
        stream::Reason,
        workspace::{ListWorkspaces, Workspace, WorkspaceKind},
    },
    terminal::plain,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (config, wanted) = sign_in("follow").await?;
    let (me, workspace) = find(config.clone(), wanted.as_deref()).await?;
    println!("following {}", plain(&workspace.name));

    // The user's own stream says when access to the workspace ends.
    let mut config = config.following([me, workspace.id.into()]);
    let kept = std::env::temp_dir().join(format!("taskwire-follow-{}.json", workspace.id));
    if let Some(positions) = read(&kept) {
        config = config.resuming(positions);
    }
    let (client, mut events) = Client::connect(config)?;
    while let Some(item) = events.next().await {
        match item {
            Item::Connected(_) => println!("connected"),
            Item::Disconnected { reason, retry_in } => {
                println!(
                    "disconnected ({}); next attempt in {:.1} s",
                    plain(&reason.to_string()),
                    retry_in.as_secs_f64()
                );
            }
            Item::Resync {
                reason: Reason::NoAccess,
                ..
            } => return Err("access to the workspace has ended".into()),
            Item::Resync { reason, .. } if reason != Reason::New => {
                println!("events are missing ({reason:?})");
            }
            Item::Event(frame) => {
                if let Some(line) = line(&frame, &workspace)? {
                    println!("{line}");
                }
            }
            Item::Stopped(why) => return Err(why.into()),
            _ => {}
        }
        fs::write(&kept, serde_json::to_string(&events.positions())?)?;
    }
    client.close().await;
    Ok(())
}

/// The user's stream, and the workspace of this name; without a name, the personal one.
async fn find(config: Config, name: Option<&str>) -> Result<(StreamId, Workspace), Box<dyn Error>> {
    let (client, _events) = Client::connect(config.following([]))?;
    let me = client.ready().await?.user.id.into();
    let list = ListWorkspaces {
        limit: None,
        cursor: None,
    };
    let mut workspaces = client.call(list).await?.items.into_iter();
    let found = workspaces.find(|workspace| match name {
        Some(name) => *workspace.name == *name,
        None => workspace.kind == WorkspaceKind::Personal,
    });
    client.close().await;
    Ok((me, found.ok_or("there is no such workspace")?))
}

fn read(file: &PathBuf) -> Option<Resume> {
    serde_json::from_str(&fs::read_to_string(file).ok()?).ok()
}

/// One line for an event of the workspace; `None` for an event of the user's stream.
fn line(frame: &EventFrame, workspace: &Workspace) -> Result<Option<String>, Box<dyn Error>> {
    let event = Event::read(&frame.event, &frame.data)?;
    let text = match &event {
        Event::AccessLost(lost) if lost.workspace_id == workspace.id => return Err("access has ended".into()),
        _ if frame.stream != workspace.id.into() => return Ok(None),
        Event::TaskCreated(task)
        | Event::TaskUpdated(task)
        | Event::TaskCompleted(task)
        | Event::TaskReopened(task)
        | Event::TaskDeleted(task)
        | Event::TaskRestored(task)
        | Event::TaskMoved(task) => plain(&task.title),
        Event::TaskPurged(purged) => purged.id.to_string(),
        Event::MemberAdded(joined) => plain(&joined.member.user.name),
        Event::MemberUpdated(member) => plain(&member.user.name),
        _ => String::new(),
    };
    let actor = match &frame.actor {
        Actor::User { name, .. } => format!("  by {}", plain(name)),
        _ => String::new(),
    };
    Ok(Some(format!(
        "{:>6}  {:<16} {text}{actor}",
        frame.seq,
        plain(&frame.event)
    )))
}
