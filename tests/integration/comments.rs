//! Comments: who may write, change and delete them; whom they notify; the counts of their tasks; and what a purge leaves.

use crate::on_both_databases;
use crate::support::follower::{names, pluck, text};
use crate::support::{Client, Engine, Follower, PASSWORD, Server, Team, audit, eventually};
use serde_json::{Value, json};

on_both_databases!(
    a_comment_is_counted_by_its_task_whose_version_stays,
    comments_are_changed_by_their_author_and_deleted_by_admins_too,
    a_list_has_pages_oldest_first,
    a_mention_takes_the_place_of_the_other_notification,
    a_person_is_told_once_that_a_comment_mentions_them,
    a_deleted_task_has_comments_that_nobody_changes,
    a_purge_takes_the_comments_along,
    bad_comments_are_refused,
    the_comments_of_a_deleted_account_stay_without_its_name,
);

/// A task in the team's workspace, made by its owner.
async fn task(team: &mut Team) -> Value {
    let data = json!({ "workspace_id": team.workspace, "title": "T" });
    team.owner.ok("task.create", data).await["id"].clone()
}

async fn comment(client: &mut Client, task: &Value, body: &str) -> Value {
    let data = json!({ "task_id": task, "body": body });
    client.ok("comment.create", data).await
}

/// The bodies of all comments that the database has.
async fn stored(server: &Server) -> Vec<String> {
    server.database.texts("select body from comments").await
}

async fn a_comment_is_counted_by_its_task_whose_version_stays(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let id = task(&mut team).await;
    let before = team.owner.ok("task.get", json!({ "id": id })).await;
    let mut member = Follower::new(team.member.another(&server).await);
    let made = member
        .act("comment.create", json!({ "task_id": id, "body": " Hello " }))
        .await;
    let counts = |comments: u64| json!({ "id": id, "comment_count": comments, "attachment_count": 0 });
    let mut expected = made.data.clone();
    expected["task"] = counts(1);
    assert_eq!(made.event("comment.created")["data"], expected);
    assert_eq!(
        json!([
            made.data["body"],
            made.data["version"],
            made.data["mentions"],
            made.data["task_id"]
        ]),
        json!(["Hello", 1, [], id])
    );
    assert_eq!(made.data["author"]["username"], "member");
    let data = json!({ "id": made.data["id"], "body": "Hi" });
    let changed = member.act("comment.update", data.clone()).await;
    assert_eq!(changed.event("comment.updated")["data"]["task"], counts(1));
    assert_eq!(
        json!([changed.data["body"], changed.data["version"]]),
        json!(["Hi", 2])
    );
    let same = member.unchanged("comment.update", data).await;
    assert_eq!(same, changed.data);
    for (n, body) in [(2, "more"), (3, "and more")] {
        let made = member
            .act("comment.create", json!({ "task_id": id, "body": body }))
            .await;
        assert_eq!(made.event("comment.created")["data"]["task"], counts(n));
    }
    let gone = member
        .act("comment.delete", json!({ "id": made.data["id"] }))
        .await;
    let event = gone.event("comment.deleted");
    assert_eq!(
        json!([event["data"]["body"], event["data"]["version"]]),
        json!(["Hi", 3])
    );
    assert_eq!(event["data"]["task"], counts(2));
    let mut counted = before.clone();
    counted["comment_count"] = json!(2);
    assert_eq!(
        team.owner.ok("task.get", json!({ "id": id })).await,
        counted,
        "only the count changes"
    );
    let synced = team
        .owner
        .ok("workspace.sync", json!({ "workspace_id": team.workspace }))
        .await;
    assert_eq!(synced["tasks"], json!([counted]));
    // an edit of the task keeps the count
    let edited = team
        .owner
        .ok("task.update", json!({ "id": id, "title": "U" }))
        .await;
    assert_eq!(json!([edited["comment_count"], edited["version"]]), json!([2, 2]));
    audit::agree(&server, &team.owner.tokens).await;
}

async fn comments_are_changed_by_their_author_and_deleted_by_admins_too(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let task = task(&mut team).await;
    let data = json!({ "task_id": task, "body": "b" });
    assert_eq!(
        team.viewer.refused("comment.create", data).await["code"],
        "FORBIDDEN"
    );
    let of_owner = comment(&mut team.owner, &task, "mine").await["id"].clone();
    let of_member = comment(&mut team.member, &task, "mine").await["id"].clone();
    let change = |id: &Value| json!({ "id": id, "body": "yours" });
    assert_eq!(
        team.owner.refused("comment.update", change(&of_member)).await["code"],
        "FORBIDDEN"
    );
    assert_eq!(
        team.member
            .refused("comment.delete", json!({ "id": of_owner }))
            .await["code"],
        "FORBIDDEN"
    );
    team.admin.ok("comment.delete", json!({ "id": of_owner })).await;
    team.member.ok("comment.update", change(&of_member)).await;
    // an author who may no longer write
    let role = |role: &str| json!({ "workspace_id": team.workspace, "user_id": team.member.user_id(), "role": role });
    team.owner.ok("member.update", role("viewer")).await;
    assert_eq!(
        team.member.refused("comment.update", change(&of_member)).await["code"],
        "FORBIDDEN"
    );
    assert_eq!(
        team.member
            .refused("comment.delete", json!({ "id": of_member }))
            .await["code"],
        "FORBIDDEN"
    );
    // to others it does not exist
    let mut stranger = Client::sign_up(&server, "stranger").await;
    for (name, data) in [
        ("comment.update", change(&of_member)),
        ("comment.delete", json!({ "id": of_member })),
        ("comment.list", json!({ "task_id": task })),
    ] {
        assert_eq!(stranger.refused(name, data).await["code"], "NOT_FOUND", "{name}");
    }
    // the log tells which program wrote
    let token = team.owner.ok("api_token.create", json!({ "name": "bot" })).await;
    let tokens = json!({ "access_token": token["token"] });
    let mut bot = Client::with_tokens(&server, &tokens, json!({})).await;
    comment(&mut bot, &task, "beep").await;
    let asked = json!({ "stream": team.stream(), "after": 0, "limit": 500, "task_id": task });
    let history = team.owner.ok("stream.history", asked).await["events"].clone();
    let all = history.as_array().expect("events");
    assert_eq!(
        names(all),
        [
            "task.created",
            "comment.created",
            "comment.created",
            "comment.deleted",
            "comment.updated",
            "comment.created"
        ]
    );
    assert_eq!(all[5]["actor"]["token"], "bot");
}

async fn a_list_has_pages_oldest_first(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let task = ada.ok("task.create", json!({ "title": "T" })).await["id"].clone();
    let other = ada.ok("task.create", json!({ "title": "U" })).await["id"].clone();
    comment(&mut ada, &other, "elsewhere").await;
    for n in 0..5 {
        comment(&mut ada, &task, &n.to_string()).await;
    }
    let first = ada
        .ok("comment.list", json!({ "task_id": task, "limit": 3 }))
        .await;
    assert_eq!(first["total"], 5);
    let asked = json!({ "task_id": task, "limit": 3, "cursor": first["next_cursor"] });
    let second = ada.ok("comment.list", asked.clone()).await;
    assert!(
        second["next_cursor"].is_null() && second["total"].is_null(),
        "{second}"
    );
    let bodies = [pluck(&first, "body"), pluck(&second, "body")].concat();
    assert_eq!(json!(bodies), json!(["0", "1", "2", "3", "4"]));
    let mut wrong = asked;
    wrong["task_id"] = other;
    assert_eq!(ada.refused("comment.list", wrong).await["field"], "cursor");
}

/// The types of the notifications that a user got since the last look.
async fn told(follower: &mut Follower) -> Vec<String> {
    let events = follower.own_events().await;
    events.iter().map(|event| text(&event["data"]["type"])).collect()
}

async fn a_mention_takes_the_place_of_the_other_notification(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let id = task(&mut team).await;
    let admin = team.admin.user_id();
    team.owner
        .ok("task.assign", json!({ "id": id, "add": [admin] }))
        .await;
    let mut people = Vec::new();
    for client in [&team.owner, &team.admin, &team.member, &team.viewer] {
        people.push(Follower::new(client.another(&server).await));
    }
    let mut cases = vec![
        // whom it concerns: the creator, the assignee, and who wrote it
        (
            json!("Nobody"),
            json!([]),
            ["COMMENT_ADDED", "COMMENT_ADDED", "COMMENT_ADDED", ""],
        ),
        (
            json!("@ADMIN, @viewer: see x@owner.example"),
            json!([]),
            ["COMMENT_ADDED", "MENTION", "COMMENT_ADDED", "MENTION"],
        ),
        // one's own name tells nothing new
        (
            json!("I, @member"),
            json!([team.owner.user_id(), team.viewer.user_id()]),
            ["MENTION", "COMMENT_ADDED", "COMMENT_ADDED", "MENTION"],
        ),
    ];
    for (body, mentions, expected) in cases.drain(..) {
        let data = json!({ "task_id": id, "body": body, "mentions": mentions });
        let made = team.member.ok("comment.create", data).await;
        for (person, expected) in people.iter_mut().zip(expected) {
            let told = told(person).await;
            assert_eq!(
                told,
                [expected]
                    .into_iter()
                    .filter(|one| !one.is_empty())
                    .collect::<Vec<_>>(),
                "{body}"
            );
        }
        let page = team.viewer.ok("notification.list", json!({ "limit": 1 })).await;
        if expected[3] == "MENTION" {
            assert_eq!(
                page["items"][0]["message"],
                "member mentioned you in a comment on “T”"
            );
            assert_eq!(page["items"][0]["task_id"], id);
            assert!(
                made["mentions"].as_array().is_some_and(|all| all.len() >= 2),
                "{made}"
            );
        }
    }
}

async fn a_person_is_told_once_that_a_comment_mentions_them(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let id = task(&mut team).await;
    let (viewer, admin) = (team.viewer.user_id(), team.admin.user_id());
    let data = json!({ "task_id": id, "body": "Hello", "mentions": [admin] });
    let made = team.owner.ok("comment.create", data).await;
    let mut witness = Follower::new(team.viewer.another(&server).await);
    let mut given = Follower::new(team.admin.another(&server).await);
    for (body, mentions, expected) in [
        ("Hello @viewer", json!([admin, viewer]), vec!["MENTION"]),
        ("Hello @viewer!", json!([admin, viewer]), vec![]),
        ("Hello", json!([admin]), vec![]),
        (
            "Once more, @viewer and @owner",
            json!([admin, viewer, team.owner.user_id()]),
            vec![],
        ),
    ] {
        let data = json!({ "id": made["id"], "body": body });
        let changed = team.owner.ok("comment.update", data).await;
        assert_eq!(changed["mentions"], mentions, "{body}");
        assert_eq!(told(&mut witness).await, expected, "{body}");
        assert!(told(&mut given).await.is_empty(), "{body}");
    }
}

async fn a_deleted_task_has_comments_that_nobody_changes(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let task = ada.ok("task.create", json!({ "title": "T" })).await["id"].clone();
    let made = comment(&mut ada, &task, "b").await;
    ada.ok("task.delete", json!({ "id": task })).await;
    for (name, data) in [
        ("comment.create", json!({ "task_id": task, "body": "c" })),
        ("comment.update", json!({ "id": made["id"], "body": "c" })),
        ("comment.delete", json!({ "id": made["id"] })),
    ] {
        assert_eq!(ada.refused(name, data).await["code"], "CONFLICT", "{name}");
    }
    let page = ada.ok("comment.list", json!({ "task_id": task })).await;
    assert_eq!(page["items"], json!([made]));
    ada.ok("task.restore", json!({ "id": task })).await;
    ada.ok("comment.delete", json!({ "id": made["id"] })).await;
    assert_eq!(
        ada.ok("task.get", json!({ "id": task })).await["comment_count"],
        0
    );
}

async fn a_purge_takes_the_comments_along(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let task = ada.ok("task.create", json!({ "title": "T" })).await["id"].clone();
    let made = comment(&mut ada, &task, "a secret").await["id"].clone();
    let edit = |body: &str| json!({ "type": "comment.update", "data": { "id": made, "body": body } });
    let new = json!({ "type": "comment.create", "data": { "task_id": task, "body": "a secret too" } });
    let purge = json!({ "type": "task.delete", "data": { "id": task, "permanent": true } });
    // all in one transaction: what it writes before the purge goes too, and nothing is found after it
    let data = json!({ "ops": [edit("another secret"), new, purge, edit("x"), new], "atomic": false });
    let results = ada.ok("batch", data).await["results"].clone();
    let codes = pluck(&results, "error");
    assert_eq!(
        json!([codes[3]["code"], codes[4]["code"]]),
        json!(["NOT_FOUND", "NOT_FOUND"])
    );
    assert!(codes[..3].iter().all(Value::is_null), "{results}");
    let logs = audit::agree(&server, &ada.tokens).await;
    let entries: Vec<&Value> = logs.values().flatten().collect();
    let comments = entries
        .iter()
        .filter(|entry| text(&entry["event"]).starts_with("comment."));
    let left: Vec<Value> = comments.map(|entry| entry["data"].clone()).collect();
    assert_eq!(left.len(), 3);
    assert_eq!(left[..2], vec![json!({ "id": made, "purged": true }); 2]);
    assert!(!json!(logs).to_string().contains("secret"));
    for (name, data) in [
        ("comment.delete", json!({ "id": made })),
        ("comment.list", json!({ "task_id": task })),
    ] {
        assert_eq!(ada.refused(name, data).await["code"], "NOT_FOUND", "{name}");
    }
    assert!(stored(&server).await.is_empty());
}

async fn bad_comments_are_refused(engine: Engine) {
    let server = Server::start(engine, &[("comments_per_task", "2")]).await;
    let mut team = Team::gather(&server).await;
    let task = task(&mut team).await;
    let stranger = Client::sign_up(&server, "stranger").await.user_id();
    let ada = &mut team.owner;
    for (body, mentions, field) in [
        (json!(""), json!([]), "body"),
        (json!(" \n "), json!([]), "body"),
        (json!("x".repeat(5001)), json!([]), "body"),
        (json!(null), json!([]), "body"),
        (json!("x"), json!([ada.user_id(), stranger]), "mentions[1]"),
        (json!("x"), json!(vec![ada.user_id(); 51]), "mentions"),
    ] {
        let data = json!({ "task_id": task, "body": body, "mentions": mentions });
        let error = ada.refused("comment.create", data).await;
        assert_eq!(
            json!([error["code"], error["field"]]),
            json!(["VALIDATION_ERROR", field])
        );
    }
    let unknown = json!({ "task_id": crate::support::new_id(), "body": "b" });
    assert_eq!(ada.refused("comment.create", unknown).await["code"], "NOT_FOUND");
    comment(ada, &task, &"ä".repeat(5000)).await;
    let second = comment(ada, &task, "@stranger is nobody here").await;
    assert_eq!(second["mentions"], json!([]));
    let data = json!({ "task_id": task, "body": "a third one" });
    let error = ada.refused("comment.create", data.clone()).await;
    assert_eq!(
        json!([error["code"], error["context"]["limit"]]),
        json!(["PLAN_LIMIT", 2])
    );
    ada.ok("comment.delete", json!({ "id": second["id"] })).await;
    ada.ok("comment.create", data).await;
}

async fn the_comments_of_a_deleted_account_stay_without_its_name(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let shared = task(&mut team).await;
    comment(&mut team.member, &shared, "I was here").await;
    let own = team.member.ok("task.create", json!({ "title": "Mine" })).await["id"].clone();
    comment(&mut team.member, &own, "only for me").await;
    assert_eq!(stored(&server).await.len(), 2);
    team.member
        .ok("profile.delete", json!({ "password": PASSWORD }))
        .await;
    let stream = team.stream();
    eventually("what the account left is erased", async || {
        let asked = json!({ "stream": stream, "after": 0, "limit": 500 });
        let log = team.owner.ok("stream.history", asked).await;
        let is_named = json!(log).to_string().contains("\"name\":\"member\"");
        (!is_named && stored(&server).await == ["I was here"]).then_some(())
    })
    .await;
    let page = team.owner.ok("comment.list", json!({ "task_id": shared })).await;
    assert_eq!(page["items"][0]["author"]["name"], "Deleted user");
    assert_eq!(page["items"][0]["body"], "I was here");
}
