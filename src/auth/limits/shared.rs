//! Windows and locks in Redis: sorted sets of times, changed by one script in one round trip. Nobody waits for a Redis
//! that is away or slow: after a quarter of a second the caller counts in memory, and so do all for the next second.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue, RedisResult};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::table::Rule;
use super::who::Key;
use super::{Allowance, Mark, Taken, lock};

/// A longer wait for Redis is none.
const PATIENCE: Duration = Duration::from_millis(250);
/// An attempt to connect that takes longer fails. Only the first callers wait for it, and not longer than [`PATIENCE`].
const CONNECT: Duration = Duration::from_secs(2);
/// After a failure Redis is not asked for this long.
const PAUSE: Duration = Duration::from_secs(1);

const TAKE: &str = include_str!("take.lua");
const SETTLE: &str = include_str!("settle.lua");

/// What to count in one step.
pub(super) struct Question {
    /// Each with how many to count.
    pub(super) windows: Vec<(&'static str, Key, Rule, u32)>,
    pub(super) failures: Option<(&'static str, Key)>,
}

/// What a purse spent on this instance.
pub(super) struct Spent {
    pub(super) of: &'static str,
    pub(super) key: Key,
    /// The time in which it is earned.
    pub(super) earns_us: i64,
    /// The longest time until everything is earned.
    pub(super) most_us: i64,
}

/// The counts of all instances.
pub(super) struct Shared {
    client: Client,
    prefix: String,
    link: Arc<watch::Sender<Link>>,
}

#[derive(Clone)]
enum Link {
    Away(Instant),
    /// Since when.
    Connecting(Instant),
    Up(MultiplexedConnection),
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn new(client: Client, prefix: &str) -> Shared {
        Shared {
            client,
            prefix: format!("{prefix}:limit"),
            link: Arc::new(watch::Sender::new(Link::Away(Instant::now()))),
        }
    }

    /// Counts; `None`: Redis did not answer in time.
    pub(super) async fn take(&self, question: &Question) -> Option<Taken> {
        let name = rand::random();
        let answer: Vec<i64> = self.ask(&self.script(question, name)).await?;
        let (locked_ms, windows) = answer.split_first()?;
        let windows = windows.chunks_exact(3).zip(&question.windows);
        Some(Taken {
            windows: windows
                .map(|(state, (_, _, rule, _))| match state {
                    [used, left_ms, refused] => Allowance::of(
                        rule.number,
                        u32::try_from(*used).unwrap_or(u32::MAX),
                        within(*left_ms, rule.window_ms),
                        *refused == 0,
                    ),
                    _ => Allowance::of(rule.number, 0, 0, true),
                })
                .collect(),
            locked_ms: within(*locked_ms, lock::LONGEST_MS),
            mark: Mark {
                shared: Some(name),
                ..Mark::default()
            },
        })
    }

    /// Adds what purses spent; answers for each how many microseconds it takes until all instances together have earned what
    /// they spent. `None`: Redis did not answer in time.
    pub(super) async fn settle(&self, spent: &[Spent]) -> Option<Vec<i64>> {
        let keys: Vec<String> = spent.iter().map(|one| self.key(one.of, one.key)).collect();
        let mut command = redis::cmd("EVAL");
        command.arg(SETTLE).arg(keys.len()).arg(keys);
        for one in spent {
            command.arg(one.earns_us).arg(one.most_us);
        }
        self.ask(&command).await
    }

    /// A sign-in succeeded: all failures are forgotten.
    pub(super) async fn succeed(&self, of: &str, key: Key) {
        let _: Option<i64> = self.ask(redis::cmd("DEL").arg(self.key(of, key))).await;
    }

    /// A sign-in had no outcome, or one does not count after all.
    pub(super) async fn undo(&self, of: &str, key: Key, name: u64) {
        let key = self.key(of, key);
        let _: Option<i64> = self.ask(redis::cmd("ZREM").arg(key).arg(member(name))).await;
    }

    fn key(&self, of: &str, Key(key): Key) -> String {
        format!("{}:{of}:{key:032x}", self.prefix)
    }

    fn script(&self, question: &Question, name: u64) -> Cmd {
        let Question { windows, failures } = question;
        let keys = windows.iter().map(|(of, key, ..)| self.key(of, *key));
        let keys: Vec<String> = keys.chain(failures.map(|(of, key)| self.key(of, key))).collect();
        let mut command = redis::cmd("EVAL");
        command.arg(TAKE).arg(keys.len()).arg(keys);
        command.arg(member(name)).arg(windows.len());
        for (_, _, rule, many) in windows {
            command.arg(rule.number).arg(rule.window_ms).arg(many);
        }
        if failures.is_some() {
            command.arg(lock::FAILURES).arg(lock::WINDOW_MS);
            command
                .arg(lock::SHORTEST_MS)
                .arg(lock::LONGEST_MS)
                .arg(lock::KEPT);
        }
        command
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Option<T> {
        let until = Instant::now() + PATIENCE;
        let mut connection = self.connection(until).await?;
        let answered = timeout_at(until, command.query_async(&mut connection)).await;
        match answered {
            Ok(Ok(answer)) => return Some(answer),
            Ok(Err(error)) => tracing::debug!(error.message = %error, "Redis counts no limits"),
            Err(_) => tracing::debug!("Redis counts no limits: it is slow"),
        }
        self.link.send_replace(Link::Away(Instant::now() + PAUSE));
        None
    }

    async fn connection(&self, until: Instant) -> Option<MultiplexedConnection> {
        let now = Instant::now();
        let mut link = self.link.subscribe();
        let begins = self.link.send_if_modified(|link| match link {
            Link::Away(pause) if *pause <= now => {
                *link = Link::Connecting(now);
                true
            }
            _ => false,
        });
        if begins {
            let (client, link) = (self.client.clone(), self.link.clone());
            tokio::spawn(async move {
                let next = match connect(&client).await {
                    Ok(connection) => Link::Up(connection),
                    Err(error) => {
                        tracing::debug!(error.message = %error, "no connection to Redis to count limits");
                        Link::Away(Instant::now() + PAUSE)
                    }
                };
                link.send_replace(next);
            });
        }
        let waits =
            |link: &Link| matches!(link, Link::Connecting(since) if *since + PATIENCE > Instant::now());
        let found = timeout_at(until, link.wait_for(|link| !waits(link))).await;
        match &*found.ok()?.ok()? {
            Link::Up(connection) => Some(connection.clone()),
            Link::Away(_) | Link::Connecting(_) => None,
        }
    }
}

/// A time that Redis tells. No limit and no lock lasts longer than `longest_ms`.
fn within(ms: i64, longest_ms: i64) -> u64 {
    ms.clamp(0, longest_ms).unsigned_abs()
}

/// The name of one in a sorted set.
fn member(name: u64) -> String {
    format!("{name:x}")
}

async fn connect(client: &Client) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT))
        .set_response_timeout(Some(PATIENCE));
    client.get_multiplexed_async_connection_with_config(&config).await
}
