//! Measures `stats.get` of a whole workspace, each time after a change. Does not know how the workspace was filled.

use crate::accounts::Account;
use crate::crowd;
use crate::target::Server;
use crate::trouble::Trouble;
use std::time::{Duration, Instant};
use taskwire_protocol::WorkspaceId;
use taskwire_protocol::account::Streams;
use taskwire_protocol::stats::GetStats;
use taskwire_protocol::task::CreateTask;
use tokio::time::sleep;
use uuid::Uuid;

/// The requests that are measured.
const REQUESTS: usize = 40;
/// The longest time that the server may count before its first answer.
const FIRST: Duration = Duration::from_mins(5);
/// The pause before a request that was refused is sent again.
const PAUSE: Duration = Duration::from_millis(500);

/// The time to the first answer, in seconds, and the p50 of those after it, in ms.
pub(super) async fn times(server: &Server, account: &Account, workspace: Uuid) -> Result<[f64; 2], Trouble> {
    let (mut link, _) = crowd::join(server.address, 0, account, Streams::default()).await?;
    let workspace = WorkspaceId(workspace);
    let request = GetStats {
        workspace_id: Some(workspace),
        days: Some(366),
        timezone: Some("America/New_York".to_owned()),
    };
    let begun = Instant::now();
    loop {
        match link.call(&request).await {
            Ok(_) => break,
            Err(trouble) if trouble.may_pass() && begun.elapsed() < FIRST => sleep(PAUSE).await,
            Err(trouble) => return Err(trouble),
        }
    }
    let first = begun.elapsed().as_secs_f64();
    let task: CreateTask = serde_json::from_value(serde_json::json!({
        "workspace_id": workspace, "title": "Count me", "due_at": "2026-12-24T18:00:00Z",
    }))?;
    let mut times = Vec::with_capacity(REQUESTS);
    for _ in 0..REQUESTS {
        link.call(&task).await?;
        let asked = Instant::now();
        link.call(&request).await?;
        times.push(asked.elapsed());
    }
    times.sort_unstable();
    Ok([first, times[REQUESTS / 2].as_secs_f64() * 1e3])
}
