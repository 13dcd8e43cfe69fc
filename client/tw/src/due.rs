//! Dates as people type them. `phrase` sorts the words; `jiff` reads distances and calculates; `parse_datetime` reads
//! days and times of day, as `date -d` does. The caller passes the current time.

mod phrase;

use jiff::{
    Span, ToSpan as _, Zoned,
    civil::{Date, date},
};
use parse_datetime::parse_datetime_at_date;
use phrase::{Again, Phrase};
use taskwire_client::protocol::Timestamp;

/// When a task is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) at: Timestamp,
    /// A whole day: the same date in every time zone, stored as its start in UTC.
    pub(crate) all_day: bool,
}

const FORMS: &str =
    "2026-12-24, 2026-12-24 18:00, tomorrow, friday, next monday 9am, 24 december, in 3 weeks, +2h";
/// The first and the last moment that a due date can have: 1970-01-01 and 9999-12-31, in milliseconds.
const RANGE: std::ops::RangeInclusive<i64> = 0..=253_402_300_799_999;

/// Reads a time in RFC 3339, a date, a day, a time of day, or a distance from now.
///
/// A weekday, a time of day and a day without its year mean the first one that is still to come: on a Friday, `friday`
/// is in a week. `next monday` is the first Monday after today.
pub(crate) fn parse(text: &str, now: &Zoned) -> Result<Due, String> {
    let text = text.trim();
    let due = match Timestamp::parse(text) {
        Some(at) => Some(Due { at, all_day: false }),
        None => Phrase::read(text).and_then(|phrase| find(&phrase, now)),
    };
    let due = due.ok_or_else(|| format!("{text:?} is not a date; write {FORMS}"))?;
    if RANGE.contains(&due.at.0) {
        Ok(due)
    } else {
        Err(format!("{text:?} is not between the years 1970 and 9999"))
    }
}

fn find(phrase: &Phrase, now: &Zoned) -> Option<Due> {
    if phrase.clock.is_none()
        && phrase.distance.is_empty()
        && let Ok(day) = phrase.day.parse()
    {
        return whole_day(day); // the last days of the year 9999 have no moment in some time zones
    }
    let base = now.checked_add(distance(phrase)?).ok()?;
    if phrase.day.is_empty() && phrase.clock.is_none() {
        // An empty text is no date.
        return (!phrase.distance.is_empty()).then(|| whole_or_exact(&base, phrase.exact))?;
    }
    if phrase.exact {
        return None; // `2 hours friday`
    }
    // The time comes first: a number after a month could be a year.
    let text = format!("{} {}", phrase.clock.as_deref().unwrap_or_default(), phrase.day);
    let found = parse_datetime_at_date(base, text.trim()).ok()?.into_zoned()?;
    whole_or_exact(&still_to_come(found, phrase, now)?, phrase.clock.is_some())
}

fn distance(phrase: &Phrase) -> Option<Span> {
    if phrase.distance.is_empty() {
        return Some(Span::new());
    }
    phrase.distance.trim().parse().ok()
}

/// The first such moment that is still to come, where the words leave open which one is meant.
fn still_to_come(found: Zoned, phrase: &Phrase, now: &Zoned) -> Option<Zoned> {
    let (day, today) = (found.date(), now.date());
    let passed = match (&phrase.clock, phrase.comes_again) {
        (Some(_), _) => found <= *now,
        (None, Again::Weekly) => day <= today,
        (None, _) => day < today,
    };
    if !passed || !phrase.distance.is_empty() {
        return Some(found);
    }
    let again = match phrase.comes_again {
        Again::Weekly => 1.week(),
        Again::Yearly => 1.year(),
        Again::Never if phrase.day.is_empty() => 1.day(),
        Again::Never => return Some(found), // `today 9am`
    };
    found.checked_add(again).ok()
}

fn whole_or_exact(at: &Zoned, exact: bool) -> Option<Due> {
    if !exact {
        return whole_day(at.date());
    }
    Some(Due {
        at: Timestamp(at.timestamp().as_millisecond()),
        all_day: false,
    })
}

fn whole_day(day: Date) -> Option<Due> {
    let days = day.since(date(1970, 1, 1)).ok()?.get_days();
    Some(Due {
        at: Timestamp(i64::from(days) * 86_400_000),
        all_day: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Saturday evening in a zone that changes its clocks in March and November: 2026-11-22T04:30Z.
    const NOW: &str = "2026-11-21T23:30:00";
    const ZONE: &str = "EST5EDT,M3.2.0,M11.1.0";

    fn read(text: &str, now: &str) -> Result<String, String> {
        let zone = jiff::tz::TimeZone::posix(ZONE).map_err(|error| error.to_string())?;
        let now: jiff::civil::DateTime = now.parse().map_err(|error: jiff::Error| error.to_string())?;
        let now = now.to_zoned(zone).map_err(|error| error.to_string())?;
        let due = parse(text, &now)?;
        let text = due.at.to_string();
        Ok(match text.strip_suffix("T00:00:00.000Z") {
            Some(day) if due.all_day => day.to_owned(),
            _ => text.replace(":00.000Z", "Z"),
        })
    }

    /// What people type, on Saturday the 21st of November 2026 at 23:30, five hours behind UTC.
    const CASES: [(&str, &str); 59] = [
        ("today", "2026-11-21"),
        ("tomorrow", "2026-11-22"),
        ("Tomorrow", "2026-11-22"),
        (" tomorrow ", "2026-11-22"),
        ("tomorrow 9am", "2026-11-22T14:00Z"),
        ("tomorrow at 9", "2026-11-22T14:00Z"),
        ("tomorrow, 17:30", "2026-11-22T22:30Z"),
        ("at noon tomorrow", "2026-11-22T17:00Z"),
        ("today 9am", "2026-11-21T14:00Z"),
        ("friday", "2026-11-27"),
        ("FRI", "2026-11-27"),
        ("on friday", "2026-11-27"),
        ("this friday", "2026-11-27"),
        ("saturday", "2026-11-28"),
        ("saturday 11pm", "2026-11-29T04:00Z"),
        ("saturday 11:45pm", "2026-11-22T04:45Z"),
        ("monday", "2026-11-23"),
        ("next monday", "2026-11-23"),
        ("next monday 9am", "2026-11-23T14:00Z"),
        ("next monday at 9:15 am", "2026-11-23T14:15Z"),
        ("9am next monday", "2026-11-23T14:00Z"),
        ("next saturday", "2026-11-28"),
        ("friday next week", "2026-12-04"),
        ("monday in two weeks", "2026-12-07"),
        ("in 3 weeks", "2026-12-12"),
        ("3 weeks", "2026-12-12"),
        ("in three weeks at 9am", "2026-12-12T14:00Z"),
        ("in a week", "2026-11-28"),
        ("next week", "2026-11-28"),
        ("next month", "2026-12-21"),
        ("in 1 year", "2027-11-21"),
        ("in 10 days", "2026-12-01"),
        ("in 1 week and 2 days", "2026-11-30"),
        ("in an hour", "2026-11-22T05:30Z"),
        ("in 90 minutes", "2026-11-22T06:00Z"),
        ("in 1 hour 30 min", "2026-11-22T06:00Z"),
        ("in 1 day and 2 hours", "2026-11-23T06:30Z"),
        ("+3d", "2026-11-24"),
        ("+2w", "2026-12-05"),
        ("+2h", "2026-11-22T06:30Z"),
        ("+30m", "2026-11-22T05:00Z"),
        ("3d", "2026-11-24"),
        ("2026-12-24", "2026-12-24"),
        ("2026-12-24 18:00", "2026-12-24T23:00Z"),
        ("2026-12-24T18:00", "2026-12-24T23:00Z"),
        ("2026-12-24T18:00:00Z", "2026-12-24T18:00Z"),
        ("2026-12-24T18:00:00+01:00", "2026-12-24T17:00Z"),
        ("2026-07-01 18:00", "2026-07-01T22:00Z"),
        ("1970-01-01", "1970-01-01"),
        ("9999-12-31", "9999-12-31"),
        ("24 december", "2026-12-24"),
        ("24 dec 18:00", "2026-12-24T23:00Z"),
        ("Dec 24th", "2026-12-24"),
        ("the 24th of December 2028", "2028-12-24"),
        ("december 24, 2028 at 6pm", "2028-12-24T23:00Z"),
        ("1 march", "2027-03-01"),
        ("9am", "2026-11-22T14:00Z"),
        ("23:45", "2026-11-22T04:45Z"),
        ("12am", "2026-11-22T05:00Z"),
    ];

    #[test]
    fn a_date_is_read_as_people_mean_it() {
        for (text, expected) in CASES {
            assert_eq!(read(text, NOW).as_deref(), Ok(expected), "{text:?}");
        }
    }

    #[test]
    fn the_end_of_a_month_stays_there_and_clocks_that_change_lose_no_hour() {
        assert_eq!(
            read("in 1 month", "2026-01-31T12:00:00").as_deref(),
            Ok("2026-02-28")
        );
        assert_eq!(read("29 feb", "2028-03-01T12:00:00").as_deref(), Ok("2029-02-28"));
        // The clocks go forward at 02:00 on the 8th of March.
        assert_eq!(
            read("+2h", "2026-03-08T01:30:00").as_deref(),
            Ok("2026-03-08T08:30Z")
        );
        assert_eq!(read("+1d", "2026-03-08T01:30:00").as_deref(), Ok("2026-03-09"));
        assert_eq!(
            read("monday 9am", "2026-03-07T12:00:00").as_deref(),
            Ok("2026-03-09T13:00Z")
        );
    }

    #[test]
    fn a_text_that_is_not_a_date_is_refused() {
        for text in [
            "",
            " ",
            "+",
            "+d",
            "+-3d",
            "-3d",
            "+9999999999d",
            "+4000000000w",
            "soon",
            "someday",
            "2026-13-01",
            "2026-02-30",
            "31 february",
            "+é",
            "x",
            "z",
            "9",
            "2030",
            "friday 2030",
            "friday 9",
            "10 am 11 am",
            "25:00",
            "13pm",
            "24:00",
            "tomorrow 9:75",
            "3 weeks ago",
            "last friday",
            "2 hours friday",
            "next",
            "in",
            "december",
            "12/24/2026",
            "@1",
            "TZ=UTC",
            "\u{1b}[2J",
            "tomorrow or friday",
            "monday tuesday",
            "today tomorrow",
        ] {
            assert!(
                read(text, NOW).is_err(),
                "{text:?} was read as {:?}",
                read(text, NOW)
            );
        }
        assert!(read(&"9".repeat(10_000), NOW).is_err());
    }

    #[test]
    fn a_year_before_1970_or_after_9999_is_refused() {
        for text in [
            "0000-01-01",
            "0001-01-01",
            "1969-12-31",
            "1969-12-31T23:59:59Z",
            "0001-01-01T00:00:00Z",
            "24 dec 1950",
            "in 9000 years",
            "9999-12-31 23:00",
        ] {
            assert!(
                read(text, NOW).is_err(),
                "{text:?} was read as {:?}",
                read(text, NOW)
            );
        }
    }
}
