//! PostgreSQL is stopped, killed, hung, restarted, and replaced by a standby under a running node. Answers to COMMIT
//! are lost; transactions stay open.

use crate::support::cluster::Cluster;
use crate::support::commit_proxy::{CommitProxy, Cut};
use crate::support::{Client, Engine, PASSWORD, PATIENCE, Server, audit, eventually, http, text};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use taskwire::config::Settings;
use taskwire::store::{Store, Transaction, Trouble, streams};
use taskwire_protocol::{StreamId, UserId};

fn create(title: &str, op_id: Option<&str>) -> Value {
    json!({ "type": "task.create", "id": title, "op_id": op_id, "data": { "title": title } })
}

fn new_op_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// How often the log has `task.created` for each title.
fn titles(log: &[Value]) -> HashMap<&str, usize> {
    let mut titles = HashMap::new();
    for event in log.iter().filter(|event| event["event"] == "task.created") {
        *titles.entry(text(&event["data"]["title"])).or_default() += 1;
    }
    titles
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_op_id_tells_the_outcome_when_the_answer_to_a_commit_is_lost() {
    let mut server = Server::prepare(Engine::Postgres, &[]).await;
    let proxy = CommitProxy::start(&server.database.url).await;
    server.set("database_url", proxy.url());
    server.spawn();
    let mut ada = Client::sign_up(&server, "ada").await;
    let mut watcher = ada.another(&server).await;
    let mut expected: HashMap<&str, usize> = HashMap::new();
    for (cut, known, unknown, stands) in [
        (Cut::Before, "before, known", "before, unknown", 0),
        (Cut::After, "after, known", "after, unknown", 1),
    ] {
        proxy.cut(cut, 1);
        let answer = {
            ada.send(&create(known, Some(&new_op_id()))).await;
            ada.answer(known).await
        };
        assert_eq!(answer["type"], "ok", "{cut:?}: {answer}");
        assert_eq!(answer["data"]["title"], known, "{cut:?}");
        expected.insert(known, 1);
        proxy.cut(cut, 1);
        ada.send(&create(unknown, None)).await;
        let answer = ada.answer(unknown).await;
        assert_eq!(answer["error"]["code"], "UNAVAILABLE", "{cut:?}: {answer}");
        assert_eq!(answer["error"]["retryable"], true, "{cut:?}");
        if stands == 1 {
            expected.insert(unknown, 1);
        }
        // watchers get what was committed, although the node got no answer and nothing else is committed
        for title in [known, unknown] {
            if expected.contains_key(title) {
                let event = watcher.event("task.created").await;
                assert_eq!(event["data"]["title"], title, "{cut:?}");
            }
        }
    }
    assert_eq!(proxy.cuts(), 4);
    eventually("the heads", || {
        heads_are_known(&server, &server.database.url, &ada.tokens)
    })
    .await;
    let stream = format!("workspace:{}", ada.personal());
    let logs = audit::agree(&server, &ada.tokens).await;
    assert_eq!(titles(&logs[&stream]), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_cut_at_random_lose_and_repeat_nothing() {
    let mut server = Server::prepare(Engine::Postgres, &[]).await;
    let proxy = CommitProxy::start(&server.database.url).await;
    server.set("database_url", proxy.url());
    server.spawn();
    let mut ada = Client::sign_up(&server, "ada").await;
    let mut open: HashMap<String, Value> = HashMap::new();
    for n in 0..120 {
        let (title, op_id) = (format!("task {n}"), new_op_id());
        let request = create(&title, Some(&op_id));
        if n % 3 == 0 {
            proxy.cut(if n % 2 == 0 { Cut::Before } else { Cut::After }, 2);
        }
        ada.send(&request).await;
        open.insert(title, request);
        if n % 10 == 9 {
            settle(&mut ada, &mut open).await;
        }
    }
    assert!(
        proxy.cuts() > 20,
        "only {} commits were cut: too few for a test",
        proxy.cuts()
    );
    let deadline = Instant::now() + PATIENCE;
    while !open.is_empty() {
        assert!(Instant::now() < deadline, "not done: {open:?}");
        for request in open.values() {
            ada.send(request).await;
        }
        settle(&mut ada, &mut open).await;
    }
    // a commit whose answer the node did not get is published a moment later
    eventually("the heads", || {
        heads_are_known(&server, &server.database.url, &ada.tokens)
    })
    .await;
    let stream = format!("workspace:{}", ada.personal());
    let logs = audit::agree(&server, &ada.tokens).await;
    let titles = titles(&logs[&stream]);
    assert_eq!(titles.len(), 120);
    assert!(titles.values().all(|times| *times == 1), "{titles:?}");
}

/// Whether the node's heads of a user's streams equal those of the database.
async fn heads_are_known(server: &Server, database: &str, tokens: &Value) -> Option<()> {
    let client = Client::with_tokens(server, tokens, json!({})).await;
    let mut link = PgConnection::connect(database).await.expect("a connection");
    for (stream, head) in audit::heads(&client) {
        let id = stream.split_once(':').expect("a stream").1;
        let seq = format!("select seq from streams where id = '{id}'");
        let seq: i64 = sqlx::query_scalar(AssertSqlSafe(seq))
            .fetch_one(&mut link)
            .await
            .expect("a counter");
        if head != seq as u64 {
            return None;
        }
    }
    Some(())
}

/// Reads an answer to each request, and removes the requests that were carried out.
async fn settle(client: &mut Client, open: &mut HashMap<String, Value>) {
    for title in open.keys().cloned().collect::<Vec<_>>() {
        if done(&client.answer(title.as_str()).await) {
            open.remove(&title);
        }
    }
}

/// Whether the request was carried out. The only other answer allowed is a retryable one.
fn done(answer: &Value) -> bool {
    let unavailable = answer["error"]["code"] == "UNAVAILABLE" && answer["error"]["retryable"] == true;
    assert!(answer["type"] == "ok" || unavailable, "{answer}");
    answer["type"] == "ok"
}

/// How PostgreSQL is ended.
#[derive(Clone, Copy)]
enum Outage {
    Stop(&'static str),
    Kill,
}

async fn a_server_that_comes_back(outage: Outage) {
    let cluster = Cluster::start(&[]);
    let mut server = Server::prepare(Engine::Postgres, &[("database_url", &cluster.url())]).await;
    server.spawn();
    let mut ada = Client::sign_up(&server, "ada").await;
    let mut watcher = ada.another(&server).await;
    let mut open: HashMap<String, Value> = HashMap::new();
    let mut sent = 0;
    let mut add = |open: &mut HashMap<String, Value>| {
        sent += 1;
        let title = format!("task {sent}");
        let request = create(&title, Some(&new_op_id()));
        open.insert(title, request.clone());
        request
    };
    for _ in 0..50 {
        ada.send(&add(&mut open)).await;
    }
    match outage {
        Outage::Stop(mode) => cluster.stop(mode),
        Outage::Kill => cluster.kill(),
    }
    settle(&mut ada, &mut open).await;
    // while it is down, writes and reads are refused, and the sockets stay
    ada.send(&add(&mut open)).await;
    let refused = ada.answer("task 51").await;
    assert_eq!(refused["error"]["code"], "UNAVAILABLE", "{refused}");
    assert_eq!(refused["error"]["retryable"], true, "{refused}");
    let refused = ada.refused("task.list", json!({})).await;
    assert_eq!(refused["code"], "UNAVAILABLE", "{refused}");
    cluster.start_again();
    // the node reconnects by itself
    let back = Instant::now();
    while !open.is_empty() {
        assert!(back.elapsed() < PATIENCE, "not done: {open:?}");
        for request in open.values() {
            ada.send(request).await;
        }
        settle(&mut ada, &mut open).await;
    }
    ada.ok("task.list", json!({})).await;
    // nothing acknowledged is lost, and nothing is in the log twice
    let url = cluster.url();
    eventually("the heads", || heads_are_known(&server, &url, &ada.tokens)).await;
    let stream = format!("workspace:{}", ada.personal());
    let logs = audit::agree(&server, &ada.tokens).await;
    let titles = titles(&logs[&stream]);
    assert_eq!((titles.len(), titles.values().copied().max()), (51, Some(1)));
    // the socket that was open all the time, and one that resumes from before, see every event once and in order
    let resume = json!({ "epoch": ada.welcome["data"]["epoch"], "positions": { &stream: 0 } });
    let mut resumed = Client::with_tokens(&server, &ada.tokens, json!({ "resume": resume })).await;
    let first = audit::heads(&watcher)[&stream];
    for (client, first) in [(&mut watcher, first), (&mut resumed, 0)] {
        for seq in first + 1..=logs[&stream].len() as u64 {
            assert_eq!(client.next_of(&stream).await["seq"], seq);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_restarted_fast_comes_back() {
    Box::pin(a_server_that_comes_back(Outage::Stop("fast"))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_restarted_at_once_comes_back() {
    Box::pin(a_server_that_comes_back(Outage::Stop("immediate"))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_comes_back() {
    Box::pin(a_server_that_comes_back(Outage::Kill)).await;
}

/// A standby that was behind lacks the end of the logs, and gives out seqs that clients have seen already.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_that_takes_over_begins_another_epoch() {
    let cluster = Cluster::start(&[]);
    let mut server = Server::prepare(Engine::Postgres, &[("database_url", &cluster.url())]).await;
    server.spawn();
    let mut ada = Client::sign_up(&server, "ada").await;
    let store = store(&server, &cluster.url()).await;
    let mut writer = Transaction::new(store.clone());
    writer.begin().await.expect("a connection");
    cluster.take_over();
    // the writer writes nothing with counters of the earlier epoch
    writer.disconnect();
    let refused = writer.begin().await.expect_err("another epoch");
    assert_eq!(refused.trouble, Trouble::Unavailable, "{refused}");
    let told = tokio::time::timeout(PATIENCE, store.outdated()).await;
    told.expect("the store reports another epoch");
    // the node ends, so that its supervisor restarts it
    assert_eq!(ada.until_closed().await.1, Some(1012));
    let own = format!("user:{}", ada.user_id());
    let positions = json!({ "epoch": ada.welcome["data"]["epoch"], "positions": { own.clone(): 1 } });
    let resume = json!({ "streams": [own], "resume": positions });
    let tokens = ada.tokens.clone();
    drop(ada);
    assert_eq!(server.ended().await, Some(1));
    server.spawn();
    let again = Client::with_tokens(&server, &tokens, resume).await;
    assert_eq!(again.welcome["data"]["streams"][0]["reason"], "epoch");
}

/// PostgreSQL accepts connections, but answers no query.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_is_refused_when_the_database_hangs_after_the_handshake() {
    let mut server = Server::prepare(Engine::Postgres, &[]).await;
    let proxy = CommitProxy::start(&server.database.url).await;
    server.set("database_url", proxy.url());
    server.spawn();
    let mut ada = Client::sign_up(&server, "ada").await;
    proxy.silence(true);
    server.database.cut_off().await;
    // the first may use a connection that breaks; the second needs a new one
    for title in ["one", "two"] {
        ada.send(&create(title, None)).await;
        let answer = ada.answer(title).await;
        assert_eq!(answer["error"]["code"], "UNAVAILABLE", "{answer}");
    }
    proxy.silence(false);
    ada.ok("task.create", json!({ "title": "three" })).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_far_away_makes_nobody_a_debtor() {
    let mut server = Server::prepare(Engine::Postgres, &[]).await;
    let proxy = CommitProxy::start(&server.database.url).await;
    server.set("database_url", proxy.url());
    server.spawn();
    let mut ada = Client::sign_up(&server, "ada").await;
    proxy.lengthen(Duration::from_millis(8));
    // so many that the server does not remember how near the database was
    let mut tasks = Vec::new();
    for n in 0..40 {
        let create = json!({ "title": n.to_string() });
        tasks.push(ada.ok("task.create", create).await["id"].clone());
    }
    for n in 0..8 {
        // each of these has a lookup of its own
        let (parent, blocker) = if n % 2 == 0 {
            (tasks[0].clone(), json!([tasks[1]]))
        } else {
            (Value::Null, json!([]))
        };
        let update = json!({
            "id": tasks[2], "parent_id": parent, "blocked_by": blocker, "tags": [format!("tag {n}")],
        });
        ada.ok("task.update", update).await;
    }
    proxy.lengthen(Duration::ZERO);
    let metrics = http::get(&server, "/metrics")
        .await
        .text()
        .await
        .expect("metrics");
    let mut lines = metrics.lines();
    let debts = lines.find_map(|line| line.strip_prefix("taskwire_debts_total "));
    let debts: Option<u32> = debts.and_then(|debts| debts.parse().ok());
    // this machine may stall while it runs other tests
    assert!(debts.is_some_and(|debts| debts <= 1), "{debts:?} of 48 mutations");
}

/// The log of the user cannot have the kick before the database answers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kick_closes_sockets_while_the_database_hangs() {
    let root = [("admin_email", "root@example.com"), ("admin_password", PASSWORD)];
    let mut server = Server::prepare(Engine::Postgres, &root).await;
    let proxy = CommitProxy::start(&server.database.url).await;
    server.set("database_url", proxy.url());
    server.spawn();
    let mut root = Client::log_in(&server, "root").await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let mut bob = Client::sign_up(&server, "bob").await;
    let tokens = ada.tokens.clone();
    let kick = json!({ "user_id": ada.user_id() });
    proxy.silence(true);
    server.database.cut_off().await;
    let begun = Instant::now();
    let sent = root.ask("admin.kick", kick.clone()).await;
    assert_eq!(ada.until_closed().await.1, Some(4403));
    // the kick is refused when the database was silent for five seconds
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    let refused = root.answer(sent).await["error"].clone();
    assert_eq!(
        json!([refused["code"], refused["retryable"]]),
        json!(["UNAVAILABLE", true])
    );
    assert!(
        text(&refused["message"]).starts_with("the sockets were closed"),
        "{refused}"
    );
    proxy.silence(false);
    eventually("the kick is in the log", async || {
        let answer = root.call("admin.kick", kick.clone()).await;
        (answer["type"] == "ok").then_some(())
    })
    .await;
    let mut ada = Client::with_tokens(&server, &tokens, json!({})).await;
    let told = ada.ok("notification.list", json!({})).await["items"].clone();
    let told = told.as_array().expect("items").iter();
    assert_eq!(told.filter(|item| item["type"] == "SECURITY").count(), 1);
    bob.ok("task.list", json!({})).await;
}

/// Makes the schema, and opens the store without a node.
async fn store(server: &Server, url: &str) -> Store {
    let data = server.folder.path().join("data").display().to_string();
    let pairs = [("data_dir", &*data), ("database_url", url)];
    Store::open(&Settings::from_pairs(&pairs).expect("settings"))
        .await
        .expect("a database")
}

/// How many transactions of this database are open and wait for their client.
async fn idle_in_transaction(server: &Server) -> i64 {
    let mut link = server.database.link().await;
    let count = "select count(*) from pg_stat_activity
        where datname = current_database() and application_name = 'taskwire' and state like 'idle in transaction%'";
    let counted = sqlx::query_scalar(AssertSqlSafe(count));
    counted.fetch_one(&mut link).await.expect("a count")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_ends_a_transaction_whose_client_hangs() {
    let server = Server::prepare(Engine::Postgres, &[]).await;
    let store = store(&server, &server.database.url).await;
    let stream = StreamId::User(UserId(uuid::Uuid::new_v4()));
    let one = streams::Counters {
        seq: 1,
        ..streams::Counters::default()
    };
    let mut leaked = Transaction::new(store.clone());
    leaked.begin().await.expect("begun");
    streams::advance(&mut leaked, &[(stream, one)])
        .await
        .expect("written");
    leaked.commit().await.expect("committed");
    leaked.begin().await.expect("begun");
    let locked = streams::lock(&mut leaked, [stream]).await.expect("locked");
    assert_eq!(locked[&stream].seq, 1);
    assert_eq!(idle_in_transaction(&server).await, 1);
    // the client of `leaked` hangs: another one waits for the lock, and gets it before it gives up
    let waited = Instant::now();
    let mut other = Transaction::new(store.clone());
    other.begin().await.expect("begun");
    streams::lock(&mut other, [stream]).await.expect("the lock");
    assert!(
        waited.elapsed() > Duration::from_secs(2),
        "{:?}",
        waited.elapsed()
    );
    streams::advance(&mut other, &[(stream, one)])
        .await
        .expect("written");
    other.commit().await.expect("committed");
    // the client that hung gets an error: nothing of its transaction was committed
    assert!(leaked.commit().await.is_err());
    assert_eq!(idle_in_transaction(&server).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelled_reads_leave_no_transaction_behind() {
    let server = Server::prepare(Engine::Postgres, &[]).await;
    let store = store(&server, &server.database.url).await;
    for n in 0..200 {
        let reading = tokio::spawn({
            let store = store.clone();
            async move {
                let moment = store.moment().await;
                tokio::task::yield_now().await;
                drop(moment);
            }
        });
        tokio::time::sleep(Duration::from_micros(10 * (n % 40))).await;
        reading.abort();
        let _ = reading.await;
    }
    eventually("no transaction", || async {
        (idle_in_transaction(&server).await == 0).then_some(())
    })
    .await;
    // the pool still works
    for _ in 0..40 {
        store.ping().await.expect("an answer");
    }
}

/// Reads are frequent, so none of them may write a line to that log.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn normal_service_leaves_no_warning_in_the_log_of_postgresql() {
    let cluster = Cluster::start(&[]);
    let mut server = Server::prepare(Engine::Postgres, &[("database_url", &cluster.url())]).await;
    server.spawn();
    let mut ada = Client::sign_up(&server, "ada").await;
    let task = ada.ok("task.create", json!({ "title": "Read me" })).await;
    ada.ok("task.get", json!({ "id": task["id"] })).await;
    ada.ok("task.list", json!({})).await;
    ada.ok("workspace.sync", json!({ "workspace_id": ada.personal() }))
        .await;
    let mut again = ada.another(&server).await;
    again.ok("task.list", json!({})).await;
    let log = cluster.log();
    assert!(log.contains("ready to accept connections"), "{log}");
    assert!(!log.contains("WARNING"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_id_of_a_user_in_place_of_a_workspace_locks_no_stream_of_that_user() {
    let server = Server::start(Engine::Postgres, &[]).await;
    let victim = Client::sign_up(&server, "victim").await.user_id();
    let mut stranger = Client::sign_up(&server, "stranger").await;
    let mut holder = server.database.link().await;
    let hold = format!("select 1 from streams where id = '{victim}' for update");
    for statement in ["begin".to_owned(), hold] {
        holder.execute(AssertSqlSafe(statement)).await.expect("held");
    }
    let task = json!({ "workspace_id": victim, "title": "Not theirs" });
    let refused = tokio::time::timeout(PATIENCE, stranger.refused("task.create", task)).await;
    assert_eq!(
        refused.expect("an answer without waiting for the lock")["code"],
        "NOT_FOUND"
    );
    holder.execute("rollback").await.expect("let go");
}
