//! Fetches a whole workspace, page after page, and checks that it is complete. Does not know how it was filled.

use crate::accounts::Account;
use crate::answer::Answer;
use crate::connection::PATIENCE;
use crate::crowd;
use crate::link::Link;
use crate::target::Server;
use crate::trouble::Trouble;
use serde::Deserialize;
use std::time::{Duration, Instant};
use taskwire_protocol::account::Streams;
use tokio::time::timeout;
use uuid::Uuid;

const NAME: &str = "workspace.sync";

/// The fields of a page that are needed here.
#[derive(Deserialize)]
struct Page {
    cursor: Option<String>,
    tasks: Vec<Task>,
}

#[derive(Deserialize)]
struct Task {
    id: Uuid,
}

/// Fetches `workspace`, which has at least `tasks` tasks. Returns the megabytes of frames for each second of waiting.
pub(super) async fn rate(
    server: &Server,
    account: &Account,
    workspace: Uuid,
    tasks: usize,
) -> Result<f64, Trouble> {
    let (mut link, _) = crowd::join(server.address, 0, account, Streams::default()).await?;
    let (mut bytes, mut waited) = (0, Duration::ZERO);
    let (mut got, mut last) = (0, Uuid::nil());
    let mut cursor = None;
    loop {
        let (page, length, took) = fetch(&mut link, workspace, cursor.as_deref()).await?;
        (bytes, waited) = (bytes + length, waited + took);
        for task in page.tasks {
            if task.id <= last {
                return Err(Trouble::setup(
                    "a workspace's tasks arrived out of order or twice",
                ));
            }
            (got, last) = (got + 1, task.id);
        }
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    if got < tasks {
        return Err(Trouble::setup(format!(
            "a workspace of {tasks} tasks was fetched with only {got}"
        )));
    }
    Ok(bytes as f64 / waited.as_secs_f64() / 1e6)
}

/// Fetches a page. Returns it, its bytes, and the time from the request to its arrival.
async fn fetch(
    link: &mut Link,
    workspace: Uuid,
    cursor: Option<&str>,
) -> Result<(Page, usize, Duration), Trouble> {
    let cursor = cursor.map_or(String::new(), |cursor| format!(r#","cursor":"{cursor}""#));
    let request = format!(r#"{{"type":"{NAME}","id":1,"data":{{"workspace_id":"{workspace}"{cursor}}}}}"#);
    let asked = Instant::now();
    link.send(&request).await?;
    let mut page = None;
    let answered = async {
        while page.is_none() {
            link.read(|arrived, text| {
                if let Some(answer) = Answer::read(text) {
                    page = Some(
                        answer
                            .output(NAME)
                            .map(|page| (page, text.len(), arrived - asked)),
                    );
                }
            })
            .await?;
        }
        Ok::<(), Trouble>(())
    };
    timeout(PATIENCE, answered)
        .await
        .map_err(|_| Trouble::TooLate(NAME, PATIENCE))??;
    page.unwrap_or(Err(Trouble::Ended))
}
