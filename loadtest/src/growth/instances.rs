//! The effect of more instances: the operations a second of all together, and the latency of an event to a watcher at
//! another instance. The instances share a PostgreSQL and a Redis.

use super::ground::Ground;
use crate::report::Report;
use crate::report::plot::{Axis, Plot};
use crate::scenario::{Scenario, fanout::Fanout};
use crate::shift::{OF_SERVER, SERVER_ALONE};
use crate::target::Server;
use crate::trouble::Trouble;
use futures_util::future::try_join_all;

/// Clients of all instances together.
const CLIENTS: usize = 32;
const FANOUT: &str = "fanout --watchers 100 --rate 50";

/// Latency and rate by the number of instances.
pub(super) async fn instances(ground: &Ground<'_>) -> Result<Report, Trouble> {
    let options = ground.options;
    if options.database_url.is_none() || options.redis_url.is_none() {
        return Err(Trouble::setup(
            "several instances need --database-url and --redis-url",
        ));
    }
    let mut report = Report::new("growth of instances", "one PostgreSQL and one Redis");
    let (mut rates, mut costs, mut p50s, mut p99s) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let counts: Vec<usize> = (1..=ground.growth.instances).collect();
    let mut points = counts.into_iter();
    while let Some(count) = ground.next(&mut points, &mut report) {
        let mut servers: Vec<Server> = (0..count)
            .map(|_| Server::at(options))
            .collect::<Result<_, _>>()?;
        let x = count as f64;
        let found = all_work(ground, &mut servers).await?;
        let sum = |what: &str| found.iter().filter_map(|report| report.get(what)).sum::<f64>();
        let rate = sum("operations");
        // Each report contains the database's whole CPU, so only the servers' parts can be added up.
        let cpu = found
            .iter()
            .filter_map(|report| {
                let cpu = report.get(OF_SERVER).or_else(|| report.get(SERVER_ALONE))?;
                Some(cpu * report.get("operations")?)
            })
            .sum::<f64>()
            / rate;
        report.put(format!("{count} instances: operations"), rate, "per second");
        report.put(format!("{count} instances: server CPU per operation"), cpu, "µs");
        rates.push((x, rate));
        costs.push((x, cpu));
        for found in found {
            report.faults.extend(found.faults);
        }

        let Scenario::Fanout(fanout) = Scenario::typed(FANOUT)? else {
            return Err(Trouble::setup("not a fan-out"));
        };
        let fanout = Fanout {
            seconds: ground.growth.seconds,
            ..fanout
        };
        let found = fanout.across(&servers[0], &servers[count - 1], options).await?;
        for (what, curve) in [("latency p50", &mut p50s), ("latency p99", &mut p99s)] {
            if let Some(value) = found.get(what) {
                report.put(
                    format!("{count} instances: from the first to the last, {what}"),
                    value,
                    "ms",
                );
                curve.push((x, value));
            }
        }
        report.faults.extend(found.faults);
    }
    let count = || Axis::linear("instances");
    report.plots = vec![
        Plot::new("operations", count(), Axis::linear("per second")).curve("all together", rates),
        Plot::new("cost of an operation", count(), Axis::linear("µs of CPU")).curve("servers", costs),
        Plot::new("from the first to the last instance", count(), Axis::linear("ms"))
            .curve("p50", p50s)
            .curve("p99", p99s),
    ];
    report.checked =
        "every acknowledgement; order, gaps and duplicates at the last instance of what the first wrote"
            .into();
    Ok(report)
}

/// Lets clients work at all instances at the same time.
async fn all_work(ground: &Ground<'_>, servers: &mut [Server]) -> Result<Vec<Report>, Trouble> {
    let clients = (CLIENTS / servers.len()).max(1);
    let line = format!("ops --clients {clients} --seconds {}", ground.growth.seconds);
    let scenario = Scenario::typed(&line)?;
    let work = servers
        .iter_mut()
        .map(|server| scenario.run(server, ground.options));
    try_join_all(work).await
}
