//! Measures searches in a workspace: for rare words and for words that are everywhere, by `task.list` and by `task.search`.
//! Knows the titles that `seed` makes (`134623 task 17 of a load test, as long as titles are`).

use crate::accounts::Account;
use crate::crowd;
use crate::link::Link;
use crate::target::Server;
use crate::trouble::Trouble;
use serde_json::json;
use std::time::{Duration, Instant};
use taskwire_protocol::account::Streams;
use taskwire_protocol::task::{CreateTask, ListTasks, SearchTasks, Where};
use taskwire_protocol::{Operation, WorkspaceId};
use uuid::Uuid;

/// The requests that are measured for each search.
const REQUESTS: usize = 100;

/// How long a search took.
pub(super) struct Found {
    pub(super) what: String,
    /// In ms.
    pub(super) p50: f64,
    pub(super) p99: f64,
}

/// The times of each kind of search.
pub(super) async fn times(
    server: &Server,
    account: &Account,
    workspace: Uuid,
    tasks: usize,
) -> Result<Vec<Found>, Trouble> {
    let (mut link, _) = crowd::join(server.address, 0, account, Streams::default()).await?;
    let rare: CreateTask =
        serde_json::from_value(json!({ "workspace_id": workspace, "title": "Feed the quokka" }))?;
    link.call(&rare).await?;
    let kinds = [
        ("a rare word", "quokka".to_owned(), 1),
        ("the beginning of one word in a thousand", "126".to_owned(), 0),
        ("a word of every task", "test".to_owned(), 50),
        ("the beginning of a word of every task", "titl".to_owned(), 50),
        ("one letter", "t".to_owned(), 50),
        ("two words of every task", "load test".to_owned(), 50),
    ];
    let place = Where::One(WorkspaceId(workspace));
    let mut found = Vec::new();
    for (name, q, least) in kinds {
        let list = ListTasks {
            workspace_id: Some(place),
            q: Some(q.clone()),
            limit: Some(50),
            ..ListTasks::default()
        };
        let items = link.call(&list).await?.items.len();
        if items < least {
            return Err(Trouble::setup(format!(
                "a search for {q} found {items} of {tasks} tasks"
            )));
        }
        let search = SearchTasks {
            q,
            workspace_id: Some(place),
            ..SearchTasks::default()
        };
        found.push(measured(&mut link, &list, format!("task.list, {name}")).await?);
        found.push(measured(&mut link, &search, format!("task.search, {name}")).await?);
    }
    Ok(found)
}

async fn measured<O: Operation>(link: &mut Link, request: &O, what: String) -> Result<Found, Trouble> {
    let mut times: Vec<Duration> = Vec::with_capacity(REQUESTS);
    for _ in 0..REQUESTS {
        let asked = Instant::now();
        link.call(request).await?;
        times.push(asked.elapsed());
    }
    times.sort_unstable();
    let of = |share: usize| times[(REQUESTS * share / 100).min(REQUESTS - 1)].as_secs_f64() * 1e3;
    Ok(Found {
        what,
        p50: of(50),
        p99: of(99),
    })
}
