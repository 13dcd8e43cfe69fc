//! What is kept, and for how long. The clock is stepped, so the engine runs in this process; what clients are told of it is
//! asked of a real server on the same database.

use crate::on_both_databases;
use crate::support::{Client, Engine as Database, PASSWORD, Server, http};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, SqliteConnection};
use std::sync::Arc;
use taskwire::clock::Clock;
use taskwire::config::Settings;
use taskwire::engine::{Caller, Engine, Origin, Reply};
use taskwire::jobs::retention::round;
use taskwire_protocol::{OpId, Request};

on_both_databases!(
    entries_go_when_they_are_old_and_not_among_the_newest,
    an_entry_of_a_clock_ahead_keeps_those_after_it,
    a_log_kept_for_ever_is_never_cut,
    op_ids_are_remembered_for_seven_days,
    ended_sessions_are_forgotten_after_a_month
);

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// When the story begins: some time ago, so that its end is not in the future of the real server.
const START: i64 = 1_770_000_000_000;

/// An engine in this process on a database for which a server can be started afterwards.
struct Node {
    server: Server,
    settings: Settings,
    engine: Engine,
    clock: Clock,
    caller: Arc<Caller>,
}

impl Node {
    async fn start(database: Database, settings: &[(&str, &str)]) -> Node {
        let server = Server::prepare(database, settings).await;
        let data = server.folder.path().join("data").display().to_string();
        let mut pairs = vec![("data_dir", &*data), ("database_url", &*server.database.url)];
        pairs.extend(settings);
        let settings = Settings::from_pairs(&pairs).expect("settings");
        let clock = Clock::fixed(START);
        let engine = Engine::start(&settings, clock.clone()).await.expect("an engine");
        let params = json!({ "email": "ada@example.com", "name": "Ada", "password": PASSWORD });
        let params = serde_json::from_value(params).expect("parameters");
        let tokens = engine.sign_up(params, Origin::default()).await.expect("tokens");
        let identity = engine.authenticate(&tokens.access_token).await.expect("a caller");
        let caller = identity.caller;
        Node {
            server,
            settings,
            engine,
            clock,
            caller,
        }
    }

    async fn call(&self, name: &str, data: &Value, op_id: Option<OpId>) -> Reply {
        let request = Request::read(name, &data.to_string()).expect("a request");
        self.engine
            .call(&self.caller, request, op_id)
            .await
            .expect("an answer")
    }

    async fn add(&self, tasks: usize) {
        for n in 0..tasks {
            self.call("task.create", &json!({ "title": n.to_string() }), None)
                .await;
        }
    }

    async fn pass(&self, time: i64) {
        self.clock.step(time);
        round(&self.engine, &self.settings)
            .await
            .expect("a round of retention");
    }

    fn stream(&self) -> String {
        format!("workspace:{}", self.caller.personal)
    }

    /// The seqs that the personal workspace's log holds: the first and the last.
    async fn held(&self) -> (u64, u64) {
        let asked = json!({ "stream": self.stream(), "after": 0, "limit": 500 });
        let reply = self.call("stream.history", &asked, None).await;
        let reply: Value = serde_json::from_str(&format!("{{{}}}", reply.body)).expect("JSON");
        let events = reply["data"]["events"].as_array().expect("events");
        let seq = |event: Option<&Value>| event.and_then(|event| event["seq"].as_u64()).expect("a seq");
        let (first, last) = (seq(events.first()), seq(events.last()));
        assert_eq!(events.len() as u64, last - first + 1, "a gap");
        (first, last)
    }

    /// Ends the engine and starts a server on what it left.
    async fn into_server(self) -> Server {
        self.engine.stop().await;
        let mut server = self.server;
        if server.database.engine == Database::Sqlite {
            // the file's lock goes with this process only
            let file = |name: &str| server.folder.path().join(name);
            for part in ["", "-wal"] {
                let from = file(&format!("taskwire.db{part}"));
                if from.exists() {
                    std::fs::copy(from, file(&format!("copy.db{part}"))).expect("a copy");
                }
            }
            let copy = format!("sqlite:{}", file("copy.db").display());
            server.set("database_url", &copy);
        }
        server.spawn();
        server
    }

    async fn count(&self, table: &'static str) -> i64 {
        let text = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
        match self.server.database.engine {
            Database::Postgres => {
                let mut link = PgConnection::connect(&self.server.database.url)
                    .await
                    .expect("a link");
                sqlx::query_scalar(text).fetch_one(&mut link).await
            }
            Database::Sqlite => {
                let mut link = SqliteConnection::connect(&self.server.database.url)
                    .await
                    .expect("a link");
                sqlx::query_scalar(text).fetch_one(&mut link).await
            }
        }
        .expect("a count")
    }
}

async fn entries_go_when_they_are_old_and_not_among_the_newest(database: Database) {
    let node = Node::start(
        database,
        &[("log_retention_days", "2"), ("log_retention_events", "5")],
    )
    .await;
    node.add(20).await; // after the two entries that made the workspace
    node.pass(47 * HOUR).await;
    assert_eq!(node.held().await, (1, 22), "nothing is old");
    node.add(3).await;
    node.pass(2 * HOUR).await;
    assert_eq!(
        node.held().await,
        (21, 25),
        "of the old ones those among the newest stay"
    );
    node.add(10).await;
    node.pass(HOUR).await;
    assert_eq!(
        node.held().await,
        (23, 35),
        "the young ones stay, however many they are"
    );
    node.pass(30 * DAY).await;
    assert_eq!(node.held().await, (31, 35));

    let workspace = node.stream();
    let server = node.into_server().await;
    let login = json!({ "email": "ada@example.com", "password": PASSWORD, "token_delivery": "body" });
    let tokens: Value = http::post(&server, "/v1/auth/login", &login)
        .await
        .json()
        .await
        .expect("tokens");
    let epoch = Client::with_tokens(&server, &tokens, json!({})).await.welcome["data"]["epoch"].clone();
    for (position, resumed) in [(0, false), (12, false), (29, false), (30, true), (35, true)] {
        let resume = json!({ "resume": { "epoch": epoch, "positions": { &workspace: position } } });
        let mut client = Client::with_tokens(&server, &tokens, resume).await;
        let streams = client.welcome["data"]["streams"].as_array().expect("streams");
        let state = streams.iter().find(|state| state["stream"] == workspace);
        let state = state.expect("the workspace").clone();
        assert_eq!(
            (&state["resumed"], &state["seq"]),
            (&json!(resumed), &json!(35)),
            "{position}"
        );
        if resumed {
            for seq in position + 1..=35 {
                assert_eq!(client.next_of(&workspace).await["seq"], seq);
            }
        } else {
            assert_eq!(state["reason"], "expired", "{position}");
        }
    }
}

async fn an_entry_of_a_clock_ahead_keeps_those_after_it(database: Database) {
    let settings = [("log_retention_days", "2"), ("log_retention_events", "5")];
    let node = Node::start(database, &settings).await;
    node.add(5).await;
    node.clock.step(10 * HOUR);
    node.add(5).await;
    node.clock.step(-10 * HOUR);
    node.add(30).await;
    node.pass(49 * HOUR).await;
    assert_eq!(node.held().await, (8, 42));
    node.pass(10 * HOUR).await;
    assert_eq!(node.held().await, (38, 42));
}

async fn a_log_kept_for_ever_is_never_cut(database: Database) {
    let node = Node::start(
        database,
        &[("log_retention_days", "0"), ("log_retention_events", "0")],
    )
    .await;
    node.add(5).await;
    node.pass(3650 * DAY).await;
    assert_eq!(node.held().await, (1, 7));
}

async fn op_ids_are_remembered_for_seven_days(database: Database) {
    // whatever becomes of the log
    let node = Node::start(
        database,
        &[("log_retention_days", "1"), ("log_retention_events", "0")],
    )
    .await;
    let op_id: OpId = serde_json::from_value(json!(uuid::Uuid::new_v4())).expect("an op_id");
    let task = json!({ "title": "once" });
    let first = node.call("task.create", &task, Some(op_id)).await;
    node.pass(7 * DAY - 1).await;
    let again = node.call("task.create", &task, Some(op_id)).await;
    assert_eq!((again.replayed, again.body), (true, first.body.clone()));
    assert_eq!(node.count("log").await, 0);
    node.pass(HOUR).await;
    let new = node.call("task.create", &task, Some(op_id)).await;
    assert!(!new.replayed && new.body != first.body);
}

async fn ended_sessions_are_forgotten_after_a_month(database: Database) {
    let node = Node::start(database, &[("refresh_token_days", "7")]).await;
    node.pass(7 * DAY + 30 * DAY - 1).await;
    assert_eq!(
        node.count("sessions").await,
        1,
        "its tokens are still told why they are void"
    );
    let login = json!({ "email": "ada@example.com", "password": PASSWORD });
    let login = serde_json::from_value(login).expect("parameters");
    node.engine
        .log_in(login, Origin::default())
        .await
        .expect("tokens");
    node.pass(HOUR).await;
    assert_eq!(node.count("sessions").await, 1, "the new one stays");
}
