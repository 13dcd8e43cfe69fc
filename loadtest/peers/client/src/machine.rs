//! CPU and memory of process trees, from Linux' `/proc`. Does not know what the processes are.

use std::collections::HashMap;
use std::fs;

/// CPU of threads up to a moment, in ns.
type Threads = HashMap<u32, u64>;

/// CPU used up to a moment.
#[derive(Debug)]
pub(crate) struct Usage {
    server: Threads,
    stores: Threads,
    client: Threads,
}

/// CPU between two moments, in µs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spent {
    pub(crate) server: f64,
    /// PostgreSQL and Redis.
    pub(crate) stores: f64,
    /// This program: near a whole core, it is what limited the run.
    pub(crate) client: f64,
}

impl Usage {
    /// What these process trees have used so far.
    pub(crate) fn of(server: u32, database: Option<u32>, redis: Option<u32>) -> Usage {
        let parents = parents();
        let threads = |roots: &[Option<u32>]| {
            let roots = roots.iter().flatten();
            roots
                .flat_map(|root| tree(*root, &parents))
                .flat_map(threads)
                .collect()
        };
        Usage {
            server: threads(&[Some(server)]),
            stores: threads(&[database, redis]),
            client: threads(&[Some(std::process::id())]),
        }
    }

    /// What was used since an earlier moment. A thread that ended meanwhile is not in it: none of the peers' do.
    pub(crate) fn since(&self, earlier: &Usage) -> Spent {
        let sum = |now: &Threads, then: &Threads| {
            let spent = now
                .iter()
                .map(|(id, spent)| spent.saturating_sub(then.get(id).copied().unwrap_or(0)));
            spent.sum::<u64>() as f64 / 1000.0
        };
        Spent {
            server: sum(&self.server, &earlier.server),
            stores: sum(&self.stores, &earlier.stores),
            client: sum(&self.client, &earlier.client),
        }
    }
}

/// Proportional memory of a process tree in KiB: what is shared is divided among those who share it.
pub(crate) fn memory(root: u32) -> f64 {
    let of = |pid: u32| {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
        line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    tree(root, &parents()).into_iter().map(of).sum()
}

/// The parent of every process.
fn parents() -> HashMap<u32, u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            // The name before the last parenthesis may contain anything.
            let (_, fields) = stat.rsplit_once(')')?;
            Some((pid, fields.split_whitespace().nth(1)?.parse().ok()?))
        })
        .collect()
}

/// A process and all that come from it.
fn tree(root: u32, parents: &HashMap<u32, u32>) -> Vec<u32> {
    let mut found = vec![root];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        next += 1;
        let children = parents.iter().filter(|(_, of)| **of == parent);
        found.extend(children.map(|(pid, _)| *pid));
    }
    found
}

/// The threads of a process and what each has used, in ns.
fn threads(pid: u32) -> Vec<(u32, u64)> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten()
        .flatten();
    tasks
        .filter_map(|task| {
            let schedstat = fs::read_to_string(task.path().join("schedstat")).ok()?;
            let id = task.file_name().to_str()?.parse().ok()?;
            Some((id, schedstat.split_whitespace().next()?.parse().ok()?))
        })
        .collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn work_is_seen_as_cpu_and_memory_as_memory() {
        let this = std::process::id();
        let (before, start) = (Usage::of(this, None, None), Instant::now());
        let mut sum = 0_u64;
        while start.elapsed() < Duration::from_millis(100) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        let spent = Usage::of(this, None, None).since(&before);
        assert!(spent.server > 2_000.0 && spent.client > 2_000.0, "{spent:?}");
        assert!(memory(this) > 100.0);
    }
}
