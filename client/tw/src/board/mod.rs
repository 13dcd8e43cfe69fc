//! `board`: the tasks of a workspace in columns, a stage each. On a terminal it is live and takes keys; elsewhere, and
//! with `--json`, it is printed once.
//!
//! - `columns` the stages and their cards
//! - `cursor`  the chosen card; what the keys mean
//! - `screen`  draws it

mod columns;
mod cursor;
mod screen;
#[cfg(test)]
mod tests;

use crate::{
    args::BoardArgs, connect::Context, fault::Fault, output::Output, resolve, terminal::note, text::line,
    waiting::waiting_long,
};
use columns::{Column, Shown, columns};
use crossterm::event::{Event, EventStream, KeyEventKind};
use cursor::{Cursor, Wish, wish};
use futures_util::StreamExt as _;
use ratatui::DefaultTerminal;
use std::io::IsTerminal as _;
use std::time::Duration;
use taskwire_client::{
    CallError, Change, Client, Follower,
    protocol::{
        Operation, Patch, StreamId, TaskId, WorkspaceId,
        presence::{PresenceState, SetPresence},
        task::{CompleteTask, MoveTask},
    },
    replica::WorkspaceReplica,
};
use tokio::task::JoinSet;

/// How long the first picture may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A workspace, and what to show of it.
struct Board {
    workspace: WorkspaceId,
    streams: [StreamId; 2],
    shown: Shown,
}

pub(crate) async fn board(context: &Context, output: &Output, args: BoardArgs) -> Result<(), Fault> {
    let board = context.calling(async |client| find(client, &args).await).await?;
    let config = context.config()?.following(board.streams);
    let (client, events) = Client::connect(config)?;
    let mut follower = Follower::new(client.clone(), events);
    let is_live = !output.json && std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
    let done = match waiting_long(&context.answer(), first_picture(context, &mut follower)).await {
        Ok(()) if is_live => live(context, &mut follower, &board).await,
        Ok(()) => print(output, &follower, &board),
        Err(fault) => Err(fault),
    };
    client.close().await;
    done
}

/// Finds what the arguments name. The user's own stream tells when access ends.
async fn find(client: &Client, args: &BoardArgs) -> Result<Board, Fault> {
    let me = client.ready().await?.user.id;
    let workspace = resolve::workspace_or_personal(client, args.workspace.as_deref()).await?;
    let project = match &args.project {
        Some(project) => Some(resolve::project(client, workspace, project).await?),
        None => None,
    };
    Ok(Board {
        workspace,
        streams: [me.into(), workspace.into()],
        shown: Shown {
            project,
            assignee: args.mine.then_some(me),
        },
    })
}

/// Waits until the workspace is known.
async fn first_picture(context: &Context, follower: &mut Follower) -> Result<(), Fault> {
    let synced = async {
        while !follower.is_synced() {
            match follower.next().await {
                Some(Change::Stopped(why)) => return Err(context.stopped(why)),
                Some(Change::SyncFailed(_, error)) => return Err(error.into()),
                Some(_) => {}
                None => return Err(Fault::other("the client was closed")),
            }
        }
        Ok(())
    };
    let late = |_| Fault::other("the workspace could not be read in time; try again");
    tokio::time::timeout(PATIENCE, synced).await.map_err(late)?
}

fn print(output: &Output, follower: &Follower, board: &Board) -> Result<(), Fault> {
    let columns = board.columns(follower)?.1;
    if output.json {
        return output.value(&columns);
    }
    if columns.iter().all(|column| column.tasks.is_empty()) {
        note("no tasks; `tw add TITLE` adds one");
    }
    for column in columns {
        output.line(&format!("{} {}", column.name, column.tasks.len()))?;
        for task in column.tasks {
            output.line(&format!("  {}", line(task)))?;
        }
    }
    Ok(())
}

/// Draws the board after each change and each key, until the person leaves.
async fn live(context: &Context, follower: &mut Follower, board: &Board) -> Result<(), Fault> {
    let mut terminal = ratatui::try_init()?;
    let done = attend(context, follower, board, &mut terminal).await;
    ratatui::restore();
    done
}

async fn attend(
    context: &Context,
    follower: &mut Follower,
    board: &Board,
    terminal: &mut DefaultTerminal,
) -> Result<(), Fault> {
    let (mut keys, mut cursor, mut calls) = (EventStream::new(), Cursor::default(), JoinSet::new());
    let (mut connection, mut refused) = (None, None);
    appear(board.workspace, follower.client(), &mut calls);
    loop {
        // While the workspace is read anew, most tasks are missing: the chosen one would seem to be gone.
        let is_whole = follower.is_synced();
        if is_whole {
            let status = refused.as_deref().or(connection.as_deref()).unwrap_or("live");
            draw(terminal, follower, board, &mut cursor, status)?;
        }
        tokio::select! {
            key = keys.next() => match key {
                Some(Ok(Event::Key(key))) if key.kind != KeyEventKind::Release => match wish(&key) {
                    Some(Wish::Quit) => return Ok(()),
                    Some(wish) if is_whole => {
                        let (_, columns) = board.columns(follower)?;
                        refused = None;
                        act(wish, &columns, &mut cursor, follower.client(), &mut calls);
                    }
                    _ => {}
                },
                // a new size of the terminal: draw again
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => return Ok(()),
            },
            Some(done) = calls.join_next() => if let Ok(Err(error)) = done {
                refused = Some(Fault::from(error).text().to_owned());
            },
            change = follower.next() => match change {
                Some(Change::Connected(_)) => {
                    connection = None;
                    appear(board.workspace, follower.client(), &mut calls);
                }
                Some(Change::Disconnected { reason, .. }) => connection = Some(format!("not connected ({reason})")),
                Some(Change::SyncFailed(_, error)) => return Err(error.into()),
                Some(Change::Stopped(why)) => return Err(context.stopped(why)),
                Some(_) => {}
                None => return Ok(()),
            },
        }
    }
}

/// Tells the others that the person is here, for as long as this connection lives: `tw who` shows it. An API token that
/// only reads may not, and needs not.
fn appear(workspace_id: WorkspaceId, client: &Client, calls: &mut JoinSet<Result<(), CallError>>) {
    let here = SetPresence {
        workspace_id,
        state: PresenceState::Online,
        task_id: None,
    };
    let client = client.clone();
    calls.spawn(async move {
        let _ = client.call(here).await;
        Ok(())
    });
}

fn draw(
    terminal: &mut DefaultTerminal,
    follower: &Follower,
    board: &Board,
    cursor: &mut Cursor,
    status: &str,
) -> Result<(), Fault> {
    let (workspace, columns) = board.columns(follower)?;
    cursor.follow(&columns);
    terminal.draw(|frame| screen::draw(frame, workspace, &columns, cursor, status))?;
    Ok(())
}

/// Does what a key asks for. The board shows a change of a task when its event arrives.
fn act(
    wish: Wish,
    columns: &[Column<'_>],
    cursor: &mut Cursor,
    client: &Client,
    calls: &mut JoinSet<Result<(), CallError>>,
) {
    match (wish, cursor.task()) {
        (Wish::Go(across, down), _) => cursor.go(columns, across, down),
        (Wish::Move(away), Some(id)) => {
            if let Some(stage) = cursor.stage(columns, away) {
                calls.spawn(call(client.clone(), moved(id, stage)));
            }
        }
        (Wish::Complete, Some(id)) => {
            let completed = None;
            calls.spawn(call(client.clone(), CompleteTask { id, completed }));
        }
        (Wish::Quit | Wish::Move(_) | Wish::Complete, _) => {}
    }
}

fn moved(id: TaskId, stage: &str) -> MoveTask {
    MoveTask {
        id,
        project_id: Patch::Keep,
        parent_id: Patch::Keep,
        stage: Some(stage.to_owned()),
        before: None,
        after: None,
    }
}

async fn call<O: Operation + Clone>(client: Client, request: O) -> Result<(), CallError> {
    client.call(request).await.map(drop)
}

impl Board {
    /// The workspace as it is now.
    fn columns<'a>(&self, follower: &'a Follower) -> Result<(&'a WorkspaceReplica, Vec<Column<'a>>), Fault> {
        let workspace = follower.replica().workspace(self.workspace);
        let workspace = workspace.ok_or_else(|| Fault::not_found("you can no longer read this workspace"))?;
        Ok((workspace, columns(workspace, &self.shown)))
    }
}
