//! The position of a task before and after others, its parent, and its assignees.

use crate::on_both_databases;
use crate::support::follower::{names, pluck, text};
use crate::support::{Client, Engine, Follower, Server, Team, new_id};
use serde_json::{Value, json};

on_both_databases!(
    a_task_is_moved_before_and_after_others,
    moves_of_one_batch_see_each_other,
    a_task_is_moved_before_and_after_one_made_in_the_same_batch,
    a_task_is_moved_beside_one_that_took_the_place_of_another,
    places_stay_short_however_often_tasks_move_into_one_gap,
    places_stay_short_where_all_that_are_near_move_together,
    a_parent_is_in_the_same_workspace_and_not_below_the_task,
    a_task_made_in_the_same_batch_is_below_all_that_is_above_its_parent,
    subtasks_nest_two_levels,
    assignees_are_members_and_are_notified,
    a_wrong_assignee_is_named_by_its_index_in_the_request,
);

fn code(refused: &(String, Option<String>)) -> (&str, Option<&str>) {
    (&refused.0, refused.1.as_deref())
}

async fn titles(ada: &mut Follower) -> Vec<Value> {
    let page = ada.client.ok("task.list", json!({ "sort": "position" })).await;
    pluck(&page, "title")
}

async fn a_task_is_moved_before_and_after_others(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let mut ids = Vec::new();
    for title in ["1", "2", "3", "4"] {
        ids.push(ada.act("task.create", json!({ "title": title })).await.data["id"].clone());
    }
    assert_eq!(titles(&mut ada).await, ["1", "2", "3", "4"]);
    let moved = ada
        .act("task.move", json!({ "id": ids[3], "before": ids[0] }))
        .await;
    assert_eq!(moved.names(), ["task.moved"]); // a move makes no notification
    assert_eq!(moved.data["version"], 2);
    assert_eq!(titles(&mut ada).await, ["4", "1", "2", "3"]);
    ada.act("task.move", json!({ "id": ids[0], "after": ids[1] }))
        .await;
    assert_eq!(titles(&mut ada).await, ["4", "2", "1", "3"]);
    ada.act("task.move", json!({ "id": ids[3], "after": ids[2] }))
        .await;
    assert_eq!(titles(&mut ada).await, ["2", "1", "3", "4"]);
    for _ in 0..12 {
        // always between the same two tasks
        ada.act("task.move", json!({ "id": ids[2], "after": ids[1] }))
            .await;
        ada.act("task.move", json!({ "id": ids[0], "after": ids[1] }))
            .await;
    }
    assert_eq!(titles(&mut ada).await, ["2", "1", "3", "4"]);
    let under = ada
        .act(
            "task.move",
            json!({ "id": ids[0], "parent_id": ids[1], "after": ids[3] }),
        )
        .await;
    assert_eq!(under.data["parent_id"], ids[1]);
    assert_eq!(titles(&mut ada).await, ["2", "3", "4", "1"]);
    ada.act("task.create", json!({ "title": "5" })).await;
    assert_eq!(
        titles(&mut ada).await,
        ["2", "3", "4", "1", "5"],
        "a new task comes after a task that was moved to the end"
    );

    let elsewhere = ada.act("workspace.create", json!({ "name": "W" })).await.data;
    let foreign = json!({ "workspace_id": elsewhere["id"], "title": "F" });
    let foreign = ada.act("task.create", foreign).await.data["id"].clone();
    let refusals = [
        (
            json!({ "id": ids[0], "before": ids[1], "after": ids[2] }),
            ("VALIDATION_ERROR", Some("before")),
        ),
        (
            json!({ "id": ids[0], "after": ids[0] }),
            ("VALIDATION_ERROR", Some("after")),
        ),
        (
            json!({ "id": ids[0], "before": foreign }),
            ("NOT_FOUND", Some("before")),
        ),
        (
            json!({ "id": ids[0], "after": new_id() }),
            ("NOT_FOUND", Some("after")),
        ),
        (
            json!({ "id": ids[0], "parent_id": foreign }),
            ("NOT_FOUND", Some("parent_id")),
        ),
        (
            json!({ "id": ids[0], "project_id": new_id() }),
            ("NOT_FOUND", Some("project_id")),
        ),
    ];
    for (data, wanted) in refusals {
        assert_eq!(
            code(&ada.refused("task.move", data.clone()).await),
            wanted,
            "{data}"
        );
    }
}

async fn moves_of_one_batch_see_each_other(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let mut ids = Vec::new();
    for title in ["1", "2", "3", "4"] {
        ids.push(ada.act("task.create", json!({ "title": title })).await.data["id"].clone());
    }
    let moved = |id: usize, side: &str, other: usize| json!({ "type": "task.move", "data": { "id": ids[id - 1], side: ids[other - 1] } });
    let ops = json!({ "ops": [moved(2, "after", 4), moved(4, "after", 1)] });
    ada.client.ok("batch", ops).await;
    assert_eq!(titles(&mut ada).await, ["1", "4", "3", "2"]);
    let ops = json!({ "ops": [moved(3, "before", 1), moved(2, "before", 4), moved(1, "before", 3)] });
    ada.client.ok("batch", ops).await;
    assert_eq!(titles(&mut ada).await, ["1", "3", "2", "4"]);
}

async fn a_task_is_moved_before_and_after_one_made_in_the_same_batch(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let elsewhere = ada.act("workspace.create", json!({ "name": "W" })).await.data["id"].clone();
    let personal = json!(ada.client.personal());
    for workspace in [personal, elsewhere] {
        let mut ids = Vec::new();
        for title in ["1", "2", "3", "4", "5"] {
            let data = json!({ "workspace_id": workspace, "title": title });
            ids.push(ada.act("task.create", data).await.data["id"].clone());
        }
        let new = new_id();
        let ops = json!({ "ops": [
            { "type": "task.create", "data": { "id": new, "workspace_id": workspace, "title": "N" } },
            { "type": "task.move", "data": { "id": ids[0], "before": new } },
            { "type": "task.move", "data": { "id": ids[1], "after": new } },
        ] });
        ada.act("batch", ops).await;
        let wanted = json!({ "workspace_id": workspace, "sort": "position" });
        let page = ada.client.ok("task.list", wanted).await;
        assert_eq!(pluck(&page, "title"), ["3", "4", "5", "1", "N", "2"]);
    }
}

async fn a_task_is_moved_beside_one_that_took_the_place_of_another(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let moved = |id: &Value, side: &str, other: &Value| json!({ "type": "task.move", "data": { "id": id, side: other } });
    for purged in [false, true] {
        let made = ada.act("workspace.create", json!({ "name": "W" })).await.data;
        let ids: Vec<_> = (0..20).map(|_| new_id()).collect();
        let task = |n: usize| json!({ "id": ids[n], "workspace_id": made["id"], "title": n.to_string() });
        let ops: Vec<Value> = (0..20)
            .map(|n| json!({ "type": "task.create", "data": task(n) }))
            .collect();
        ada.act("batch", json!({ "ops": ops })).await;
        let id = |n: usize| json!(ids[n]);
        let leave = if purged {
            json!({ "type": "task.delete", "data": { "id": ids[10], "permanent": true } })
        } else {
            moved(&id(10), "after", &id(19))
        };
        let ops = json!({ "ops": [
            moved(&id(18), "after", &id(10)), leave, moved(&id(1), "before", &id(18)),
            moved(&id(17), "before", &id(5)), moved(&id(5), "before", &id(0)), moved(&id(2), "after", &id(17)),
        ] });
        ada.act("batch", ops).await;
        let wanted = json!({ "workspace_id": made["id"], "sort": "position" });
        let page = ada.client.ok("task.list", wanted).await;
        let mut order = vec![5, 0, 3, 4, 17, 2, 6, 7, 8, 9, 1, 18, 11, 12, 13, 14, 15, 16, 19];
        if !purged {
            order.push(10);
        }
        let order: Vec<String> = order.iter().map(ToString::to_string).collect();
        assert_eq!(pluck(&page, "title"), order);
    }
}

/// Creates three tasks, each a subtask of the one before.
async fn three_in_a_line(person: &mut Follower) -> Vec<Value> {
    let mut ids = Vec::new();
    for _ in 0..3 {
        let data = json!({ "title": "T", "parent_id": ids.last() });
        ids.push(person.act("task.create", data).await.data["id"].clone());
    }
    ids
}

/// Two pairs that leap over each other: in batches, whose moves see each other, and alone.
async fn places_stay_short_however_often_tasks_move_into_one_gap(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let mut order = Vec::new();
    for title in ["1", "2", "3", "4", "5", "6"] {
        order.push(ada.act("task.create", json!({ "title": title })).await.data["id"].clone());
    }
    for round in 0..40 {
        let mut ops = Vec::new();
        for step in 0..10 {
            // the third task comes after the fourth one, or the last one comes between them
            let (from, after) = if step % 3 == 2 { (5, 2) } else { (2, 3) };
            ops.push(json!({ "type": "task.move", "data": { "id": order[from], "after": order[after] } }));
            let moved = order.remove(from);
            order.insert(if from > after { after + 1 } else { after }, moved);
        }
        if round % 4 == 3 {
            for op in ops {
                ada.act("task.move", op["data"].clone()).await;
            }
        } else {
            ada.act("batch", json!({ "ops": ops })).await;
        }
        let page = ada.client.ok("task.list", json!({ "sort": "position" })).await;
        assert_eq!(pluck(&page, "id"), order, "round {round}");
        let longest = pluck(&page, "position")
            .iter()
            .map(|place| text(place).len())
            .max();
        assert!(longest <= Some(64), "{longest:?} characters in round {round}");
    }
}

/// Between two tasks that stay there are only tasks that move, in each batch all of them: the next one in front of the others.
async fn places_stay_short_where_all_that_are_near_move_together(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let mut ids = Vec::new();
    for n in 0..10 {
        let task = ada.act("task.create", json!({ "title": format!("{n}") })).await;
        ids.push(task.data["id"].clone());
    }
    let (leapers, anchor) = (&ids[1..9], &ids[9]);
    for side in ["before", "after"] {
        let moves = leapers.iter().cycle().take(96);
        let ops: Vec<Value> = moves
            .map(|id| json!({ "type": "task.move", "data": { "id": id, side: anchor } }))
            .collect();
        for round in 0..12 {
            ada.act("batch", json!({ "ops": ops })).await;
            let page = ada.client.ok("task.list", json!({ "sort": "position" })).await;
            let places = pluck(&page, "position");
            let longest = places.iter().map(|place| text(place).len()).max();
            assert!(
                longest <= Some(64),
                "{longest:?} characters in round {round}, {side}"
            );
            let found = pluck(&page, "id");
            let mut expected = vec![ids[0].clone()];
            expected.extend(leapers.iter().cloned());
            if side == "after" {
                expected[1..].reverse();
            }
            expected.insert(if side == "before" { 9 } else { 1 }, anchor.clone());
            assert_eq!(found, expected, "round {round}, {side}");
        }
    }
}

async fn a_parent_is_in_the_same_workspace_and_not_below_the_task(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let ids = three_in_a_line(&mut ada).await;
    for below in &ids {
        for name in ["task.update", "task.move"] {
            let refused = ada
                .refused(name, json!({ "id": ids[0], "parent_id": below }))
                .await;
            assert_eq!(code(&refused), ("CONFLICT", Some("parent_id")));
        }
    }
    ada.act("task.delete", json!({ "id": ids[1] })).await;
    let data = json!({ "title": "T", "parent_id": ids[1] });
    assert_eq!(
        code(&ada.refused("task.create", data).await),
        ("CONFLICT", Some("parent_id"))
    );
    let data = json!({ "title": "T", "parent_id": new_id() });
    assert_eq!(
        code(&ada.refused("task.create", data).await),
        ("NOT_FOUND", Some("parent_id"))
    );
    let data = json!({ "title": "T", "project_id": new_id() });
    assert_eq!(
        code(&ada.refused("task.create", data).await),
        ("NOT_FOUND", Some("project_id"))
    );
}

async fn a_task_made_in_the_same_batch_is_below_all_that_is_above_its_parent(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let top = ada.act("task.create", json!({ "title": "T" })).await.data["id"].clone();
    let (new, newer) = (new_id(), new_id());
    for (i, above) in [top.clone(), json!(new), json!(newer)].iter().enumerate() {
        for name in ["task.update", "task.move"] {
            let ops = json!({ "ops": [
                { "type": "task.create", "data": { "id": new, "title": "N", "parent_id": top } },
                { "type": "task.create", "data": { "id": newer, "title": "M", "parent_id": new } },
                { "type": name, "data": { "id": above, "parent_id": newer } },
            ] });
            let refused = ada.refused("batch", ops).await;
            let wanted = ("CONFLICT", Some("ops[2].data.parent_id"));
            assert_eq!(code(&refused), wanted, "{name}, {i} from the top");
        }
    }
}

const TOO_DEEP: &str = "subtasks nest two levels below a task; choose a parent that is higher up";

async fn subtasks_nest_two_levels(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let mut ids: Vec<Value> = Vec::new();
    for parent in [None, Some(0), Some(1), None, Some(3), Some(4), None] {
        let data = json!({ "title": "T", "parent_id": parent.map(|i: usize| ids[i].clone()) });
        ids.push(ada.ok("task.create", data).await["id"].clone());
    }
    let deep = |error: &Value| {
        let told = (&error["code"], &error["field"], &error["message"]);
        assert_eq!(told, (&json!("CONFLICT"), &json!("parent_id"), &json!(TOO_DEEP)));
    };
    // a third level, by every way there
    deep(
        &ada.refused("task.create", json!({ "title": "T", "parent_id": ids[2] }))
            .await,
    );
    let own = json!({ "id": new_id(), "title": "T", "parent_id": ids[2] });
    deep(&ada.refused("task.create", own).await);
    for name in ["task.move", "task.update"] {
        // below the lowest; with a subtask one higher; with two levels below anything
        for (id, parent) in [(6, 2), (4, 1), (3, 0), (3, 6), (0, 3), (0, 5)] {
            deep(
                &ada.refused(name, json!({ "id": ids[id], "parent_id": ids[parent] }))
                    .await,
            );
        }
        let error = ada
            .refused(name, json!({ "id": ids[0], "parent_id": ids[2] }))
            .await;
        assert_eq!(error["message"], "a task cannot be below itself");
        // two levels, and out again
        ada.ok(name, json!({ "id": ids[4], "parent_id": ids[0] })).await;
        ada.ok(name, json!({ "id": ids[5], "parent_id": ids[1] })).await;
        ada.ok(name, json!({ "id": ids[5], "parent_id": ids[4] })).await;
        ada.ok(name, json!({ "id": ids[4], "parent_id": null })).await;
        ada.ok(name, json!({ "id": ids[4], "parent_id": ids[3] })).await;
    }
    // what a batch did before counts
    let [a, b, c] = [new_id(), new_id(), new_id()];
    let ops = json!({ "ops": [
        { "type": "task.create", "data": { "id": a, "title": "A" } },
        { "type": "task.create", "data": { "id": b, "title": "B", "parent_id": a } },
        { "type": "task.create", "data": { "id": c, "title": "C", "parent_id": b } },
        { "type": "task.move", "data": { "id": a, "parent_id": ids[6] } },
    ] });
    assert_eq!(ada.refused("batch", ops).await["field"], "ops[3].data.parent_id");
    let ops = json!({ "ops": [
        { "type": "task.move", "data": { "id": ids[5], "parent_id": null } },
        { "type": "task.move", "data": { "id": ids[3], "parent_id": ids[6] } },
    ] });
    ada.ok("batch", ops).await;
    named_ones_count_too(&mut ada, deep).await;
}

/// A task two levels below another one counts when a mutation beside the move names it, and not the one between them.
async fn named_ones_count_too(ada: &mut Client, deep: impl Fn(&Value)) {
    let mut ids: Vec<Value> = Vec::new();
    for parent in [None, Some(0), Some(1), None] {
        let data = json!({ "title": "T", "parent_id": parent.map(|i: usize| ids[i].clone()) });
        ids.push(ada.ok("task.create", data).await["id"].clone());
    }
    let [top, between, low, other] = &ids[..] else {
        panic!("four tasks")
    };
    let beside = json!({ "id": top, "parent_id": other, "before": low });
    deep(&ada.refused("task.move", beside).await);
    let blocked = json!({ "id": top, "parent_id": other, "blocked_by": [low] });
    deep(&ada.refused("task.update", blocked).await);
    let below_other = json!({ "type": "task.move", "data": { "id": top, "parent_id": other } });
    let repeats = json!({ "id": low, "recurrence": "FREQ=DAILY", "due_at": "2030-01-01T00:00:00Z" });
    ada.ok("task.update", repeats).await;
    for (name, data) in [
        ("task.update", json!({ "id": low, "title": "U" })),
        // the next one is below the one between them too
        ("task.complete", json!({ "id": low })),
    ] {
        let ops = json!([{ "type": name, "data": data }, below_other]);
        let error = ada.refused("batch", json!({ "ops": ops })).await;
        assert_eq!(error["field"], "ops[1].data.parent_id", "{name}: {error}");
        assert_eq!(error["message"], TOO_DEEP);
    }
    // what leaves the one between them counts no more
    let ops = json!([{ "type": "task.move", "data": { "id": low, "parent_id": null } }, below_other]);
    ada.ok("batch", json!({ "ops": ops })).await;
    let depth = ada.ok("task.get", json!({ "id": between })).await;
    assert_eq!(&depth["parent_id"], top);
}

async fn assignees_are_members_and_are_notified(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let outsider = Follower::sign_up(&server, "outsider").await.client.user_id();
    let (viewer, member) = (team.viewer.user_id(), team.member.user_id());
    let mut owner = Follower::new(team.owner.another(&server).await);
    let mut assigned = Follower::new(team.member.another(&server).await);
    let data = json!({ "workspace_id": team.workspace, "title": "A", "assignee_ids": [member, outsider] });
    let wanted = ("VALIDATION_ERROR", Some("assignee_ids[1]"));
    assert_eq!(code(&owner.refused("task.create", data).await), wanted);
    let data = json!({ "workspace_id": team.workspace, "title": "A" });
    let id = owner.act("task.create", data).await.data["id"].clone();
    let data = json!({ "id": id, "assignee_ids": [outsider] });
    let wanted = ("VALIDATION_ERROR", Some("assignee_ids[0]"));
    assert_eq!(code(&owner.refused("task.update", data).await), wanted);
    let data = json!({ "id": id, "add": [outsider] });
    assert_eq!(
        code(&owner.refused("task.assign", data).await),
        ("VALIDATION_ERROR", Some("add[0]"))
    );

    let given = owner
        .act(
            "task.assign",
            json!({ "id": id, "add": [member, viewer, member] }),
        )
        .await;
    assert_eq!(given.data["assignee_ids"], json!([member, viewer]));
    assert_eq!(given.names(), ["notification.created", "task.updated"]);
    let told = assigned.client.event("notification.created").await; // MEMBER_ADDED is older than this socket
    assert_eq!(
        json!([
            told["data"]["type"],
            told["data"]["task_id"],
            told["data"]["actor"]["username"]
        ]),
        json!(["TASK_ASSIGNED", id, "owner"])
    );
    team.admin
        .ok("task.update", json!({ "id": id, "title": "B" }))
        .await;
    let told = assigned.client.event("notification.created").await;
    assert_eq!(told["data"]["type"], "TASK_UPDATED");
    let taken = owner
        .act(
            "task.assign",
            json!({ "id": id, "add": [member], "remove": [member] }),
        )
        .await;
    assert_eq!(taken.data["assignee_ids"], json!([viewer]));
    let others = team.admin.ok("notification.list", json!({ "limit": 1 })).await;
    assert_eq!(
        text(&others["items"][0]["type"]),
        "TASK_UPDATED",
        "the admin gets one notification for their own act"
    );
    assert_eq!(
        names(&taken.events)
            .iter()
            .filter(|name| **name == "task.updated")
            .count(),
        2
    );
}

async fn a_wrong_assignee_is_named_by_its_index_in_the_request(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let team = Team::gather(&server).await;
    let outsider = Follower::sign_up(&server, "outsider").await.client.user_id();
    let (viewer, member) = (team.viewer.user_id(), team.member.user_id());
    let mut owner = Follower::new(team.owner.another(&server).await);
    let data =
        json!({ "workspace_id": team.workspace, "title": "A", "assignee_ids": [member, member, outsider] });
    let wanted = ("VALIDATION_ERROR", Some("assignee_ids[2]"));
    assert_eq!(code(&owner.refused("task.create", data).await), wanted);
    let data = json!({ "workspace_id": team.workspace, "title": "A", "assignee_ids": [member, member] });
    let twice = owner.act("task.create", data).await.data;
    assert_eq!(twice["assignee_ids"], json!([member]));
    let data = json!({ "id": twice["id"], "assignee_ids": [member, member, outsider] });
    assert_eq!(code(&owner.refused("task.update", data).await), wanted);
    let data = json!({ "id": twice["id"], "add": [member, viewer, outsider] });
    let wanted = ("VALIDATION_ERROR", Some("add[2]"));
    assert_eq!(code(&owner.refused("task.assign", data).await), wanted);
    let data = json!({ "id": twice["id"], "assignee_ids": [member, member] });
    owner.unchanged("task.update", data).await;
}
