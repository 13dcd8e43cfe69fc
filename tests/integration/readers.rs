//! Who reads while somebody reads much: each user has a share of the readers, and the database ends what a query reads when the
//! query's time is over.

use crate::on_both_databases;
use crate::search::many::copies;
use crate::support::follower::text;
use crate::support::{Client, Engine, Server, eventually, http};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Executor};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use taskwire::config::Settings;
use taskwire::store::{Store, Trouble, streams};
use taskwire_protocol::{StreamId, UserId};
use tokio::task::JoinHandle;

on_both_databases!(
    searches_of_one_user_keep_nobody_else_waiting,
    downloads_and_indexes_for_lists_are_read_in_turns,
);

/// The searches of the attack.
const AT_ONCE: usize = 16;

/// The value of a metric, 0 if there is none.
async fn metric(server: &Server, name: &str) -> f64 {
    let metrics = http::get(server, "/metrics").await.text().await.expect("metrics");
    let mut values = metrics
        .lines()
        .filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    values
        .next()
        .map_or(0.0, |value| value.parse().expect("a number"))
}

/// Searches over HTTP, two in each request and many requests at once, again and again.
struct Attack {
    searches: Vec<JoinHandle<()>>,
    /// How many were answered.
    answered: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
}

impl Attack {
    fn begin(server: &Arc<Server>, token: &str, at_once: usize) -> Attack {
        let (answered, is_over) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let search = |id: usize| json!({ "type": "task.search", "id": id, "data": { "q": "everywhere" } });
        let body = json!([search(1), search(2)]);
        let one = |_| {
            let (server, token, body) = (server.clone(), token.to_owned(), body.clone());
            let (answered, is_over) = (answered.clone(), is_over.clone());
            tokio::spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    let request = http::request(&server, Method::POST, "/v1/rpc").bearer_auth(&token);
                    let sent = request.json(&body).send().await.expect("an answer");
                    let answer: Value = sent.json().await.expect("JSON");
                    assert_eq!(answer[1]["type"], "ok", "{answer}");
                    answered.fetch_add(2, Ordering::Relaxed);
                }
            })
        };
        let searches = (0..at_once).map(one).collect();
        Attack {
            searches,
            answered,
            is_over,
        }
    }

    fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }

    async fn end(self) {
        self.is_over.store(true, Ordering::Relaxed);
        for search in self.searches {
            search.await.expect("its answers");
        }
    }
}

async fn searches_of_one_user_keep_nobody_else_waiting(engine: Engine) {
    let mut server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    Client::sign_up(&server, "bob").await;
    ada.ok("task.create", json!({ "title": "everywhere" })).await;
    let home = ada.personal();
    server.kill();
    server.database.execute(&copies(engine, &home, 20_000)).await;
    server.spawn();
    let server = Arc::new(server);
    let mut ada = Client::log_in(&server, "ada").await;
    let mut bob = Client::log_in(&server, "bob").await;
    ada.ok("task.search", json!({ "q": "everywhere" })).await;

    let attack = Attack::begin(&server, &text(&ada.tokens["access_token"]), AT_ONCE);
    let most = if engine == Engine::Sqlite { 1.0 } else { 2.0 };
    eventually("the attack waits at the gate", async || {
        let waiting = metric(&server, "taskwire_readers_waiting").await;
        let reading = metric(&server, "taskwire_readers_busy{load=\"long\"}").await;
        assert!(reading <= most, "{reading} searches of one user at once");
        (waiting >= (AT_ONCE - 4) as f64).then_some(())
    })
    .await;
    let mut passed = Vec::new();
    for _ in 0..15 {
        let before = attack.answered();
        bob.ok("profile.get", json!({})).await;
        passed.push(attack.answered() - before);
    }
    // a search is long: of those that waited before bob, next to none may have come before him
    passed.sort_unstable();
    assert!(
        passed[passed.len() / 2] <= 2,
        "{passed:?} searches were answered before bob"
    );
    attack.end().await;
    let waited = metric(&server, "taskwire_reader_wait_seconds_count").await;
    assert!(waited > 0.0, "nobody waited, so the test proves nothing");
}

/// Everything that reads much has its user's turn, so it goes on while that user searches.
async fn downloads_and_indexes_for_lists_are_read_in_turns(engine: Engine) {
    let server = Arc::new(Server::start(engine, &[("list_index_from", "1")]).await);
    let mut ada = Client::sign_up(&server, "ada").await;
    let create = json!({ "type": "task.create", "data": { "title": "everywhere" } });
    for _ in 0..5 {
        ada.ok("batch", json!({ "ops": vec![&create; 100] })).await;
    }
    let (token, home) = (text(&ada.tokens["access_token"]), ada.personal());
    let attack = Attack::begin(&server, &token, 3);
    let get = async |path: String| {
        let answer = http::request(&server, Method::GET, &path).bearer_auth(&token);
        let answer = answer.send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().await.expect("all of it")
    };
    let snapshot = get(format!("/v1/workspaces/{home}/snapshot")).await;
    assert_eq!(snapshot.lines().count(), 501);
    let export = get(format!("/v1/export?workspace_id={home}&format=csv")).await;
    assert!(export.matches("everywhere").count() >= 500);
    ada.ok("stats.get", json!({})).await;
    ada.ok("workspace.sync", json!({ "workspace_id": home })).await;
    let indexed = "taskwire_lists_total{by=\"index\"}";
    eventually("an index", async || {
        let list = json!({ "sort": "title", "limit": 1 });
        assert_eq!(ada.ok("task.list", list).await["total"], 500);
        (metric(&server, indexed).await > 0.0).then_some(())
    })
    .await;
    attack.end().await;
    let idle = async || (metric(&server, "taskwire_readers_busy{load=\"long\"}").await < 1.0).then_some(());
    eventually("nobody reads any more", idle).await;
    assert!(
        metric(&server, "taskwire_readers_waiting").await < 1.0,
        "nobody waits"
    );
}

/// Statements of this program that wait for a lock.
const ACTIVE: &str = "select cast(count(*) as text) from pg_stat_activity
    where datname = current_database() and application_name = 'taskwire' and state = 'active'
    and wait_event_type = 'Lock'";

async fn active(server: &Server) -> usize {
    server.database.texts(ACTIVE).await[0].parse().expect("a number")
}

/// Another connection has locked the table of tasks, so each search waits in the database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn searches_that_hang_leave_readers_to_others_and_end_with_their_time() {
    let settings = [("query_timeout_seconds", "4")];
    let server = Arc::new(Server::start(Engine::Postgres, &settings).await);
    let mut ada = Client::sign_up(&server, "ada").await;
    let mut bob = Client::sign_up(&server, "bob").await;
    ada.ok("task.search", json!({ "q": "anything" })).await;
    let mut other = server.database.link().await;
    for statement in ["begin", "lock table tasks in access exclusive mode"] {
        other.execute(statement).await.expect(statement);
    }
    let token = text(&ada.tokens["access_token"]);
    let answered = Arc::<AtomicUsize>::default();
    let search = |_| {
        let (server, token, answered) = (server.clone(), token.clone(), answered.clone());
        tokio::spawn(async move {
            let frame = json!({ "type": "task.search", "id": 1, "data": { "q": "anything" } });
            let request = http::request(&server, Method::POST, "/v1/rpc").bearer_auth(&token);
            let answer = request.json(&frame).send().await.expect("an answer");
            answered.fetch_add(1, Ordering::Relaxed);
            let answer: Value = answer.json().await.expect("JSON");
            assert_eq!(answer["error"]["code"], "TIMEOUT", "{answer}");
        })
    };
    let searches: Vec<_> = (0..AT_ONCE).map(search).collect();
    eventually("searches in the database", async || {
        (active(&server).await >= 2).then_some(())
    })
    .await;
    for _ in 0..20 {
        bob.ok("profile.get", json!({})).await;
        assert!(active(&server).await <= 2, "two searches of one user at once");
    }
    assert_eq!(answered.load(Ordering::Relaxed), 0, "bob did not wait for them");
    for search in searches {
        search.await.expect("a refusal");
    }
    let over = Instant::now();
    while active(&server).await > 0 {
        assert!(over.elapsed() < Duration::from_secs(1), "a statement runs on");
    }
    other.execute("rollback").await.expect("ended");
    ada.ok("task.search", json!({ "q": "anything" })).await;
}

/// What is left of a query's time is told to the database where that is less than it would take by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_ends_the_statement_of_a_query_whose_time_is_over() {
    let server = Server::prepare(Engine::Postgres, &[]).await;
    let data = server.folder.path().join("data").display().to_string();
    let pairs = [
        ("data_dir", &*data),
        ("database_url", &*server.database.url),
        ("database_connections", "1"),
    ];
    let settings = Settings::from_pairs(&pairs).expect("settings");
    let store = Store::open(&settings).await.expect("a database");
    let stream = StreamId::User(UserId(uuid::Uuid::new_v4()));
    let mut other = server.database.link().await;
    for in_a_moment in [false, true, false] {
        for statement in ["begin", "lock table streams in access exclusive mode"] {
            other.execute(statement).await.expect(statement);
        }
        let begun = Instant::now();
        let bounded = store.until(begun + Duration::from_millis(400));
        let reader = if in_a_moment {
            bounded.moment().await
        } else {
            bounded.read().await
        };
        let mut reader = reader.expect("a connection");
        let ended = streams::counters(&mut reader, stream).await.map(drop);
        let (trouble, took) = (ended.expect_err("no time is left").trouble, begun.elapsed());
        assert_eq!(trouble, Trouble::Overdue);
        assert!((400..4000).contains(&took.as_millis()), "{took:?}");
        drop(reader);
        other.execute("rollback").await.expect("ended");
        // the only connection has its own limits again, and no transaction
        let mut reader = store.read().await.expect("the connection");
        streams::counters(&mut reader, stream).await.expect("counters");
        let open = "select cast(count(*) as text) from pg_stat_activity where datname = current_database()
            and application_name = 'taskwire' and state like 'idle in transaction%'";
        let open: Vec<String> = sqlx::query_scalar(AssertSqlSafe(open))
            .fetch_all(&mut other)
            .await
            .expect("a number");
        assert_eq!(open, ["0"]);
        let shorter = store.until(Instant::now() + Duration::from_secs(3));
        let mut reader = {
            drop(reader);
            shorter.read().await.expect("the connection")
        };
        streams::counters(&mut reader, stream)
            .await
            .expect("there is time for it");
    }
    store.close(Duration::from_secs(5)).await;
}
