//! I9: what an instance holds: descriptors, memory and threads by `/proc`; sockets and topics by its metrics.

use crate::Failed;
use crate::http;
use crate::verdict::{Invariant, Verdicts};
use crate::world::{Instance, World};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Descriptors above the baseline that are not a leak: a full pool of connections to the database, Redis, and a few.
const DESCRIPTORS: u64 = 40;
/// Memory above the baseline that is not a leak: the rings' budget, caches, and what an allocator keeps.
const MEMORY: u64 = 192 << 20;
/// How long a node has to find out that half-open sockets are dead, and to release them.
const CALM: Duration = Duration::from_secs(45);

/// What an instance holds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) descriptors: u64,
    pub(crate) memory: u64,
    pub(crate) threads: u64,
    pub(crate) sockets: u64,
    pub(crate) topics: u64,
}

impl Usage {
    /// The usage of every instance.
    pub(crate) async fn of_all(world: &World) -> Result<Vec<Usage>, Failed> {
        let mut all = Vec::new();
        for instance in &world.instances {
            all.push(Usage::of(instance).await?);
        }
        Ok(all)
    }

    async fn of(instance: &Instance) -> Result<Usage, Failed> {
        let pid = instance.pid();
        let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd"))?.count() as u64;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let number = |name: &str| {
            let line = status
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .unwrap_or_default();
            line.split_whitespace()
                .next()
                .and_then(|word| word.parse().ok())
                .unwrap_or(0_u64)
        };
        let metrics = http::get(&instance.address(), "/metrics").await?;
        let gauge = |name: &str| {
            let line = metrics
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.and_then(|value| value.trim().parse::<f64>().ok())
                .unwrap_or_default() as u64
        };
        Ok(Usage {
            descriptors,
            memory: number("VmRSS:") << 10,
            threads: number("Threads:"),
            sockets: gauge("taskwire_sockets"),
            topics: gauge("taskwire_topics"),
        })
    }

    fn exceeds(&self, base: &Usage) -> bool {
        self.sockets > 0
            || self.topics > 0
            || self.descriptors > base.descriptors + DESCRIPTORS
            || self.memory > base.memory + MEMORY
            || self.threads > base.threads + 16
    }
}

/// I9: after all clients have left, every instance returns to its baseline. Returns what each holds then.
pub(crate) async fn back_at_base(world: &World, base: &[Usage], verdicts: &Verdicts) -> Vec<Usage> {
    let deadline = Instant::now() + CALM;
    loop {
        let now = Usage::of_all(world).await;
        let over = Instant::now() > deadline;
        match now {
            Ok(now) if over || !now.iter().zip(base).any(|(now, base)| now.exceeds(base)) => {
                for (number, (now, base)) in now.iter().zip(base).enumerate() {
                    verdicts.checked(Invariant::I9, 1);
                    if now.exceeds(base) {
                        let what = format!("instance {number} holds {now:?}; at the start it held {base:?}");
                        verdicts.violated(Invariant::I9, what);
                    }
                }
                return now;
            }
            Err(error) if over => {
                verdicts.violated(
                    Invariant::I9,
                    format!("cannot read what an instance holds: {error}"),
                );
                return Vec::new();
            }
            _ => sleep(Duration::from_millis(500)).await,
        }
    }
}
