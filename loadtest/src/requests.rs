//! Requests that writers and people send, and notes on the answers. Does not know when a request is sent.

use crate::answer::Answer;
use crate::board::Board;
use crate::check::Ledger;
use crate::connection::PATIENCE;
use crate::fault::Fault;
use crate::link::Link;
use crate::lock::lock;
use crate::trouble::Trouble;
use crate::websocket;
use std::fmt::Write as _;
use std::sync::Mutex;
use taskwire_protocol::WorkspaceId;
use tokio::time::timeout;
use uuid::Uuid;

/// A new `op_id`, as clients make them: UUIDv7, increasing.
#[allow(clippy::disallowed_methods, reason = "a client makes its own op_ids")]
pub(crate) fn op_id() -> Uuid {
    Uuid::now_v7()
}

/// Writes a `task.create` frame, about as long as real ones.
pub(crate) fn create(out: &mut String, id: u64, op_id: Uuid, workspace: Option<WorkspaceId>) {
    out.clear();
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        r#"{{"type":"task.create","id":{id},"op_id":"{op_id}","data":{{"#
    );
    if let Some(workspace) = workspace {
        let _ = write!(out, r#""workspace_id":"{workspace}","#);
    }
    let _ = write!(
        out,
        r#""title":"Task {id} of a load test, as long as titles are","priority":"medium"}}}}"#
    );
}

/// Makes a task in a shared workspace.
pub(crate) async fn send_one(link: &mut Link, workspace: WorkspaceId) -> Result<(), Trouble> {
    let mut text = String::new();
    create(&mut text, 1, op_id(), Some(workspace));
    link.send(&text).await
}

/// Makes `count` tasks as fast as they are answered, `TOGETHER` at a time. `None` is the user's own workspace. The
/// acknowledgements are noted in `ledger`.
pub(crate) async fn fill(
    link: &mut Link,
    workspace: Option<WorkspaceId>,
    count: u64,
    ledger: &Mutex<Ledger>,
    board: &Board,
) -> Result<(), Trouble> {
    const TOGETHER: u64 = 32;
    let (mut text, mut bytes) = (String::new(), Vec::new());
    let mut left = count;
    while left > 0 {
        let now = left.min(TOGETHER);
        left -= now;
        bytes.clear();
        let op_ids: Vec<Uuid> = (0..now).map(|_| op_id()).collect();
        for (id, op_id) in (0..).zip(&op_ids) {
            create(&mut text, id, *op_id, workspace);
            websocket::client_frame(&mut bytes, websocket::TEXT, text.as_bytes());
        }
        link.send_frames(&bytes).await?;
        let mut answered = 0;
        while answered < now {
            let read = link.read(|_, text| {
                if let Some(answer) = Answer::read(text) {
                    answered += 1;
                    let op_id = |id| op_ids.get(usize::try_from(id).ok()?).copied();
                    note(answer, op_id, ledger, board);
                }
            });
            timeout(PATIENCE, read)
                .await
                .map_err(|_| Trouble::TooLate("task.create", PATIENCE))??;
        }
    }
    Ok(())
}

/// Notes an acknowledgement; an error is a fault. `cause` returns the UUID that identifies the event of the request
/// with this id.
pub(crate) fn note(
    answer: Answer<'_>,
    cause: impl FnOnce(u64) -> Option<Uuid>,
    ledger: &Mutex<Ledger>,
    board: &Board,
) {
    let answer = match answer.failed() {
        Ok(answer) => answer,
        Err(failure) => return board.fault(Fault::Refused, 1, || failure.to_string()),
    };
    // A change in a workspace may also have an event in the user's stream, so take the workspace's stream if there is
    // one.
    let mut places = answer.at.iter();
    let at = places
        .clone()
        .find(|(stream, _)| stream.starts_with("workspace:"))
        .or_else(|| places.next());
    match (answer.id.and_then(cause), at) {
        (Some(cause), Some((_, seq))) => lock(ledger).acknowledge(cause, *seq),
        _ => board.fault(Fault::Refused, 1, || {
            "an `ok` without the place of its event".into()
        }),
    }
}
