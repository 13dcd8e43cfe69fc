//! Measures `task.list` of one workspace by every order and every filter, each time after a change, with the total of the
//! first page, and the limit: the database alone reads as many rows. Does not know how the workspace was filled, but that
//! `rows::vary` made its tasks differ.

use super::alone::{Alone, PAGE};
use crate::accounts::Account;
use crate::crowd;
use crate::link::Link;
use crate::target::Server;
use crate::trouble::Trouble;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use taskwire_protocol::WorkspaceId;
use taskwire_protocol::account::Streams;
use taskwire_protocol::task::{CreateTask, ListTasks};
use tokio::time::sleep;
use uuid::Uuid;

/// The requests that are measured of each list, in so many rounds: what the database does beside it, like cleaning up after
/// the tasks were written, takes some seconds and must not count for a few lists alone.
const REQUESTS: usize = 15;
const ROUNDS: usize = 5;
/// The longest time that the server may need until its lists are as quick as they will be.
const PATIENCE: Duration = Duration::from_mins(3);
/// A list that takes less is quick. One in a row of the others.
const QUICK: Duration = Duration::from_millis(20);
const PAUSE: Duration = Duration::from_millis(200);

/// The lists, by name. `owner` made all tasks, and is assigned to some.
fn lists(owner: Uuid, project: Uuid) -> Vec<(String, Value)> {
    let sorts = [
        "created_at",
        "updated_at",
        "due_at",
        "priority",
        "title",
        "position",
    ];
    let sorts = sorts
        .iter()
        .flat_map(|sort| [(*sort).to_owned(), format!("-{sort}")]);
    let mut lists: Vec<(String, Value)> = sorts
        .map(|sort| (sort.clone(), json!({ "sort": sort })))
        .collect();
    let filters = [
        ("pending", json!({ "status": "pending" })),
        ("completed", json!({ "status": "completed" })),
        ("deleted", json!({ "status": "deleted" })),
        ("all", json!({ "status": "all" })),
        ("priority", json!({ "priority": "high" })),
        ("stage", json!({ "stage": "done" })),
        ("ready", json!({ "ready": true })),
        ("project", json!({ "project_id": project })),
        ("tag", json!({ "tag": "tag7" })),
        ("a rare tag", json!({ "tag": "rare" })),
        ("an unknown tag", json!({ "tag": "unknown" })),
        ("assignee", json!({ "assignee_id": owner })),
        ("due before", json!({ "due_before": "2030-01-02T00:00:00Z" })),
        (
            "due between",
            json!({ "due_after": "2030-01-01T00:00:00Z", "due_before": "2030-01-03T00:00:00Z" }),
        ),
        ("created since", json!({ "date_from": "2020-01-01T00:00:00Z" })),
    ];
    lists.extend(filters.map(|(name, list)| (name.to_owned(), list)));
    let combined = [
        json!({ "status": "pending", "sort": "due_at" }),
        json!({ "status": "completed", "sort": "-updated_at" }),
        json!({ "tag": "tag7", "sort": "title" }),
        json!({ "tag": "rare", "sort": "-updated_at" }),
        json!({ "priority": "high", "sort": "title" }),
        json!({ "priority": "low", "sort": "-priority" }),
        json!({ "priority": "high", "tag": "tag7", "status": "pending", "sort": "position" }),
        json!({ "assignee_id": owner, "status": "pending", "sort": "due_at" }),
        json!({ "project_id": project, "due_before": "2030-01-03T00:00:00Z", "sort": "-due_at" }),
        json!({ "due_before": "2030-01-02T00:00:00Z", "sort": "title" }),
    ];
    lists.extend(combined.map(|list| (list.to_string(), list)));
    lists
}

/// What lists cost.
pub(super) struct Times {
    /// Seconds until a list by title was quick.
    pub(super) first: f64,
    /// The p50 of each list, in ms.
    pub(super) p50s: Vec<(String, f64)>,
    /// The p50 of the limit, by where its rows lie, in ms.
    pub(super) limits: Vec<(String, f64)>,
}

/// Measures all lists, and their limit in the server's `database`.
pub(super) async fn times(
    server: &Server,
    account: &Account,
    (database, workspace): (&str, Uuid),
    project: Uuid,
) -> Result<Times, Trouble> {
    let (mut link, welcome) = crowd::join(server.address, 0, account, Streams::default()).await?;
    let begun = Instant::now();
    let by_title = read(&json!({ "sort": "title" }), workspace)?;
    let mut quick = 0;
    while quick < 3 && begun.elapsed() < PATIENCE {
        let took = take(&mut link, &by_title).await?;
        quick = if took < QUICK { quick + 1 } else { 0 };
        sleep(PAUSE).await;
    }
    let first = begun.elapsed().as_secs_f64();
    let task: CreateTask = serde_json::from_value(json!({
        "workspace_id": workspace, "title": "List me", "tags": ["tag7"], "due_at": "2030-01-01T12:00:00Z",
    }))?;
    let mut measured = Vec::new();
    for (name, list) in lists(welcome.user.id.0, project) {
        measured.push((name, read(&list, workspace)?, Vec::with_capacity(REQUESTS)));
    }
    for _ in 0..ROUNDS {
        for (_, list, times) in &mut measured {
            for _ in 0..REQUESTS / ROUNDS {
                link.call(&task).await?;
                times.push(take(&mut link, list).await?);
            }
        }
    }
    let p50s = measured.into_iter().map(|(name, _, times)| (name, p50(times)));
    let p50s = p50s.collect();
    let mut alone = Alone::open(database, workspace).await?;
    let (mut together, mut anywhere) = (Vec::new(), Vec::new());
    for _ in 0..REQUESTS {
        link.call(&task).await?;
        let read = alone.read().await?;
        together.push(read.together);
        anywhere.push(read.anywhere);
    }
    let limits = vec![
        (format!("{PAGE} rows that lie together"), p50(together)),
        (format!("{PAGE} rows from everywhere"), p50(anywhere)),
    ];
    Ok(Times { first, p50s, limits })
}

/// The median, in ms.
fn p50(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times
        .get(times.len() / 2)
        .map_or(0.0, |time| time.as_secs_f64() * 1e3)
}

fn read(list: &Value, workspace: Uuid) -> Result<ListTasks, Trouble> {
    let mut list = list.clone();
    list["workspace_id"] = json!(WorkspaceId(workspace));
    Ok(serde_json::from_value(list)?)
}

async fn take(link: &mut Link, list: &ListTasks) -> Result<Duration, Trouble> {
    let asked = Instant::now();
    link.call(list).await?;
    Ok(asked.elapsed())
}
