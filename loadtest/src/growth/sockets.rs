//! The cost of more sockets: the CPU of a delivery, beside that of the limit, and the memory of each socket.

use super::ground::Ground;
use crate::report::Report;
use crate::report::plot::{Axis, Plot};
use crate::trouble::Trouble;

/// Deliveries a second at every number of watchers, so that the rate stays the same.
const DELIVERIES: usize = 10_000;

fn numbers(all: &[usize], most: usize) -> std::vec::IntoIter<usize> {
    let mut numbers: Vec<usize> = all.iter().copied().filter(|number| *number < most).collect();
    numbers.push(most);
    numbers.into_iter()
}

/// The cost of a delivery by the number of watchers. The change itself costs the same for any number of watchers. So
/// the cost with a single watcher is subtracted; the rest is the cost of the deliveries to the other watchers.
pub(super) async fn deliveries(ground: &Ground<'_>) -> Result<Report, Trouble> {
    let with = format!("{DELIVERIES} deliveries a second to more and more watchers");
    let mut report = Report::new("growth of deliveries", ground.with(with));
    let (mut costs, mut limits, mut mores, mut ratios) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut points = numbers(&[100, 300, 1000, 3000, 5000, 10_000], ground.sockets);
    while let Some(watchers) = ground.next(&mut points, &mut report) {
        let rate = (DELIVERIES as f64 / watchers as f64).max(0.5);
        // At a low rate, a meaningful number needs more time.
        let seconds = ground.growth.seconds.max(4.0 / rate);
        let line = format!("fanout --rate {rate} --seconds {seconds}");
        let found = ground
            .once(&format!("{line} --watchers {watchers} --with-limit"))
            .await?;
        let alone = ground.once(&format!("{line} --watchers 1")).await?;
        let cost = found.get("server CPU per delivery");
        let limit = found.get("limit: CPU per delivery");
        let more = cost
            .zip(alone.get("server CPU per delivery"))
            .map(|(cost, alone)| (cost * watchers as f64 - alone) / (watchers as f64 - 1.0));
        let ratio = more.zip(limit).map(|(more, limit)| more / limit);
        for (what, value, unit, curve) in [
            ("CPU per delivery, the change included", cost, "µs", &mut costs),
            ("to one more watcher", more, "µs", &mut mores),
            ("the limit's", limit, "µs", &mut limits),
            ("one more, times the limit", ratio, "×", &mut ratios),
        ] {
            if let Some(value) = value {
                report.put(format!("{watchers} watchers: {what}"), value, unit);
                curve.push((watchers as f64, value));
            }
        }
        report.faults.extend(found.faults);
        report.faults.extend(alone.faults);
    }
    report.plots = vec![
        Plot::new(
            "cost of a delivery",
            Axis::log("watchers"),
            Axis::linear("µs of CPU"),
        )
        .curve("server, the change included", costs)
        .curve("to one more watcher", mores)
        .curve("limit", limits),
        Plot::new(
            "cost of a delivery to one more watcher, by the limit's",
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
    let mut report = Report::new("growth of memory", ground.with("idle sockets".into()));
    let (mut each, mut more, mut rates) = (Vec::new(), Vec::new(), Vec::new());
    let mut points = numbers(&[1000, 3000, 9000], ground.sockets);
    while let Some(sockets) = ground.next(&mut points, &mut report) {
        let found = ground.once(&format!("idle --sockets {sockets}")).await?;
        let x = sockets as f64;
        // The first number contains memory that is allocated once, for the first sockets; the second does not.
        for (number, what, curve) in [
            ("from before the first to the last", "memory of each", &mut each),
            ("from the middle one to the last", "of one more", &mut more),
        ] {
            if let Some(memory) = found.get(number) {
                report.put(format!("{sockets} sockets: {what}"), memory, "KiB");
                curve.push((x, memory));
            }
        }
        if let Some(rate) = found.get("connect rate") {
            report.put(format!("{sockets} sockets: connect rate"), rate, "sockets/s");
            rates.push((x, rate));
        }
        report.faults.extend(found.faults);
    }
    report.plots = vec![
        Plot::new("memory of a socket", Axis::log("sockets"), Axis::linear("KiB"))
            .curve("from before the first on", each)
            .curve("one more", more),
        Plot::new("connect rate", Axis::log("sockets"), Axis::linear("sockets/s")).curve("server", rates),
    ];
    report.checked = "every socket got an event, in order, once".into();
    Ok(report)
}
