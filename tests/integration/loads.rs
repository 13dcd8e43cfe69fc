//! What a mutation makes the writer read: little before it is allowed, and never so much that others wait for it.

use crate::on_both_databases;
use crate::support::copies::copy;
use crate::support::follower::text;
use crate::support::{Client, Engine, Server, Team, eventually, http, new_id};
use serde_json::{Value, json};
use std::ops::RangeInclusive;

on_both_databases!(
    a_refused_update_does_not_read_what_blocks_its_blockers,
    a_batch_reads_once_what_blocks_its_blockers,
    more_than_a_batch_can_look_at_is_refused,
    a_refused_move_reads_no_places,
    a_task_that_a_batch_makes_reads_nothing_of_other_people,
    long_places_are_spread_in_a_bounded_part,
    a_change_that_is_none_reads_nothing_below_a_task,
    strangers_and_viewers_make_the_writer_read_nothing,
    a_mutation_that_an_earlier_one_lets_in_is_carried_out,
    a_member_with_however_many_tasks_is_removed_at_once,
    nothing_comes_back_of_a_workspace_that_is_deleted_after_a_large_departure,
    a_large_change_runs_apart_from_others,
    a_batch_has_one_mutation_that_cascades,
    those_that_wait_beside_a_large_deletion_are_carried_out,
);

/// How many rows groups have read so far.
async fn rows(server: &Server) -> f64 {
    let metrics = http::get(server, "/metrics").await.text().await.expect("metrics");
    let sum = metrics
        .lines()
        .find_map(|line| line.strip_prefix("taskwire_group_rows_sum "));
    let sum = sum.expect("taskwire_group_rows_sum");
    sum.parse().expect("a number")
}

/// Checks that some requests make groups read at most so many rows.
async fn reads_at_most(server: &Server, most: f64, what: &str, requests: impl AsyncFnOnce()) {
    reads(server, 0.0..=most, what, requests).await;
}

/// Checks how many rows groups read for some requests.
async fn reads(server: &Server, rows_read: RangeInclusive<f64>, what: &str, requests: impl AsyncFnOnce()) {
    let before = rows(server).await;
    requests().await;
    let read = rows(server).await - before;
    assert!(
        rows_read.contains(&read),
        "{what}: {read} rows, not {rows_read:?}"
    );
}

/// Assigns the only assignee of all tasks to the copies too.
const ASSIGN: &str = "insert into task_assignees (user_id, workspace_id, task_id)
    select a.user_id, t.workspace_id, t.id from tasks t cross join task_assignees a
    where t.title = 'part' on conflict do nothing";

async fn create(client: &mut Client, data: Value) -> Value {
    client.ok("task.create", data).await["id"].clone()
}

/// A chain of tasks, each blocked by the one before it.
async fn chain(client: &mut Client, length: usize) -> Vec<String> {
    let ids: Vec<String> = (0..length).map(|_| new_id().to_string()).collect();
    let create = |n: usize| {
        let before: Vec<&String> = n.checked_sub(1).map(|before| &ids[before]).into_iter().collect();
        json!({ "type": "task.create", "data": { "id": ids[n], "title": "link", "blocked_by": before } })
    };
    for from in (0..length).step_by(100) {
        let ops: Vec<Value> = (from..length.min(from + 100)).map(create).collect();
        client.ok("batch", json!({ "ops": ops })).await;
    }
    ids
}

/// Tasks that wait for the end of a chain.
async fn ends(client: &mut Client, last: &str, number: usize) -> Vec<String> {
    let ids: Vec<String> = (0..number).map(|_| new_id().to_string()).collect();
    let create = |id: &String| json!({ "type": "task.create", "data": { "id": id, "title": "end", "blocked_by": [last] } });
    let ops: Vec<Value> = ids.iter().map(create).collect();
    client.ok("batch", json!({ "ops": ops })).await;
    ids
}

async fn a_refused_update_does_not_read_what_blocks_its_blockers(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let links = chain(&mut ada, 900).await;
    let ends = ends(&mut ada, &links[899], 20).await;
    let id = create(&mut ada, json!({ "title": "T" })).await;
    let old = json!({ "id": id, "blocked_by": ends, "if_version": 7 });
    reads_at_most(&server, 100.0, "an old version", async || {
        assert_eq!(ada.refused("task.update", old).await["code"], "VERSION_CONFLICT");
    })
    .await;
    let foreign = json!({ "id": id, "blocked_by": [ends[0], new_id()] });
    reads_at_most(&server, 100.0, "an unknown task", async || {
        assert_eq!(ada.refused("task.update", foreign).await["code"], "NOT_FOUND");
    })
    .await;
    // what is allowed reads the chain once, and a circle is found through all of it
    reads(&server, 900.0..=2000.0, "twenty blockers", async || {
        ada.ok("task.update", json!({ "id": id, "blocked_by": ends }))
            .await;
    })
    .await;
    let circle = ada
        .refused("task.update", json!({ "id": links[0], "blocked_by": [id] }))
        .await;
    assert_eq!(
        (&circle["code"], &circle["field"]),
        (&json!("CONFLICT"), &json!("blocked_by"))
    );
    assert!(text(&circle["message"]).contains("circle"), "{circle}");
}

async fn a_batch_reads_once_what_blocks_its_blockers(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let links = chain(&mut ada, 900).await;
    let ends = ends(&mut ada, &links[899], 60).await;
    let update = |n: usize| json!({ "type": "task.update", "data": { "id": links[n], "blocked_by": ends[n..n + 20] } });
    let ops: Vec<Value> = (0..40).map(update).collect();
    let before = rows(&server).await;
    let answer = ada.ok("batch", json!({ "ops": ops, "atomic": false })).await;
    let read = rows(&server).await - before;
    let results = answer["results"].as_array().expect("results");
    assert!(
        results.iter().all(|result| result["error"]["code"] == "CONFLICT"),
        "{answer}"
    );
    assert!((900.0..3000.0).contains(&read), "{read} rows");
}

async fn more_than_a_batch_can_look_at_is_refused(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let mut ends = Vec::new();
    for n in 0..6 {
        let title = format!("part {n}");
        let part = create(&mut ada, json!({ "title": title })).await;
        ends.push(create(&mut ada, json!({ "title": "end", "blocked_by": [part] })).await);
        copy(&server, engine, &title, 950, &[]).await;
    }
    let free = create(&mut ada, json!({ "title": "free" })).await;
    let id = create(&mut ada, json!({ "title": "T" })).await;
    // the first one of each has the lowest id but for a few
    let chains = "insert into task_blocks (task_id, blocker_id) select id, other from
        (select id, lag(id) over (partition by title order by id desc) as other from tasks where title like 'part %') parts
        where other is not null";
    server.database.execute(chains).await;
    let update =
        |blocker: &Value| json!({ "type": "task.update", "data": { "id": id, "blocked_by": [blocker] } });
    let ops: Vec<Value> = [&free].into_iter().chain(&ends).map(update).collect();
    let told = |error: &Value| json!([error["code"], error["field"], error["context"]["limit"]]);
    let error = ada.refused("batch", json!({ "ops": ops })).await;
    assert_eq!(told(&error), json!(["CONFLICT", "ops[1].data.blocked_by", 5000]));
    // what is known anyway is carried out
    let answer = ada.ok("batch", json!({ "ops": ops, "atomic": false })).await;
    let results = answer["results"].as_array().expect("results");
    assert_eq!(results[0]["error"], Value::Null, "{answer}");
    for (n, result) in results.iter().enumerate().skip(1) {
        let field = format!("ops[{n}].data.blocked_by");
        assert_eq!(told(&result["error"]), json!(["CONFLICT", field, 5000]));
    }
    // one by one, each is looked at for itself
    ada.ok("task.update", json!({ "id": id, "blocked_by": [ends[0]] }))
        .await;
    let error = ada
        .refused("task.update", json!({ "id": id, "blocked_by": ends[..2] }))
        .await;
    assert!(text(&error["message"]).contains("1000"), "{error}");
}

/// Three thousand tasks at places that begin with the same sixty characters. Returns two in the middle that are next to
/// each other.
async fn crowded_places(server: &Server, engine: Engine, ada: &mut Client) -> [String; 2] {
    create(ada, json!({ "title": "part" })).await;
    let place = format!("'h{}' || cast(100000 + i as text) || '1'", "z".repeat(59));
    let values = [("title", "'crowd'"), ("position", &*place)];
    copy(server, engine, "part", 3_000, &values).await;
    let id = match engine {
        Engine::Sqlite => "lower(hex(id))",
        Engine::Postgres => "cast(id as text)",
    };
    let middle =
        format!("select {id} from tasks where title = 'crowd' order by position limit 2 offset 1500");
    let middle = server.database.texts(&middle).await;
    [0, 1].map(|n| uuid::Uuid::parse_str(&middle[n]).expect("an id").to_string())
}

async fn a_refused_move_reads_no_places(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let crowd = crowded_places(&server, engine, &mut ada).await;
    let id = create(&mut ada, json!({ "title": "T" })).await;
    for (what, more) in [
        ("stage", json!("no such")),
        ("project_id", json!(new_id())),
        ("parent_id", json!(new_id())),
    ] {
        let mut data = json!({ "id": id, "before": crowd[0] });
        data[what] = more;
        reads_at_most(&server, 50.0, what, async || {
            assert_eq!(ada.refused("task.move", data).await["field"], what);
        })
        .await;
    }
}

async fn a_task_that_a_batch_makes_reads_nothing_of_other_people(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut bob = Client::sign_up(&server, "bob").await;
    let crowd = crowded_places(&server, engine, &mut bob).await;
    let links = chain(&mut bob, 300).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let op = |name: &str, data: Value| json!({ "type": name, "data": data });
    let (new, newer) = (new_id(), new_id());
    let ops = [
        ("after", op("task.move", json!({ "id": new, "after": crowd[0] }))),
        (
            "blocked_by[0]",
            op("task.update", json!({ "id": new, "blocked_by": [links[299]] })),
        ),
        (
            "blocked_by[1]",
            op(
                "task.update",
                json!({ "id": new, "blocked_by": [newer, links[299]] }),
            ),
        ),
        (
            "parent_id",
            op("task.move", json!({ "id": new, "parent_id": links[299] })),
        ),
    ];
    let create = |id| op("task.create", json!({ "id": id, "title": "T" }));
    for (field, refused) in ops {
        let ops = json!([create(new), create(newer), refused]);
        reads_at_most(&server, 100.0, field, async || {
            let error = ada.refused("batch", json!({ "ops": ops })).await;
            let field = format!("ops[2].data.{field}");
            assert_eq!(
                (&error["code"], &error["field"]),
                (&json!("NOT_FOUND"), &json!(field))
            );
        })
        .await;
    }
    // who may not make a task there gets nothing of the workspace
    let foreign = json!({ "id": newer, "title": "T", "workspace_id": bob.personal() });
    let ops = json!([
        create(new),
        create(newer),
        op("task.create", foreign),
        op("task.move", json!({ "id": new, "after": newer }))
    ]);
    reads(&server, 1.0..=100.0, "two workspaces", async || {
        let answer = ada.ok("batch", json!({ "ops": ops, "atomic": false })).await;
        let codes = answer["results"].as_array().expect("results").iter();
        let codes: Vec<&Value> = codes.map(|result| &result["error"]["code"]).collect();
        assert_eq!(json!(codes), json!([null, null, "NOT_FOUND", null]), "{answer}");
    })
    .await;
}

async fn long_places_are_spread_in_a_bounded_part(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let crowd = crowded_places(&server, engine, &mut ada).await;
    let id = create(&mut ada, json!({ "title": "T" })).await;
    let other = create(&mut ada, json!({ "title": "U" })).await;
    let place =
        async |ada: &mut Client, id: &Value| text(&ada.ok("task.get", json!({ "id": id })).await["position"]);
    // one after the other into the same gap, until places around it are spread
    for round in 0..40 {
        let moved = if round % 2 == 0 { &id } else { &other };
        reads(&server, 2.0..=6_000.0, "a move", async || {
            ada.ok("task.move", json!({ "id": moved, "after": crowd[0] }))
                .await;
        })
        .await;
        let mut places = Vec::new();
        let next = if round % 2 == 0 { &other } else { &id };
        let before_next = [json!(crowd[0]), moved.clone(), next.clone(), json!(crowd[1])];
        for id in before_next.iter().filter(|id| round > 0 || *id != next) {
            places.push(place(&mut ada, id).await);
        }
        assert!(places.is_sorted_by(|a, b| a < b), "round {round}: {places:?}");
        assert!(
            places.iter().all(|place| place.len() <= 74),
            "round {round}: {places:?}"
        );
    }
    let version = ada.ok("task.get", json!({ "id": crowd[0] })).await["version"].clone();
    assert_ne!(version, 1, "no place was spread, so the test proves nothing");
}

async fn a_change_that_is_none_reads_nothing_below_a_task(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let home = ada.personal();
    let project = ada
        .ok("project.create", json!({ "workspace_id": home, "name": "House" }))
        .await["id"]
        .clone();
    let top = create(&mut ada, json!({ "title": "top", "project_id": project })).await;
    create(&mut ada, json!({ "title": "part", "parent_id": top })).await;
    copy(&server, engine, "part", 3_000, &[]).await;
    let unknown = new_id();
    for (name, data, code) in [
        ("task.restore", json!({ "id": top }), Some("NOT_DELETED")),
        ("task.update", json!({ "id": top, "project_id": project }), None),
        (
            "task.move",
            json!({ "id": top, "project_id": unknown }),
            Some("NOT_FOUND"),
        ),
        (
            "task.update",
            json!({ "id": top, "project_id": null, "if_version": 9 }),
            Some("VERSION_CONFLICT"),
        ),
        (
            "task.move",
            json!({ "id": top, "parent_id": top }),
            Some("CONFLICT"),
        ),
    ] {
        reads_at_most(&server, 50.0, name, async || {
            let answer = ada.call(name, data).await;
            assert_eq!(answer["error"]["code"].as_str(), code, "{name}: {answer}");
        })
        .await;
    }
    ada.ok("task.delete", json!({ "id": top })).await;
    reads_at_most(&server, 50.0, "a second deletion", async || {
        ada.ok("task.delete", json!({ "id": top })).await;
    })
    .await;
}

async fn strangers_and_viewers_make_the_writer_read_nothing(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let mut eve = Client::sign_up(&server, "eve").await;
    let workspace = json!(team.workspace);
    let owner = &mut team.owner;
    let project = json!({ "workspace_id": workspace, "name": "House" });
    let project = owner.ok("project.create", project).await["id"].clone();
    let tag = owner
        .ok("tag.create", json!({ "workspace_id": workspace, "name": "home" }))
        .await["id"]
        .clone();
    let (member, top) = (json!(team.member.user_id()), new_id());
    create(
        owner,
        json!({ "id": top, "workspace_id": workspace, "title": "top" }),
    )
    .await;
    let part = json!({ "workspace_id": workspace, "title": "part", "parent_id": top, "project_id": project,
        "tags": ["home"], "assignee_ids": [member] });
    create(owner, part).await;
    copy(&server, engine, "part", 1_500, &[]).await;
    for insert in [
        "insert into task_tags (workspace_id, tag, task_id) select g.workspace_id, g.tag, t.id
         from tasks t cross join task_tags g where t.title = 'part' on conflict do nothing",
        ASSIGN,
    ] {
        server.database.execute(insert).await;
    }
    let stages =
        json!([{ "key": "a", "name": "A", "kind": "open" }, { "key": "b", "name": "B", "kind": "done" }]);
    let requests = [
        ("project.delete", json!({ "id": project })),
        ("project.update", json!({ "id": project, "before": new_id() })),
        ("tag.delete", json!({ "id": tag })),
        ("tag.update", json!({ "id": tag, "name": "house" })),
        ("task.delete", json!({ "id": top })),
        ("task.delete", json!({ "id": top, "permanent": true })),
        ("task.restore", json!({ "id": top })),
        ("task.update", json!({ "id": top, "project_id": null })),
        ("task.move", json!({ "id": top, "parent_id": null })),
        (
            "task.create",
            json!({ "workspace_id": workspace, "title": "T", "parent_id": top }),
        ),
        (
            "workspace.update",
            json!({ "workspace_id": workspace, "stages": stages }),
        ),
        (
            "member.remove",
            json!({ "workspace_id": workspace, "user_id": member }),
        ),
        (
            "project.create",
            json!({ "workspace_id": workspace, "name": "Garden" }),
        ),
    ];
    for (client, code) in [(&mut eve, "NOT_FOUND"), (&mut team.viewer, "FORBIDDEN")] {
        for (name, data) in &requests {
            // what they name, twice where the group runs again with locks, and the members of the workspace
            reads_at_most(&server, 60.0, &format!("{name}, {code}"), async || {
                assert_eq!(client.refused(name, data.clone()).await["code"], code, "{name}");
            })
            .await;
        }
    }
    team.owner.ok("project.delete", json!({ "id": project })).await;
}

async fn a_mutation_that_an_earlier_one_lets_in_is_carried_out(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let top = create(&mut ada, json!({ "title": "top" })).await;
    let part = create(&mut ada, json!({ "title": "part", "parent_id": top })).await;
    let op = |name: &str, data: Value| json!({ "type": name, "data": data });
    let new = new_id();
    let ops = json!([
        op("task.delete", json!({ "id": top })),
        op("task.restore", json!({ "id": top })),
        op("task.update", json!({ "id": part, "title": "other" })),
        op(
            "task.update",
            json!({ "id": part, "if_version": 4, "parent_id": null })
        ),
        op("task.create", json!({ "id": new, "title": "new" })),
        op(
            "task.update",
            json!({ "id": part, "parent_id": new, "blocked_by": [new] })
        ),
        op(
            "task.move",
            json!({ "id": top, "parent_id": part, "before": new })
        ),
    ]);
    ada.ok("batch", json!({ "ops": ops })).await;
    let found = ada.ok("task.get", json!({ "id": part })).await;
    assert_eq!(
        (&found["parent_id"], &found["blocked_by"], &found["is_deleted"]),
        (&json!(new), &json!([new]), &json!(false))
    );
    assert_eq!(ada.ok("task.get", json!({ "id": top })).await["parent_id"], part);
}

/// Assigns a team's member to so many tasks. Returns the workspace and the member.
async fn assign(server: &Server, engine: Engine, team: &mut Team, tasks: usize) -> (Value, Value) {
    let (workspace, member) = (json!(team.workspace), json!(team.member.user_id()));
    let part = json!({ "workspace_id": workspace, "title": "part", "assignee_ids": [member] });
    create(&mut team.owner, part).await;
    copy(server, engine, "part", tasks - 1, &[]).await;
    server.database.execute(ASSIGN).await;
    (workspace, member)
}

async fn a_member_with_however_many_tasks_is_removed_at_once(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let (workspace, member) = assign(&server, engine, &mut team, 5_000).await;
    let remove = json!({ "workspace_id": workspace, "user_id": member });
    let beside = json!({ "workspace_id": workspace, "title": "beside" });
    let ops = json!([{ "type": "task.create", "data": beside }, { "type": "member.remove", "data": remove }]);
    let before = rows(&server).await;
    team.admin.ok("batch", json!({ "ops": ops })).await;
    let lost = json!({ "workspace_id": workspace });
    assert_eq!(
        team.member.refused("member.list", lost).await["code"],
        "NOT_FOUND"
    );
    // a job takes the person from the tasks, and tells it of each
    let assigned = "select cast(count(*) as text) from task_assignees";
    eventually("no assignee", async || {
        (server.database.texts(assigned).await == ["0"]).then_some(())
    })
    .await;
    let read = rows(&server).await - before;
    assert!(read < 8_000.0, "{read} rows");
    let told = "select cast(count(*) as text) from log where cast(frame as text) like '%\"task.updated\"%'";
    assert_eq!(server.database.texts(told).await, ["5000"]);
    let assigned = json!({ "workspace_id": workspace, "assignee_id": member });
    assert_eq!(team.owner.ok("task.list", assigned).await["total"], 0);
}

async fn nothing_comes_back_of_a_workspace_that_is_deleted_after_a_large_departure(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let (workspace, member) = assign(&server, engine, &mut team, 4_001).await;
    let remove = json!({ "workspace_id": workspace, "user_id": member });
    team.owner.ok("member.remove", remove).await;
    let delete = json!({ "workspace_id": workspace });
    team.owner.ok("workspace.delete", delete).await;
    let jobs = "select cast(count(*) as text) from jobs where kind in ('unassign', 'erase_workspace')";
    eventually("the end of both jobs", async || {
        (server.database.texts(jobs).await == ["0"]).then_some(())
    })
    .await;
    for table in [
        "tasks where title = 'part'",
        "task_assignees",
        "log where cast(frame as text) like '%task.updated%'",
    ] {
        let left = format!("select cast(count(*) as text) from {table}");
        assert_eq!(server.database.texts(&left).await, ["0"], "{table}");
    }
}

async fn a_large_change_runs_apart_from_others(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let workspace = json!(team.workspace);
    let member = json!(team.member.user_id());
    let project = json!({ "workspace_id": workspace, "name": "House" });
    let project = team.owner.ok("project.create", project).await["id"].clone();
    let part = json!({ "workspace_id": workspace, "title": "part", "project_id": project, "assignee_ids": [member] });
    create(&mut team.owner, part).await;
    copy(&server, engine, "part", 2_100, &[]).await;
    server.database.execute(ASSIGN).await;
    let leave = json!({ "workspace_id": workspace });
    for (client, name, data) in [
        (&mut team.owner, "project.delete", json!({ "id": project })),
        (&mut team.member, "workspace.leave", leave),
    ] {
        let before = rows(&server).await;
        // the first ones take the writer, so the others share a group
        let mut asked = Vec::new();
        for n in 0..30 {
            let created = json!({ "workspace_id": workspace, "title": format!("{n}") });
            asked.push(team.admin.ask("task.create", created).await);
        }
        let large = client.ask(name, data).await;
        for id in asked {
            let answer = team.admin.answer(id).await;
            assert_eq!(answer["type"], "ok", "{name}: {answer}");
        }
        let answer = client.answer(large).await;
        assert_eq!(answer["type"], "ok", "{name}: {answer}");
        let read = rows(&server).await - before;
        assert!(read > 2_000.0, "{name}: {read} rows");
    }
}

async fn a_batch_has_one_mutation_that_cascades(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let home = ada.personal();
    let mut ops = Vec::new();
    for name in ["House", "Garden"] {
        let id = ada
            .ok("project.create", json!({ "workspace_id": home, "name": name }))
            .await["id"]
            .clone();
        ops.push(json!({ "type": "project.delete", "data": { "id": id } }));
    }
    let error = ada.refused("batch", json!({ "ops": ops })).await;
    assert_eq!(
        (&error["code"], &error["field"]),
        (&json!("VALIDATION_ERROR"), &json!("ops"))
    );
    ada.ok("batch", json!({ "ops": [ops[0]] })).await;
}

async fn those_that_wait_beside_a_large_deletion_are_carried_out(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let mut tops = Vec::new();
    for n in 0..2 {
        let top = create(&mut ada, json!({ "title": "top" })).await;
        let title = format!("part {n}");
        create(&mut ada, json!({ "title": title, "parent_id": top })).await;
        copy(&server, engine, &title, 1_500, &[]).await;
        tops.push(top);
    }
    let mut asked = Vec::new();
    for n in 0..30 {
        let (name, data) = match n {
            10 | 20 => ("task.delete", json!({ "id": tops[n / 10 - 1] })),
            _ => ("task.create", json!({ "title": format!("{n}") })),
        };
        asked.push(ada.ask(name, data).await);
    }
    let mut last = 0;
    for id in asked {
        let answer = ada.answer(id).await;
        assert_eq!(answer["type"], "ok", "{answer}");
        let at = answer["at"]
            .as_object()
            .expect("positions")
            .values()
            .filter_map(Value::as_u64)
            .max();
        assert!(
            at > Some(last),
            "a session's mutations keep their order: {answer}"
        );
        last = at.unwrap_or_default();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lookup_that_takes_too_long_refuses_only_those_that_asked() {
    let server = Server::start(Engine::Postgres, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let mut tasks = Vec::new();
    for title in ["a", "b"] {
        tasks.push(create(&mut ada, json!({ "title": title })).await);
    }
    // only a move reads this view, and PostgreSQL ends the statement
    let slow =
        "create or replace view tasks_by_workspace as select * from tasks where pg_sleep(20) is not null";
    server.database.execute(slow).await;
    // the first one takes the writer, so that the others share the next group
    let mut asked = Vec::new();
    for n in 0..40 {
        let (name, data) = match n {
            20 => ("task.move", json!({ "id": tasks[0], "after": tasks[1] })),
            _ => ("task.create", json!({ "title": "T" })),
        };
        asked.push(ada.ask(name, data).await);
    }
    for (n, id) in asked.into_iter().enumerate() {
        let answer = ada.answer(id).await;
        if n == 20 {
            assert_eq!(answer["error"]["code"], "UNAVAILABLE", "{answer}");
            assert!(text(&answer["error"]["message"]).contains("too long"), "{answer}");
        } else {
            assert_eq!(answer["type"], "ok", "{n}: {answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_takes_too_long_is_tried_once_more() {
    let server = Server::start(Engine::Postgres, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    // a sequence goes on although the transaction is rolled back
    for statement in [
        "create sequence tries",
        "create function be_slow_once() returns trigger language plpgsql as $$
         begin if nextval('tries') = 1 then perform pg_sleep(20); end if; return new; end $$",
        "create trigger slow before insert on tasks for each row execute function be_slow_once()",
    ] {
        server.database.execute(statement).await;
    }
    create(&mut ada, json!({ "title": "T" })).await;
    assert_eq!(
        server
            .database
            .texts("select cast(last_value as text) from tries")
            .await,
        ["2"]
    );
}
