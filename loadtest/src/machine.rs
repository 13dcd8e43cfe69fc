//! What the machine can tell: CPU and memory of the server's processes, cores to run on, open files. All of it from
//! `/proc` and system calls of Linux; elsewhere the numbers are absent and nothing is pinned.

use std::collections::HashMap;
use std::fs;

/// The processes whose work is counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Processes {
    /// The server; unknown when it runs elsewhere.
    pub(crate) server: Option<u32>,
    /// The parent of PostgreSQL's processes.
    pub(crate) postmaster: Option<u32>,
}

/// What they have used up to a moment.
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
    pub(crate) database: f64,
    /// This program itself: near a whole core, it is what limits the run.
    pub(crate) harness: f64,
}

/// CPU of one process: exact for the threads that live, and in clock ticks for those that ended too.
#[derive(Clone, Debug, Default)]
struct Cpu {
    threads: HashMap<u32, u64>,
    ticks_us: u64,
}

/// Memory of a process in KiB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) resident: f64,
    /// Its share of what it has in common with others counted in part: what it costs.
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
    /// What they have used so far.
    pub(crate) fn usage(&self) -> Usage {
        let of = |pids: Vec<u32>| pids.into_iter().map(|pid| (pid, Cpu::of(pid))).collect();
        Usage {
            server: of(self.server.into_iter().collect()),
            database: of(self.postmaster.map(with_children).unwrap_or_default()),
            harness: of(vec![std::process::id()]),
        }
    }

    /// The server's resident memory in KiB: cheap enough to ask often.
    pub(crate) fn resident(&self) -> Option<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.server?)).ok()?;
        number_after(&status, "VmRSS:")
    }

    /// How many files and sockets the server has open.
    pub(crate) fn descriptors(&self) -> Option<f64> {
        let folder = format!("/proc/{}/fd", self.server?);
        // Newer kernels tell the number as the folder's size.
        match fs::metadata(&folder).ok()?.len() {
            0 => Some(fs::read_dir(&folder).ok()?.count() as f64),
            known => Some(known as f64),
        }
    }

    /// The server's memory; `None` when it runs elsewhere.
    pub(crate) fn memory(&self) -> Option<Memory> {
        let pid = self.server?;
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let resident = number_after(&status, "VmRSS:")?;
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        Some(Memory {
            resident,
            proportional: number_after(&rollup, "\nPss:").unwrap_or(resident),
        })
    }
}

impl Usage {
    /// What was used since an earlier moment.
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

    /// µs since `earlier`. Ticks are coarse, but a thread that ended is in nothing else.
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

/// The fields of `/proc/PID/stat` behind the program's name, which may contain anything. Field 1 is the parent.
fn stat_fields(pid: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}

fn number(fields: &[String], at: usize) -> u64 {
    fields.get(at).and_then(|field| field.parse().ok()).unwrap_or(0)
}

/// Whether a process is there, as far as can be known here.
pub(crate) fn is_there(pid: u32) -> bool {
    cfg!(not(target_os = "linux")) || fs::exists(format!("/proc/{pid}")).unwrap_or(true)
}

/// How many files another process may have open.
pub(crate) fn files_of(pid: u32) -> Option<u64> {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).ok()?;
    let (_, rest) = limits.split_once("Max open files")?;
    rest.split_whitespace().next()?.parse().ok()
}

/// A process and those that it started.
fn with_children(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let children = processes
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| stat_fields(*pid).is_some_and(|fields| number(&fields, 1) == u64::from(parent)));
    std::iter::once(parent).chain(children).collect()
}

fn number_after(text: &str, name: &str) -> Option<f64> {
    let (_, rest) = text.split_once(name)?;
    rest.split_whitespace().next()?.parse().ok()
}

/// Waits until somebody wants this program to end.
pub(crate) async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    // Without signals there is nothing to wait for, and nothing that could end the run early.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Ends a program as an operator does, and waits until it has; one that does not end is killed.
pub(crate) fn end(child: &mut std::process::Child) -> std::io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Pid, Signal, kill_process};
        kill_process(Pid::from_child(child), Signal::TERM)?;
        for _ in 0..300 {
            if child.try_wait()?.is_some() {
                return Ok(());
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    }
    child.kill()?;
    child.wait().map(drop)
}

/// Runs this thread, and what it starts from now on, on one core. False where that cannot be done.
#[cfg(target_os = "linux")]
pub(crate) fn run_on(core: usize) -> bool {
    let mut cores = rustix::thread::CpuSet::new();
    cores.set(core);
    rustix::thread::sched_setaffinity(None, &cores).is_ok()
}

/// Runs this thread on one core. False: that cannot be done here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn run_on(_core: usize) -> bool {
    false
}

/// Lets this process, and what it starts, have `wanted` files open, as far as the machine allows; says how many.
#[cfg(target_os = "linux")]
pub(crate) fn allow_files(wanted: u64) -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    let most = now.maximum.unwrap_or(u64::MAX);
    if now.current.is_none_or(|current| current >= wanted) {
        return wanted;
    }
    let raised = |current: u64, maximum: Option<u64>| {
        let limit = Rlimit {
            current: Some(current),
            maximum,
        };
        setrlimit(Resource::Nofile, limit).is_ok().then_some(current)
    };
    // Beyond the hard limit only a privileged process may go.
    let beyond = (wanted > most).then(|| raised(wanted, Some(wanted))).flatten();
    beyond
        .or_else(|| raised(wanted.min(most), now.maximum))
        .unwrap_or(now.current.unwrap_or(wanted))
}

/// Lets this process have more files open: not here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn allow_files(wanted: u64) -> u64 {
    wanted
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn work_is_seen_as_cpu_and_memory_as_memory() {
        let processes = Processes {
            server: Some(std::process::id()),
            postmaster: None,
        };
        let (before, start) = (processes.usage(), Instant::now());
        let mut sum = 0_u64;
        while start.elapsed() < Duration::from_millis(100) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        let spent = processes.usage().since(&before);
        assert!(spent.server > 5_000.0, "{spent:?}");
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
}
