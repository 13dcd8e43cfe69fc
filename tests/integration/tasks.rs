//! What each operation on a task does: its answer, its events, its notifications, and what it refuses.

use crate::imports::send;
use crate::on_both_databases;
use crate::support::follower::pluck;
use crate::support::{Client, Engine, Follower, Server, Team, new_id};
use serde_json::{Value, json};
use uuid::Uuid;

on_both_databases!(
    a_task_is_created_as_requested_and_sent_to_other_sockets,
    an_update_changes_the_given_fields_and_null_clears_them,
    a_day_is_kept_as_midnight_of_its_date,
    a_request_that_changes_nothing_makes_no_event_and_no_version,
    a_stale_version_is_refused_with_the_current_task,
    completing_toggles_a_task_and_sets_completed_at,
    a_deleted_task_is_read_restored_and_purged_but_not_changed,
    a_purged_task_is_forgotten_everywhere,
    a_purge_in_the_same_batch_forgets_what_the_batch_wrote,
    a_workspace_has_so_many_tasks_with_deleted_ones,
);

fn code(refused: &(String, Option<String>)) -> (&str, Option<&str>) {
    (&refused.0, refused.1.as_deref())
}

async fn a_task_is_created_as_requested_and_sent_to_other_sockets(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let mut phone = Follower::new(ada.client.another(&server).await);
    let plain = ada.act("task.create", json!({ "title": "  Plain  " })).await;
    let expected = json!({
        "id": plain.data["id"], "workspace_id": ada.client.personal(), "project_id": null, "parent_id": null,
        "title": "Plain", "description": null, "completed": false, "completed_at": null, "stage": "todo", "blocked_by": [],
        "priority": "none",
        "due_at": null, "all_day": false, "remind_at": null, "recurrence": null, "position": plain.data["position"],
        "tags": [], "assignee_ids": [], "comment_count": 0, "attachment_count": 0, "is_deleted": false,
        "deleted_at": null, "version": 1, "created_by": ada.client.user_id(), "created_at": plain.data["created_at"],
        "updated_at": plain.data["created_at"],
    });
    assert_eq!(plain.data, expected);
    assert_eq!(plain.names(), ["notification.created", "task.created"]);
    let event = plain.event("task.created");
    assert_eq!(event["data"], plain.data);
    assert_eq!(
        event["actor"],
        json!({ "kind": "user", "id": ada.client.user_id(), "name": "ada" })
    );
    assert_eq!(plain.at.len(), 2, "the workspace's stream and the user's own");
    assert_eq!(phone.witness(&plain).await, plain.events);

    let id = new_id().to_string();
    let full = json!({
        "id": id, "title": "Full", "description": " Why ", "priority": "urgent", "due_at": "2030-01-02T03:04:05+01:00",
        "all_day": true, "tags": [" home ", "garden", "home"], "assignee_ids": [ada.client.user_id()],
        "remind_at": "2030-01-01T00:00:00.123456Z", "recurrence": "FREQ=WEEKLY;BYDAY=MO", "parent_id": plain.data["id"],
    });
    let made = ada.act("task.create", full.clone()).await.data;
    let parts = json!([
        made["description"],
        made["tags"],
        made["due_at"],
        made["remind_at"],
        made["id"]
    ]);
    let wanted = json!([
        "Why",
        ["home", "garden"],
        // a day; midnight of its date
        "2030-01-02T00:00:00.000Z",
        "2030-01-01T00:00:00.123Z",
        id
    ]);
    assert_eq!(parts, wanted);
    assert_eq!(ada.client.ok("task.get", json!({ "id": id })).await, made);
    assert_eq!(
        code(&ada.refused("task.create", full).await),
        ("CONFLICT", Some("id"))
    );
    let old_kind = json!({ "id": Uuid::new_v4(), "title": "v4" });
    assert_eq!(
        code(&ada.refused("task.create", old_kind).await),
        ("VALIDATION_ERROR", Some("id"))
    );
}

async fn an_update_changes_the_given_fields_and_null_clears_them(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let made = json!({
        "title": "A", "description": "d", "priority": "high", "due_at": "2030-01-01T00:00:00Z", "tags": ["t"],
        "assignee_ids": [ada.client.user_id()], "remind_at": "2030-01-01T00:00:00Z", "recurrence": "FREQ=DAILY",
    });
    let made = ada.act("task.create", made).await.data;
    let id = made["id"].clone();
    let renamed = ada.act("task.update", json!({ "id": id, "title": "B" })).await;
    assert_eq!(renamed.names(), ["notification.created", "task.updated"]);
    let mut expected = made.clone();
    expected["title"] = json!("B");
    expected["version"] = json!(2);
    expected["updated_at"] = renamed.data["updated_at"].clone();
    assert_eq!(renamed.data, expected);
    let clear = json!({
        "id": id, "description": null, "priority": null, "due_at": null, "tags": null, "assignee_ids": null,
        "remind_at": null, "recurrence": null, "parent_id": null, "project_id": null,
    });
    let cleared = ada.act("task.update", clear).await.data;
    let fields = json!([
        cleared["description"],
        cleared["priority"],
        cleared["due_at"],
        cleared["tags"],
        cleared["assignee_ids"],
        cleared["remind_at"],
        cleared["recurrence"],
        cleared["version"],
        cleared["title"],
    ]);
    assert_eq!(fields, json!([null, "none", null, [], [], null, null, 3, "B"]));
    for field in ["title", "completed", "all_day"] {
        let refused = ada.refused("task.update", json!({ "id": id, field: null })).await;
        assert_eq!(code(&refused), ("VALIDATION_ERROR", Some(field)));
    }
    let replacement = json!({
        "id": id, "title": "R", "description": "r", "completed": true, "priority": "low",
        "due_at": "2031-01-01T00:00:00Z", "tags": ["x", "y"],
    });
    let replaced = ada.act("task.replace", replacement.clone()).await;
    let named = [
        "notification.created",
        "tag.created",
        "tag.created",
        "task.completed",
    ];
    assert_eq!(replaced.names(), named);
    for (field, value) in replacement.as_object().expect("an object") {
        if field != "due_at" {
            assert_eq!(&replaced.data[field], value, "{field}");
        }
        let mut without = replacement.clone();
        without.as_object_mut().expect("an object").remove(field);
        let refused = ada.refused("task.replace", without).await;
        assert_eq!(code(&refused), ("VALIDATION_ERROR", Some(field.as_str())));
    }
    assert_eq!(replaced.data["completed_at"], replaced.data["updated_at"]);
}

async fn a_day_is_kept_as_midnight_of_its_date(engine: Engine) {
    const AFTERNOON: &str = "2027-03-01T15:00:00.000Z";
    const MIDNIGHT: &str = "2027-03-01T00:00:00.000Z";
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let day = json!({ "title": "Day", "due_at": AFTERNOON, "all_day": true });
    let day = ada.act("task.create", day).await.data;
    assert_eq!(day["due_at"], MIDNIGHT);
    // a moment keeps its time, until it becomes a day
    let moment = json!({ "title": "Moment", "due_at": AFTERNOON });
    let moment = ada.act("task.create", moment).await.data;
    assert_eq!(moment["due_at"], AFTERNOON);
    let id = moment["id"].clone();
    let became = ada.act("task.update", json!({ "id": id, "all_day": true })).await;
    assert_eq!(became.data["due_at"], MIDNIGHT);
    let moved = json!({ "id": id, "due_at": "2027-03-02T23:59:59.999Z" });
    assert_eq!(
        ada.act("task.update", moved).await.data["due_at"],
        "2027-03-02T00:00:00.000Z"
    );
    let replaced = json!({ "id": id, "title": "Moment", "description": null, "completed": false, "priority": "none",
        "due_at": AFTERNOON, "tags": [] });
    assert_eq!(ada.act("task.replace", replaced).await.data["due_at"], MIDNIGHT);
    // the same day is no change
    let same = json!({ "id": id, "due_at": AFTERNOON });
    ada.unchanged("task.update", same).await;
    let back = json!({ "id": id, "all_day": false, "due_at": AFTERNOON });
    assert_eq!(ada.act("task.update", back).await.data["due_at"], AFTERNOON);
}

async fn a_request_that_changes_nothing_makes_no_event_and_no_version(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let (me, create) = (ada.client.user_id(), "task.create");
    let made = json!({ "title": "A", "tags": ["t"], "assignee_ids": [me], "due_at": "2030-01-01T00:00:00Z" });
    let task = ada.act(create, made).await.data;
    let id = task["id"].clone();
    let same = [
        ("task.update", json!({ "id": id })),
        (
            "task.update",
            json!({ "id": id, "title": " A ", "tags": ["t"], "due_at": "2030-01-01T01:00:00+01:00" }),
        ),
        (
            "task.update",
            json!({ "id": id, "description": "  ", "if_version": 1 }),
        ),
        (
            "task.replace",
            json!({ "id": id, "title": "A", "description": null, "completed": false, "priority": "none",
                    "due_at": "2030-01-01T00:00:00Z", "tags": ["t"] }),
        ),
        ("task.complete", json!({ "id": id, "completed": false })),
        (
            "task.assign",
            json!({ "id": id, "add": [me], "remove": [new_id()] }),
        ),
        ("task.assign", json!({ "id": id })),
        ("task.move", json!({ "id": id })),
        ("task.move", json!({ "id": id, "parent_id": null })),
    ];
    for (name, data) in same {
        assert_eq!(ada.unchanged(name, data).await, task);
    }
    let done = ada
        .act("task.complete", json!({ "id": id, "completed": true }))
        .await;
    assert_eq!(done.names(), ["notification.created", "task.completed"]); // no event of the requests before
    assert_eq!(
        ada.unchanged("task.complete", json!({ "id": id, "completed": true }))
            .await,
        done.data
    );
    let deleted = ada.act("task.delete", json!({ "id": id })).await;
    assert_eq!(
        ada.unchanged("task.delete", json!({ "id": id })).await,
        deleted.data
    );
    assert_eq!(deleted.data["version"], 3);
}

async fn a_stale_version_is_refused_with_the_current_task(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let task = ada.act("task.create", json!({ "title": "A" })).await.data;
    let update =
        |version: i64, title: &str| json!({ "id": task["id"], "if_version": version, "title": title });
    let second = ada.act("task.update", update(1, "B")).await.data;
    for stale in [1, 3, 0] {
        let error = ada.client.refused("task.update", update(stale, "C")).await;
        let wanted = json!(["VERSION_CONFLICT", "if_version", false, second]);
        let came = json!([
            error["code"],
            error["field"],
            error["retryable"],
            error["context"]["current"]
        ]);
        assert_eq!(came, wanted);
    }
    assert_eq!(ada.act("task.update", update(2, "C")).await.data["title"], "C");
}

async fn completing_toggles_a_task_and_sets_completed_at(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let task = ada.act("task.create", json!({ "title": "A" })).await.data;
    let id = json!({ "id": task["id"] });
    let done = ada.act("task.complete", id.clone()).await;
    assert_eq!(done.names(), ["notification.created", "task.completed"]);
    assert_eq!(
        json!([done.data["completed"], done.data["completed_at"]]),
        json!([true, done.data["updated_at"]])
    );
    assert_eq!(
        done.event("notification.created")["data"]["type"],
        "TASK_COMPLETED"
    );
    let open = ada.act("task.complete", id).await;
    assert_eq!(open.names(), ["notification.created", "task.reopened"]);
    assert_eq!(
        json!([open.data["completed"], open.data["completed_at"]]),
        json!([false, null])
    );
    assert_eq!(open.event("notification.created")["data"]["type"], "TASK_PENDING");
}

async fn a_deleted_task_is_read_restored_and_purged_but_not_changed(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let task = ada.act("task.create", json!({ "title": "A" })).await.data;
    let id = task["id"].clone();
    assert_eq!(
        ada.refused("task.restore", json!({ "id": id })).await.0,
        "NOT_DELETED"
    );
    let deleted = ada.act("task.delete", json!({ "id": id })).await;
    assert_eq!(deleted.names(), ["notification.created", "task.deleted"]);
    assert_eq!(
        json!([deleted.data["is_deleted"], deleted.data["deleted_at"]]),
        json!([true, deleted.data["updated_at"]])
    );
    assert_eq!(ada.client.ok("task.get", json!({ "id": id })).await, deleted.data);
    let changes = [
        ("task.update", json!({ "id": id, "title": "B" })),
        ("task.complete", json!({ "id": id })),
        ("task.assign", json!({ "id": id, "add": [ada.client.user_id()] })),
        ("task.move", json!({ "id": id, "parent_id": null })),
        (
            "task.replace",
            json!({ "id": id, "title": "B", "description": null, "completed": false, "priority": "none",
                    "due_at": null, "tags": [] }),
        ),
    ];
    for (name, data) in changes {
        assert_eq!(ada.refused(name, data).await.0, "CONFLICT", "{name}");
    }
    let restored = ada.act("task.restore", json!({ "id": id })).await;
    assert_eq!(restored.names(), ["notification.created", "task.restored"]);
    assert_eq!(
        json!([
            restored.data["is_deleted"],
            restored.data["deleted_at"],
            restored.data["version"]
        ]),
        json!([false, null, 3])
    );
    ada.act("task.delete", json!({ "id": id })).await;
    let purged = ada
        .act("task.delete", json!({ "id": id, "permanent": true }))
        .await;
    assert_eq!(purged.data, json!({ "id": id, "version": 5 }));
    assert_eq!(purged.event("task.purged")["data"], purged.data);
    for name in ["task.get", "task.restore", "task.delete", "task.complete"] {
        assert_eq!(
            ada.refused(name, json!({ "id": id })).await.0,
            "NOT_FOUND",
            "{name}"
        );
    }
}

async fn a_purged_task_is_forgotten_everywhere(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let stream = team.stream();
    let secret = json!({
        "workspace_id": team.workspace, "title": "Hush-hush", "description": "Hush-hush",
        "assignee_ids": [team.member.user_id()],
    });
    let id = team.owner.ok("task.create", secret).await["id"].clone();
    // a tag is the workspace's, and stays
    let update = json!({ "id": id, "tags": ["secrets"] });
    team.admin.ok("task.update", update).await;
    let part = json!({ "workspace_id": team.workspace, "title": "Part", "parent_id": id });
    let part = team.owner.ok("task.create", part).await["id"].clone();
    let unread = team.member.ok("notification.unread_count", json!({})).await["unread"]
        .as_i64()
        .expect("a count");
    let answer = team
        .owner
        .call("task.delete", json!({ "id": id, "permanent": true }))
        .await;
    assert_eq!(answer["type"], "ok", "{answer}");
    let part = team.owner.ok("task.get", json!({ "id": part })).await;
    assert_eq!((&part["parent_id"], &part["version"]), (&json!(null), &json!(2)));
    let now_unread = team.member.ok("notification.unread_count", json!({})).await;
    assert_eq!(now_unread["unread"], unread - 2); // TASK_ASSIGNED and TASK_UPDATED
    let notices = team.member.ok("notification.list", json!({})).await;
    assert!(!notices.to_string().contains("Hush"), "{notices}");

    let (owner, member) = (team.owner.user_id(), team.member.user_id());
    let users = [format!("user:{owner}"), format!("user:{member}")];
    let epoch = team.owner.welcome["data"]["epoch"].clone();
    for (tokens, own) in [(&team.owner.tokens, &users[0]), (&team.member.tokens, &users[1])] {
        let mut client = crate::support::Client::with_tokens(&server, tokens, json!({ "streams": [] })).await;
        for stream in [&stream, own] {
            let history = client.ok("stream.history", json!({ "stream": stream })).await;
            assert!(!history.to_string().contains("Hush"), "{history}");
            let seqs = pluck(&history["events"], "seq");
            assert_eq!(seqs, (1..=seqs.len()).map(|seq| json!(seq)).collect::<Vec<_>>());
        }
        let positions = json!({ &stream: 0, own: 0 });
        let resume = json!({ "resume": { "epoch": epoch, "positions": positions } });
        let resumed = Follower::new(crate::support::Client::with_tokens(&server, tokens, resume).await);
        let mut client = resumed.client;
        for (stream, head) in resumed.heads {
            if positions.get(&stream).is_none() {
                continue;
            }
            for seq in 1..=head {
                let event = client.next_of(&stream).await; // from the ring
                assert_eq!(event["seq"], seq);
                assert!(!event.to_string().contains("Hush"), "{event}");
            }
        }
    }
    let of_task = json!({ "stream": stream, "task_id": id });
    let history = team.viewer.ok("stream.history", of_task).await;
    assert_eq!(
        pluck(&history["events"], "event"),
        ["task.created", "task.updated", "task.purged"]
    );
    assert_eq!(history["events"][0]["data"], json!({ "id": id, "purged": true }));
    assert_eq!(history["events"][2]["data"], json!({ "id": id, "version": 3 }));
}

async fn a_purge_in_the_same_batch_forgets_what_the_batch_wrote(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let id = new_id();
    let ops = json!({ "ops": [
        { "type": "task.create", "data": { "id": id, "title": "Hush-hush" } },
        { "type": "task.delete", "data": { "id": id, "permanent": true } },
    ] });
    ada.client.ok("batch", ops).await;
    for stream in ada.heads.keys() {
        let history = ada.client.ok("stream.history", json!({ "stream": stream })).await;
        assert!(!history.to_string().contains("Hush"), "{history}");
    }
    let listed = ada.client.ok("notification.list", json!({})).await;
    assert!(!listed.to_string().contains("Hush"), "{listed}");
    assert_eq!(listed["unread"], 1, "the notification of the sign-up");
}

async fn a_workspace_has_so_many_tasks_with_deleted_ones(engine: Engine) {
    let server = Server::start(engine, &[("tasks_per_workspace", "5")]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let create = |title: &str| json!({ "type": "task.create", "data": { "title": title } });
    let batch = |count: usize, atomic: bool| json!({ "ops": vec![create("T"); count], "atomic": atomic });
    let is_full = |refused: &Value| {
        assert_eq!(refused["code"], "PLAN_LIMIT", "{refused}");
        assert_eq!(refused["context"]["setting"], "tasks_per_workspace", "{refused}");
        assert_eq!(refused["context"]["limit"], 5, "{refused}");
    };
    let first = ada
        .ok(
            "task.create",
            json!({ "title": "Water", "recurrence": "FREQ=DAILY" }),
        )
        .await;
    ada.ok("batch", batch(2, true)).await;
    // a batch sees its own, and is refused as a whole, or in part
    is_full(&ada.refused("batch", batch(3, true)).await);
    let parts = ada.ok("batch", batch(3, false)).await["results"].clone();
    let failed = parts
        .as_array()
        .expect("results")
        .iter()
        .filter(|one| one["error"].is_object());
    let failed: Vec<&Value> = failed.collect();
    assert_eq!(failed.len(), 1, "{parts}");
    is_full(&failed[0]["error"]);
    is_full(&ada.refused("task.create", json!({ "title": "T" })).await);
    let (status, error) = send(&server, &ada.tokens, "format=csv", "title\nb\n").await;
    assert_eq!(status, 403, "{error}");
    is_full(&error);
    // another workspace has room; a deleted task counts until it is deleted for good
    let team = ada.ok("workspace.create", json!({ "name": "Team" })).await;
    let there = json!({ "title": "T", "workspace_id": team["id"] });
    let other = ada.ok("task.create", there).await;
    assert_eq!(other["workspace_id"], team["id"]);
    let (status, error) = send(
        &server,
        &ada.tokens,
        &format!("format=csv&workspace_id={}", crate::support::text(&team["id"])),
        "title\na\nb\nc\nd\ne\n",
    )
    .await;
    assert_eq!(status, 403, "{error}");
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|why| why.starts_with("line 6: ")),
        "{error}"
    );
    // the next one of a task that repeats comes nevertheless
    ada.ok("task.complete", json!({ "id": first["id"] })).await;
    let list = ada.ok("task.list", json!({ "status": "all" })).await;
    assert_eq!(list["total"], 6, "{list}");
    for _ in 0..2 {
        let list = ada.ok("task.list", json!({ "status": "pending" })).await;
        let id = list["items"][0]["id"].clone();
        ada.ok("task.delete", json!({ "id": id })).await;
        is_full(&ada.refused("task.create", json!({ "title": "T" })).await);
        ada.ok("task.delete", json!({ "id": id, "permanent": true }))
            .await;
    }
    ada.ok("task.create", json!({ "title": "T" })).await;
    is_full(&ada.refused("task.create", json!({ "title": "T" })).await);
}
