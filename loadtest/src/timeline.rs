//! The course of a run: the latencies of each interval, and the CPU and memory of the server's processes in it. Does
//! not know the scenario.

use crate::lock::lock;
use crate::meter::Lately;
use crate::processes::{Processes, Spent};
use crate::progress;
use crate::report::plot::{Axis, Plot};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// The most points of a curve, when the run takes as long as planned.
const POINTS: f64 = 120.0;
/// The shortest interval in seconds: a shorter one would measure the timer.
const SHORTEST: f64 = 0.1;

/// One interval.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// Seconds from the start of the run to the end of the interval.
    pub(crate) at: f64,
    seconds: f64,
    lately: Lately,
    spent: Spent,
    /// Memory in KiB.
    pub(crate) resident: Option<f64>,
    pub(crate) descriptors: Option<f64>,
}

impl Sample {
    /// The latency's p99 in ms; `None` for an interval without latencies.
    pub(crate) fn p99(&self) -> Option<f64> {
        (self.lately.count > 0).then_some(self.lately.p99)
    }
}

/// Records until `end`, or until it is dropped.
pub(crate) struct Timeline {
    task: JoinHandle<()>,
    samples: Arc<Mutex<Vec<Sample>>>,
}

impl Drop for Timeline {
    fn drop(&mut self) {
        self.task.abort();
        progress::done();
    }
}

impl Timeline {
    /// Records the results of `lately`, and the processes, for about `total`.
    pub(crate) fn record(
        processes: Processes,
        total: Duration,
        lately: impl FnMut() -> Lately + Send + 'static,
    ) -> Timeline {
        let samples = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn(record(processes, total, lately, samples.clone()));
        Timeline { task, samples }
    }

    /// Ends the recording and returns its samples.
    pub(crate) fn end(self) -> Vec<Sample> {
        std::mem::take(&mut lock(&self.samples))
    }
}

async fn record(
    processes: Processes,
    total: Duration,
    mut lately: impl FnMut() -> Lately,
    samples: Arc<Mutex<Vec<Sample>>>,
) {
    let interval = Duration::from_secs_f64((total.as_secs_f64() / POINTS).max(SHORTEST));
    let start = Instant::now();
    let (mut before, mut usage) = (start, processes.usage());
    loop {
        tokio::time::sleep(interval).await;
        let (now, used) = (Instant::now(), processes.usage());
        let sample = Sample {
            at: (now - start).as_secs_f64(),
            seconds: (now - before).as_secs_f64(),
            lately: lately(),
            spent: used.since(&usage),
            resident: processes.resident(),
            descriptors: processes.descriptors(),
        };
        (before, usage) = (now, used);
        let rate = sample.lately.count as f64 / sample.seconds;
        progress::show(
            sample.at / total.as_secs_f64().max(SHORTEST),
            &format!("{:.0} s, {rate:.0}/s, p99 {:.2} ms", sample.at, sample.lately.p99),
        );
        lock(&samples).push(sample);
    }
}

/// The curves of a run; `what` names what was counted.
pub(crate) fn plots(samples: &[Sample], what: &str) -> Vec<Plot> {
    if samples.len() < 2 {
        return Vec::new();
    }
    let curve = |value: &dyn Fn(&Sample) -> Option<f64>| -> Vec<(f64, f64)> {
        let point = |sample| Some((Sample::at(sample), value(sample)?));
        samples.iter().filter_map(point).collect()
    };
    let came = |sample: &Sample, value: f64| (sample.lately.count > 0).then_some(value);
    let used = |value: f64, sample: &Sample| (value > 0.0).then_some(value / sample.seconds / 10_000.0);
    let time = || Axis::linear("seconds");
    vec![
        Plot::new("latency over time", time(), Axis::log("ms"))
            .curve("p50", curve(&|s| came(s, s.lately.p50)))
            .curve("p99", curve(&|s| came(s, s.lately.p99)))
            .curve("worst", curve(&|s| came(s, s.lately.worst))),
        Plot::new("throughput", time(), Axis::linear(format!("{what} per second")))
            .curve(what, curve(&|s| Some(s.lately.count as f64 / s.seconds))),
        Plot::new("CPU", time(), Axis::linear("% of a core"))
            .curve("server", curve(&|s| used(s.spent.server, s)))
            .curve("database", curve(&|s| used(s.spent.database, s)))
            .curve("this program", curve(&|s| used(s.spent.harness, s))),
        Plot::new("memory", time(), Axis::linear("MiB"))
            .curve("server, resident", curve(&|s| Some(s.resident? / 1024.0))),
        Plot::new("descriptors", time(), Axis::linear("open files"))
            .curve("server", curve(&|s| s.descriptors)),
    ]
}

impl Sample {
    fn at(sample: &Sample) -> f64 {
        sample.at
    }
}
