//! What changes and ends a workspace: another name, a member who leaves, another owner, its deletion.

use crate::on_both_databases;
use crate::support::follower::{names, once, pluck, text};
use crate::support::{Client, Engine, Follower, Server, Team, audit, eventually, new_id};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

on_both_databases!(
    another_name_of_a_workspace_reaches_all_its_members,
    a_member_leaves_and_a_repeated_request_still_answers,
    an_owner_hands_a_workspace_over,
    a_deleted_workspace_is_gone_at_once_and_nothing_of_it_stays,
    each_of_many_members_of_a_deleted_workspace_is_told_once
);

/// Members of a workspace that is deleted, besides its owner: more than the deletion itself tells.
const MANY: usize = 2000;

async fn another_name_of_a_workspace_reaches_all_its_members(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let mut viewer = Follower::new(team.viewer.another(&server).await);
    let mut admin = Follower::new(team.admin.another(&server).await);
    let name = |name: &str| json!({ "workspace_id": team.workspace, "name": name });
    let renamed = admin.act("workspace.update", name("  Gärten ")).await;
    assert_eq!(renamed.names(), ["workspace.updated"]);
    let mut shown = renamed.events[0]["data"].clone();
    assert_eq!(
        json!([shown["name"], shown["version"], shown["role"]]),
        json!(["Gärten", 2, null])
    );
    shown["role"] = json!("admin");
    assert_eq!(renamed.data, shown, "the answer also has the caller's role");
    assert_eq!(names(&viewer.witness(&renamed).await), ["workspace.updated"]);
    assert_eq!(admin.unchanged("workspace.update", name("Gärten")).await, shown);
    let nothing = json!({ "workspace_id": team.workspace });
    assert_eq!(admin.unchanged("workspace.update", nothing).await, shown);
    let own = viewer.client.ok("user.sync", json!({})).await;
    let mut listed = own["workspaces"].as_array().expect("workspaces").iter();
    assert!(listed.any(|workspace| workspace["name"] == "Gärten"), "{own}");
    for wrong in [json!(""), json!("x".repeat(101)), Value::Null] {
        let data = json!({ "workspace_id": team.workspace, "name": wrong });
        let refused = admin.refused("workspace.update", data).await;
        assert_eq!(refused, ("VALIDATION_ERROR".into(), Some("name".into())));
    }
    let home = json!({ "workspace_id": team.owner.personal(), "name": "Home" });
    assert_eq!(team.owner.ok("workspace.update", home).await["name"], "Home");
    audit::agree(&server, &team.owner.tokens).await;
}

async fn a_member_leaves_and_a_repeated_request_still_answers(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let place = json!({ "workspace_id": team.workspace });
    let task =
        json!({ "workspace_id": team.workspace, "title": "T", "assignee_ids": [team.member.user_id()] });
    team.owner.ok("task.create", task).await;
    let mut viewer = Follower::new(team.viewer.another(&server).await);
    let mut member = Follower::new(team.member.another(&server).await);
    let op_id = new_id().to_string();
    let left = member.act_once(&op_id, "workspace.leave", place.clone()).await;
    assert_eq!(json!([left["type"], left["data"]]), json!(["ok", {}]), "{left}");
    let own = format!("user:{}", member.client.user_id());
    let streams: Vec<&String> = left["at"].as_object().expect("positions").keys().collect();
    assert_eq!(streams, [&own], "it may no longer read the other stream");
    let told = member.finish(&left).await;
    let lost = &told.event("access.lost")["data"];
    assert_eq!(*lost, json!({ "workspace_id": team.workspace, "reason": "left" }));
    let again = member.act_once(&op_id, "workspace.leave", place.clone()).await;
    assert_eq!(json!([again["at"], again["replayed"]]), json!([left["at"], true]));
    assert_eq!(
        member.refused("workspace.leave", place.clone()).await.0,
        "NOT_FOUND"
    );
    let gone = viewer.client.event("member.removed").await;
    assert_eq!(gone["data"], json!({ "user_id": member.client.user_id() }));
    let task = viewer.client.event("task.updated").await;
    assert_eq!(task["data"]["assignee_ids"], json!([]));

    let refused = team.owner.refused("workspace.leave", place).await;
    assert_eq!(refused["code"], "CONFLICT", "the last owner");
    let home = json!({ "workspace_id": team.owner.personal() });
    for name in ["workspace.leave", "workspace.delete"] {
        let refused = team.owner.refused(name, home.clone()).await;
        assert_eq!(refused["code"], "CONFLICT", "{name}");
    }
    audit::agree(&server, &team.owner.tokens).await;
}

async fn an_owner_hands_a_workspace_over(engine: Engine) {
    let server = Server::start(engine, &[("plan_free_workspaces", "1")]).await;
    let mut team = Team::gather(&server).await;
    let mut owner = Follower::new(team.owner.another(&server).await);
    let mut admin = Follower::new(team.admin.another(&server).await);
    let give = |user: &str| json!({ "workspace_id": team.workspace, "user_id": user });
    let (giver, taker) = (owner.client.user_id(), admin.client.user_id());
    let given = owner.act("workspace.transfer", give(&taker)).await;
    assert_eq!(
        json!([given.data["id"], given.data["role"]]),
        json!([team.workspace, "admin"])
    );
    let roles: Vec<Value> = given
        .events
        .iter()
        .filter(|event| event["event"] == "member.updated")
        .map(|event| json!([event["data"]["user"]["id"], event["data"]["role"]]))
        .collect();
    assert_eq!(roles, [json!([taker, "owner"]), json!([giver, "admin"])]);
    assert_eq!(given.event("access.changed")["data"]["role"], "admin");
    let told = admin.own_events().await;
    assert_eq!(
        json!([told[0]["event"], told[0]["data"]["role"]]),
        json!(["access.changed", "owner"])
    );
    assert_eq!(
        owner.refused("workspace.transfer", give(&giver)).await.0,
        "FORBIDDEN"
    );
    let itself = admin.refused("workspace.transfer", give(&taker)).await;
    assert_eq!(itself, ("VALIDATION_ERROR".into(), Some("user_id".into())));
    let stranger = admin
        .refused("workspace.transfer", give(&new_id().to_string()))
        .await;
    assert_eq!(stranger, ("NOT_FOUND".into(), Some("user_id".into())));
    // a member who owns as many as the plan allows takes no more
    let mine = json!({ "name": "Mine" });
    team.member.ok("workspace.create", mine).await;
    let refused = admin
        .refused("workspace.transfer", give(&team.member.user_id()))
        .await;
    assert_eq!(refused.0, "PLAN_LIMIT");
    let home = json!({ "workspace_id": team.owner.personal(), "user_id": taker });
    assert_eq!(owner.refused("workspace.transfer", home).await.0, "CONFLICT");
    // the former owner may leave now
    owner
        .act("workspace.leave", json!({ "workspace_id": team.workspace }))
        .await;
    audit::agree(&server, &team.admin.tokens).await;
}

/// Makes one of each that a workspace may have. Returns their ids, the workspace's first and then that of the task that
/// has most of it.
async fn one_of_each(team: &mut Team) -> Vec<Value> {
    let (place, owner) = (team.workspace.clone(), &mut team.owner);
    let project = json!({ "workspace_id": place, "name": "secret plan" });
    let project = owner.ok("project.create", project).await["id"].clone();
    let first = json!({ "workspace_id": place, "title": "secret plan" });
    let first = owner.ok("task.create", first).await["id"].clone();
    let data = json!({
        "workspace_id": place, "title": "secret plan", "tags": ["garden"], "project_id": project,
        "blocked_by": [first], "due_at": "2099-01-31T09:00:00Z", "recurrence": "FREQ=MONTHLY",
        "assignee_ids": [team.member.user_id()],
    });
    let task = owner.ok("task.create", data).await["id"].clone();
    let comment = json!({ "task_id": task, "body": "secret plan" });
    let comment = owner.ok("comment.create", comment).await["id"].clone();
    // makes the next one, with a place in the series of each
    owner.ok("task.complete", json!({ "id": task })).await;
    owner
        .ok(
            "invite.create",
            json!({ "workspace_id": place, "role": "member" }),
        )
        .await;
    owner.ok("stats.get", json!({ "workspace_id": place })).await;
    let all = owner.ok("task.list", json!({ "workspace_id": place })).await;
    let tag = owner.ok("tag.list", json!({ "workspace_id": place })).await["items"][0]["id"].clone();
    let mut made = vec![json!(place), task, project, comment, tag];
    made.extend(pluck(&all["items"], "id"));
    made
}

async fn a_deleted_workspace_is_gone_at_once_and_nothing_of_it_stays(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let place = json!({ "workspace_id": team.workspace });
    let made = one_of_each(&mut team).await;
    let task = made[1].clone();
    let many = json!({ "type": "task.create", "data": { "workspace_id": team.workspace, "title": "T" } });
    for _ in 0..7 {
        team.owner
            .ok("batch", json!({ "ops": vec![many.clone(); 90] }))
            .await;
    }
    let present = json!({ "workspace_id": team.workspace, "state": "online" });
    team.member.ok("presence.set", present).await;
    let mut viewer = Follower::new(team.viewer.another(&server).await);
    let mut owner = Follower::new(team.owner.another(&server).await);
    let stream = team.stream();
    let positions = json!({ stream.clone(): viewer.heads[&stream] });
    let epoch = viewer.client.welcome["data"]["epoch"].clone();

    let made: Vec<&str> = made.iter().filter_map(Value::as_str).collect();
    let had = server.database.tables_with(&made).await;
    for table in [
        "alarms",
        "comments",
        "invites",
        "members",
        "projects",
        "repeats",
        "streams",
        "tags",
        "tallies",
        "tally_counts",
        "tally_days",
        "task_assignees",
        "task_blocks",
        "task_facts",
        "task_tags",
        "tasks",
        "workspaces",
    ] {
        assert!(
            had.iter().any(|one| one == table),
            "the test makes nothing in {table}"
        );
    }
    let op_id = new_id().to_string();
    let deleted = owner.act_once(&op_id, "workspace.delete", place.clone()).await;
    assert_eq!(
        json!([deleted["type"], deleted["data"]]),
        json!(["ok", {}]),
        "{deleted}"
    );
    let again = owner.act_once(&op_id, "workspace.delete", place.clone()).await;
    assert_eq!(
        json!([again["at"], again["replayed"]]),
        json!([deleted["at"], true])
    );
    let lost = json!({ "workspace_id": team.workspace, "reason": "deleted" });
    for client in [&mut team.admin, &mut team.member, &mut viewer.client] {
        let told = client.event("access.lost").await;
        assert_eq!(
            json!([told["data"], told["actor"]["name"]]),
            json!([lost, "owner"])
        );
        for (name, data) in [
            ("workspace.get", place.clone()),
            ("presence.list", place.clone()),
            ("workspace.leave", place.clone()),
            ("stream.subscribe", json!({ "stream": stream })),
            ("task.get", json!({ "id": task })),
            ("task.update", json!({ "id": task, "title": "late" })),
        ] {
            assert_eq!(client.refused(name, data).await["code"], "NOT_FOUND", "{name}");
        }
        let all = client.ok("task.list", json!({ "workspace_id": "all" })).await;
        assert_eq!(all["total"], 0);
    }
    let resume = json!({ "resume": { "epoch": epoch, "positions": positions }, "streams": [stream] });
    let back = Client::with_tokens(&server, &team.viewer.tokens, resume).await;
    assert_eq!(back.welcome["data"]["streams"][0]["reason"], "no_access");

    erased(&server).await;
    let contents = server.database.contents().await;
    let holds = |text: &str, but: &[&str]| -> Vec<String> {
        let tables = contents
            .iter()
            .filter(|(table, _)| !but.contains(&table.as_str()));
        tables
            .filter(|(_, rows)| rows.contains(text))
            .map(|(table, _)| table.clone())
            .collect()
    };
    // notifications and their log are their readers' own, and op_ids answer repeats
    let kept = ["notifications", "log", "ops"];
    assert_eq!(holds("secret plan", &kept), [""; 0]);
    let kept = [
        "notifications",
        "notification_keys",
        "notification_keys_new",
        "log",
        "ops",
    ];
    let mut left = server.database.tables_with(&made).await;
    left.retain(|table| !kept.contains(&table.as_str()));
    assert_eq!(left, [""; 0], "tables that still have something of the workspace");
    let entries = "select cast(count(*) as text) from log where frame like '%\"stream\":\"workspace:";
    let entries = format!("{entries}{}\"%'", team.workspace);
    assert_eq!(server.database.texts(&entries).await, ["0"]);
    for client in [&team.owner, &team.admin, &team.member, &team.viewer] {
        audit::agree(&server, &client.tokens).await;
    }
}

/// Waits until everything of deleted workspaces is erased.
async fn erased(server: &Server) {
    let waiting = "select kind from jobs where kind in ('erase_workspace', 'remove_files')";
    eventually("no job about a deleted workspace", async || {
        server.database.texts(waiting).await.is_empty().then_some(())
    })
    .await;
}

async fn each_of_many_members_of_a_deleted_workspace_is_told_once(engine: Engine) {
    // short, because the node that dies holds the job
    let mut server = Server::start(engine, &[("lease_seconds", "1")]).await;
    let mut team = Team::gather(&server).await;
    server.terminate();
    server.database.execute(&join_many(engine)).await;
    server.spawn();
    team.owner = team.owner.another(&server).await;
    let mut viewer = team.viewer.another(&server).await;
    let place = json!({ "workspace_id": team.workspace, "limit": 1 });
    assert_eq!(team.owner.ok("member.list", place).await["total"], MANY + 4);

    let began = Instant::now();
    let delete = json!({ "workspace_id": team.workspace });
    let answer = once(&mut team.owner, &new_id().to_string(), "workspace.delete", delete).await;
    assert_eq!(answer["type"], "ok", "{answer}");
    let took = began.elapsed();
    println!("deleted with {MANY} members in {took:?}");
    assert!(took < Duration::from_secs(2), "the writer was held for {took:?}");
    let refused = viewer
        .refused("workspace.get", json!({ "workspace_id": team.workspace }))
        .await;
    assert_eq!(
        refused["code"], "NOT_FOUND",
        "whoever was not told yet has no access either"
    );
    // a node that dies in the middle tells the others after its start
    server.kill();
    server.spawn();
    erased(&server).await;
    let told =
        "select cast(count(*) as text) from log where frame like '%\"event\":\"access.lost\"%deleted%'";
    assert_eq!(server.database.texts(told).await, [(MANY + 4).to_string()]);
    let twice = "select cast(count(*) as text) from streams where kind = 0 and seq > 1 and id in (select id from users \
         where email like 'many%')";
    assert_eq!(server.database.texts(twice).await, ["0"], "each has one entry");
    let mut viewer = viewer.another(&server).await;
    let own = format!("user:{}", viewer.user_id());
    let history = json!({ "stream": own, "after": 0, "limit": 500 });
    let events = viewer.ok("stream.history", history).await["events"].clone();
    let lost = events.as_array().expect("events").iter();
    let lost: Vec<&Value> = lost.filter(|event| event["event"] == "access.lost").collect();
    assert_eq!(lost.len(), 1);
    assert_eq!(text(&lost[0]["actor"]["name"]), "owner");
}

/// Makes many accounts that are viewers of the team, as the database has them.
fn join_many(engine: Engine) -> String {
    let (numbers, id, flag) = match engine {
        Engine::Sqlite => (
            format!("with recursive g(n) as (select 1 union all select n + 1 from g where n < {MANY})"),
            "randomblob(16)",
            "1",
        ),
        Engine::Postgres => (
            format!("with g(n) as (select generate_series(1, {MANY}))"),
            "gen_random_uuid()",
            "true",
        ),
    };
    let email = "'many' || n || '@example.com'";
    format!(
        "insert into users (id, email, email_key, username, username_key, name, password_hash, role, plan, is_active,
           is_verified, timezone, preferences, token_version, personal_id, version, created_at, updated_at)
         {numbers} select {id}, {email}, {email}, 'many' || n, 'many' || n, 'Many', '', 0, 0, {flag}, {flag}, 'UTC', '{{}}',
           0, {id}, 1, 0, 0 from g;
         insert into members (workspace_id, user_id, role, joined_at, version)
           select w.id, u.id, 1, 0, 1 from workspaces w cross join users u where w.kind = 1 and u.email like 'many%';"
    )
}
