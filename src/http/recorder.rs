//! The process's recorder for the `metrics` macros, in Prometheus format, and a description of each metric. Counts
//! nothing itself.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Bounds of the histograms, in seconds. An operation on an idle server takes less than a millisecond; any wait ends
/// after 30 s.
const SECONDS: [f64; 14] = [
    0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0,
];

static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// The process's recorder, set up at the first call. `None` if the process has another recorder.
pub fn recorder() -> Option<PrometheusHandle> {
    let set_up = || {
        let buckets = Matcher::Suffix("_seconds".to_owned());
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(buckets, &SECONDS)
            .ok()?
            .build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).ok()?;
        describe();
        Some(handle)
    };
    RECORDER.get_or_init(set_up).clone()
}

fn describe() {
    metrics::describe_gauge!(
        "taskwire_sockets",
        "Open sockets, including those that are not authenticated yet"
    );
    metrics::describe_gauge!("taskwire_connections", "Connections that are not sockets");
    metrics::describe_counter!(
        "taskwire_sockets_closed_total",
        "Sockets closed by the node, by close code"
    );
    metrics::describe_counter!("taskwire_operations_total", "Operations, by type and outcome");
    metrics::describe_histogram!(
        "taskwire_operation_seconds",
        "Time from a request's arrival to its answer, by type"
    );
    metrics::describe_counter!(
        "taskwire_http_requests_total",
        "HTTP requests, by route and status"
    );
    metrics::describe_histogram!(
        "taskwire_http_request_seconds",
        "Duration of HTTP requests, by route"
    );
    metrics::describe_counter!(
        "taskwire_session_reads_total",
        "Reads of a session, its account and its workspaces"
    );
    metrics::describe_histogram!(
        "taskwire_pool_wait_seconds",
        "How long a read waited for a connection to the database"
    );
    metrics::describe_counter!(
        "taskwire_pool_timeouts_total",
        "Reads that got no connection to the database"
    );
    metrics::describe_counter!(
        "taskwire_group_retries_total",
        "Groups of mutations that ran again, by cause"
    );
    metrics::describe_counter!(
        "taskwire_optimistic_groups_total",
        "Groups of mutations that were committed without locking first"
    );
    metrics::describe_counter!(
        "taskwire_commits_unknown_total",
        "Commits with an unknown outcome, because the connection broke"
    );
    metrics::describe_counter!(
        "taskwire_lane_groups_total",
        "Groups of mutations, by whether others ran at the same time"
    );
    metrics::describe_gauge!("taskwire_lane_groups", "Groups of mutations that run now");
    metrics::describe_counter!(
        "taskwire_connections_refused_total",
        "Connections dropped because there were too many"
    );
    describe_jobs();
    describe_instances();
}

fn describe_jobs() {
    metrics::describe_gauge!(
        "taskwire_jobs_pending",
        "Jobs that are due and that no instance runs, 1000 at most"
    );
    metrics::describe_gauge!(
        "taskwire_jobs_running",
        "Jobs that this instance runs now, by kind"
    );
    metrics::describe_gauge!(
        "taskwire_jobs_dead",
        "Dead jobs, whose last attempt failed, by kind, 1000 at most"
    );
    metrics::describe_counter!("taskwire_jobs_total", "Runs of jobs, by kind and outcome");
    metrics::describe_histogram!("taskwire_job_seconds", "Duration of the runs of jobs, by kind");
}

/// Metrics of the exchange with other instances.
fn describe_instances() {
    metrics::describe_gauge!(
        "taskwire_bus_up",
        "1 while probes that are published to Redis come back in time"
    );
    metrics::describe_histogram!(
        "taskwire_bus_probe_seconds",
        "Time until a probe comes back from Redis"
    );
    metrics::describe_gauge!("taskwire_bus_streams", "Streams subscribed to on Redis");
    metrics::describe_counter!("taskwire_bus_published_total", "Entries published to Redis");
    metrics::describe_counter!(
        "taskwire_bus_dropped_total",
        "Entries, signals and notes not published, because Redis was not connected or the queue was full"
    );
    metrics::describe_counter!(
        "taskwire_bus_received_total",
        "Entries of other instances received from Redis"
    );
    metrics::describe_counter!(
        "taskwire_bus_reconnects_total",
        "Lost connections that subscribe to Redis"
    );
    metrics::describe_counter!(
        "taskwire_gaps_total",
        "Times that readers turned to the log because an entry did not arrive"
    );
    metrics::describe_counter!(
        "taskwire_heads_compared_total",
        "Heads of streams compared with the database"
    );
}
