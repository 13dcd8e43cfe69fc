//! The next date of a series. It is computed by the clock on the wall, so nine o'clock stays nine o'clock when clocks are
//! changed. A series goes on from the date before, not from its first one: so a step costs the same however old the series
//! is, and the number in the series is counted along.

use super::dates::Dates;
use super::parts;
use crate::domain::alarms::{shown, utc};
use chrono::{DateTime, NaiveDate, NaiveDateTime};
use chrono_tz::Tz;
use rrule::{RRule, Unvalidated};

/// A date that was moved past more dates than this begins the series anew.
const PASSED: usize = 1000;
/// The last moment that a task may have.
const LAST: i64 = 253_402_300_799_999;

/// A date of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// Milliseconds of what the clock on the wall shows, as if that were UTC.
    pub local_ms: i64,
    /// Its number in the series, from 1.
    pub number: i64,
}

/// The first date of a series after `from` that is later than the moment `after_ms`, and its moment. `None`: the series has
/// ended. `zone`: UTC for series of days, whose dates are midnights of UTC.
pub fn next(rule: &str, from: Occurrence, after_ms: i64, zone: Tz) -> Option<(Occurrence, i64)> {
    let series = Series::read(rule)?;
    let after_local = local_ms(after_ms, zone)?;
    match series.search(from, after_ms, zone) {
        Search::Found(next, moment) => Some((next, moment)),
        Search::TooFar if after_local > from.local_ms => {
            let from = Occurrence {
                local_ms: after_local,
                ..from
            };
            match series.search(from, after_ms, zone) {
                Search::Found(next, moment) => Some((next, moment)),
                Search::TooFar | Search::Ended => None,
            }
        }
        Search::TooFar | Search::Ended => None,
    }
}

/// The last date of a series, from one of its dates on, that is not later than a moment; that one if all are.
pub fn reached(rule: &str, from: Occurrence, at_ms: i64, zone: Tz) -> Option<Occurrence> {
    let mut last = from;
    let series = Series::read(rule)?;
    for step in series.dates(from, zone)? {
        match step {
            Some((next, moment)) if moment <= at_ms => last = next,
            _ => return Some(last),
        }
    }
    // too far: the series begins anew, like the next date
    let local_ms = local_ms(at_ms, zone)?.max(from.local_ms);
    Some(Occurrence { local_ms, ..from })
}

/// The last moment that a date of a series may have, by the value of `UNTIL`.
pub fn until(value: &str, zone: Tz) -> Option<i64> {
    match Until::read(value)? {
        Until::Never => None,
        Until::Local(last) => utc(last, zone),
        Until::Moment(last) => Some(last),
    }
}

/// What clocks in a zone show at a moment, in milliseconds.
pub fn local_ms(at_ms: i64, zone: Tz) -> Option<i64> {
    Some(shown(at_ms, zone)?.and_utc().timestamp_millis())
}

/// The moment at which clocks in a zone show this, the inverse of [`local_ms`].
pub fn moment_of(local_ms: i64, zone: Tz) -> Option<i64> {
    utc(DateTime::from_timestamp_millis(local_ms)?.naive_utc(), zone)
}

/// A rule without its end, and the end.
struct Series {
    rule: RRule<Unvalidated>,
    count: Option<i64>,
    until: Until,
}

/// What a search finds.
enum Search {
    /// A date, and its moment.
    Found(Occurrence, i64),
    Ended,
    /// No date that is near enough.
    TooFar,
}

/// When a series ends. Its last date may be at that time.
enum Until {
    Never,
    /// By the clock on the wall.
    Local(NaiveDateTime),
    /// A moment.
    Moment(i64),
}

impl Until {
    /// A date alone is a whole day; a time without `Z` is one of the clock on the wall.
    fn read(value: &str) -> Option<Until> {
        let time = |text: &str| NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%S").ok();
        if let Some(moment) = value.strip_suffix('Z') {
            return Some(Until::Moment(time(moment)?.and_utc().timestamp_millis() + 999));
        }
        if value.contains('T') {
            return Some(Until::Local(time(value)?));
        }
        let day = NaiveDate::parse_from_str(value, "%Y%m%d").ok()?;
        Some(Until::Local(day.and_hms_opt(23, 59, 59)?))
    }

    fn is_over(&self, date: NaiveDateTime, moment: i64) -> bool {
        match self {
            Until::Never => false,
            Until::Local(last) => date > *last,
            Until::Moment(last) => moment > *last,
        }
    }
}

impl Series {
    fn read(rule: &str) -> Option<Series> {
        let raw = rule.to_ascii_uppercase();
        let until = raw.split(';').find_map(|part| {
            let part = part.strip_prefix("RRULE:").unwrap_or(part);
            part.strip_prefix("UNTIL=")
        });
        let until = until.map_or(Some(Until::Never), Until::read)?;
        let parts = parts(rule).ok()?;
        let count = parts.iter().find(|(name, _)| name == "COUNT");
        let count = count.and_then(|(_, number)| number.parse().ok());
        let endless = parts
            .iter()
            .filter(|(name, _)| name != "COUNT" && name != "UNTIL");
        let endless: Vec<String> = endless.map(|(name, value)| format!("{name}={value}")).collect();
        Some(Series {
            rule: endless.join(";").parse().ok()?,
            count,
            until,
        })
    }

    /// Looks for the first date after `from` that is later than the moment `after_ms`.
    fn search(&self, from: Occurrence, after_ms: i64, zone: Tz) -> Search {
        let Some(dates) = self.dates(from, zone) else {
            return Search::Ended;
        };
        for date in dates {
            match date {
                None => return Search::Ended,
                Some((next, moment)) if moment > after_ms => return Search::Found(next, moment),
                Some(_) => {}
            }
        }
        Search::TooFar
    }

    /// The dates after `from` with their moments, and `None` at the end of the series. Without that end, the others are too
    /// far.
    fn dates(&self, from: Occurrence, zone: Tz) -> Option<impl Iterator<Item = Option<(Occurrence, i64)>>> {
        let (start, rest) = (from.local_ms.div_euclid(1000), from.local_ms.rem_euclid(1000));
        let start = DateTime::from_timestamp(start, 0)?.naive_utc();
        let dates = Dates::after(start, &self.rule).take(PASSED);
        Some(dates.zip(from.number + 1..).map(move |(date, number)| {
            let moment = utc(date, zone)?
                .checked_add(rest)
                .filter(|moment| *moment <= LAST)?;
            if self.count.is_some_and(|count| number > count) || self.until.is_over(date, moment) {
                return None;
            }
            let local_ms = date.and_utc().timestamp_millis() + rest;
            Some((Occurrence { local_ms, number }, moment))
        }))
    }
}

/// Midnight of UTC of the day that clocks in a zone show at a moment.
pub fn day_of(at_ms: i64, zone: Tz) -> Option<i64> {
    let day = DateTime::from_timestamp_millis(at_ms)?
        .with_timezone(&zone)
        .date_naive();
    Some(day.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;
    use taskwire_protocol::Timestamp;

    fn ms(text: &str) -> i64 {
        Timestamp::parse(text)
            .unwrap_or_else(|| panic!("{text} is no time"))
            .0
    }

    /// The dates that follow each other when each task is completed on its date.
    fn series(rule: &str, first: &str, zone: &str, most: usize) -> Vec<String> {
        let zone = crate::domain::alarms::zone(zone);
        let mut at = ms(first);
        let mut from = Occurrence {
            local_ms: local_ms(at, zone).expect("a time"),
            number: 1,
        };
        let mut all = Vec::new();
        while all.len() < most {
            let Some((next, moment)) = next(rule, from, at, zone) else {
                break;
            };
            (from, at) = (next, moment);
            let text = serde_json::to_string(&Timestamp(at)).expect("a time");
            all.push(text.trim_matches('"').replace(".000Z", "Z"));
        }
        all
    }

    #[test]
    fn a_series_keeps_to_its_rule() {
        for (rule, first, zone, expected) in [
            (
                "FREQ=MONTHLY",
                "2027-01-31T08:00:00Z",
                "UTC",
                &[
                    "2027-03-31T08:00:00Z",
                    "2027-05-31T08:00:00Z",
                    "2027-07-31T08:00:00Z",
                ][..],
            ),
            (
                "FREQ=MONTHLY;BYMONTHDAY=-1",
                "2027-01-31T08:00:00Z",
                "UTC",
                &["2027-02-28T08:00:00Z", "2027-03-31T08:00:00Z"],
            ),
            (
                "FREQ=MONTHLY;BYDAY=-1FR",
                "2027-01-29T08:00:00Z",
                "UTC",
                &[
                    "2027-02-26T08:00:00Z",
                    "2027-03-26T08:00:00Z",
                    "2027-04-30T08:00:00Z",
                ],
            ),
            (
                "FREQ=YEARLY",
                "2024-02-29T00:00:00Z",
                "UTC",
                &["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"],
            ),
            (
                "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE",
                "2027-03-01T09:00:00Z",
                "UTC",
                &[
                    "2027-03-03T09:00:00Z",
                    "2027-03-15T09:00:00Z",
                    "2027-03-17T09:00:00Z",
                ],
            ),
            // nine o'clock in Berlin, before and after clocks are changed
            (
                "FREQ=DAILY",
                "2027-03-27T08:00:00Z",
                "Europe/Berlin",
                &["2027-03-28T07:00:00Z", "2027-03-29T07:00:00Z"],
            ),
            (
                "FREQ=WEEKLY",
                "2027-10-30T07:00:00Z",
                "Europe/Berlin",
                &["2027-11-06T08:00:00Z"],
            ),
            // half past two does not exist on the 28th; it is back on the 29th
            (
                "FREQ=DAILY",
                "2027-03-27T01:30:00Z",
                "Europe/Berlin",
                &["2027-03-28T01:30:00Z", "2027-03-29T00:30:00Z"],
            ),
            // it comes twice on the 31st: the first time counts
            (
                "FREQ=DAILY",
                "2027-10-30T00:30:00Z",
                "Europe/Berlin",
                &["2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z"],
            ),
        ] {
            assert_eq!(
                series(rule, first, zone, expected.len()),
                expected,
                "{rule} {first}"
            );
        }
    }

    #[test]
    fn a_series_ends() {
        for (rule, number) in [
            ("FREQ=DAILY;COUNT=3", 2),
            ("FREQ=DAILY;COUNT=1", 0),
            ("rrule:until=20270303;freq=daily", 2),
            ("FREQ=DAILY;UNTIL=20270303T090000Z", 2),
            ("FREQ=DAILY;UNTIL=20270303T085959Z", 1),
            ("FREQ=DAILY;UNTIL=20270303T090000", 2),
        ] {
            assert_eq!(
                series(rule, "2027-03-01T09:00:00Z", "UTC", 9).len(),
                number,
                "{rule}"
            );
        }
        // until a day of the person's, of which UTC has only a part
        let rule = "FREQ=DAILY;UNTIL=20270303";
        assert_eq!(
            series(rule, "2027-03-01T20:00:00Z", "America/New_York", 9).len(),
            2
        );
    }

    #[test]
    fn a_task_that_was_moved_stays_in_its_series() {
        let from = Occurrence {
            local_ms: ms("2027-03-01T09:00:00Z"),
            number: 1,
        };
        let after = |moved: &str, rule: &str| {
            let found = next(rule, from, ms(moved), Tz::UTC).expect("a date");
            (found.1, found.0.number)
        };
        let weekly = "FREQ=WEEKLY";
        // postponed, done earlier, postponed past the next one, and so far that its series begins anew
        assert_eq!(
            after("2027-03-03T12:00:00Z", weekly),
            (ms("2027-03-08T09:00:00Z"), 2)
        );
        assert_eq!(
            after("2027-02-26T09:00:00Z", weekly),
            (ms("2027-03-08T09:00:00Z"), 2)
        );
        assert_eq!(
            after("2027-03-09T09:00:00Z", weekly),
            (ms("2027-03-15T09:00:00Z"), 3)
        );
        assert_eq!(
            after("9000-01-01T10:00:00Z", "FREQ=SECONDLY").0,
            ms("9000-01-01T10:00:01Z")
        );
        assert_eq!(next(weekly, from, LAST, Tz::UTC), None);
    }

    #[test]
    fn a_rule_of_an_older_version_that_seldom_or_never_fits_costs_little() {
        let from = Occurrence {
            local_ms: ms("2027-03-01T09:00:00Z"),
            number: 1,
        };
        let far = ms("9000-01-01T00:00:00Z");
        for (rule, after, comes) in [
            (
                "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO;BYHOUR=5;BYMINUTE=5;BYSECOND=5",
                from.local_ms,
                true,
            ),
            ("FREQ=DAILY;BYHOUR=9;BYSETPOS=2", from.local_ms, false),
            (
                "FREQ=SECONDLY;INTERVAL=61;BYHOUR=23;BYMINUTE=59;BYSECOND=58;BYSETPOS=2",
                far,
                false,
            ),
        ] {
            let began = std::time::Instant::now();
            let found = next(rule, from, after, Tz::UTC);
            assert_eq!(found.is_some(), comes, "{rule}: {found:?}");
            assert!(began.elapsed().as_millis() < 200, "{rule}: {:?}", began.elapsed());
        }
    }
}
