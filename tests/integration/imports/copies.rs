//! A workspace that is exported, imported elsewhere, and exported again.

use super::import;
use crate::on_both_databases;
use crate::support::http::request;
use crate::support::{Client, Engine, Server, Team, text};
use reqwest::Method;
use serde_json::{Value, json};

on_both_databases!(the_export_of_a_copy_and_of_its_copy_are_the_same_bytes);

/// The file of a workspace.
pub(super) async fn export(server: &Server, tokens: &Value, workspace: &str) -> String {
    let path = format!("/v1/export?workspace_id={workspace}&format=json");
    let asked = request(server, Method::GET, &path).bearer_auth(text(&tokens["access_token"]));
    let answer = asked.send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    answer.text().await.expect("a whole body")
}

/// A workspace of that name with the team's people.
async fn another(team: &mut Team) -> String {
    let made = team.owner.ok("workspace.create", json!({ "name": "Copy" })).await;
    let workspace = text(&made["id"]).to_owned();
    for (who, role) in [
        (team.admin.user_id(), "admin"),
        (team.member.user_id(), "member"),
        (team.viewer.user_id(), "viewer"),
    ] {
        let user = team.owner.ok("user.get", json!({ "id": who })).await;
        let data = json!({ "workspace_id": workspace, "username": user["username"], "role": role });
        team.owner.ok("member.add", data).await;
    }
    workspace
}

/// Something of everything that a file has.
async fn fill(team: &mut Team) {
    let Team {
        workspace,
        owner,
        member,
        ..
    } = team;
    let stages = json!([
        { "key": "todo", "name": "Later", "kind": "open" }, { "key": "doing", "name": "Now", "kind": "active", "color": "#00ff00" },
        { "key": "check", "name": "Check", "kind": "active" }, { "key": "done", "name": "Over", "kind": "done" },
        { "key": "dropped", "name": "Dropped", "kind": "done" },
    ]);
    owner
        .ok(
            "workspace.update",
            json!({ "workspace_id": workspace, "stages": stages }),
        )
        .await;
    let garden = json!({ "workspace_id": workspace, "name": "Garden", "color": "#aabbcc" });
    let garden = owner.ok("project.create", garden).await["id"].clone();
    let same = owner
        .ok(
            "project.create",
            json!({ "workspace_id": workspace, "name": "Garden" }),
        )
        .await["id"]
        .clone();
    owner.ok("project.archive", json!({ "id": same })).await;
    owner
        .ok(
            "tag.create",
            json!({ "workspace_id": workspace, "name": "unused", "color": "#123456" }),
        )
        .await;
    let mut ids: Vec<Value> = Vec::new();
    for n in 0..12 {
        let priority = ["none", "low", "urgent"][n % 3];
        let stage = ["todo", "doing", "check", "done", "dropped"][n % 5];
        let project = if n % 3 == 0 { &garden } else { &same };
        let parent = n
            .checked_sub(1)
            .and_then(|before| ids.get(before))
            .filter(|_| n == 1 || n == 2);
        let blockers = if n > 5 {
            json!([ids[n - 1], ids[3]])
        } else {
            json!([])
        };
        let rule = (n == 4).then_some("FREQ=MONTHLY;BYMONTHDAY=-1");
        let task = json!({
            "workspace_id": workspace, "title": format!("Task {n} “ü” \"q\""), "description": "Two\nlines, and 🥛",
            "project_id": project, "tags": ["Home", format!("t{n}")],
            "priority": priority, "stage": stage, "due_at": format!("2031-01-{:02}T00:00:00Z", n + 1), "all_day": n % 2 == 0, "remind_at": "2031-01-01T08:00:00.123Z",
            "recurrence": rule, "assignee_ids": [owner.user_id(), member.user_id()],
            "parent_id": parent, "blocked_by": blockers,
        });
        let by: &mut Client = if n % 2 == 0 { owner } else { member };
        ids.push(by.ok("task.create", task).await["id"].clone());
    }
    // what blocks a task comes later; the order is by hand
    owner
        .ok("task.update", json!({ "id": ids[0], "blocked_by": [ids[5]] }))
        .await;
    owner
        .ok("task.move", json!({ "id": ids[11], "before": ids[0] }))
        .await;
    owner
        .ok("task.complete", json!({ "id": ids[4], "completed": true }))
        .await;
    let body = format!(
        "Well done @{}",
        text(&member.ok("profile.get", json!({})).await["username"])
    );
    owner
        .ok("comment.create", json!({ "task_id": ids[3], "body": body }))
        .await;
    member
        .ok("comment.create", json!({ "task_id": ids[3], "body": "Thanks" }))
        .await;
    owner.ok("task.delete", json!({ "id": ids[1] })).await;
}

async fn the_export_of_a_copy_and_of_its_copy_are_the_same_bytes(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Box::pin(Team::gather(&server)).await;
    fill(&mut team).await;
    let tokens = team.owner.tokens.clone();
    let first = export(&server, &tokens, &team.workspace).await;
    let (copy, other) = (another(&mut team).await, another(&mut team).await);
    let made = import(
        &server,
        &tokens,
        &format!("workspace_id={copy}&format=json"),
        first.clone(),
    )
    .await;
    assert_eq!(made["made"]["comments"], 2, "{made}");
    assert_eq!(made["made"]["stages"], 2, "{made}");
    let second = export(&server, &tokens, &copy).await;
    let again = import(
        &server,
        &tokens,
        &format!("workspace_id={other}&format=json"),
        second.clone(),
    )
    .await;
    assert_eq!(again["lost"], json!([]), "a copy loses nothing: {again}");
    let third = export(&server, &tokens, &other).await;
    assert!(second == third, "{second}\n{third}");
    let lines = |text: &str, section: &str| text.lines().filter(|line| line.starts_with(section)).count();
    assert_eq!(lines(&first, "{\"ref\":"), lines(&second, "{\"ref\":"));
    // the same file again changes nothing
    let once_more = import(
        &server,
        &tokens,
        &format!("workspace_id={copy}&format=json"),
        first,
    )
    .await;
    assert_eq!(once_more["created"], 0, "{once_more}");
    assert!(export(&server, &tokens, &copy).await == second);
}
