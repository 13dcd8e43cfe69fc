//! The process's recorder for the `metrics` macros, in Prometheus format. Reads, when it is asked for the metrics, what
//! nothing else counts. Knows the table of metrics.

use std::fmt::Write as _;
use std::sync::OnceLock;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use taskwire_protocol::REVISION;

use super::metrics::{Kind, METRICS};
use super::process;
use crate::live::BusHealth;
use crate::state::App;

/// Bounds of the histograms, in seconds. An operation on an idle server takes less than a millisecond; any wait ends
/// after 30 s.
const SECONDS: [f64; 14] = [
    0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0,
];
/// Bounds of the sizes of groups, which have at most 64 mutations.
const MUTATIONS: [f64; 7] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];
/// Bounds of how many rows a group reads.
const ROWS: [f64; 8] = [1.0, 10.0, 100.0, 500.0, 1000.0, 2000.0, 5000.0, 20_000.0];
/// Bounds of how many events a reader is behind.
const EVENTS: [f64; 6] = [1.0, 10.0, 100.0, 1000.0, 10_000.0, 100_000.0];

/// What the names of the metrics begin with that this program counts.
const OURS: &str = "taskwire_";

/// Gauges that are absent while what they measure is not used.
const ABSENT: [&str; 2] = ["taskwire_redis_up", "taskwire_sqlite_wal_bytes"];

static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// The process's recorder, set up at the first call. `None` if the process has another recorder.
pub fn recorder() -> Option<PrometheusHandle> {
    let set_up = || {
        let recorder = builder().ok()?.build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).ok()?;
        describe();
        Some(handle)
    };
    RECORDER.get_or_init(set_up).clone()
}

/// Every histogram has bounds. Without them it would be a summary, which cannot be added up over nodes.
fn builder() -> Result<PrometheusBuilder, BuildError> {
    let seconds = Matcher::Suffix("_seconds".to_owned());
    PrometheusBuilder::new()
        .set_buckets_for_metric(seconds, &SECONDS)?
        .set_buckets_for_metric(Matcher::Full("taskwire_group_size".to_owned()), &MUTATIONS)?
        .set_buckets_for_metric(Matcher::Full("taskwire_group_rows".to_owned()), &ROWS)?
        .set_buckets_for_metric(Matcher::Suffix("_events".to_owned()), &EVENTS)
}

/// Describes all metrics. A counter without labels is 0 from the start, so that its first increase is seen; so are the gauges
/// of what this node has none of yet.
fn describe() {
    for metric in METRICS {
        match metric.kind {
            Kind::Counter => {
                metrics::describe_counter!(metric.name, metric.help);
                if metric.labels.is_empty() && metric.name.starts_with(OURS) {
                    metrics::counter!(metric.name).increment(0);
                }
            }
            Kind::Gauge => {
                metrics::describe_gauge!(metric.name, metric.help);
                if metric.labels.is_empty() && metric.name.starts_with(OURS) && !ABSENT.contains(&metric.name)
                {
                    metrics::gauge!(metric.name).set(0.0);
                }
            }
            Kind::Histogram => metrics::describe_histogram!(metric.name, metric.help),
        }
    }
    let (version, contract) = (env!("CARGO_PKG_VERSION"), REVISION.to_string());
    metrics::gauge!("taskwire_build_info", "version" => version, "contract" => contract).set(1.0);
}

/// All metrics, as Prometheus reads them. Blocks: it counts the open files of the process.
pub(super) fn render(recorder: &PrometheusHandle, app: &App) -> String {
    if let Some(bytes) = app.engine.wal_bytes() {
        metrics::gauge!("taskwire_sqlite_wal_bytes").set(bytes as f64);
    }
    let (mutations, users) = app.engine.waiting();
    metrics::gauge!("taskwire_mutations_waiting").set(mutations as f64);
    metrics::gauge!("taskwire_users_waiting").set(users as f64);
    let database_up = app.engine.is_database_up();
    metrics::gauge!("taskwire_database_up").set(f64::from(u8::from(database_up)));
    match app.engine.hub().bus_health() {
        BusHealth::Off => {}
        BusHealth::Up(_) => metrics::gauge!("taskwire_redis_up").set(1.0),
        BusHealth::Down => metrics::gauge!("taskwire_redis_up").set(0.0),
    }
    let mut text = recorder.render();
    render_process(&mut text);
    text
}

/// The recorder counts in whole numbers, which is too coarse for the seconds of a process.
fn render_process(text: &mut String) {
    for (name, value) in process::read() {
        let Some(metric) = METRICS.iter().find(|metric| metric.name == name) else {
            continue;
        };
        let (help, kind) = (metric.help, metric.kind.name());
        let value = if value.is_infinite() {
            "+Inf".to_owned()
        } else {
            value.to_string()
        };
        // writing to a string does not fail
        let _ = write!(
            text,
            "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n\n"
        );
    }
}
