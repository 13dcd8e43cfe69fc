//! Where the numbers of `metrics` macros go: one Prometheus recorder a process. Does not know what is counted.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// From a tenth of a millisecond to half a minute: an op on an idle server takes less than one, a wait ends at 30 s.
const SECONDS: [f64; 14] = [
    0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0,
];

static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// The process's recorder, set up at the first call; `None` when something else was set up before.
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
        "Open sockets, those not yet authenticated included"
    );
    metrics::describe_gauge!("taskwire_connections", "Connections that are not sockets");
    metrics::describe_counter!(
        "taskwire_sockets_closed_total",
        "Sockets closed by the node, by close code"
    );
    metrics::describe_counter!("taskwire_operations_total", "Operations, by type and outcome");
    metrics::describe_histogram!(
        "taskwire_operation_seconds",
        "From a request's arrival to its answer, by type"
    );
    metrics::describe_counter!(
        "taskwire_http_requests_total",
        "HTTP requests, by route and status"
    );
    metrics::describe_histogram!("taskwire_http_request_seconds", "HTTP requests, by route");
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
        "Commits whose answer never came"
    );
    metrics::describe_counter!(
        "taskwire_lane_groups_total",
        "Groups of mutations, by whether they ran beside others"
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
        "Jobs that failed for the last time, by kind, 1000 at most"
    );
    metrics::describe_counter!("taskwire_jobs_total", "Runs of jobs, by kind and outcome");
    metrics::describe_histogram!("taskwire_job_seconds", "Runs of jobs, by kind");
}

/// What is said to and heard of other instances.
fn describe_instances() {
    metrics::describe_gauge!(
        "taskwire_bus_up",
        "1 while what is published to Redis comes back in time"
    );
    metrics::describe_histogram!(
        "taskwire_bus_probe_seconds",
        "From a probe's sending until it comes back from Redis"
    );
    metrics::describe_gauge!("taskwire_bus_streams", "Streams listened to on Redis");
    metrics::describe_counter!("taskwire_bus_published_total", "Entries published to Redis");
    metrics::describe_counter!(
        "taskwire_bus_dropped_total",
        "Entries, signals and notes not published: no connection or no room"
    );
    metrics::describe_counter!(
        "taskwire_bus_received_total",
        "Entries of other instances heard through Redis"
    );
    metrics::describe_counter!(
        "taskwire_bus_reconnects_total",
        "Lost connections that listened to Redis"
    );
    metrics::describe_counter!(
        "taskwire_gaps_total",
        "Times that readers were sent to the log for an entry that did not come"
    );
    metrics::describe_counter!("taskwire_heads_compared_total", "Heads compared with the log's");
}
