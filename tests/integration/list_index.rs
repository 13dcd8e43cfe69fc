//! Lists from the index of a large workspace show what lists from rows show: every order, filter, page and total, whatever
//! changed, on one instance and on several. The same requests are sent again to a server that has no indexes: all answers must be the same, cursors too.

use crate::on_both_databases;
use crate::support::follower::text;
use crate::support::{Client, Engine, Server, Team, eventually, http, new_id};
use serde_json::{Value, json};

on_both_databases!(
    lists_from_the_index_equal_lists_from_rows_whatever_changes,
    an_index_that_the_log_does_not_bring_up_to_date_is_built_again,
    lists_without_room_for_an_index_read_rows,
);

/// A workspace of any size has an index.
const ALWAYS: (&str, &str) = ("list_index_from", "1");

/// Instances accept each other's tokens.
const SECRET: (&str, &str) = ("jwt_secret", "the secret of all instances of a deployment");

const SORTS: [&str; 12] = [
    "created_at",
    "-created_at",
    "updated_at",
    "-updated_at",
    "due_at",
    "-due_at",
    "priority",
    "-priority",
    "title",
    "-title",
    "position",
    "-position",
];

/// Numbers that a seed determines (xorshift64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }

    fn of<T: Clone>(&mut self, these: &[T]) -> T {
        these[self.below(these.len())].clone()
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

/// How many pages of lists came from an index, and from rows.
async fn pages_by(server: &Server, by: &str) -> u64 {
    let metrics = http::get(server, "/metrics").await.text().await.expect("text");
    let name = format!("taskwire_lists_total{{by=\"{by}\"}} ");
    let number = metrics
        .lines()
        .find_map(|line| line.strip_prefix(&name)?.parse().ok());
    number.unwrap_or_default()
}

/// Waits until lists of the workspace come from its index.
async fn indexed(server: &Server, client: &mut Client, workspace: &str) {
    eventually("an index", async || {
        let before = pages_by(server, "index").await;
        client
            .ok(
                "task.list",
                json!({ "workspace_id": workspace, "sort": "title", "limit": 1 }),
            )
            .await;
        (pages_by(server, "index").await > before).then_some(())
    })
    .await;
}

/// All pages of a list.
async fn pages(client: &mut Client, wanted: &Value) -> Vec<Value> {
    let (mut pages, mut asked) = (Vec::new(), wanted.clone());
    loop {
        let page = client.ok("task.list", asked.clone()).await;
        let next = page["next_cursor"].clone();
        pages.push(page);
        if next.is_null() {
            return pages;
        }
        asked["cursor"] = next;
    }
}

/// Lists and what they showed.
#[derive(Default)]
struct Shown(Vec<(Value, Vec<Value>)>);

impl Shown {
    async fn look(&mut self, client: &mut Client, wanted: Value) {
        let pages = pages(client, &wanted).await;
        self.0.push((wanted, pages));
    }

    /// Asks a server without indexes for the same.
    async fn compare(&self, client: &mut Client, what: &str) {
        for (wanted, shown) in &self.0 {
            assert_eq!(pages(client, wanted).await, *shown, "{what}: {wanted}");
        }
    }
}

/// Starts the server again, with indexes or without. Returns the owner's new socket.
async fn restart(server: &mut Server, from: &str) -> Client {
    server.terminate();
    server.set("list_index_from", from);
    server.spawn();
    Client::log_in(server, "owner").await
}

/// A team with projects, and what it did so far.
struct Ground {
    workspace: String,
    projects: Vec<String>,
    people: Vec<String>,
    tasks: Vec<String>,
    times: Vec<String>,
}

impl Ground {
    async fn make(team: &mut Team) -> Ground {
        let mut projects = Vec::new();
        for name in ["Home", "Boat"] {
            let data = json!({ "workspace_id": team.workspace, "name": name });
            projects.push(text(&team.owner.ok("project.create", data).await["id"]));
        }
        Ground {
            workspace: team.workspace.clone(),
            projects,
            people: vec![team.owner.user_id(), team.member.user_id()],
            tasks: Vec::new(),
            times: vec!["2030-01-03T00:00:00Z".to_owned()],
        }
    }

    fn day(dice: &mut Dice) -> Value {
        let day = 1 + dice.below(6);
        json!(format!("2030-01-0{day}T00:00:00Z"))
    }

    fn fields(&self, dice: &mut Dice) -> Value {
        let mut data = json!({
            "title": dice.of(&["a", "B", "ä", "b c", "Zebra", "10", "9", "a long title that begins like another one", "a long title"]),
            "priority": dice.of(&["none", "low", "low", "high", "urgent"]),
            "due_at": if dice.chance(60) { Self::day(dice) } else { Value::Null },
        });
        if dice.chance(70) {
            data["tags"] = json!([dice.of(&["home", "Home", "work", "x"]), dice.of(&["work", "y"])]);
            if data["tags"][0] == data["tags"][1] {
                data["tags"] = json!(["work"]);
            }
        }
        if dice.chance(60) {
            data["project_id"] = json!(dice.of(&self.projects));
        }
        if dice.chance(30) && !self.tasks.is_empty() {
            data["blocked_by"] = json!([dice.of(&self.tasks)]);
        }
        data
    }

    fn create(&self, dice: &mut Dice) -> Value {
        let mut data = self.fields(dice);
        data["workspace_id"] = json!(self.workspace);
        if dice.chance(50) {
            data["assignee_ids"] = json!([dice.of(&self.people)]);
        }
        if dice.chance(20) {
            data["stage"] = json!(dice.of(&["doing", "done"]));
        }
        if dice.chance(20) {
            // as a client makes it that was offline: its time is not that of its creation
            let id = format!(
                "{:08x}-0000-7000-8000-{:012x}",
                dice.below(1 << 31),
                dice.below(1 << 40)
            );
            data["id"] = json!(id);
        }
        data
    }

    async fn change_some(&mut self, client: &mut Client, dice: &mut Dice, number: usize) {
        for _ in 0..number {
            self.change(client, dice).await;
        }
    }

    /// One change at random. Some are refused, as completing what is deleted is.
    async fn change(&mut self, client: &mut Client, dice: &mut Dice) {
        if self.tasks.is_empty() || dice.chance(40) {
            let answer = client.call("task.create", self.create(dice)).await;
            if answer["type"] == "ok" {
                self.tasks.push(text(&answer["data"]["id"]));
                self.times.push(text(&answer["data"]["created_at"]));
            }
            return;
        }
        let (id, other) = (dice.of(&self.tasks), dice.of(&self.tasks));
        let (name, data) = match dice.below(11) {
            0 | 1 => ("task.complete", json!({ "id": id })),
            2 => ("task.delete", json!({ "id": id })),
            3 => ("task.delete", json!({ "id": id, "permanent": true })),
            4 => ("task.restore", json!({ "id": id })),
            5 | 6 => {
                let mut data = self.fields(dice);
                data["id"] = json!(id);
                ("task.update", data)
            }
            7 => (
                "task.assign",
                json!({ "id": id, "add": [dice.of(&self.people)], "remove": [] }),
            ),
            8 => ("task.move", json!({ "id": id, "before": other })),
            9 => (
                "task.move",
                json!({ "id": id, "stage": dice.of(&["todo", "doing", "done"]) }),
            ),
            _ => ("task.update", json!({ "id": id, "blocked_by": [] })),
        };
        drop(client.call(name, data).await);
    }

    /// A list at random.
    fn list(&self, dice: &mut Dice) -> Value {
        let mut list = json!({ "sort": dice.of(&SORTS), "limit": 1 + dice.below(20) });
        list["workspace_id"] = if dice.chance(30) {
            json!("all")
        } else {
            json!(self.workspace)
        };
        let mut put = |dice: &mut Dice, percent: usize, field: &str, value: Value| {
            if dice.chance(percent) {
                list[field] = value;
            }
        };
        let status = dice.of(&["all", "pending", "completed", "deleted"]);
        put(dice, 50, "status", json!(status));
        put(dice, 20, "include_deleted", json!(true));
        let priority = dice.of(&["none", "low", "high"]);
        put(dice, 25, "priority", json!(priority));
        let stage = dice.of(&["todo", "doing", "done", "nowhere"]);
        put(dice, 20, "stage", json!(stage));
        let tag = dice.of(&["home", " HOME ", "work", "nothing"]);
        put(dice, 20, "tag", json!(tag));
        let project = dice.of(&self.projects);
        put(dice, 20, "project_id", json!(project));
        let person = dice.of(&self.people);
        put(dice, 20, "assignee_id", json!(person));
        put(dice, 15, "ready", json!(true));
        let (before, after) = (Self::day(dice), Self::day(dice));
        put(dice, 20, "due_before", before);
        put(dice, 20, "due_after", after);
        let (from, to) = (dice.of(&self.times), dice.of(&self.times));
        put(dice, 15, "date_from", json!(from));
        put(dice, 15, "date_to", json!(to));
        list
    }
}

async fn lists_from_the_index_equal_lists_from_rows_whatever_changes(engine: Engine) {
    let seed = std::env::var("TASKWIRE_TEST_SEED").ok();
    let seed: u64 = seed.map_or_else(rand::random, |seed| seed.parse().expect("a number"));
    println!("TASKWIRE_TEST_SEED={seed} repeats this");
    let dice = &mut Dice(seed | 1);
    let mut server = Server::start(engine, &[ALWAYS]).await;
    let mut team = Team::gather(&server).await;
    let mut ground = Ground::make(&mut team).await;
    let (mut client, member) = (team.owner, team.member.user_id());
    for _ in 0..10 {
        let mine = json!({ "title": "mine", "priority": "low", "assignee_ids": [client.user_id()] });
        client.ok("task.create", mine).await;
    }
    for round in 0..3 {
        ground.change_some(&mut client, dice, 30).await;
        indexed(&server, &mut client, &ground.workspace).await;
        ground.change_some(&mut client, dice, 10).await;
        let before = pages_by(&server, "index").await;
        let mut shown = Shown::default();
        for sort in SORTS {
            for place in [&*ground.workspace, "all"] {
                let limit = 1 + dice.below(20);
                let list =
                    json!({ "workspace_id": place, "sort": sort, "status": "pending", "limit": limit });
                shown.look(&mut client, list).await;
            }
        }
        for _ in 0..40 {
            let list = ground.list(dice);
            shown.look(&mut client, list).await;
        }
        let of_member = json!({ "workspace_id": "all", "assignee_id": member, "sort": "due_at", "limit": 3 });
        shown.look(&mut client, of_member).await;
        let from_index = pages_by(&server, "index").await - before;
        assert!(from_index > 60, "only {from_index} pages came from the index");
        client = restart(&mut server, "0").await;
        let what = format!("TASKWIRE_TEST_SEED={seed}, round {round}");
        shown.compare(&mut client, &what).await;
        assert_eq!(pages_by(&server, "index").await, 0);
        ground.change_some(&mut client, dice, 10).await;
        client = restart(&mut server, "1").await;
    }
}

async fn an_index_that_the_log_does_not_bring_up_to_date_is_built_again(engine: Engine) {
    let mut server = Server::start(engine, &[ALWAYS]).await;
    let mut team = Team::gather(&server).await;
    let ground = Ground::make(&mut team).await;
    let (dice, client) = (&mut Dice(7), &mut team.owner);
    let project = ground.projects[0].clone();
    for _ in 0..11 {
        let ops: Vec<Value> = (0..100)
            .map(|_| {
                let mut data = ground.create(dice);
                data["project_id"] = json!(project);
                data["id"] = json!(new_id());
                json!({ "type": "task.create", "data": data })
            })
            .collect();
        client.ok("batch", json!({ "ops": ops })).await;
    }
    let lists = [
        json!({ "workspace_id": ground.workspace, "sort": "title", "status": "completed", "limit": 100 }),
        json!({ "workspace_id": ground.workspace, "project_id": project, "limit": 100 }),
        json!({ "workspace_id": ground.workspace, "tag": "work", "sort": "-priority", "limit": 100 }),
    ];
    indexed(&server, client, &ground.workspace).await;
    // one event for all of its tasks
    client.ok("project.delete", json!({ "id": project })).await;
    let mut shown = Shown::default();
    for again in [false, true] {
        for list in &lists {
            shown.look(client, list.clone()).await;
        }
        if !again {
            indexed(&server, client, &ground.workspace).await;
        }
    }
    shown
        .compare(&mut restart(&mut server, "0").await, "a deleted project")
        .await;

    let client = &mut restart(&mut server, "1").await;
    indexed(&server, client, &ground.workspace).await;
    client.ok("task.create", ground.create(dice)).await;
    server
        .database
        .execute("delete from log where task_id is not null")
        .await;
    client.ok("task.create", ground.create(dice)).await;
    let mut shown = Shown::default();
    for again in [false, true] {
        for list in &lists {
            shown.look(client, list.clone()).await;
        }
        if !again {
            indexed(&server, client, &ground.workspace).await;
        }
    }
    shown
        .compare(&mut restart(&mut server, "0").await, "a log that lost entries")
        .await;
}

async fn lists_without_room_for_an_index_read_rows(engine: Engine) {
    let server = Server::start(engine, &[ALWAYS, ("list_index_bytes", "100")]).await;
    let mut team = Team::gather(&server).await;
    let mut ground = Ground::make(&mut team).await;
    let (dice, client) = (&mut Dice(9), &mut team.owner);
    ground.change_some(client, dice, 30).await;
    for sort in SORTS {
        let list = json!({ "workspace_id": ground.workspace, "sort": sort, "priority": "low", "limit": 5 });
        let first = pages(client, &list).await.remove(0);
        let total = first["total"].as_u64().expect("a total");
        assert_eq!(
            first["items"].as_array().expect("items").len() as u64,
            total.min(5),
            "{list}"
        );
    }
    assert_eq!(pages_by(&server, "index").await, 0);
}

#[tokio::test]
async fn every_instance_has_an_index_that_shows_what_others_wrote() {
    let server = Server::start(Engine::Postgres, &[ALWAYS, SECRET]).await;
    let other = server.beside(&[]);
    let plain = server.beside(&[("list_index_from", "0")]);
    let mut team = Team::gather(&server).await;
    let mut ground = Ground::make(&mut team).await;
    let dice = &mut Dice(11);
    ground.change_some(&mut team.owner, dice, 20).await;
    let mut there = team.owner.another(&other).await;
    let mut aside = team.owner.another(&plain).await;
    indexed(&server, &mut team.owner, &ground.workspace).await;
    indexed(&other, &mut there, &ground.workspace).await;
    for round in 0..10 {
        let (writer, reader) = if round % 2 == 0 {
            (&mut team.owner, &mut there)
        } else {
            (&mut there, &mut team.owner)
        };
        ground.change_some(writer, dice, 5).await;
        let mut shown = Shown::default();
        for _ in 0..5 {
            let list = ground.list(dice);
            shown.look(reader, list).await;
        }
        shown.compare(&mut aside, &format!("round {round}")).await;
    }
}
