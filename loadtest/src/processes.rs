//! CPU and memory of processes, from Linux' `/proc`. On other systems the numbers are absent. Does not know what the
//! processes do.

use std::collections::HashMap;
use std::fs;

/// The processes whose work is counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Processes {
    /// The server; `None` when it runs on another machine.
    pub(crate) server: Option<u32>,
    /// Whether the server works in processes that it started. Taskwire has one process, and listing all processes of
    /// the machine takes time.
    pub(crate) server_forks: bool,
    /// PostgreSQL's first process; those that it started count too.
    pub(crate) postmaster: Option<u32>,
    /// Redis, which counts as a database.
    pub(crate) redis: Option<u32>,
}

/// The CPU that processes have used up to a moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Usage {
    server: HashMap<u32, Cpu>,
    database: HashMap<u32, Cpu>,
    harness: HashMap<u32, Cpu>,
}

/// CPU between two moments, in µs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spent {
    pub(crate) server: f64,
    /// PostgreSQL and Redis.
    pub(crate) database: f64,
    /// This program itself. Near a whole core, it limited the run.
    pub(crate) harness: f64,
}

/// CPU of one process.
#[derive(Clone, Debug, Default)]
struct Cpu {
    /// The exact CPU of the threads that still run, in ns.
    threads: HashMap<u32, u64>,
    /// The CPU in steps of a clock tick, including threads that ended.
    ticks_us: u64,
}

/// Memory of processes in KiB.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    pub(crate) resident: f64,
    /// Memory that several processes share is divided among them.
    pub(crate) proportional: f64,
}

impl std::ops::AddAssign for Spent {
    fn add_assign(&mut self, other: Spent) {
        self.server += other.server;
        self.database += other.database;
        self.harness += other.harness;
    }
}

impl Processes {
    /// The CPU that the processes have used so far.
    pub(crate) fn usage(&self) -> Usage {
        let of = |pids: Vec<u32>| pids.into_iter().map(|pid| (pid, Cpu::of(pid))).collect();
        let mut databases = self.postmaster.map(tree).unwrap_or_default();
        databases.extend(self.redis);
        Usage {
            server: of(self.of_server()),
            database: of(databases),
            harness: of(vec![std::process::id()]),
        }
    }

    /// The server's resident memory in KiB. It is cheap enough to read often.
    pub(crate) fn resident(&self) -> Option<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.server?)).ok()?;
        number_after(&status, "VmRSS:")
    }

    /// How many files and sockets the server has open.
    pub(crate) fn descriptors(&self) -> Option<f64> {
        let folder = format!("/proc/{}/fd", self.server?);
        // Newer kernels report the number as the folder's size.
        match fs::metadata(&folder).ok()?.len() {
            0 => Some(fs::read_dir(&folder).ok()?.count() as f64),
            known => Some(known as f64),
        }
    }

    /// The server's memory; `None` when it runs on another machine.
    pub(crate) fn memory(&self) -> Option<Memory> {
        let mut sum = Memory::of(self.server?)?;
        // A process that ended meanwhile has no memory.
        for memory in self.of_server().into_iter().skip(1).filter_map(Memory::of) {
            sum.resident += memory.resident;
            sum.proportional += memory.proportional;
        }
        Some(sum)
    }

    fn of_server(&self) -> Vec<u32> {
        match self.server {
            Some(server) if self.server_forks => tree(server),
            server => server.into_iter().collect(),
        }
    }
}

impl Usage {
    /// The CPU used since an earlier moment.
    pub(crate) fn since(&self, earlier: &Usage) -> Spent {
        let sum = |now: &HashMap<u32, Cpu>, then: &HashMap<u32, Cpu>| {
            let none = Cpu::default();
            now.iter()
                .map(|(pid, cpu)| cpu.since(then.get(pid).unwrap_or(&none)))
                .sum()
        };
        Spent {
            server: sum(&self.server, &earlier.server),
            database: sum(&self.database, &earlier.database),
            harness: sum(&self.harness, &earlier.harness),
        }
    }
}

impl Spent {
    /// The share of a core, in percent, that `micros` of CPU are over `seconds`.
    pub(crate) fn of_a_core(micros: f64, seconds: f64) -> f64 {
        micros / seconds / 10_000.0
    }
}

impl Memory {
    fn of(pid: u32) -> Option<Memory> {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let resident = number_after(&status, "VmRSS:")?;
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        Some(Memory {
            resident,
            proportional: number_after(&rollup, "\nPss:").unwrap_or(resident),
        })
    }
}

impl Cpu {
    /// One tick of `/proc/PID/stat` (USER_HZ is 100 on every Linux that this runs on).
    const TICK_US: u64 = 10_000;

    fn of(pid: u32) -> Cpu {
        let mut threads = HashMap::new();
        for entry in fs::read_dir(format!("/proc/{pid}/task"))
            .into_iter()
            .flatten()
            .flatten()
        {
            let text = fs::read_to_string(entry.path().join("schedstat")).unwrap_or_default();
            let nanoseconds = text
                .split_whitespace()
                .next()
                .and_then(|field| field.parse().ok());
            let tid = entry.file_name().to_str().and_then(|name| name.parse().ok());
            if let (Some(tid), Some(nanoseconds)) = (tid, nanoseconds) {
                threads.insert(tid, nanoseconds);
            }
        }
        let ticks = stat_fields(pid).map_or(0, |fields| number(&fields, 11) + number(&fields, 12));
        Cpu {
            threads,
            ticks_us: ticks * Self::TICK_US,
        }
    }

    /// µs since `earlier`. Ticks are coarse, but only they include threads that ended.
    fn since(&self, earlier: &Cpu) -> f64 {
        let before = |tid| earlier.threads.get(tid).copied().unwrap_or(0);
        let exact: u64 = self
            .threads
            .iter()
            .map(|(tid, now)| now.saturating_sub(before(tid)))
            .sum();
        let exact_us = exact as f64 / 1000.0;
        let ticks_us = self.ticks_us.saturating_sub(earlier.ticks_us + 2 * Self::TICK_US) as f64;
        exact_us.max(ticks_us)
    }
}

/// The fields of `/proc/PID/stat` after the program's name, which may contain any character. Field 1 is the parent.
fn stat_fields(pid: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}

fn number(fields: &[String], at: usize) -> u64 {
    fields.get(at).and_then(|field| field.parse().ok()).unwrap_or(0)
}

/// Whether a process exists, as far as this system can tell.
pub(crate) fn is_there(pid: u32) -> bool {
    cfg!(not(target_os = "linux")) || fs::exists(format!("/proc/{pid}")).unwrap_or(true)
}

/// How many files another process may have open.
pub(crate) fn files_of(pid: u32) -> Option<u64> {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).ok()?;
    let (_, rest) = limits.split_once("Max open files")?;
    rest.split_whitespace().next()?.parse().ok()
}

/// A process and all its descendants. The process itself is first.
fn tree(root: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let parents: Vec<(u32, u64)> = processes
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter_map(|pid| Some((pid, number(&stat_fields(pid)?, 1))))
        .collect();
    let mut found = vec![root];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        next += 1;
        let children = parents.iter().filter(|(_, of)| *of == u64::from(parent));
        found.extend(children.map(|(pid, _)| *pid));
    }
    found
}

fn number_after(text: &str, name: &str) -> Option<f64> {
    let (_, rest) = text.split_once(name)?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn the_cpu_and_memory_of_this_process_are_measured() {
        let processes = Processes {
            server: Some(std::process::id()),
            ..Processes::default()
        };
        let (before, start) = (processes.usage(), Instant::now());
        let mut sum = 0_u64;
        while start.elapsed() < Duration::from_millis(100) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        let spent = processes.usage().since(&before);
        assert!(spent.server > 5_000.0 && spent.harness > 2_000.0, "{spent:?}");
        let memory = processes.memory().expect("this process has memory");
        assert!(
            memory.resident > 500.0 && memory.proportional > 100.0,
            "{memory:?}"
        );
        let (resident, files) = (processes.resident(), processes.descriptors());
        assert!(
            resident > Some(500.0) && files >= Some(3.0),
            "{resident:?}, {files:?}"
        );
        let allowed = files_of(std::process::id());
        assert!(allowed.map(|files| files as f64) >= files, "{allowed:?}");
    }

    #[test]
    fn a_child_belongs_to_the_tree_of_its_parent() {
        let sleep = std::process::Command::new("sleep").arg("10").spawn();
        let mut child = sleep.expect("sleep starts");
        let tree = tree(std::process::id());
        child.kill().expect("it ends");
        child.wait().expect("it ended");
        assert_eq!(tree.first(), Some(&std::process::id()));
        assert!(tree.contains(&child.id()), "{tree:?}");
    }
}
