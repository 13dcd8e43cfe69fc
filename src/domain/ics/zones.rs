//! Time zones as calendars describe them (RFC 5545, section 3.6.5): for each change of the clocks from one offset to another
//! when it comes. Changes that come every year on a day like the last Sunday of March are a rule, the others are listed. It
//! is a function of the zone alone: it begins before the first moment that a task may have, and knows no present. So a
//! calendar can be written without a look at what follows.

use super::lines::{local, moment, put};
use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, Offset as _, TimeZone as _};
use chrono_tz::{OffsetComponents as _, OffsetName as _, Tz, TzOffset};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::RangeInclusive;
use taskwire_protocol::weekday::WEEKDAYS;

const DAY: i64 = 86_400;
/// The seconds between two looks at the clocks. Nowhere do they change twice within it.
const STEP: i64 = 7 * DAY;
/// The end of what the database of time zones tells: the year 2100.
const END: i64 = 4_102_444_800;
/// A rule stands for at least so many changes.
const FEW: usize = 3;

/// Adds a zone.
pub(super) fn add(zone: Tz, text: &mut String) {
    put(text, "BEGIN", "VTIMEZONE");
    put(text, "TZID", zone.name());
    for (kind, changes) in kinds(zone) {
        for run in runs(&changes) {
            observance(&kind, &run, text);
        }
    }
    put(text, "END", "VTIMEZONE");
}

/// What clocks show from a change on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    /// Seconds before UTC, before the change and after it.
    from: i32,
    to: i32,
    name: Option<String>,
    is_daylight: bool,
}

/// A change of the clocks, by what they showed before it.
#[derive(Clone, Copy, Debug)]
struct Change {
    shown: NaiveDateTime,
    /// The moment, in seconds.
    at: i64,
}

/// What clocks go by at a moment.
fn offset(zone: Tz, at: i64) -> TzOffset {
    let moment = DateTime::from_timestamp(at, 0).unwrap_or_default();
    zone.offset_from_utc_datetime(&moment.naive_utc())
}

/// Seconds before UTC.
fn seconds(offset: &TzOffset) -> i32 {
    offset.fix().local_minus_utc()
}

/// The changes by their kinds, each in its order.
fn kinds(zone: Tz) -> BTreeMap<Kind, Vec<Change>> {
    let mut kinds: BTreeMap<Kind, Vec<Change>> = BTreeMap::new();
    let mut add = |before: &TzOffset, after: &TzOffset, at: i64| {
        let kind = Kind {
            from: seconds(before),
            to: seconds(after),
            name: after.abbreviation().map(str::to_owned),
            is_daylight: !after.dst_offset().is_zero(),
        };
        let shown = DateTime::from_timestamp(at + i64::from(kind.from), 0).unwrap_or_default();
        let shown = shown.naive_utc();
        kinds.entry(kind).or_default().push(Change { shown, at });
    };
    // clocks may be a day behind UTC
    let begin = -DAY;
    let mut before = offset(zone, begin);
    add(&before, &before, begin);
    for at in (begin..END).step_by(STEP as usize) {
        let (mut low, mut high) = (at, (at + STEP).min(END));
        let after = offset(zone, high);
        if after == before {
            continue;
        }
        while high - low > 1 {
            let middle = i64::midpoint(low, high);
            if offset(zone, middle) == before {
                low = middle;
            } else {
                high = middle;
            }
        }
        add(&before, &after, high);
        before = after;
    }
    kinds
}

/// Changes that are written together.
enum Run<'a> {
    Rule {
        first: Change,
        until: Option<i64>,
        rule: String,
    },
    List(Vec<&'a Change>),
}

/// Divides the changes of a kind into rules, and a list of those that follow none.
fn runs(changes: &[Change]) -> Vec<Run<'_>> {
    let (mut runs, mut others, mut rest) = (Vec::new(), Vec::new(), changes);
    while let Some(first) = rest.first() {
        let length = yearly(rest);
        let (run, after) = rest.split_at(length);
        let last = run.last().unwrap_or(first);
        let is_open = last.shown.year() >= 2099;
        match rule(run).filter(|_| length >= FEW) {
            Some(rule) => runs.push(Run::Rule {
                first: *first,
                // a day later: some readers take this moment for one of the clock on the wall
                until: (!is_open).then_some(last.at + DAY),
                rule,
            }),
            None => others.extend(run),
        }
        rest = after;
    }
    if !others.is_empty() {
        runs.push(Run::List(others));
    }
    runs
}

/// How many of these changes, from the first one on, come each year on a day of the same rule.
fn yearly(changes: &[Change]) -> usize {
    let next = |pair: &[Change]| {
        let [one, other] = [pair[0].shown, pair[1].shown];
        other.year() == one.year() + 1
            && other.month() == one.month()
            && other.weekday() == one.weekday()
            && other.time() == one.time()
    };
    let mut length = 1 + changes.windows(2).take_while(|pair| next(pair)).count();
    while length > 1 && rule(&changes[..length]).is_none() {
        length -= 1;
    }
    length
}

/// The rule of changes in one month on one day of the week: the second one of the month, the last one, or the one within
/// seven days. `None`: their days are too far from each other.
fn rule(run: &[Change]) -> Option<String> {
    let first = run.first()?.shown;
    let days = || run.iter().map(|change| change.shown.day());
    let (least, most) = (days().min()?, days().max()?);
    let month = first.month();
    let weekday = WEEKDAYS.get(first.weekday().num_days_from_monday() as usize)?.1;
    let is_last = run.iter().all(|change| is_last(change.shown.date()));
    let day = if is_last {
        format!("BYDAY=-1{weekday}")
    } else if let Some(week) = (1..=4).find(|week| within(least..=most, &(week * 7 - 6..=week * 7))) {
        format!("BYDAY={week}{weekday}")
    } else if most < least + 7 {
        let days: Vec<String> = (least..=most).map(|day| day.to_string()).collect();
        format!("BYMONTHDAY={};BYDAY={weekday}", days.join(","))
    } else {
        return None;
    };
    Some(format!("FREQ=YEARLY;BYMONTH={month};{day}"))
}

fn within(days: RangeInclusive<u32>, week: &RangeInclusive<u32>) -> bool {
    week.contains(days.start()) && week.contains(days.end())
}

/// Whether it is the last one of its weekday in its month.
fn is_last(day: NaiveDate) -> bool {
    day.day() + 7 > u32::from(day.num_days_in_month())
}

fn observance(kind: &Kind, run: &Run<'_>, text: &mut String) {
    let name = if kind.is_daylight { "DAYLIGHT" } else { "STANDARD" };
    let shown = |change: &Change| local(change.shown.and_utc().timestamp_millis());
    put(text, "BEGIN", name);
    match run {
        Run::Rule { first, until, rule } => {
            put(text, "DTSTART", &shown(first));
            let until = until.map_or_else(String::new, |at| format!(";UNTIL={}", moment(at * 1000)));
            put(text, "RRULE", &format!("{rule}{until}"));
        }
        Run::List(changes) => {
            let mut dates = changes.iter().map(|change| shown(change));
            put(text, "DTSTART", &dates.next().unwrap_or_default());
            let others: Vec<String> = dates.collect();
            if !others.is_empty() {
                put(text, "RDATE", &others.join(","));
            }
        }
    }
    put(text, "TZOFFSETFROM", &signed(kind.from));
    put(text, "TZOFFSETTO", &signed(kind.to));
    if let Some(name) = &kind.name {
        put(text, "TZNAME", name);
    }
    put(text, "END", name);
}

/// An offset (section 3.3.14).
fn signed(seconds: i32) -> String {
    let (sign, size) = (if seconds < 0 { '-' } else { '+' }, seconds.abs());
    let mut text = format!("{sign}{:02}{:02}", size / 3600, size / 60 % 60);
    if size % 60 > 0 {
        let _ = write!(text, "{:02}", size % 60);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::TZ_VARIANTS;
    use rrule::RRuleSet;

    /// The changes that an observance tells, each with the offsets before and after it. `rrule` computes them.
    fn told(observance: &str) -> Vec<(i64, i32, i32)> {
        let value = |name: &str| {
            let line = observance.lines().find_map(|line| line.strip_prefix(name));
            line.map(|line| line.trim_start_matches(':').to_owned())
        };
        let signed = |name: &str| {
            let text = value(name).expect(name);
            let digit = |at: usize| {
                text.get(at..at + 2)
                    .map_or(0, |two| two.parse::<i32>().expect("digits"))
            };
            let size = digit(1) * 3600 + digit(3) * 60 + digit(5);
            if text.starts_with('-') { -size } else { size }
        };
        let (from, to) = (signed("TZOFFSETFROM"), signed("TZOFFSETTO"));
        let start = value("DTSTART").expect("a start");
        let mut series = format!("DTSTART:{start}Z\n");
        if let Some(rule) = value("RRULE") {
            // an end is a moment, but here all dates are those of the clock on the wall
            let (rule, until) = rule.split_once(";UNTIL=").unwrap_or((&rule, ""));
            let until = NaiveDateTime::parse_from_str(until, "%Y%m%dT%H%M%SZ").ok();
            let shown = until.map(|until| until.and_utc().timestamp() * 1000 + i64::from(from) * 1000);
            let end = shown.map_or_else(
                || ";UNTIL=20991231T235959Z".to_owned(),
                |at| format!(";UNTIL={}", moment(at)),
            );
            let _ = write!(series, "RRULE:{rule}{end}");
        } else {
            let dates = value("RDATE").unwrap_or_default();
            let dates = dates.split(',').filter(|date| !date.is_empty());
            let dates: Vec<String> = [start.as_str()]
                .into_iter()
                .chain(dates)
                .map(|date| format!("{date}Z"))
                .collect();
            let _ = write!(series, "RDATE:{}", dates.join(","));
        }
        let set: RRuleSet = series.parse().unwrap_or_else(|error| panic!("{series}: {error}"));
        let dates = set.all(500).dates.into_iter();
        dates
            .map(|date| (date.timestamp() - i64::from(from), from, to))
            .collect()
    }

    fn written(zone: Tz) -> String {
        let mut text = String::new();
        add(zone, &mut text);
        text.replace("\r\n ", "").replace("\r\n", "\n")
    }

    #[test]
    fn every_zone_is_told_as_its_clocks_go() {
        for zone in TZ_VARIANTS {
            let text = written(zone);
            let mut changes: Vec<(i64, i32, i32)> = text
                .split("END:")
                .flat_map(|part| {
                    let begin = ["BEGIN:STANDARD", "BEGIN:DAYLIGHT"]
                        .iter()
                        .find_map(|begin| part.find(begin));
                    begin.map(|begin| told(&part[begin..])).unwrap_or_default()
                })
                .collect();
            changes.sort_unstable();
            let ends = changes.iter().skip(1).map(|change| change.0).chain([END]);
            for (change, end) in changes.iter().zip(ends) {
                // the first and last seconds of the time after it, and between them each 20th day
                for at in (change.0..end).step_by(20 * 86_400).chain([end - 1]) {
                    assert_eq!(seconds(&offset(zone, at)), change.2, "{zone} at {at}\n{text}");
                }
            }
            for pair in changes.windows(2) {
                assert_eq!(pair[0].2, pair[1].1, "{zone}: {pair:?}\n{text}");
            }
            assert!(text.len() < 12_000, "{zone} has {} bytes", text.len());
        }
    }

    #[test]
    fn a_change_of_every_year_is_a_rule() {
        for (zone, rules) in [
            (
                Tz::Europe__Berlin,
                ["BYMONTH=3;BYDAY=-1SU", "BYMONTH=10;BYDAY=-1SU"],
            ),
            (
                Tz::America__New_York,
                ["BYMONTH=3;BYDAY=2SU", "BYMONTH=11;BYDAY=1SU"],
            ),
            (
                Tz::Australia__Lord_Howe,
                ["BYMONTH=10;BYDAY=1SU", "BYMONTH=4;BYDAY=1SU"],
            ),
            (
                Tz::America__Santiago,
                [
                    "BYMONTH=9;BYMONTHDAY=2,3,4,5,6,7,8;BYDAY=SU",
                    "BYMONTH=4;BYMONTHDAY=2,3,4,5,6,7,8;BYDAY=SU",
                ],
            ),
        ] {
            let text = written(zone);
            for rule in rules {
                assert!(
                    text.contains(&format!("RRULE:FREQ=YEARLY;{rule}\n")),
                    "{rule} in {text}"
                );
            }
        }
        let text = written(Tz::Asia__Kathmandu);
        assert!(
            text.contains("TZOFFSETTO:+0545\n") && !text.contains("RRULE"),
            "{text}"
        );
        assert!(written(Tz::Etc__UTC).contains("TZOFFSETTO:+0000\n"));
    }
}
