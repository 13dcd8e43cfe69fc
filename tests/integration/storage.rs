//! The service when its database is full, in use by another process, of a newer version, or away for a moment.

use crate::on_both_databases;
use crate::support::database::admin_url;
use crate::support::program::Program;
use crate::support::{Client, Engine, PATIENCE, Server, audit, eventually, http, text};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

on_both_databases!(
    a_newer_schema_refuses_the_start,
    migrate_makes_the_schema_and_a_restart_keeps_the_data
);

/// Another address than the server's.
const ELSEWHERE: [&str; 2] = ["--set", "listen=127.0.0.1:0"];

fn create(n: usize) -> Value {
    json!({ "title": format!("task {n}"), "description": "long ".repeat(190) })
}

/// Creates tasks until the database is full. Returns how many there are, and the request that was refused.
async fn fill(client: &mut Client) -> (usize, Value) {
    let mut made = 0;
    // large steps, then small ones
    for size in [50, 7, 1] {
        for round in 0.. {
            assert!(round < 500, "the limit has no effect");
            let op = |n| json!({ "type": "task.create", "data": create(made + n) });
            let ops: Vec<Value> = (0..size).map(op).collect();
            let op_id = uuid::Uuid::new_v4();
            let id = format!("{size}-{round}");
            let request =
                json!({ "type": "batch", "id": id, "op_id": op_id, "data": { "ops": ops, "atomic": true } });
            client.send(&request).await;
            let answer = client.answer(id).await;
            if answer["type"] == "ok" {
                made += size;
                continue;
            }
            let error = &answer["error"];
            assert_eq!(
                (&error["code"], &error["retryable"]),
                (&json!("STORAGE_FULL"), &json!(true))
            );
            if size == 1 {
                return (made, request);
            }
            break;
        }
    }
    unreachable!("the last size ends the loop")
}

/// Asserts that a request that was refused before is carried out now, and not answered as a repeat.
fn is_done_now(answer: &Value) {
    assert_eq!(
        (&answer["type"], &answer["replayed"]),
        (&json!("ok"), &Value::Null),
        "{answer}"
    );
}

/// What `/health/detailed` says of a database that is not healthy: the status and the reason.
async fn database_health(server: &Server) -> Option<(String, String)> {
    let answer = http::get(server, "/health/detailed").await;
    assert_eq!(answer.status(), 200);
    let health: Value = answer.json().await.expect("JSON");
    let database = &health["database"];
    assert_eq!(health["status"], database["status"]);
    let words = || {
        (
            text(&database["status"]).to_owned(),
            text(&database["message"]).to_owned(),
        )
    };
    (database["status"] != "healthy").then(words)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clean_stop_leaves_one_file_with_everything_in_it() {
    let mut server = Server::start(Engine::Sqlite, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    for round in 1..=4 {
        for n in 0..20 {
            ada.ok("task.create", create(n)).await;
        }
        ada.ok("task.list", json!({ "limit": 1 })).await; // readers are there too
        drop(ada);
        assert_eq!(server.terminate(), Some(0));
        assert_eq!(tasks_in_the_file_alone(&server).await, 20 * round);
        server.spawn();
        ada = Client::log_in(&server, "ada").await;
    }
    assert_eq!(server.terminate(), Some(0));
    for command in [&["migrate"][..], &["admin", "create-user", "bob@example.com"]] {
        let (code, told) = server.run(command);
        assert_eq!(code, Some(0), "{told}");
        assert_eq!(tasks_in_the_file_alone(&server).await, 80);
    }
}

/// How many tasks a copy of the database file has. Nothing else belongs to it.
async fn tasks_in_the_file_alone(server: &Server) -> i64 {
    let path = |name: &str| server.folder.path().join(name);
    for gone in ["taskwire.db-wal", "taskwire.db-shm"] {
        assert!(!path(gone).exists(), "{gone} is left");
    }
    std::fs::copy(path("taskwire.db"), path("copy.db")).expect("a copy");
    let url = format!("sqlite:{}", path("copy.db").display());
    let mut link = sqlx::SqliteConnection::connect(&url).await.expect("the copy");
    let count = sqlx::query_scalar("select count(*) from tasks")
        .fetch_one(&mut link)
        .await;
    count.expect("a count")
}

#[test]
fn a_file_that_cannot_be_written_is_named_with_what_to_do() {
    let mut program = Program::new();
    if !program.obeys_rights() {
        return;
    }
    program.set("TASKWIRE_DATA_DIR", ".");
    assert_eq!(program.run(&["migrate"]).0, Some(0));
    let readonly = |name: &str, mode| {
        let path = program.path(name);
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(path, permissions).expect("rights");
    };
    let refused = |name: &str| {
        for arguments in [&ELSEWHERE[..], &["migrate"], &["doctor"]] {
            let (code, told) = program.run(arguments);
            assert_eq!(code, Some(1), "{told}");
            assert!(
                told.contains(name) && told.contains("must be able to write this file"),
                "{told}"
            );
        }
    };
    readonly("taskwire.db", 0o444);
    refused("taskwire.db cannot be written: Permission denied");
    readonly("taskwire.db", 0o600);
    // as root leaves it behind after a command
    program.write("taskwire.db-wal", "");
    readonly("taskwire.db-wal", 0o444);
    refused("taskwire.db-wal cannot be written: Permission denied");
    std::fs::remove_file(program.path("taskwire.db-wal")).expect("removed");
    readonly("taskwire.db.lock", 0o444);
    let (code, told) = program.run(&["migrate"]);
    assert!(
        code == Some(1) && told.contains("taskwire.db.lock") && told.contains("must be able"),
        "{told}"
    );
    readonly("taskwire.db.lock", 0o600);
    // SQLite makes files beside the database
    readonly(".", 0o500);
    refused("cannot be written: Permission denied");
    readonly(".", 0o700);
    assert_eq!(program.run(&["migrate"]).0, Some(0));
    std::fs::create_dir(program.path("folder.db")).expect("a folder");
    program.set("TASKWIRE_DATABASE_URL", "sqlite:folder.db");
    let (code, told) = program.run(&["migrate"]);
    assert!(
        code == Some(1) && told.contains("folder.db is not a file"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_writes_and_serves_reads() {
    let mut server = Server::start(Engine::Sqlite, &[("database_max_bytes", "2000000")]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let (made, refused) = fill(&mut ada).await;
    let total = |page: &Value| page["total"].as_u64();
    // nothing was written half, and everything can still be read, on new sockets too
    audit::agree(&server, &ada.tokens).await;
    let listed = ada.ok("task.list", json!({ "limit": 1 })).await;
    assert_eq!(total(&listed), Some(made as u64));
    let health = http::get(&server, "/health").await;
    assert_eq!(health.status(), 200);
    // deleting tasks makes room
    for task in audit::pages(&mut ada, "task.list", json!({}))
        .await
        .iter()
        .take(100)
    {
        let purge = json!({ "id": task["id"], "permanent": true });
        ada.ok("task.delete", purge).await;
    }
    ada.send(&refused).await;
    let answer = ada.answer(refused["id"].clone()).await;
    is_done_now(&answer);
    let (_, refused) = fill(&mut ada).await;
    audit::agree(&server, &ada.tokens).await;
    // a higher limit makes room too
    let (status, said) = eventually("a degraded node", || async { database_health(&server).await }).await;
    assert_eq!(
        (&*status, said.contains("database_max_bytes")),
        ("degraded", true),
        "{said}"
    );
    assert_eq!(server.terminate(), Some(0));
    server.set("database_max_bytes", "0");
    server.spawn();
    let mut again = Client::with_tokens(&server, &ada.tokens, json!({})).await;
    again.send(&refused).await;
    let answer = again.answer(refused["id"].clone()).await;
    is_done_now(&answer);
    assert_eq!(database_health(&server).await, None);
    again.ok("task.create", create(0)).await;
    audit::agree(&server, &ada.tokens).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_serves_an_sqlite_file() {
    let mut server = Server::start(Engine::Sqlite, &[]).await;
    let (code, told) = server.run(&ELSEWHERE);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("is in use by another process"), "{told}");
    // the lock ends with the process, however it ends
    server.kill();
    server.spawn();
    assert_eq!(http::get(&server, "/health").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_serves_an_sqlite_file_even_through_a_symbolic_link() {
    let mut server = Server::prepare(Engine::Sqlite, &[]).await;
    let elsewhere = tempfile::tempdir().expect("a folder");
    let link = elsewhere.path().join("link.db");
    // the link's target does not exist yet
    std::os::unix::fs::symlink(server.folder.path().join("taskwire.db"), &link).expect("a link");
    let file = std::mem::replace(&mut server.database.url, format!("sqlite:{}", link.display()));
    server.spawn();
    let metrics = http::get(&server, "/metrics")
        .await
        .text()
        .await
        .expect("metrics");
    let wal = metrics
        .lines()
        .find(|line| line.starts_with("taskwire_sqlite_wal_bytes"));
    assert!(wal.is_some_and(|line| !line.ends_with(" 0")), "{wal:?}");
    server.database.url = file;
    let (code, told) = server.run(&ELSEWHERE);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("is in use by another process"), "{told}");
}

#[test]
fn a_lock_that_is_no_file_is_named_and_not_waited_for() {
    let mut program = Program::new();
    program.set("TASKWIRE_DATA_DIR", ".");
    let made = std::process::Command::new("mkfifo")
        .arg(program.path("taskwire.db.lock"))
        .status()
        .expect("mkfifo");
    assert!(made.success());
    let (code, told) = program.run(&["migrate"]);
    assert!(code == Some(1) && told.contains("taskwire.db.lock"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgresql_that_takes_no_writes_makes_the_node_degraded() {
    let server = Server::start(Engine::Postgres, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let name = server.database.url.rsplit('/').next().expect("a name");
    let statements = format!(
        "alter database \"{name}\" set default_transaction_read_only = on;
         select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid()"
    );
    server.database.execute(&statements).await;
    // the first requests meet the connections that were ended
    let begun = Instant::now();
    loop {
        let id = ada.ask("task.create", json!({ "title": "a" })).await;
        ada.answer(id).await;
        let health = http::get(&server, "/health/detailed").await;
        let health = health.text().await.expect("text");
        if health.contains("takes no writes") {
            assert!(health.contains(r#""status":"degraded""#), "{health}");
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{health}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_data_folder_is_for_its_owner_alone() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let mode = |name: &str| {
        let path = server.folder.path().join(name);
        let metadata = std::fs::metadata(path).expect("it is there");
        metadata.permissions().mode() & 0o777
    };
    assert_eq!((mode("data"), mode("data/jwt_secret")), (0o700, 0o600));
}

async fn a_newer_schema_refuses_the_start(engine: Engine) {
    let mut server = Server::start(engine, &[]).await;
    assert_eq!(server.terminate(), Some(0));
    let columns = "_sqlx_migrations (version, description, success, checksum, execution_time)";
    let bytes = match engine {
        Engine::Postgres => "'\\x00'",
        Engine::Sqlite => "x'00'",
    };
    let row = format!("insert into {columns} values (999999, 'later', true, {bytes}, 0)");
    server.database.execute(&row).await;
    for arguments in [&ELSEWHERE[..], &["migrate"]] {
        let (code, told) = server.run(arguments);
        assert_eq!(code, Some(1), "{told}");
        assert!(
            told.contains("schema has version 999999, newer than this program"),
            "{told}"
        );
    }
}

async fn migrate_makes_the_schema_and_a_restart_keeps_the_data(engine: Engine) {
    let mut server = Server::prepare(engine, &[]).await;
    for _ in 0..2 {
        let (code, told) = server.run(&["migrate"]);
        assert_eq!(code, Some(0), "{told}");
    }
    server.spawn();
    let mut ada = Client::sign_up(&server, "ada").await;
    let task = ada.ok("task.create", create(1)).await;
    let epoch = ada.welcome["data"]["epoch"].clone();
    assert_eq!(server.terminate(), Some(0));
    let (code, told) = server.run(&["migrate"]);
    assert_eq!(code, Some(0), "{told}");
    server.spawn();
    let mut again = Client::with_tokens(&server, &ada.tokens, json!({})).await;
    assert_eq!(again.welcome["data"]["epoch"], epoch);
    assert_eq!(again.ok("task.get", json!({ "id": task["id"] })).await, task);
    audit::agree(&server, &ada.tokens).await;
}

#[tokio::test]
async fn a_node_without_its_database_is_unhealthy_and_sends_retry_after() {
    let server = Server::start(Engine::Postgres, &[]).await;
    let mut admin = PgConnection::connect(&admin_url()).await.expect("PostgreSQL");
    let (_, database) = server.database.url.rsplit_once('/').expect("a database");
    let close = format!("alter database {database} with allow_connections false");
    admin.execute(AssertSqlSafe(close)).await.expect("closed");
    server.database.cut_off().await;
    let answer = eventually("a node that misses its database", || async {
        let answer = http::get(&server, "/health/detailed").await;
        (answer.status() == 503).then_some(answer)
    })
    .await;
    assert_eq!(answer.headers()["retry-after"], "1");
    let health: Value = answer.json().await.expect("JSON");
    assert_eq!(
        (&health["status"], &health["database"]["status"]),
        (&json!("unhealthy"), &json!("unhealthy"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_database_connections_lose_and_repeat_nothing() {
    let server = Server::start(Engine::Postgres, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let mut watcher = ada.another(&server).await;
    let mut open: HashMap<String, Value> = HashMap::new();
    let mut cut = 0;
    for round in 0..20 {
        for n in 0..10 {
            let op_id = uuid::Uuid::new_v4().to_string();
            let data = json!({ "title": format!("{round}.{n}") });
            open.insert(
                op_id.clone(),
                json!({ "type": "task.create", "id": op_id, "op_id": op_id, "data": data }),
            );
        }
        for request in open.values() {
            ada.send(request).await;
        }
        cut += server.database.cut_off().await;
        for op_id in open.keys().cloned().collect::<Vec<_>>() {
            if done(&ada.answer(op_id.as_str()).await) {
                open.remove(&op_id);
            }
        }
    }
    assert!(cut > 20, "only {cut} connections were cut: too few for a test");
    for op_id in open.keys().cloned().collect::<Vec<_>>() {
        let request = &open[&op_id];
        let ada = tokio::sync::Mutex::new(&mut ada);
        eventually("the op", || async {
            let mut ada = ada.lock().await;
            ada.send(request).await;
            done(&ada.answer(op_id.as_str()).await).then_some(())
        })
        .await;
    }
    // reads recover by themselves too
    let ada = tokio::sync::Mutex::new(&mut ada);
    eventually("a list", || async {
        let answer = ada.lock().await.call("task.list", json!({})).await;
        (answer["type"] == "ok").then_some(())
    })
    .await;
    let ada = ada.into_inner();
    let stream = format!("workspace:{}", ada.personal());
    let logs = audit::agree(&server, &ada.tokens).await;
    let titles = titles(&logs[&stream]);
    assert_eq!(titles.len(), 200);
    assert!(titles.values().all(|times| *times == 1), "{titles:?}");
    // the sockets stayed, and missed nothing
    for _ in 0..200 {
        watcher.event("task.created").await;
    }
}

/// Whether the request was carried out. The only other answer allowed is `UNAVAILABLE`.
fn done(answer: &Value) -> bool {
    if answer["type"] == "ok" {
        return true;
    }
    assert_eq!(answer["error"]["code"], "UNAVAILABLE", "{answer}");
    false
}

fn titles(log: &[Value]) -> HashMap<&str, usize> {
    let mut titles = HashMap::new();
    for event in log.iter().filter(|event| event["event"] == "task.created") {
        *titles.entry(text(&event["data"]["title"])).or_default() += 1;
    }
    titles
}
