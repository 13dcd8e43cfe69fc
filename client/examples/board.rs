//! A live board in the terminal: the pending and the completed tasks of each workspace, drawn from the replica again
//! after every change. It shows the last known state while the server is away.
//!
//! ```sh
//! TASKWIRE_PASSWORD=… cargo run --example board -- http://127.0.0.1:8080 ada@example.com [WORKSPACE]
//! ```

mod support;

use std::{
    error::Error,
    io::{self, Write as _},
};
use support::sign_in;
use taskwire_client::{
    Change, Client, Follower,
    protocol::task::{Priority, Task},
    replica::WorkspaceReplica,
    terminal::plain,
};
use unicode_segmentation::UnicodeSegmentation;

/// The width of a column, in characters.
const COLUMN: usize = 38;
const CLEAR: &str = "\u{1b}[2J\u{1b}[H";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (config, workspace) = sign_in("board").await?;
    let (client, events) = Client::connect(config)?;
    let mut follower = Follower::new(client, events);
    let mut status = String::new();
    while let Some(change) = follower.next().await {
        match change {
            Change::Connected(welcome) => status = format!("{}, live", plain(&welcome.user.name)),
            Change::Disconnected { reason, retry_in } => {
                status = format!(
                    "not connected ({reason}); next attempt in {:.1} s",
                    retry_in.as_secs_f64()
                );
            }
            Change::SyncFailed(stream, error) => status = format!("{stream} cannot be read: {error}"),
            Change::Stopped(why) => return Err(why.into()),
            _ => {}
        }
        // Before the first snapshots arrive, the board would be half empty.
        if follower.is_synced() || follower.client().welcome().is_none() {
            draw(&follower, &status, workspace.as_deref())?;
        }
    }
    Ok(())
}

/// Draws the whole board in one write.
fn draw(follower: &Follower, status: &str, only: Option<&str>) -> io::Result<()> {
    let replica = follower.replica();
    let mut screen = format!("{CLEAR}{}  |  {} unread\n", plain(status), replica.unread());
    for (_, workspace) in replica.workspaces() {
        let name = workspace.workspace().map_or("", |workspace| &workspace.name);
        if only.is_none_or(|only| only == name) {
            screen.push_str(&board(name, workspace));
        }
    }
    let mut out = io::stdout().lock();
    out.write_all(screen.as_bytes())?;
    out.flush()
}

/// A workspace's name above its two columns.
fn board(name: &str, workspace: &WorkspaceReplica) -> String {
    let mut tasks: Vec<&Task> = workspace
        .tasks()
        .values()
        .filter(|task| !task.is_deleted)
        .collect();
    tasks.sort_by(|one, other| one.position.cmp(&other.position));
    let (completed, pending): (Vec<&Task>, Vec<&Task>) = tasks.into_iter().partition(|task| task.completed);
    let titles = [
        format!("PENDING {}", pending.len()),
        format!("COMPLETED {}", completed.len()),
    ];
    let mut lines = vec![
        String::new(),
        plain(name),
        format!("{:COLUMN$}  {}", titles[0], titles[1]),
    ];
    for row in 0..pending.len().max(completed.len()) {
        let [left, right] =
            [&pending, &completed].map(|column| column.get(row).map_or_else(String::new, |task| card(task)));
        lines.push(format!("{left:COLUMN$}  {right}"));
    }
    lines.join("\n") + "\n"
}

/// A task on one line, at most as wide as its column.
fn card(task: &Task) -> String {
    let mark = match task.priority {
        Priority::Urgent => "!! ",
        Priority::High => "! ",
        _ => "",
    };
    let text = format!("{mark}{}", plain(&task.title));
    if text.chars().count() <= COLUMN {
        return text;
    }
    // whole characters, as a reader sees them
    let mut short = String::new();
    for part in text.graphemes(true) {
        if short.chars().count() + part.chars().count() >= COLUMN {
            break;
        }
        short.push_str(part);
    }
    short + "…"
}
