//! The table of metrics: the name, kind, labels and meaning of each. `docs/metrics.md` shows it; a test compares them.
//! Counts nothing itself.

/// What Prometheus does with a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl Kind {
    /// The word of its TYPE line.
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        }
    }
}

/// A metric.
#[derive(Debug)]
pub(super) struct Metric {
    pub(super) kind: Kind,
    pub(super) name: &'static str,
    pub(super) labels: &'static [&'static str],
    /// The text of its HELP line.
    pub(super) help: &'static str,
}

const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric {
        kind: Kind::Counter,
        name,
        labels,
        help,
    }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric {
        kind: Kind::Gauge,
        name,
        labels,
        help,
    }
}

const fn histogram(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric {
        kind: Kind::Histogram,
        name,
        labels,
        help,
    }
}

/// All metrics.
#[rustfmt::skip] // a line each, as in a table
pub(super) const METRICS: &[Metric] = &[
    // the node
    gauge("taskwire_build_info", &["version", "contract"], "1; the labels are the program's version and the revision of the contract"),
    gauge("taskwire_database_up", &[], "1 while the database answers; this node asks every second"),
    gauge("taskwire_redis_up", &[], "1 while messages that are published to Redis come back; absent without redis_url"),
    // sockets and connections
    gauge("taskwire_sockets", &[], "Open sockets and streams of events, including those that are not authenticated yet"),
    counter("taskwire_sockets_closed_total", &["code"], "Sockets closed by the node, by close code"),
    counter("taskwire_sockets_refused_total", &[], "Sockets that were not admitted, because too many were open or arrived at once"),
    counter("taskwire_sockets_displaced_total", &[], "Sockets that had not authenticated and were closed to make place for others"),
    gauge("taskwire_connections", &[], "Connections that are not sockets"),
    counter("taskwire_connections_refused_total", &[], "Connections dropped because there were too many"),
    counter("taskwire_connections_displaced_total", &[], "Connections without a request that were closed to make place for others"),
    // requests
    counter("taskwire_operations_total", &["type", "outcome"], "Operations, by type and outcome: ok or the error's code"),
    histogram("taskwire_operation_seconds", &["type"], "Time from the arrival of a request to its answer, by type"),
    counter("taskwire_http_requests_total", &["route", "status"], "HTTP requests, by route and status"),
    histogram("taskwire_http_request_seconds", &["route"], "Duration of HTTP requests, by route"),
    counter("taskwire_passwords_refused_total", &["reason"], "Passwords that were not checked, because too many waited"),
    counter("taskwire_limited_total", &["limit"], "Requests that a limit refused, by limit"),
    counter("taskwire_limits_alone_total", &[], "Times that a limit was counted, or purses were settled, without Redis, because it did not answer"),
    counter("taskwire_session_reads_total", &[], "Reads of a session, its account and its workspaces"),
    // delivery
    counter("taskwire_events_delivered_total", &[], "Event frames given to sockets"),
    counter("taskwire_signals_shed_total", &[], "Signals (presence, typing) that were dropped under load"),
    counter("taskwire_catch_ups_total", &[], "Pages of the log that readers who were behind asked for"),
    counter("taskwire_catch_ups_paced_total", &[], "Such reads that waited, because their user had read very much"),
    histogram("taskwire_cursor_lag_events", &[], "Events that a reader was behind when it asked for a page of the log"),
    gauge("taskwire_topics", &[], "Streams that have watchers on this node"),
    gauge("taskwire_ring_bytes", &[], "Memory for the newest frames of streams"),
    counter("taskwire_gaps_total", &[], "Times that readers turned to the log because an entry did not arrive"),
    counter("taskwire_heads_compared_total", &[], "Heads of streams compared with the database"),
    // writes and reads
    histogram("taskwire_mutation_wait_seconds", &[], "Time from a mutation's place in the queue to its commit"),
    histogram("taskwire_group_size", &[], "Mutations in a group, which one transaction commits"),
    histogram("taskwire_group_rows", &[], "Rows that a group of mutations read before it decided"),
    gauge("taskwire_mutations_waiting", &[], "Mutations and batches that wait for the writers"),
    gauge("taskwire_users_waiting", &[], "Users with such mutations, or for whom a writer just worked for long, about"),
    counter("taskwire_debts_total", &[], "Times that the mutations of a user made a writer work for long, so that those of others go first for a while"),
    gauge("taskwire_lane_groups_running", &[], "Groups of mutations that run now"),
    counter("taskwire_lane_groups_total", &["beside"], "Groups of mutations, by whether others ran at the same time: yes or no"),
    counter("taskwire_optimistic_groups_total", &[], "Groups of mutations that were committed without locking first"),
    counter("taskwire_group_retries_total", &["cause"], "Groups of mutations that ran again, by cause"),
    counter("taskwire_group_errors_total", &["trouble"], "Errors of the database in groups of mutations, by kind"),
    counter("taskwire_groups_split_total", &[], "Groups whose mutations ran again one by one after an error"),
    counter("taskwire_commits_unknown_total", &[], "Commits with an unknown outcome, because the connection broke"),
    histogram("taskwire_pool_wait_seconds", &[], "How long a read waited for a connection to the database"),
    counter("taskwire_pool_timeouts_total", &[], "Reads that got no connection to the database"),
    gauge("taskwire_readers_busy", &["load"], "Queries and pages of downloads that read now, by load: short, long"),
    gauge("taskwire_readers_waiting", &[], "Queries and pages of downloads that wait for their user's turn to read"),
    histogram("taskwire_reader_wait_seconds", &[], "How long those waited for their user's turn that had to"),
    gauge("taskwire_sqlite_wal_bytes", &[], "Size of the write-ahead log; absent with PostgreSQL"),
    counter("taskwire_lists_total", &["by"], "Pages of lists of tasks of one workspace, without full-text search, by what they came from: index, rows"),
    gauge("taskwire_list_index_bytes", &[], "Memory of the indexes for lists of large workspaces"),
    histogram("taskwire_list_index_build_seconds", &[], "Time to build such an index"),
    // background jobs
    gauge("taskwire_jobs_pending", &[], "Jobs that are due and that no instance runs, 1000 at most"),
    gauge("taskwire_jobs_running", &["kind"], "Jobs that this node runs now, by kind"),
    gauge("taskwire_jobs_waiting", &["kind"], "Jobs that run now or later and that no instance runs yet, by kind, 1000 at most"),
    gauge("taskwire_jobs_dead", &["kind"], "Dead jobs, whose last attempt failed, by kind, 1000 at most"),
    counter("taskwire_jobs_total", &["kind", "outcome"], "Runs of jobs, by kind and outcome"),
    histogram("taskwire_files_seconds", &["access", "outcome"], "Time of an access to the store of files: put, get, delete; part, complete, abort of a file in parts"),
    histogram("taskwire_job_seconds", &["kind"], "Duration of the runs of jobs, by kind"),
    counter("taskwire_mails_total", &["outcome"], "Tries to send a mail, by outcome: sent, kept (in a file), refused, failed, dropped"),
    // the exchange with other instances
    histogram("taskwire_bus_probe_seconds", &[], "Time until a probe comes back from Redis"),
    gauge("taskwire_bus_streams", &[], "Streams subscribed to on Redis"),
    counter("taskwire_bus_published_total", &[], "Entries published to Redis"),
    counter("taskwire_bus_received_total", &[], "Entries of other instances received from Redis"),
    counter("taskwire_bus_dropped_total", &[], "Entries, signals and notes not published, because Redis was not connected or the queue was full"),
    counter("taskwire_bus_refused_total", &["reason"], "Messages in Redis that were dropped unread, by reason: crowd, early, epoch, late, replay, seal, shape, version"),
    counter("taskwire_bus_reconnects_total", &[], "Lost connections that listened to Redis"),
    // the process
    counter("process_cpu_seconds_total", &[], "Seconds of CPU time of all threads"),
    gauge("process_open_fds", &[], "Open file descriptors: sockets, connections to the database, files"),
    gauge("process_max_fds", &[], "The limit of open file descriptors"),
    gauge("process_resident_memory_bytes", &[], "Memory that the process holds"),
    gauge("process_virtual_memory_bytes", &[], "Addresses that the process has reserved, which is no measure of memory"),
    gauge("process_virtual_memory_max_bytes", &[], "The limit of reserved addresses"),
    gauge("process_start_time_seconds", &[], "When the process began, in seconds since 1970"),
    gauge("process_threads", &[], "Threads of the process"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::METRICS;

    /// The rows of the page whose first cell is a name.
    fn rows(page: &str) -> Vec<&str> {
        let is_row = |line: &&str| {
            let cell = line.strip_prefix("| `").and_then(|line| line.split('`').next());
            cell.is_some_and(|cell| cell.contains('_') && !cell.contains([' ', '(']))
        };
        page.lines().filter(is_row).collect()
    }

    #[test]
    fn the_page_shows_the_table() {
        let shown = |labels: &[&str]| labels.join(", ");
        let table: Vec<String> = METRICS
            .iter()
            .map(|metric| {
                let kind = metric.kind.name();
                format!(
                    "| `{}` | {kind} | {} | {} |",
                    metric.name,
                    shown(metric.labels),
                    metric.help
                )
            })
            .collect();
        let page = include_str!("../../docs/metrics.md");
        assert_eq!(rows(page), table, "docs/metrics.md");
    }

    /// The metrics that the code of this program names, as `kind!("name"`.
    fn used(folder: &Path, found: &mut BTreeSet<(String, String)>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                used(&path, found);
                continue;
            }
            let code = fs::read_to_string(&path).unwrap_or_default();
            for kind in ["counter", "gauge", "histogram"] {
                for (at, _) in code.match_indices(&format!("{kind}!(")) {
                    let after = code[at + kind.len() + 2..].trim_start();
                    let name = after.strip_prefix('"').and_then(|rest| rest.split('"').next());
                    found.extend(name.map(|name| (kind.to_owned(), name.to_owned())));
                }
            }
        }
    }

    #[test]
    fn every_metric_of_the_code_is_in_the_table_and_has_no_other_kind() {
        let mut found = BTreeSet::new();
        used(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
        let counted = METRICS
            .iter()
            .filter(|metric| metric.name.starts_with("taskwire_"));
        let table: BTreeSet<(String, String)> = counted
            .map(|metric| (metric.kind.name().to_owned(), metric.name.to_owned()))
            .collect();
        let missing: Vec<_> = found.difference(&table).collect();
        let unused: Vec<_> = table.difference(&found).collect();
        assert!(
            missing.is_empty() && unused.is_empty(),
            "not in the table: {missing:?}; not used: {unused:?}"
        );
    }
}
