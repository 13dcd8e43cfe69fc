//! Work that one instance does for all: never two at once, and never nobody for long.

use crate::support::{Engine as Database, PATIENCE, Server, eventually, http};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use taskwire::clock::Clock;
use taskwire::config::Settings;
use taskwire::engine::Engine;
use taskwire::jobs::Leases;
use tokio::task::JoinHandle;

const SECRET: &str = "a secret of all three instances, long enough";

/// What the instances of a test do under their lease: they count.
#[derive(Default)]
struct Work {
    at_once: AtomicI64,
    most_at_once: AtomicI64,
    steps: [AtomicUsize; 3],
}

impl Work {
    async fn go_on(self: Arc<Work>, instance: usize) {
        struct Leaving<'a>(&'a Work);
        impl Drop for Leaving<'_> {
            fn drop(&mut self) {
                self.0.at_once.fetch_sub(1, Ordering::SeqCst);
            }
        }
        let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_at_once.fetch_max(now, Ordering::SeqCst);
        let _leaving = Leaving(&self);
        loop {
            self.steps[instance].fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn steps(&self) -> [usize; 3] {
        self.steps.each_ref().map(|steps| steps.load(Ordering::SeqCst))
    }

    /// Who does more of it.
    async fn worker(&self) -> usize {
        let before = self.steps();
        eventually("somebody's work", || async {
            let steps = self.steps();
            (0..3).find(|i| steps[*i] > before[*i] + 3)
        })
        .await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_three_works_and_another_takes_over_when_it_is_gone() {
    let server = Server::prepare(Database::Postgres, &[]).await;
    let work = Arc::new(Work::default());
    let mut instances: Vec<Option<(Engine, JoinHandle<()>)>> = Vec::new();
    for instance in 0..3 {
        let data = server.folder.path().join(format!("data-{instance}"));
        let data = data.display().to_string();
        let pairs = [
            ("data_dir", &*data),
            ("database_url", &*server.database.url),
            ("lease_seconds", "3"),
            // a name that is given twice does not make two holders one
            ("instance", "same"),
        ];
        let settings = Settings::from_pairs(&pairs).expect("settings");
        // clocks that differ by hours do not matter: the database's counts
        let clock = Clock::fixed(1_770_000_000_000 + instance as i64 * 3_600_000);
        let engine = Engine::start(&settings, clock).await.expect("an engine");
        let leases = Leases::new(&engine, &settings);
        let work = work.clone();
        let task = tokio::spawn(leases.alone("test", move || work.clone().go_on(instance)));
        instances.push(Some((engine, task)));
    }
    for _ in 0..2 {
        let worker = work.worker().await;
        let (engine, task) = instances[worker].take().expect("it lives");
        task.abort(); // and gives nothing back
        let gone = Instant::now();
        let _ = task.await;
        let next = work.worker().await;
        assert_ne!(next, worker);
        assert!(gone.elapsed() < PATIENCE, "{:?}", gone.elapsed());
        engine.stop().await;
    }
    assert_eq!(work.most_at_once.load(Ordering::SeqCst), 1);
}

/// Whether an instance holds the lease of retention.
async fn holds(server: &Server) -> bool {
    let metrics = http::get(server, "/metrics").await.text().await.expect("metrics");
    let mut lines = metrics.lines();
    lines.any(|line| line == "taskwire_lease_held{lease=\"retention\"} 1")
}

async fn holder(servers: &[Server]) -> usize {
    eventually("a holder", || async {
        for (i, server) in servers.iter().enumerate() {
            if holds(server).await {
                return Some(i);
            }
        }
        None
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retention_runs_on_one_instance_whichever_is_killed_or_stopped() {
    let settings = [("lease_seconds", "2"), ("jwt_secret", SECRET)];
    let first = Server::start(Database::Postgres, &settings).await;
    let mut servers = vec![first.beside(&[]), first.beside(&[])];
    servers.push(first);
    let killed = holder(&servers).await;
    // the one that made the database outlives the test's others
    let mut gone = servers.remove(killed);
    gone.kill();
    let since = Instant::now();
    let stopped = holder(&servers).await;
    assert!(since.elapsed() < Duration::from_secs(10), "{:?}", since.elapsed());
    assert!(!holds(&servers[1 - stopped]).await, "two hold it");
    assert_eq!(servers[stopped].terminate(), Some(0));
    let mut left = servers.remove(stopped);
    assert_eq!(holder(&servers).await, 0);
    // and they come back without taking it away
    left.spawn();
    gone.spawn();
    for server in [&left, &gone] {
        assert!(!holds(server).await, "two hold it");
    }
}
