//! Measures what lists of a large workspace cost those who write in it: the CPU of a `task.create` while somebody lists the
//! tasks once a second, beside that of the seconds in between. Does not know how the workspace was filled.

use crate::accounts::Account;
use crate::crowd;
use crate::link::Link;
use crate::statistics::median;
use crate::target::Server;
use crate::trouble::Trouble;
use futures_util::future::try_join_all;
use serde_json::json;
use std::time::{Duration, Instant};
use taskwire_protocol::WorkspaceId;
use taskwire_protocol::account::Streams;
use taskwire_protocol::task::{CreateTask, ListTasks};
use uuid::Uuid;

/// How often it compares a second with a list to one without, for each second that a point is measured.
const PAIRS: f64 = 5.0;
/// How long people write between two lists.
const SECOND: Duration = Duration::from_secs(1);

/// What an operation costs without lists, in µs of CPU, and how many times as much with them.
pub(super) struct Upkeep {
    pub(super) alone: f64,
    pub(super) ratio: f64,
}

/// Compares, with so many sockets that create one task after the other. `None` if the CPU cannot be seen. `seconds`: that a
/// point is measured.
pub(super) async fn of(
    server: &Server,
    account: &Account,
    workspace: Uuid,
    sockets: usize,
    seconds: f64,
) -> Result<Option<Upkeep>, Trouble> {
    let workspace_id = WorkspaceId(workspace);
    let list: ListTasks = serde_json::from_value(json!({ "workspace_id": workspace_id, "sort": "title" }))?;
    let task: CreateTask =
        serde_json::from_value(json!({ "workspace_id": workspace_id, "title": "Keep me" }))?;
    let mut reader = quiet(server, account).await?;
    let mut writers = Vec::with_capacity(sockets);
    for _ in 0..sockets {
        writers.push(quiet(server, account).await?);
    }
    let number = (PAIRS * seconds).ceil() as usize;
    let mut pairs = Vec::with_capacity(number);
    for _ in 0..number {
        let mut costs = [0.0; 2];
        for (cost, is_listed) in costs.iter_mut().zip([false, true]) {
            // what was written before costs this list, which is not measured
            reader.call(&list).await?;
            let before = server.processes.usage();
            let made = write(&mut writers, &task).await?;
            if is_listed {
                reader.call(&list).await?;
            }
            let spent = server.processes.usage().since(&before);
            *cost = (spent.server + spent.database) / made as f64;
        }
        pairs.push(costs);
    }
    let alone = median(pairs.iter().map(|[alone, _]| *alone));
    let ratio = median(pairs.iter().map(|[alone, listed]| listed / alone));
    let found = alone.filter(|alone| *alone > 0.0).zip(ratio);
    Ok(found.map(|(alone, ratio)| Upkeep { alone, ratio }))
}

/// A socket to which no event is sent.
async fn quiet(server: &Server, account: &Account) -> Result<Link, Trouble> {
    let (link, _) = crowd::join(server.address, 0, account, Streams::These(Vec::new())).await?;
    Ok(link)
}

/// Creates tasks for a second. Returns how many.
async fn write(writers: &mut [Link], task: &CreateTask) -> Result<usize, Trouble> {
    let end = Instant::now() + SECOND;
    let made = try_join_all(writers.iter_mut().map(|link| async move {
        let mut made = 0;
        while Instant::now() < end {
            link.call(task).await?;
            made += 1;
        }
        Ok::<usize, Trouble>(made)
    }));
    Ok(made.await?.into_iter().sum())
}
