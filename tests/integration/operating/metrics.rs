//! The metrics of a server: reads them, and checks them by the rules of `promtool check metrics` and some of our own.

use crate::support::{Server, http};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};

/// The words of names that are units, but not base units, and what to use instead.
const UNITS: [(&str, &str); 16] = [
    ("minutes", "seconds"),
    ("hours", "seconds"),
    ("days", "seconds"),
    ("weeks", "seconds"),
    ("kelvins", "kelvin"),
    ("fahrenheit", "celsius"),
    ("rankine", "celsius"),
    ("inches", "meters"),
    ("yards", "meters"),
    ("miles", "meters"),
    ("bits", "bytes"),
    ("calories", "joules"),
    ("pounds", "grams"),
    ("ounces", "grams"),
    ("percent", "ratio"),
    ("percentage", "ratio"),
];
const BASE_UNITS: [&str; 9] = [
    "amperes", "bytes", "celsius", "grams", "joules", "kelvin", "meters", "seconds", "volts",
];
const PREFIXES: [&str; 18] = [
    "pico", "nano", "micro", "milli", "centi", "deci", "deca", "hecto", "kilo", "kibi", "mega", "mibi",
    "giga", "gibi", "tera", "tebi", "peta", "pebi",
];
const ABBREVIATIONS: [&str; 14] = [
    "s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d",
];
const KINDS: [&str; 4] = ["counter", "gauge", "histogram", "summary"];

/// What `GET /metrics` answered.
pub struct Metrics {
    pub text: String,
}

/// A metric: its lines, in the order in which they came.
#[derive(Debug, Default)]
struct Family {
    help: Vec<String>,
    kind: Vec<String>,
    /// Name, labels and value.
    samples: Vec<(String, String, String)>,
    /// How often its lines began anew after lines of another metric.
    runs: usize,
}

impl Metrics {
    pub async fn of(server: &Server) -> Metrics {
        let answer = http::get(server, "/metrics").await;
        assert_eq!(answer.status(), 200);
        Metrics {
            text: answer.text().await.expect("text"),
        }
    }

    /// The value of a metric without labels.
    pub fn find(&self, name: &str) -> Option<f64> {
        let line = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok();
        self.text.lines().find_map(line)
    }

    /// The value of a metric without labels, which must be there.
    pub fn number(&self, name: &str) -> f64 {
        self.find(name)
            .unwrap_or_else(|| panic!("{name} is not in\n{}", self.text))
    }

    /// The names of all metrics.
    pub fn names(&self) -> Vec<String> {
        families(&self.text).into_keys().collect()
    }

    /// What breaks a rule.
    pub fn offences(&self) -> Vec<String> {
        let families = families(&self.text);
        let mut found = Vec::new();
        for (name, family) in &families {
            let mut offends = |what: String| found.push(format!("{name}: {what}"));
            family.check_lines(&mut offends);
            check_name(name, family.kind(), &mut offends);
            let bare = name.strip_suffix("_total");
            if bare.is_some_and(|bare| families.contains_key(bare)) {
                offends("OpenMetrics drops _total, and then another metric has this name".to_owned());
            }
        }
        found
    }

    /// What `promtool check metrics` says; `None` if it is not installed.
    pub fn promtool(&self) -> Option<String> {
        let mut command = Command::new("promtool");
        command.args(["check", "metrics"]);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut process = command.spawn().ok()?;
        let mut input = process.stdin.take().expect("its input");
        let text = self.text.clone();
        let writing = std::thread::spawn(move || input.write_all(text.as_bytes()));
        let output = process.wait_with_output().expect("its output");
        writing.join().expect("written").expect("read");
        let said = [output.stdout, output.stderr].concat();
        Some(String::from_utf8_lossy(&said).into_owned())
    }
}

/// The metrics in a text, by name.
fn families(text: &str) -> BTreeMap<String, Family> {
    let mut families = BTreeMap::<String, Family>::new();
    let mut last = String::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let name = match line.strip_prefix("# ") {
            Some(comment) => comment.split(' ').nth(1).unwrap_or_default().to_owned(),
            None => base(line.split(['{', ' ']).next().unwrap_or_default(), &families),
        };
        let family = families.entry(name.clone()).or_default();
        family.runs += usize::from(name != last);
        last = name;
        family.add(line);
    }
    families
}

/// The metric of a sample: a histogram's samples have suffixes.
fn base(sample: &str, families: &BTreeMap<String, Family>) -> String {
    let of = |suffix: &str| {
        let name = sample.strip_suffix(suffix)?;
        let kind = families.get(name)?.kind();
        ["histogram", "summary"].contains(&kind).then(|| name.to_owned())
    };
    ["_bucket", "_sum", "_count"]
        .into_iter()
        .find_map(of)
        .unwrap_or_else(|| sample.to_owned())
}

impl Family {
    fn add(&mut self, line: &str) {
        let after_name = |rest: &str| rest.split_once(' ').unwrap_or_default().1.to_owned();
        if let Some(help) = line.strip_prefix("# HELP ") {
            self.help.push(after_name(help));
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            self.kind.push(after_name(kind));
        } else {
            let (sample, value) = line.rsplit_once(' ').unwrap_or((line, ""));
            let (name, labels) = sample.split_once('{').unwrap_or((sample, ""));
            let labels = labels.trim_end_matches('}');
            self.samples
                .push((name.to_owned(), labels.to_owned(), value.to_owned()));
        }
    }

    fn kind(&self) -> &str {
        self.kind.first().map_or("untyped", String::as_str)
    }

    fn check_lines(&self, offends: &mut impl FnMut(String)) {
        if self.help.len() != 1 || self.help[0].trim().is_empty() {
            offends("no help text, or several".to_owned());
        }
        if self.kind.len() != 1 {
            offends("no type, or several".to_owned());
        }
        if self.runs != 1 || self.samples.is_empty() {
            offends("its lines are not together, or there are none".to_owned());
        }
        let mut seen = BTreeSet::new();
        for (name, labels, value) in &self.samples {
            if value.parse::<f64>().is_err() || !seen.insert((name, labels)) {
                offends(format!(
                    "{name}{{{labels}}} {value} has no number, or comes twice"
                ));
            }
            for label in labels.split("\",").filter_map(|label| label.split_once('=')) {
                self.check_label(label.0, offends);
            }
        }
    }

    fn check_label(&self, label: &str, offends: &mut impl FnMut(String)) {
        if label.chars().any(char::is_uppercase) {
            offends(format!("the label {label} is not in snake_case"));
        }
        let kind = self.kind();
        if (label == "le" && kind != "histogram") || (label == "quantile" && kind != "summary") {
            offends(format!("the label {label} is reserved"));
        }
    }
}

fn check_name(name: &str, kind: &str, offends: &mut impl FnMut(String)) {
    if name.ends_with("_total") != (kind == "counter") {
        offends("counters end with _total, and nothing else does".to_owned());
    }
    let is_composite = ["histogram", "summary"].contains(&kind);
    let of_composite = ["_bucket", "_count", "_sum"]
        .iter()
        .any(|suffix| name.ends_with(suffix));
    if (of_composite && !is_composite) || (name.ends_with("_timestamp_seconds") && kind != "gauge") {
        offends("a reserved suffix".to_owned());
    }
    if name.contains(':') || name.chars().any(char::is_uppercase) {
        offends("not in snake_case".to_owned());
    }
    for word in name.split('_').skip(1) {
        if KINDS.contains(&word) || ABBREVIATIONS.contains(&word) {
            offends(format!("{word} is a type or an abbreviated unit"));
        }
        if let Some((_, base)) = UNITS.iter().find(|(unit, _)| *unit == word) {
            offends(format!("use base unit {base} instead of {word}"));
        }
        let unit = PREFIXES.iter().find_map(|prefix| word.strip_prefix(prefix));
        if unit.is_some_and(|unit| BASE_UNITS.contains(&unit)) {
            offends(format!("use base unit instead of {word}"));
        }
    }
}

/// Without this test, a check that finds nothing would always pass.
#[test]
fn each_rule_finds_what_breaks_it() {
    let help = "# HELP a_total x\n# TYPE a_total counter\n";
    for (text, what) in [
        ("# TYPE a_total counter\na_total 1\n".to_owned(), "no help"),
        (
            "# HELP a_total \n# TYPE a_total counter\na_total 1\n".to_owned(),
            "no help",
        ),
        ("# HELP a x\n# TYPE a counter\na 1\n".to_owned(), "_total"),
        (
            "# HELP a_total x\n# TYPE a_total gauge\na_total 1\n".to_owned(),
            "_total",
        ),
        (
            "# HELP a_milliseconds x\n# TYPE a_milliseconds gauge\na_milliseconds 1\n".to_owned(),
            "base unit",
        ),
        (
            "# HELP a_hours x\n# TYPE a_hours gauge\na_hours 1\n".to_owned(),
            "base unit",
        ),
        (
            "# HELP a_ms x\n# TYPE a_ms gauge\na_ms 1\n".to_owned(),
            "abbreviated",
        ),
        (
            "# HELP a_gauge x\n# TYPE a_gauge gauge\na_gauge 1\n".to_owned(),
            "type",
        ),
        ("# HELP aB x\n# TYPE aB gauge\naB 1\n".to_owned(), "snake_case"),
        (format!("{help}a_total{{aB=\"1\"}} 1\n"), "snake_case"),
        (format!("{help}a_total{{le=\"1\"}} 1\n"), "reserved"),
        (format!("{help}a_total 1\na_total 2\n"), "twice"),
        (format!("{help}a_total one\n"), "no number"),
        (
            format!("{help}a_total 1\n# HELP a x\n# TYPE a gauge\na 1\n"),
            "OpenMetrics",
        ),
        (
            format!("{help}a_total{{b=\"1\"}} 1\n# HELP c x\n# TYPE c gauge\nc 1\na_total 2\n"),
            "together",
        ),
    ] {
        let offences = Metrics { text: text.clone() }.offences();
        assert!(
            offences.iter().any(|offence| offence.contains(what)),
            "{text}: {offences:?}"
        );
    }
    let fine = "# HELP a_seconds x\n# TYPE a_seconds histogram\na_seconds_bucket{le=\"1\"} 1\n\
                a_seconds_bucket{le=\"+Inf\"} 1\na_seconds_sum 1\na_seconds_count 1\n";
    assert_eq!(
        Metrics {
            text: format!("{fine}{help}a_total 1\n")
        }
        .offences(),
        Vec::<String>::new()
    );
}
