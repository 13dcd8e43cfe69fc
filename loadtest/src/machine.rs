//! Calls to the operating system: signals, cores to run on, open files. Pinning and limits work on Linux only.

/// Waits for a signal that asks this program to end.
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
    // Without signals nothing can end the run early.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Ends a program with SIGTERM, as an operator does, and waits for that. Kills a program that does not end within 30 s.
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

/// Runs this thread, and the threads and programs that it starts from now on, on one core. Returns `false` when the
/// system does not allow it.
#[cfg(target_os = "linux")]
pub(crate) fn run_on(core: usize) -> bool {
    let mut cores = rustix::thread::CpuSet::new();
    cores.set(core);
    rustix::thread::sched_setaffinity(None, &cores).is_ok()
}

/// Pinning is not supported on this system.
#[cfg(not(target_os = "linux"))]
pub(crate) fn run_on(_core: usize) -> bool {
    false
}

/// Lets this process, and the programs that it starts, have `wanted` files open, as far as the machine allows. Returns
/// how many it may have.
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

/// This system's limit is not known, so nothing is changed.
#[cfg(not(target_os = "linux"))]
pub(crate) fn allow_files(wanted: u64) -> u64 {
    wanted
}
