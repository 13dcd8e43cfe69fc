//! The requests of a writer: the same task in each peer's protocol. For a server that stores nothing, the writer sends
//! the event itself, as long as one of Taskwire.

use super::account::Account;
use super::peer::Peer;
use crate::requests::op_id;
use crate::websocket::{self, TEXT};
use std::fmt::Write as _;

/// Appends the bytes that make event `n` in the shared workspace, or in the writer's own.
pub(super) fn create(out: &mut Vec<u8>, peer: Peer, account: &Account, n: u64, shared: bool) {
    let mut text = String::with_capacity(1024);
    // Writing to a string cannot fail.
    let _ = match peer {
        Peer::Taskwire | Peer::Fastapi => {
            let (op_id, data) = (op_id(), data(account, n, shared));
            write!(
                text,
                r#"{{"type":"task.create","id":{n},"op_id":"{op_id}","data":{data}}}"#
            )
        }
        Peer::Socketio => {
            let (op_id, data) = (op_id(), data(account, n, shared));
            write!(
                text,
                r#"42{n}["task.create",{{"op_id":"{op_id}","data":{data}}}]"#
            )
        }
        Peer::Nchan | Peer::Nats | Peer::Limit => {
            text = event(account, n);
            Ok(())
        }
    };
    let length = text.len();
    match peer {
        Peer::Nchan => {
            let head = format!(
                "POST /publish/{}?token={} HTTP/1.1\r\nHost: peers\r\nContent-Type: application/json\r\n\
                 Content-Length: {length}\r\n\r\n",
                account.workspace, account.token
            );
            out.extend_from_slice(head.as_bytes());
            out.extend_from_slice(text.as_bytes());
        }
        Peer::Nats => {
            let head = format!("PUB workspace.{} {length}\r\n", account.workspace);
            out.extend_from_slice(head.as_bytes());
            out.extend_from_slice(text.as_bytes());
            // NATS answers the `PING`, as other servers answer each event.
            out.extend_from_slice(b"\r\nPING\r\n");
        }
        _ => websocket::client_frame(out, TEXT, text.as_bytes()),
    }
}

/// A task's fields.
fn data(account: &Account, n: u64, shared: bool) -> String {
    let workspace = if shared {
        format!(r#""workspace_id":"{}","#, account.workspace)
    } else {
        String::new()
    };
    format!(r#"{{{workspace}"title":"Task {n} of a load test, as long as titles are","priority":"medium"}}"#)
}

/// An event as Taskwire sends it.
fn event(account: &Account, n: u64) -> String {
    let (id, workspace) = (&account.id, &account.workspace);
    let at = "2026-01-01T00:00:00.000Z";
    format!(
        r#"{{"type":"event","stream":"workspace:{workspace}","seq":{n},"event":"task.created","at":"{at}","actor":{{"id":"{id}","name":"Load 1"}},"op_id":"{id}","data":{{"id":"{id}","workspace_id":"{workspace}","project_id":null,"parent_id":null,"title":"Task {n} of a load test, as long as titles are","description":null,"completed":false,"completed_at":null,"priority":"medium","due_at":null,"all_day":false,"remind_at":null,"recurrence":null,"position":"01a1fdf5e4ff70ec85fa1","tags":[],"assignee_ids":[],"comment_count":0,"attachment_count":0,"is_deleted":false,"deleted_at":null,"version":1,"created_by":"{id}","created_at":"{at}","updated_at":"{at}"}}}}"#
    )
}

#[cfg(test)]
mod tests {
    use super::super::hear::{self, Heard};
    use super::*;

    #[test]
    fn an_event_that_a_server_only_passes_on_is_read_as_an_event() {
        let account = Account::default();
        let text = event(&account, 7);
        assert_eq!(hear::text(Peer::Nats, text.as_bytes()), Heard::Event(7));
        let mut out = Vec::new();
        create(&mut out, Peer::Nats, &account, 7, true);
        let head = format!("PUB workspace. {}\r\n", text.len());
        assert!(out.starts_with(head.as_bytes()) && out.ends_with(b"}}\r\nPING\r\n"));
    }
}
