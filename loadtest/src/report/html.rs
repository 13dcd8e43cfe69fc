//! Writes a run as one page: its numbers, checks and curves, on request beside those of an earlier run. The page has no
//! script and loads nothing. Does not know how a curve is drawn.

use super::compare::{Pair, compare, doubts};
use super::plot::Plot;
use super::run::Run;
use super::svg::{COLOURS, draw, escape};
use super::verdict::{HEADING, RIGHT, Verdict};
use super::{Report, show};
use std::fmt::Write;
use std::path::Path;

const STYLE: &str = include_str!("page.css");

/// Writes the page.
pub(crate) fn write(path: &Path, run: &Run, earlier: Option<&Run>) -> std::io::Result<()> {
    std::fs::write(path, page(run, earlier))
}

// Writing to a string cannot fail, so the results of `write!` are dropped.
fn page(run: &Run, earlier: Option<&Run>) -> String {
    let mut out = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>Taskwire under load</title><style>{STYLE}</style>\
         <h1>Taskwire under load</h1>"
    );
    let machine = &run.machine;
    let _ = write!(
        out,
        "<p class=\"soft\">{} · {} · {} cores · {} MiB · {}</p>",
        date(run.at),
        escape(&machine.processor),
        machine.cores,
        machine.memory_mib,
        escape(&machine.system)
    );
    if let Some(earlier) = earlier {
        let _ = write!(
            out,
            "<p class=\"soft\">Dashed: the run of {}.</p>",
            date(earlier.at)
        );
        for doubt in doubts(earlier, run) {
            let _ = write!(out, "<p class=\"bad\">{}.</p>", escape(&doubt));
        }
    }
    if !run.bars.is_empty() {
        bars(&mut out, &run.bars);
    }
    let compared = earlier.map(|earlier| compare(earlier, run)).unwrap_or_default();
    for report in &run.reports {
        let pairs = compared
            .iter()
            .find(|compared| compared.scenario == report.scenario)
            .map(|compared| &*compared.rows)
            .unwrap_or_default();
        let before =
            earlier.and_then(|run| run.reports.iter().find(|other| other.scenario == report.scenario));
        section(&mut out, report, pairs, before);
    }
    let settings = serde_json::to_string_pretty(&run.settings).unwrap_or_default();
    let _ = write!(
        out,
        "<details><summary>Settings</summary><pre>{}</pre></details></html>",
        escape(&settings)
    );
    out
}

fn section(out: &mut String, report: &Report, pairs: &[Pair], before: Option<&Report>) {
    let _ = write!(out, "<h2>{}</h2>", escape(&report.title));
    if report.is_clean() {
        let _ = write!(
            out,
            "<p class=\"good\">Checked: {}; nothing was wrong.</p>",
            escape(&report.checked)
        );
    } else {
        let _ = write!(
            out,
            "<p class=\"bad\">FAILED: {}</p><ul>",
            escape(&report.faults.to_string())
        );
        for example in &report.faults.examples {
            let _ = write!(out, "<li>{}</li>", escape(example));
        }
        out.push_str("</ul>");
    }
    out.push_str("<div class=\"wide\"><table>");
    if !pairs.is_empty() {
        out.push_str("<tr><th><th class=\"n\">now<th><th class=\"n\">before<th class=\"n\">ratio");
    }
    for number in &report.numbers {
        let _ = write!(
            out,
            "<tr><td>{}<td class=\"n\">{}<td>{}",
            escape(&number.what),
            show(number.value),
            escape(&number.unit)
        );
        if let Some(pair) = pairs.iter().find(|pair| pair.what == number.what) {
            let ratio = pair.ratio().map_or("–".to_owned(), show);
            let _ = write!(
                out,
                "<td class=\"n\">{}<td class=\"n\">{ratio}",
                show(pair.before)
            );
        }
    }
    out.push_str("</table></div><div class=\"plots\">");
    for plot in report.plots.iter().filter(|plot| !plot.curves.is_empty()) {
        let earlier = before.and_then(|report| report.plots.iter().find(|other| other.title == plot.title));
        figure(out, plot, earlier);
    }
    out.push_str("</div>");
}

fn figure(out: &mut String, plot: &Plot, earlier: Option<&Plot>) {
    let _ = write!(
        out,
        "<figure><h3>{}</h3>{}<figcaption>",
        escape(&plot.title),
        draw(plot, earlier)
    );
    for (n, curve) in plot.curves.iter().enumerate() {
        let _ = write!(
            out,
            "<span><i class=\"key k{}\"></i>{}</span>",
            n % COLOURS,
            escape(&curve.name)
        );
    }
    out.push_str("</figcaption></figure>");
}

fn bars(out: &mut String, rows: &[Verdict]) {
    out.push_str("<h2>Bars</h2><div class=\"wide\"><table><tr>");
    let class = |right: bool| if right { " class=\"n\"" } else { "" };
    for (heading, right) in HEADING.iter().zip(RIGHT) {
        let _ = write!(out, "<th{}>{}", class(right), escape(heading));
    }
    for row in rows {
        out.push_str("<tr>");
        for (cell, right) in row.cells().iter().zip(RIGHT) {
            let class = match cell.as_str() {
                "NOT MET" => " class=\"bad\"",
                "met" => " class=\"good\"",
                _ => class(right),
            };
            let _ = write!(out, "<td{class}>{}", escape(cell));
        }
    }
    out.push_str("</table></div>");
}

/// A moment in UTC, to the minute.
fn date(seconds: u64) -> String {
    let days = (seconds / 86_400) as i64;
    // Days since 0000-03-01, in eras of 400 years (Howard Hinnant's civil_from_days).
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute) = (seconds / 3600 % 24, seconds / 60 % 60);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
}

#[cfg(test)]
mod tests {
    use super::super::plot::Axis;
    use super::*;

    fn run(value: f64) -> Run {
        let mut report = Report::new("ops", "<b>32</b> clients");
        report.put("operations", value, "per second");
        let plot = Plot::new("throughput", Axis::linear("seconds"), Axis::linear("ops"));
        report
            .plots
            .push(plot.curve("ops", vec![(0.0, value), (1.0, value)]));
        Run::new(serde_json::json!({ "clients": 32 }), vec![report], Vec::new())
    }

    #[test]
    fn the_page_loads_nothing() {
        let page = page(&run(5.0), None);
        for outside in [
            "http://", "https://", "src=", "href=", "@import", "<script", "url(",
        ] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert!(page.contains("&lt;b&gt;32") && page.contains("prefers-color-scheme: dark"));
    }

    #[test]
    fn an_earlier_run_is_shown_beside_it() {
        let page = page(&run(6.0), Some(&run(4.0)));
        assert!(
            page.contains("1.50") && page.contains("class=\"c0 earlier\""),
            "{page}"
        );
    }

    #[test]
    fn the_page_of_a_failed_run_says_failed() {
        let mut failed = run(1.0);
        failed.reports[0]
            .faults
            .add(crate::fault::Fault::Gap, 3, || "at 7".into());
        assert!(page(&failed, None).contains("FAILED: 3"));
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(date(0), "1970-01-01 00:00 UTC");
        assert_eq!(date(951_782_399), "2000-02-28 23:59 UTC");
        assert_eq!(date(951_782_400), "2000-02-29 00:00 UTC");
        assert_eq!(date(1_767_225_600), "2026-01-01 00:00 UTC");
    }
}
