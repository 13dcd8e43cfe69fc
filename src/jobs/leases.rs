//! Work that one instance does for all: whoever holds the lease of its name. The holder keeps it while it lives; when it is
//! gone without a word, another takes over after the lease's term and a third of it. Does not know what the work is.
//!
//! An instance that hangs may come to itself after its lease has ended, in the middle of a step: steps are transactions
//! that do no harm when they are done twice.

use crate::config::Settings;
use crate::engine::{Chore, Engine};
use crate::store::{StoreError, Transaction, leases};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use taskwire_protocol::Failure;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

/// A stopping node takes at most this long to give its leases back.
const GIVING_BACK: Duration = Duration::from_secs(2);

/// The leases of this process. Clones are the same holder.
#[derive(Clone)]
pub struct Leases {
    engine: Engine,
    holder: Arc<str>,
    term: Duration,
}

impl Leases {
    /// A holder of its own, even if another instance has the same name.
    pub fn new(engine: &Engine, settings: &Settings) -> Leases {
        Leases {
            engine: engine.clone(),
            holder: format!("{} {:016x}", settings.instance, rand::random::<u64>()).into(),
            term: settings.lease,
        }
    }

    /// Does `work` for ever, on one instance at a time. It is dropped when the lease is lost, and begun again when it is
    /// had again or the work ends.
    pub async fn alone<W: Future<Output = ()>>(self, name: &'static str, work: impl Fn() -> W) {
        let held = metrics::gauge!("taskwire_lease_held", "lease" => name);
        loop {
            held.set(0.0);
            let asked = Instant::now();
            if matches!(self.take(name).await, Ok(true)) {
                held.set(1.0);
                tracing::info!(lease = name, "holding a lease");
                tokio::select! {
                    () = work() => {}
                    () = self.keep(name, asked) => tracing::warn!(lease = name, "lost a lease"),
                }
            }
            // not all at once
            sleep(self.pause().mul_f64(rand::random_range(0.8..1.0))).await;
        }
    }

    /// Gives back what this process holds, so that another instance need not wait.
    pub async fn release(&self) {
        let holder = self.holder.clone();
        // a database that is away keeps nobody from stopping, and the leases end by themselves
        let given = timeout_at(
            Instant::now() + GIVING_BACK,
            self.engine.chore(Release { holder }),
        )
        .await;
        if !matches!(given, Ok(Ok(_))) {
            tracing::warn!("the leases could not be given back; another instance waits until they end");
        }
    }

    /// Renews until it is lost. It ends here no later than in the database: counted from before the database was asked.
    async fn keep(&self, name: &'static str, asked: Instant) {
        let mut until = asked + self.term;
        loop {
            sleep_until((Instant::now() + self.pause()).min(until)).await;
            let asked = Instant::now();
            match timeout_at(until, self.take(name)).await {
                Ok(Ok(true)) => until = asked + self.term,
                // the database is away: others cannot take it either
                Ok(Err(_)) if Instant::now() < until => {}
                Ok(_) | Err(_) => return,
            }
        }
    }

    async fn take(&self, name: &'static str) -> Result<bool, Failure> {
        let (holder, term) = (self.holder.clone(), self.term);
        self.engine.chore(Take { name, holder, term }).await
    }

    /// Between two looks at a lease.
    fn pause(&self) -> Duration {
        self.term / 3
    }
}

type Running<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

struct Take {
    name: &'static str,
    holder: Arc<str>,
    term: Duration,
}

impl Chore for Take {
    type Output = bool;
    fn run(self, tx: &mut Transaction) -> Running<'_, bool> {
        let term = i64::try_from(self.term.as_millis()).unwrap_or(i64::MAX);
        Box::pin(async move { leases::take(tx, self.name, &self.holder, term).await })
    }
}

struct Release {
    holder: Arc<str>,
}

impl Chore for Release {
    type Output = u64;
    fn run(self, tx: &mut Transaction) -> Running<'_, u64> {
        Box::pin(async move { leases::release(tx, &self.holder).await })
    }
}
