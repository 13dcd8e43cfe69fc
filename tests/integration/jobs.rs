//! Background jobs: one run at a time with any number of instances; another instance takes over when one dies; a failed
//! run is repeated until the job is dead; recurring jobs continue after a restart.

use crate::on_both_databases;
use crate::support::database::Database as Place;
use crate::support::{Client, Engine as Database, PATIENCE, Server, eventually, http};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use taskwire::clock::Clock;
use taskwire::config::Settings;
use taskwire::engine::{Chore, Engine};
use taskwire::jobs::{Ended, Job, Kind, Run, Runner, Schedule};
use taskwire::store::jobs::{NewJob, Payload, insert};
use taskwire::store::{StoreError, Transaction};
use taskwire_protocol::Failure;
use tokio::runtime::Runtime;

on_both_databases!(
    a_recurring_job_goes_on_after_a_restart,
    a_job_that_fails_backs_off_and_ends_dead,
    a_job_of_an_unknown_kind_stays_untouched
);

const SECRET: &str = "a secret of all three instances, long enough";

/// The number that a query returns.
async fn number(place: &Place, text: &str) -> Option<i64> {
    let text = AssertSqlSafe(text.to_owned());
    let found = match place.engine {
        Database::Postgres => {
            let mut link = PgConnection::connect(&place.url).await.expect("a link");
            sqlx::query_scalar(text).fetch_optional(&mut link).await
        }
        Database::Sqlite => {
            let mut link = SqliteConnection::connect(&place.url).await.expect("a link");
            sqlx::query_scalar(text).fetch_optional(&mut link).await
        }
    };
    found.expect("an answer")
}

/// When the retention job is due; `None` while it runs or before it exists.
async fn retention_due(server: &Server) -> Option<i64> {
    let text = "select due_at from jobs where kind = 'retention' and claim is null";
    number(&server.database, text).await
}

/// Waits until the retention job has run: then it is due in the future.
async fn retention_ran(server: &Server) {
    eventually("a run of retention", || async {
        retention_due(server)
            .await
            .filter(|due| *due > Clock::system().now_ms())
    })
    .await;
}

/// How often runs of a kind on an instance had this outcome.
async fn runs(server: &Server, kind: &str, outcome: &str) -> u64 {
    let line = format!("taskwire_jobs_total{{kind=\"{kind}\",outcome=\"{outcome}\"}} ");
    metric(server, &line).await.unwrap_or(0)
}

async fn metric(server: &Server, line: &str) -> Option<u64> {
    let metrics = http::get(server, "/metrics").await.text().await.expect("metrics");
    let found = metrics.lines().find_map(|found| found.strip_prefix(line));
    found.map(|number| number.trim().parse().expect("a whole number"))
}

// --- Kinds of this file, run by engines in this process -------------------------------------

/// An engine in its own runtime. Dropping it kills the engine: its runs end, and it gives no job back.
struct Instance {
    runtime: Option<Runtime>,
    engine: Engine,
    _runner: Runner,
}

impl Instance {
    fn start(server: &Server, number: usize, kinds: &'static [Kind]) -> Instance {
        let data = server.folder.path().join(format!("data-{number}"));
        let data = data.display().to_string();
        let pairs = [
            ("data_dir", &*data),
            ("database_url", &*server.database.url),
            ("lease_seconds", "3"),
            // several instances with one name are still different holders
            ("instance", "same"),
        ];
        let settings = Arc::new(Settings::from_pairs(&pairs).expect("settings"));
        // clocks may differ by hours: only the database's clock counts
        let clock = Clock::fixed(1_770_000_000_000 + number as i64 * 3_600_000);
        let starting = std::thread::spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_multi_thread();
            let runtime = runtime.worker_threads(1).enable_all().build().expect("a runtime");
            let (engine, runner) = runtime.block_on(async {
                let engine = Engine::start(&settings, clock).await.expect("an engine");
                let runner = Runner::start(&engine, &settings, kinds);
                (engine, runner)
            });
            Instance {
                runtime: Some(runtime),
                engine,
                _runner: runner,
            }
        });
        starting.join().expect("it starts")
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The number of the instance that runs this.
fn instance(run: &Run) -> usize {
    let data = run.settings().data_dir.display().to_string();
    let (_, number) = data.rsplit_once('-').expect("a number");
    number.parse().expect("a number")
}

#[derive(Serialize, Deserialize)]
struct Endless;

impl Payload for Endless {
    const KIND: &'static str = "endless";
}

static AT_ONCE: AtomicI64 = AtomicI64::new(0);
static MOST_AT_ONCE: AtomicI64 = AtomicI64::new(0);
static STEPS: [AtomicUsize; 3] = [const { AtomicUsize::new(0) }; 3];

impl Job for Endless {
    const SCHEDULE: Schedule = Schedule::Every {
        first: Duration::ZERO,
        interval: Duration::ZERO,
    };
    const LIMIT: Duration = Duration::from_mins(5);

    async fn run(self, run: Run) -> Result<Ended, Failure> {
        struct Leaving;
        impl Drop for Leaving {
            fn drop(&mut self) {
                AT_ONCE.fetch_sub(1, Ordering::SeqCst);
            }
        }
        let now = AT_ONCE.fetch_add(1, Ordering::SeqCst) + 1;
        MOST_AT_ONCE.fetch_max(now, Ordering::SeqCst);
        let _leaving = Leaving;
        loop {
            STEPS[instance(&run)].fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// The number of the instance that makes progress with the endless job.
async fn worker() -> usize {
    let steps = || STEPS.each_ref().map(|steps| steps.load(Ordering::SeqCst));
    let before = steps();
    eventually("progress of an instance with the job", || async {
        (0..3).find(|i| steps()[*i] > before[*i] + 3)
    })
    .await
}

static ENDLESS: &[Kind] = &[Kind::of::<Endless>()];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_three_instances_runs_a_job_and_another_takes_over_when_it_dies() {
    let server = Server::prepare(Database::Postgres, &[]).await;
    let mut instances = Vec::new();
    for number in 0..3 {
        instances.push(Some(Instance::start(&server, number, ENDLESS)));
    }
    for _ in 0..2 {
        let at_work = worker().await;
        drop(instances[at_work].take().expect("it lives"));
        let gone = Instant::now();
        let next = worker().await;
        assert_ne!(next, at_work);
        assert!(gone.elapsed() < PATIENCE, "{:?}", gone.elapsed());
    }
    assert_eq!(MOST_AT_ONCE.load(Ordering::SeqCst), 1);
}

#[derive(Serialize, Deserialize)]
struct Short {
    number: usize,
}

impl Payload for Short {
    const KIND: &'static str = "short";
}

/// The instances that ran each job.
static RUNS: Mutex<BTreeMap<usize, Vec<usize>>> = Mutex::new(BTreeMap::new());

impl Job for Short {
    const SCHEDULE: Schedule = Schedule::Once { attempts: 3 };
    const LIMIT: Duration = Duration::from_mins(5);

    async fn run(self, run: Run) -> Result<Ended, Failure> {
        RUNS.lock()
            .expect("the runs")
            .entry(self.number)
            .or_default()
            .push(instance(&run));
        run.end().await
    }
}

/// Enqueues short jobs.
struct Enqueue(usize);

impl Chore for Enqueue {
    type Output = ();
    async fn run(self, tx: &mut Transaction) -> Result<(), StoreError> {
        let jobs =
            (0..self.0).map(|number| NewJob::new(number.to_string(), &Short { number }, Duration::ZERO));
        let jobs: Vec<NewJob> = jobs.collect::<Result<_, _>>()?;
        insert(tx, &jobs).await
    }
}

static SHORT: &[Kind] = &[Kind::of::<Short>()];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_many_jobs_runs_once_on_one_of_three_instances() {
    let server = Server::prepare(Database::Postgres, &[]).await;
    let mut instances = Vec::new();
    for number in 0..3 {
        instances.push(Instance::start(&server, number, SHORT));
    }
    instances[0].engine.chore(Enqueue(200)).await.expect("it is done");
    eventually("the end of all jobs", || async {
        (number(&server.database, "select count(*) from jobs").await == Some(0)).then_some(())
    })
    .await;
    let runs = RUNS.lock().expect("the runs");
    assert_eq!(runs.len(), 200);
    assert!(runs.values().all(|instances| instances.len() == 1), "{runs:?}");
}

// --- The server's own kinds, on real processes ----------------------------------------------

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retention_runs_once_on_one_of_three_instances() {
    let servers = Server::start_several(3, &[]).await;
    eventually("the job", || retention_due(&servers[0])).await;
    for round in 1..=3 {
        let (code, said) = servers[0].run(&["admin", "jobs", "retry", "retention"]);
        assert_eq!(code, Some(0), "{said}");
        retention_ran(&servers[0]).await;
        // the counter rises after the commit
        eventually("a count", || async {
            let mut all = 0;
            for server in &servers {
                all += runs(server, "retention", "ended").await;
            }
            assert!(all <= round, "{all} runs of {round}");
            (all == round).then_some(())
        })
        .await;
    }
}

/// Three instances, and a lock that makes retention wait in its first step on one of them. Returns the number of that
/// one.
async fn standing(lease: &str) -> (Vec<Server>, PgConnection, usize) {
    let settings = [("lease_seconds", lease), ("jwt_secret", SECRET)];
    let mut first = Server::prepare(Database::Postgres, &settings).await;
    first.set("instance", "i0");
    first.spawn();
    let mut servers = vec![first];
    for name in ["i1", "i2"] {
        let next = servers[0].beside(&[("instance", name)]);
        servers.push(next);
    }
    eventually("the job", || retention_due(&servers[0])).await;
    let mut lock = servers[0].database.link().await;
    let text = "begin; lock table ops in access exclusive mode";
    lock.execute(text).await.expect("a lock");
    assert_eq!(
        servers[0].run(&["admin", "jobs", "retry", "retention"]).0,
        Some(0)
    );
    let holder = holder(&servers).await;
    eventually("a step that stands", || async {
        (servers[0].database.lock_waiters().await > 0).then_some(())
    })
    .await;
    (servers, lock, holder)
}

async fn holder(servers: &[Server]) -> usize {
    let text =
        "select cast(substr(holder, 2) as bigint) from jobs where kind = 'retention' and claim is not null";
    let found = eventually("a holder", || number(&servers[0].database, text)).await;
    usize::try_from(found).expect("an instance")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_instance_takes_over_the_job_of_a_killed_one() {
    let (mut servers, mut lock, killed) = standing("2").await;
    let text = "select holder from jobs where kind = 'retention'";
    let holder: String = sqlx::query_scalar(text)
        .fetch_one(&mut lock)
        .await
        .expect("a name");
    let (code, said) = servers[0].run(&["admin", "jobs"]);
    assert_eq!(code, Some(0));
    assert!(said.contains(&format!("retention  runs on {holder}")), "{said}");
    servers[killed].kill();
    let since = Instant::now();
    lock.execute("rollback").await.expect("no lock");
    retention_ran(&servers[0]).await;
    assert!(since.elapsed() < Duration::from_secs(15), "{:?}", since.elapsed());
    let mut ended = 0;
    for (number, server) in servers.iter().enumerate() {
        if number != killed {
            ended += runs(server, "retention", "ended").await;
        }
    }
    assert_eq!(ended, 1);
    // its restart does not run the job again
    servers[killed].spawn();
    assert!(retention_due(&servers[0]).await > Some(Clock::system().now_ms()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_instance_gives_its_job_back() {
    // a lease so long that the test would not outlast it
    let (mut servers, mut lock, stopped) = standing("3600").await;
    servers[stopped].ask_to_stop();
    // two statements wait: the step, and the one that gives the job back
    eventually("a job on its way back", || async {
        (servers[0].database.lock_waiters().await > 1).then_some(())
    })
    .await;
    lock.execute("rollback").await.expect("no lock");
    assert_eq!(servers[stopped].ended().await, Some(0));
    retention_ran(&servers[0]).await;
}

async fn a_recurring_job_goes_on_after_a_restart(database: Database) {
    let mut server = Server::start(database, &[]).await;
    let due = eventually("the job", || retention_due(&server)).await;
    server.kill();
    server.spawn();
    assert_eq!(
        retention_due(&server).await,
        Some(due),
        "a start must not change when the job is due"
    );
    server.kill();
    server.database.execute("delete from jobs").await;
    server.spawn();
    eventually("the dropped job again", || retention_due(&server)).await;
    server.kill();
    server.database.execute("update jobs set due_at = 0").await;
    server.spawn();
    retention_ran(&server).await;
    assert_eq!(server.terminate(), Some(0), "ends in order when no job runs");
}

/// A server whose job `words` always fails.
async fn failing(database: Database) -> Server {
    let server = Server::start(database, &[]).await;
    if database == Database::Postgres {
        // on PostgreSQL nothing enqueues this job; its payload cannot be read
        let job = "insert into jobs (kind, key, payload, due_at, attempts, revision) values ('words', '', '7', 0, 0, 0)";
        server.database.execute(job).await;
        return server;
    }
    let mut client = Client::sign_up(&server, "ada").await;
    let task = client.ok("task.create", json!({ "title": "milk" })).await;
    let done = "select count(*) from jobs where kind = 'words'";
    eventually("the index", || async {
        (number(&server.database, done).await == Some(0)).then_some(())
    })
    .await;
    let keep = "create trigger keep before delete on task_search_due begin select raise(abort, 'kept'); end";
    server.database.execute(keep).await;
    let change = json!({ "id": task["id"], "title": "bread" });
    client.ok("task.update", change).await;
    server
}

async fn a_job_that_fails_backs_off_and_ends_dead(database: Database) {
    let mut server = failing(database).await;
    let failed = "select attempts from jobs where kind = 'words' and error is not null and claim is null";
    let attempts = eventually("a failure", || number(&server.database, failed)).await;
    assert_eq!(attempts, 1);
    let since = Instant::now();
    let dead = "select attempts from jobs where kind = 'words' and dead_at is not null";
    let attempts = eventually("its end", || number(&server.database, dead)).await;
    assert_eq!(attempts, 4);
    // pauses of 0.5 s, 1 s and 2 s; the first failure may have been noticed late
    assert!(since.elapsed() > Duration::from_secs(3), "{:?}", since.elapsed());
    eventually("a sign", || async {
        let dead = metric(&server, "taskwire_jobs_dead{kind=\"words\"} ").await;
        (dead == Some(1)).then_some(())
    })
    .await;
    assert_eq!(runs(&server, "words", "failed").await, 4);
    assert!(server.log().contains("a job failed for the last time"));
    if database == Database::Sqlite {
        assert_eq!(server.terminate(), Some(0)); // only one process may open its file
    }
    let (code, said) = server.run(&["admin", "jobs"]);
    let first = said.lines().next().unwrap_or_default();
    assert!(
        code == Some(0) && first.starts_with("words  dead since "),
        "{said}"
    );
    let (code, said) = server.run(&["admin", "jobs", "retry", "word"]);
    assert!(code == Some(1) && said.contains("no job of this kind"), "{said}");
    if database == Database::Postgres {
        let (code, said) = server.run(&["admin", "jobs", "drop", "words"]);
        assert_eq!((code, said.trim()), (Some(0), "words is removed"));
        let all = "select count(*) from jobs where kind = 'words'";
        assert_eq!(number(&server.database, all).await, Some(0));
        return;
    }
    let (code, said) = server.run(&["admin", "jobs", "retry", "words"]);
    assert_eq!((code, said.trim()), (Some(0), "words is due now"));
    server.database.execute("drop trigger keep").await;
    server.spawn();
    eventually("its success", || async {
        let left = "select (select count(*) from jobs where kind = 'words') + (select count(*) from task_search_due)";
        (number(&server.database, left).await == Some(0)).then_some(())
    })
    .await;
}

async fn a_job_of_an_unknown_kind_stays_untouched(database: Database) {
    let mut server = Server::start(database, &[]).await;
    eventually("the job", || retention_due(&server)).await;
    server.kill();
    let job = "insert into jobs (kind, key, payload, due_at, attempts, revision) values ('later', 'a', '{}', 0, 0, 0);
        update jobs set due_at = 0";
    server.database.execute(job).await;
    server.spawn();
    retention_ran(&server).await;
    let untouched = "select attempts from jobs where kind = 'later' and claim is null and dead_at is null";
    assert_eq!(number(&server.database, untouched).await, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_words_of_a_task_are_indexed_after_a_kill() {
    let mut server = Server::start(Database::Sqlite, &[]).await;
    let mut client = Client::sign_up(&server, "ada").await;
    client.ok("task.create", json!({ "title": "milk" })).await;
    server.kill();
    let enqueued = "select count(*) from jobs where kind = 'words'";
    assert_eq!(
        number(&server.database, enqueued).await,
        Some(1),
        "the job must be committed with the task"
    );
    server.spawn();
    eventually("the index", || async {
        let left = number(&server.database, enqueued).await;
        let indexed = number(&server.database, "select count(*) from task_search_docsize").await;
        (left == Some(0) && indexed == Some(1)).then_some(())
    })
    .await;
}
