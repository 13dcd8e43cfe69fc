//! Lists: what they ask for, the names that they show, and the word when they are empty.

use crate::{script::*, support::*};
use serde_json::{Value, json};
use taskwire_client::protocol::{UserId, WorkspaceId};
use uuid::Uuid;

const BOB: UserId = UserId(Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0b0b));
const GONE: UserId = UserId(Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0dea));
const AWAY: WorkspaceId = WorkspaceId(Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0003));

#[tokio::test]
async fn a_list_has_pending_tasks_unless_somebody_says_otherwise() -> Tested {
    let fake = Fake::start(|name, data| match name {
        "task.list" => {
            // the title tells what was asked for
            let mut task = task(1, 1, &format!("{} {}", data["status"], data["workspace_id"]));
            task["due_at"] = json!("2020-01-02T00:00:00Z");
            Ok(page(&[task]))
        }
        "workspace.list" => Ok(json!({"items": [workspace()], "next_cursor": null})),
        _ => Err("UNKNOWN_TYPE"),
    })
    .await?;
    for (args, expected) in [
        (&["ls"][..], r#""pending" null"#),
        (&["ls", "--tag", "home"], r#""pending" null"#),
        (&["ls", "--mine"], r#""pending" "all""#),
        (&["ls", "--mine", "--stage", "doing"], r#""pending" "all""#),
        (&["ls", "--status", "all"], r#""all" null"#),
        (
            &["ls", "--overdue", "--status", "completed"],
            r#""completed" "all""#,
        ),
        (&["ls", "--stage", "done"], "null null"),
        (
            &["ls", "--stage", "done", "--status", "pending"],
            r#""pending" null"#,
        ),
    ] {
        let (code, out, error) = run(&fake.url, &[args, &["--json"]].concat()).await?;
        assert_eq!(code, 0, "{args:?}: {error}");
        let listed: Value = serde_json::from_str(&out)?;
        assert_eq!(listed[0]["title"], expected, "{args:?}");
    }
    Ok(())
}

/// A team's task of three people: the caller, Bob, and somebody who has left.
fn shared() -> Value {
    let mut task = task(1, 1, "Paint");
    task["assignee_ids"] = json!([ME, BOB, GONE]);
    task["tags"] = json!(["boat"]);
    task
}

fn names(name: &str, data: &Value) -> Result<Value, &'static str> {
    match name {
        "user.get" if data["id"] == json!(BOB) => {
            Ok(json!({"id": BOB, "username": "bob", "name": "Bob", "photo_url": null}))
        }
        "user.get" => Err("NOT_FOUND"),
        "workspace.list" => Ok(json!({"items": [workspace()], "next_cursor": null})),
        _ => Err("UNKNOWN_TYPE"),
    }
}

#[tokio::test]
async fn people_and_workspaces_have_names_in_lists() -> Tested {
    let fake = Fake::start(|name, data| match name {
        "task.list" => {
            let mut elsewhere = task(2, 1, "Sail");
            elsewhere["workspace_id"] = json!(AWAY);
            Ok(page(&[shared(), elsewhere]))
        }
        name => names(name, data),
    })
    .await?;
    for (args, expected) in [
        (
            &["ls"][..],
            "10000001  [ ] Paint  #boat  @ada  @bob\n10000002  [ ] Sail\n",
        ),
        (
            &["next"],
            "10000001  [ ] Paint  #boat  @ada  @bob  Home\n10000002  [ ] Sail\n",
        ),
        (
            &["ls", "--workspace", "all"],
            "10000001  [ ] Paint  #boat  @ada  @bob  Home\n10000002  [ ] Sail\n",
        ),
    ] {
        let (code, out, error) = run(&fake.url, args).await?;
        assert_eq!((code, out.as_str()), (0, expected), "{args:?}: {error}");
    }
    Ok(())
}

#[tokio::test]
async fn a_task_is_shown_with_the_names_around_it() -> Tested {
    let project = "01990000-0000-7000-8000-00000000000a";
    let fake = Fake::start(move |name, data| match name {
        "task.get" if data["id"] == task(2, 1, "")["id"] => Ok(task(2, 1, "Repair the boat")),
        "task.get" => {
            let mut task = shared();
            task["project_id"] = json!(project);
            task["parent_id"] = self::task(2, 1, "")["id"].clone();
            Ok(task)
        }
        "project.list" => Ok(
            json!({"next_cursor": null, "items": [{"id": project, "name": "Summer",
            "workspace_id": HOME, "color": null, "position": "a", "is_archived": false, "version": 1,
            "created_at": "2026-11-21T00:00:00Z", "updated_at": "2026-11-21T00:00:00Z"}]}),
        ),
        name => names(name, data),
    })
    .await?;
    let (code, out, error) = run(&fake.url, &["show", "01990000-0000-7000-8000-000010000001"]).await?;
    assert_eq!(code, 0, "{error}");
    for line in [
        "workspace   Home",
        "project     Summer",
        "part of     10000002  Repair the boat",
        &format!("assigned to @ada, @bob, {GONE}"),
    ] {
        assert!(out.lines().any(|shown| shown == line), "{line}: {out}");
    }
    assert!(out.contains(" by @ada\n"), "{out}");
    Ok(())
}

#[tokio::test]
async fn an_empty_list_says_so_on_standard_error() -> Tested {
    let fake = Fake::start(|name, _| match name {
        "stream.history" => Ok(json!({"has_more": false, "events": []})),
        "task.get" => Ok(task(1, 1, "a")),
        "member.list" | "task.list" | "admin.user.list" | "workspace.list" | "comment.list" => Ok(page(&[])),
        "admin.connections" => Ok(json!({"items": [], "next_cursor": null, "unanswered": []})),
        "notification.list" => Ok(json!({"items": [], "next_cursor": null, "unread": 0})),
        _ => Err("UNKNOWN_TYPE"),
    })
    .await?;
    let id = "01990000-0000-7000-8000-000010000001";
    for args in [
        &["ls"][..],
        &["ls", "--status", "completed"],
        &["next"],
        &["notifications"],
        &["notifications", "--unread"],
        &["audit"],
        &["log", id],
        &["comments", id],
        &["workspaces"],
        &["admin", "users"],
        &["admin", "connections"],
    ] {
        let (code, out, error) = run(&fake.url, args).await?;
        assert_eq!(
            (code, out.as_str(), error.lines().count()),
            (0, "", 1),
            "{args:?}: {error}"
        );
        let (code, out, error) = run(&fake.url, &[args, &["--json"]].concat()).await?;
        assert_eq!((code, out.as_str(), error.as_str()), (0, "[]\n", ""), "{args:?}");
    }
    Ok(())
}
