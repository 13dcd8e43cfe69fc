//! The bars: numbers of scenarios, and the goals that they have to reach. Does not know how a number is measured.

use serde::Serialize;

/// The goal of a number.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Goal {
    AtMost(f64),
    AtLeast(f64),
    /// At most this many times the limit's number.
    TimesLimit(f64),
}

/// A bar: a number of a scenario, and its goals.
pub(crate) struct Bar {
    pub(crate) scenario: &'static str,
    /// The label in the table. `{bytes}` is replaced by the size of the scenario's frames.
    pub(crate) what: &'static str,
    /// The name of the number in the scenario's report.
    pub(crate) number: &'static str,
    /// The name of the limit's number, in the same report.
    pub(crate) limit: Option<&'static str>,
    pub(crate) unit: &'static str,
    pub(crate) core: Option<Goal>,
    pub(crate) last: Option<Goal>,
}

const fn bar(scenario: &'static str, what: &'static str, number: &'static str, unit: &'static str) -> Bar {
    Bar {
        scenario,
        what,
        number,
        limit: None,
        unit,
        core: None,
        last: None,
    }
}

impl Bar {
    const fn goals(mut self, core: Goal, last: Goal) -> Bar {
        self.core = Some(core);
        self.last = Some(last);
        self
    }

    const fn finally(mut self, last: Goal) -> Bar {
        self.last = Some(last);
        self
    }

    const fn beside(mut self, limit: &'static str) -> Bar {
        self.limit = Some(limit);
        self
    }
}

use Goal::{AtLeast, AtMost, TimesLimit};

const COST: &str = "server CPU per delivery";
const LEAST: &str = "limit: CPU per delivery";
const ROWS: &str = "limit: operations";
const ROWS_COST: &str = "limit: CPU per operation";

pub(crate) const BARS: &[Bar] = &[
    bar(
        "idle",
        "idle: memory per socket (9,000)",
        "memory per socket",
        "KiB",
    )
    .goals(AtMost(10.0), AtMost(6.0)),
    bar(
        "fanout",
        "fan-out, 1,000 × 10 tasks/s ({bytes} B): CPU per delivery",
        COST,
        "µs",
    )
    .beside(LEAST)
    .goals(TimesLimit(2.0), TimesLimit(1.4)),
    // Here the server is not its own database.
    bar(
        "fanout-postgres",
        "fan-out, on PostgreSQL ({bytes} B)",
        COST,
        "µs",
    )
    .beside(LEAST)
    .goals(TimesLimit(2.0), TimesLimit(1.4)),
    bar("fanout-small", "fan-out, small events ({bytes} B)", COST, "µs")
        .beside(LEAST)
        .goals(TimesLimit(2.0), TimesLimit(1.4)),
    // The goals of bursts are for frames of 250 bytes. A task is larger, so it is only compared with its own limit.
    bar("burst", "fan-out, bursts of 8, tasks ({bytes} B)", COST, "µs").beside(LEAST),
    bar(
        "burst-small",
        "fan-out, bursts of 8, small events ({bytes} B)",
        COST,
        "µs",
    )
    .beside(LEAST)
    .goals(AtMost(2.0), AtMost(1.0)),
    bar(
        "saturated",
        "fan-out, saturated: deliveries/s",
        "deliveries",
        "/s",
    )
    .beside("limit: deliveries")
    .goals(AtLeast(900_000.0), AtLeast(2_000_000.0)),
    bar(
        "ops",
        "task.create, 32 clients, SQLite: ops/s",
        "operations",
        "/s",
    )
    .beside(ROWS)
    .goals(AtLeast(6_000.0), AtLeast(11_000.0)),
    bar("ops", "… CPU per op", "CPU per operation", "µs")
        .beside(ROWS_COST)
        .goals(AtMost(150.0), AtMost(85.0)),
    bar(
        "ops-postgres",
        "task.create, 32 clients, PostgreSQL: ops/s",
        "operations",
        "/s",
    )
    .beside(ROWS)
    .goals(AtLeast(4_000.0), AtLeast(11_000.0)),
    bar(
        "ops-postgres",
        "… CPU per op, database included",
        "CPU per operation",
        "µs",
    )
    .beside(ROWS_COST)
    .goals(AtMost(250.0), AtMost(95.0)),
    bar(
        "storm",
        "storm: 5,000 back and resumed",
        "until all are back",
        "s",
    )
    .beside("limit: until all are back")
    .goals(AtMost(1.0), AtMost(0.35)),
    bar(
        "hop",
        "another instance: beyond the local push, p50",
        "beyond the local push, p50",
        "µs",
    )
    .beside("limit: publish to receive, p50")
    .finally(TimesLimit(2.0)),
    bar("hop", "… p99", "beyond the local push, p99", "µs")
        .beside("limit: publish to receive, p99")
        .finally(TimesLimit(2.0)),
    bar(
        "latency",
        "task.create, idle server: p50 beyond one durable write",
        "latency p50 beyond it",
        "ms",
    )
    .beside("one durable write, p50")
    .finally(AtMost(0.3)),
    bar(
        "sign-ins",
        "50 sign in: p99 of others' task.create, times as long",
        "p99, times as long",
        "×",
    )
    .goals(AtMost(2.0), AtMost(2.0)),
    bar("sign-ins-postgres", "… on PostgreSQL", "p99, times as long", "×").goals(AtMost(2.0), AtMost(2.0)),
];
