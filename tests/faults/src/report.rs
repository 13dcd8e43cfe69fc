//! What a run prints: a line of progress every five seconds, and tables at the end.

use crate::Failed;
use crate::fault::plan::Diary;
use crate::load::record::{Ended, Operation, Outcome, What};
use crate::stage::Stage;
use crate::usage::Usage;
use crate::verdict;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::time::sleep;

/// The time between two lines of progress.
const EVERY: Duration = Duration::from_secs(5);

/// Results of a run that are not verdicts.
pub(crate) struct Sums {
    pub(crate) operations: usize,
    /// Sessions that ended, and were checked.
    pub(crate) ended: usize,
    /// How many operations of each kind were acknowledged.
    pub(crate) kinds: BTreeMap<What, usize>,
    /// The longest time in which nobody could write.
    pub(crate) unwritable: Duration,
    pub(crate) entries: u64,
    pub(crate) usage: Vec<Usage>,
    pub(crate) base: Vec<Usage>,
    pub(crate) gaps: u64,
}

/// How many operations of each kind were acknowledged.
pub(crate) fn kinds(operations: &[Operation]) -> BTreeMap<What, usize> {
    let mut kinds = BTreeMap::new();
    for operation in operations {
        let known = kinds.entry(operation.what).or_default();
        *known += usize::from(operation.outcome == Outcome::Acknowledged);
    }
    kinds
}

/// Prints the progress, until it is aborted.
pub(crate) async fn progress(stage: Arc<Stage>, diary: Arc<Diary>) {
    loop {
        sleep(EVERY).await;
        let (shared, counts) = (&stage.shared, &stage.shared.counts);
        let faults: u64 = diary
            .done
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .map(|done| done.0)
            .sum();
        let ready = shared
            .world
            .instances
            .iter()
            .filter(|instance| instance.is_ready())
            .count();
        let connected = stage
            .desks
            .iter()
            .filter(|desk| desk.connected.load(Relaxed))
            .count();
        println!(
            "{:7.1} s  invoked {}, acknowledged {}, open {}, resent {}, events {}, faults {faults}, \
             instances {ready}, clients {connected}, violations {}",
            shared.now() as f64 / 1e9,
            counts.invoked.load(Relaxed),
            counts.acknowledged.load(Relaxed),
            shared.pending.load(Relaxed),
            counts.resent.load(Relaxed),
            counts.events.load(Relaxed),
            shared.verdicts.violations()
        );
    }
}

/// Prints the tables at the end.
pub(crate) fn table(
    stage: &Stage,
    diary: &Diary,
    sums: &Sums,
    panics: &[String],
    lasted: Duration,
    seed: u64,
) {
    let counts = &stage.shared.counts;
    println!("\nfaults");
    for (kind, (times, failures)) in diary.done.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        let failures = if *failures > 0 {
            format!(", {failures} could not be injected")
        } else {
            String::new()
        };
        println!("  {:<18} {times}{failures}", kind.name());
    }
    println!(
        "\nload, in {:.0} s\n  operations {} (acknowledged {}, sent again {}, answered by a repeat {}, errors {})\n  \
         longest time without a write {:.1?}\n  log entries {}\n  events delivered and checked {}\n  connections {} (not resumed {}, gaps seen by clients {})\n  \
         tokens refreshed {}, sockets renewed {}, closed without {}, sign-ins {}, sessions ended {}",
        lasted.as_secs_f64(),
        sums.operations,
        counts.acknowledged.load(Relaxed),
        counts.resent.load(Relaxed),
        counts.replayed.load(Relaxed),
        counts.errors.load(Relaxed),
        sums.unwritable,
        sums.entries,
        counts.events.load(Relaxed),
        counts.connections.load(Relaxed),
        counts.resyncs.load(Relaxed),
        sums.gaps,
        counts.refreshes.load(Relaxed),
        counts.renewals.load(Relaxed),
        counts.lapsed.load(Relaxed),
        counts.sign_ins.load(Relaxed),
        sums.ended
    );
    let kinds = sums
        .kinds
        .iter()
        .map(|(what, times)| format!("{} {times}", what.name()));
    println!("  by kind: {}", kinds.collect::<Vec<_>>().join(", "));
    let kept = stage.shared.kept.lock().unwrap_or_else(PoisonError::into_inner);
    println!(
        "  uploads {}, and {} that broke off",
        kept.files.len(),
        kept.broken
    );
    drop(kept);
    println!("\ninstances           descriptors   memory MiB   threads   sockets   topics   (at the start)");
    for (number, (now, base)) in sums.usage.iter().zip(&sums.base).enumerate() {
        println!(
            "  {number}                 {:>5} ({})    {:>5} ({})   {:>3} ({})   {:>5}     {:>5}",
            now.descriptors,
            base.descriptors,
            now.memory >> 20,
            base.memory >> 20,
            now.threads,
            base.threads,
            now.sockets,
            now.topics
        );
    }
    println!("\ninvariants");
    for invariant in verdict::ALL {
        let found = stage.shared.verdicts.of(invariant);
        let verdict = match found.violations {
            0 if found.checked == 0 => "NOT CHECKED".to_owned(),
            0 => "ok".to_owned(),
            violations => format!("{violations} VIOLATIONS"),
        };
        let name = invariant.to_string();
        println!(
            "  {name:<4} {:<58} {:>10} checked   {verdict}",
            invariant.words(),
            found.checked
        );
        for example in &found.examples {
            println!("         {}", example.chars().take(2000).collect::<String>());
        }
    }
    for panic in panics {
        println!("  PANIC {panic}");
    }
    for trouble in diary
        .trouble
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .iter()
    {
        println!("  TROUBLE {trouble}");
    }
    let violations = stage.shared.verdicts.violations() + panics.len() as u64;
    println!("\nseed {seed}: {violations} violations");
}

/// Panics in the servers' logs.
pub(crate) fn panics(logs: &Path) -> Result<Vec<String>, Failed> {
    let mut panics = Vec::new();
    for entry in std::fs::read_dir(logs)? {
        let path = entry?.path();
        let text = String::from_utf8_lossy(&std::fs::read(&path)?).into_owned();
        let lines = text.lines().filter(|line| line.contains("panicked at"));
        panics.extend(lines.map(|line| format!("{}: {line}", path.display())));
    }
    Ok(panics)
}

/// Writes every invoked operation and every ended session to a file, one a line, to investigate a violation.
pub(crate) fn records(logs: &Path, operations: &[Operation], ended: &[Ended]) -> Result<(), Failed> {
    lines(&logs.join("operations.txt"), operations)?;
    lines(&logs.join("sessions.txt"), ended)
}

fn lines(path: &Path, records: &[impl Debug]) -> Result<(), Failed> {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    for record in records {
        writeln!(file, "{record:?}")?;
    }
    Ok(file.flush()?)
}
