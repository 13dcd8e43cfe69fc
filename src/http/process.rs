//! The metrics of the process, as the operating system counts them. Where there is no `/proc`, fewer are known.

use std::fs;

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

/// What is known now: the names of metrics and their values. Blocks: it counts the open files.
pub(super) fn read() -> impl Iterator<Item = (&'static str, f64)> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of_status = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line?.split_whitespace().next()?.parse::<f64>().ok()
    };
    let bytes = |name: &str| of_status(name).map(|kib| kib * 1024.0);
    [
        ("process_cpu_seconds_total", Some(cpu_seconds())),
        ("process_open_fds", open_files()),
        ("process_max_fds", Some(limit(Resource::Nofile))),
        ("process_resident_memory_bytes", bytes("VmRSS:")),
        ("process_virtual_memory_bytes", bytes("VmSize:")),
        ("process_virtual_memory_max_bytes", Some(limit(Resource::As))),
        ("process_start_time_seconds", start_seconds()),
        ("process_threads", of_status("Threads:")),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
}

/// The time of all threads, in the program and in the kernel.
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn open_files() -> Option<f64> {
    let files = fs::read_dir("/proc/self/fd").ok()?.count();
    // the folder itself is open while it is read
    Some(files.saturating_sub(1) as f64)
}

fn limit(resource: Resource) -> f64 {
    getrlimit(resource)
        .current
        .map_or(f64::INFINITY, |limit| limit as f64)
}

/// The system's start, and the process's start in ticks after it.
fn start_seconds() -> Option<f64> {
    let system = fs::read_to_string("/proc/stat").ok()?;
    let boot = system.lines().find_map(|line| line.strip_prefix("btime "))?;
    let process = fs::read_to_string("/proc/self/stat").ok()?;
    // the second field is the program's name in parentheses, and the third follows; the start is the twenty-second
    let (_, fields) = process.rsplit_once(") ")?;
    let ticks: f64 = fields.split(' ').nth(19)?.parse().ok()?;
    Some(boot.parse::<f64>().ok()? + ticks / rustix::param::clock_ticks_per_second() as f64)
}
