//! What more sockets cost: CPU of a delivery, beside the limit's at the same number, and memory of each.

use super::Ground;
use crate::report::Report;
use crate::report::plot::{Axis, Plot};
use crate::trouble::Trouble;

/// Deliveries a second at every number of watchers, so that the rate is not what grows.
const DELIVERIES: usize = 10_000;

fn numbers(all: &[usize], most: usize) -> std::vec::IntoIter<usize> {
    let mut numbers: Vec<usize> = all.iter().copied().filter(|number| *number < most).collect();
    numbers.push(most);
    numbers.into_iter()
}

/// Cost of a delivery by the number of watchers.
pub(super) async fn deliveries(ground: &Ground<'_>) -> Result<Report, Trouble> {
    let with = format!("{DELIVERIES} deliveries a second to more and more watchers");
    let mut report = Report::new("growth of deliveries", ground.with(with));
    let (mut costs, mut limits, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let mut points = numbers(&[100, 300, 1000, 3000, 5000, 10_000], ground.sockets);
    while let Some(watchers) = ground.next(&mut points, &mut report) {
        let rate = (DELIVERIES as f64 / watchers as f64).max(0.5);
        // Few events a second take longer to mean something.
        let seconds = ground.growth.seconds.max(4.0 / rate);
        let line = format!("fanout --watchers {watchers} --rate {rate} --seconds {seconds} --with-limit");
        let found = ground.once(&line).await?;
        let x = watchers as f64;
        for (what, number, curve) in [
            ("CPU per delivery", "server CPU per delivery", &mut costs),
            ("the limit's", "limit: CPU per delivery", &mut limits),
            ("times the limit", "CPU, times the limit", &mut ratios),
        ] {
            if let Some(value) = found.get(number) {
                let unit = if number.ends_with("limit") { "×" } else { "µs" };
                report.put(format!("{watchers} watchers: {what}"), value, unit);
                curve.push((x, value));
            }
        }
        report.faults.extend(found.faults);
    }
    report.plots = vec![
        Plot::new(
            "cost of a delivery",
            Axis::log("watchers"),
            Axis::linear("µs of CPU"),
        )
        .curve("server", costs)
        .curve("limit", limits),
        Plot::new(
            "cost of a delivery, by the limit's",
            Axis::log("watchers"),
            Axis::linear("×"),
        )
        .curve("server", ratios),
    ];
    report.checked = "order, gaps and duplicates of every delivery, every acknowledgement".into();
    Ok(report)
}

/// Memory of a socket by their number.
pub(super) async fn memory(ground: &Ground<'_>) -> Result<Report, Trouble> {
    let mut report = Report::new(
        "growth of memory",
        ground.with("sockets that only are there".into()),
    );
    let (mut each, mut rates) = (Vec::new(), Vec::new());
    let mut points = numbers(&[1000, 3000, 9000], ground.sockets);
    while let Some(sockets) = ground.next(&mut points, &mut report) {
        let found = ground.once(&format!("idle --sockets {sockets}")).await?;
        let x = sockets as f64;
        if let Some(memory) = found.get("memory per socket") {
            report.put(format!("{sockets} sockets: memory of each"), memory, "KiB");
            each.push((x, memory));
        }
        if let Some(rate) = found.get("connect rate") {
            report.put(format!("{sockets} sockets: connect rate"), rate, "sockets/s");
            rates.push((x, rate));
        }
        report.faults.extend(found.faults);
    }
    report.plots = vec![
        Plot::new("memory of a socket", Axis::log("sockets"), Axis::linear("KiB")).curve("server", each),
        Plot::new("connect rate", Axis::log("sockets"), Axis::linear("sockets/s")).curve("server", rates),
    ];
    report.checked = "every socket got an event, in order, once".into();
    Ok(report)
}
