//! The servers that faults break: PostgreSQL and Redis, a proxy before each, and the instances.
//!
//! - `process`       starts and signals processes, finds ports
//! - `postgres`, `redis`   the servers
//! - `proxy`         the proxy before each; `postgres_wire` and `redis_wire` read what it carries
//! - `instance`      a taskwire process that is started again whenever it ends

pub(crate) mod instance;
mod postgres;
mod postgres_wire;
pub(crate) mod process;
mod proxy;
mod redis;
mod redis_wire;

pub(crate) use instance::Instance;
pub(crate) use postgres::Postgres;
pub(crate) use proxy::Proxy;
pub(crate) use redis::Redis;

use crate::Failed;
use instance::Recipe;
use proxy::Carries;
use rustix::process::Signal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::sync::Mutex;

/// The folder of the files of all instances, as on a shared volume.
const FILES: &str = "files";

/// All servers. A fault holds the lock of the server that it breaks.
pub(crate) struct World {
    pub(crate) postgres: Mutex<Postgres>,
    pub(crate) postgres_proxy: Proxy,
    pub(crate) redis: Mutex<Redis>,
    pub(crate) redis_proxy: Proxy,
    pub(crate) instances: Vec<Arc<Instance>>,
    /// By instance: held by its fault, so that an instance has one fault at a time.
    pub(crate) turns: Vec<Mutex<()>>,
    /// The URL of the database, without the proxy.
    pub(crate) database: String,
    /// How often a fault cut the logs. After the first cut `expired` is a true reason.
    pub(crate) cuts: AtomicU64,
    /// How often a backup was restored. After the first restore `epoch` is a true reason.
    pub(crate) restores: AtomicU64,
    pub(crate) folder: PathBuf,
}

impl World {
    /// The folder of all files.
    pub(crate) fn files(&self) -> PathBuf {
        self.folder.join(FILES)
    }

    /// Starts everything, and waits until every instance serves.
    pub(crate) async fn start(
        server: &Path,
        postgres_bin: &Path,
        folder: &Path,
        logs: &Path,
        instances: usize,
        seed: u64,
    ) -> Result<World, Failed> {
        let postgres = Postgres::start(postgres_bin, &folder.join("postgres"), logs).await?;
        let redis = Redis::start(&folder.join("redis"), logs).await?;
        let postgres_proxy = Proxy::start(Carries::Postgres, postgres.port(), seed).await?;
        let redis_proxy = Proxy::start(Carries::Redis, redis.port(), seed).await?;
        let settings = |number: usize| {
            let text = |key: &str, value: &str| (key.to_owned(), value.to_owned());
            vec![
                text("database_url", &Postgres::url("taskwire", postgres_proxy.port)),
                text("redis_url", &format!("redis://127.0.0.1:{}", redis_proxy.port)),
                text("instance", &format!("node-{number}")),
                text("jwt_secret", "the same on every instance of this world"),
                text("rate_limit_enabled", "false"),
                // clients get a new one all the time
                text("access_token_minutes", "1"),
                // half-open sockets are found within the run
                text("heartbeat_seconds", "3"),
                text("drain_seconds", "5"),
                // only the fault `Retention` cuts logs
                text("log_retention_days", "0"),
                text("log_level", "info"),
            ]
        };
        let mut started: Vec<Arc<Instance>> = Vec::new();
        for number in 0..instances {
            started.push(Instance::start(Recipe {
                server: server.to_owned(),
                folder: folder.join(format!("node-{number}")),
                files: folder.join(FILES),
                log: logs.join(format!("node-{number}.log")),
                port: process::free_port()?,
                settings: settings(number),
            })?);
            // the first one makes the schema
            if !started[number].ready(std::time::Duration::from_mins(1)).await {
                return Err(format!("instance {number} did not start, see {}", logs.display()).into());
            }
        }
        let database = Postgres::url("taskwire", postgres.port());
        Ok(World {
            postgres: Mutex::new(postgres),
            postgres_proxy,
            redis: Mutex::new(redis),
            redis_proxy,
            turns: started.iter().map(|_| Mutex::new(())).collect(),
            instances: started,
            database,
            cuts: AtomicU64::new(0),
            restores: AtomicU64::new(0),
            folder: folder.to_owned(),
        })
    }

    /// Ends everything, also where something still holds the world.
    pub(crate) async fn end(&self) {
        for instance in &self.instances {
            instance.want(false).await;
        }
        // what cannot be ended has ended
        let _ = self.redis.lock().await.kill().await;
        let _ = self.postgres.lock().await.end(Signal::QUIT).await;
    }
}
