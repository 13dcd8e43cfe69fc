//! Dates and rhythms as other programs write them. What is not understood for sure is not guessed.

use chrono::{
    DateTime, Datelike as _, Duration, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeZone as _, Utc,
};
use chrono_tz::Tz;
use taskwire_protocol::Timestamp;
use taskwire_protocol::weekday::WEEKDAYS;

/// A date of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Date {
    /// The moment; of a day, its midnight in UTC.
    pub(super) at: Timestamp,
    /// Whether it means a day.
    pub(super) all_day: bool,
}

/// When a task is due, and how it repeats.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct When {
    pub(super) date: Option<Date>,
    /// A rule of RFC 5545.
    pub(super) rule: Option<String>,
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// Among so many days each day of a month is at least once.
const SOME_DAYS: usize = 62;

/// A zone by its name; UTC when there is none.
pub(super) fn zone(name: &str) -> Option<Tz> {
    match name.trim() {
        "" => Some(Tz::UTC),
        name => name.parse().ok(),
    }
}

/// A day.
pub(super) fn day(day: NaiveDate) -> Date {
    Date {
        at: Timestamp(day.and_time(NaiveTime::MIN).and_utc().timestamp_millis()),
        all_day: true,
    }
}

/// A moment on the wall of a zone. One that the clock skips is as much later; of one that is there twice the first.
pub(super) fn moment(at: NaiveDateTime, zone: Tz) -> Option<Date> {
    let found = match zone.from_local_datetime(&at) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at,
        LocalResult::None => {
            let later = at.checked_add_signed(Duration::hours(1))?;
            zone.from_local_datetime(&later).earliest()?
        }
    };
    Some(Date {
        at: Timestamp(found.timestamp_millis()),
        all_day: false,
    })
}

/// A date as numbers: `2030-01-31`, `2030-01-31 14:30`, RFC 3339.
pub(super) fn plain(text: &str, zone: Tz) -> Option<Date> {
    let text = text.trim();
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(day(date));
    }
    if let Some(at) = Timestamp::parse(text) {
        return Some(Date { at, all_day: false });
    }
    let forms = [
        "%Y-%m-%d %H:%M",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%dT%H:%M:%S",
    ];
    let at = forms
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    moment(at?, zone)
}

/// A basic ISO time, as Taskwarrior writes it: `20300131T143000Z`.
pub(super) fn basic(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let parsed = NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%SZ").ok();
    let parsed = parsed.map(|at| Timestamp(at.and_utc().timestamp_millis()));
    parsed.or_else(|| Timestamp::parse(text))
}

/// Words of a date, in English: `5 Jan 2030`, `Jan 5 2030 14:00`, `every other monday at 9am`, `every! 3 days`, `daily`. A
/// date without a year is not understood: it depends on when it was written.
pub(super) fn words(text: &str, zone: Tz, now: Timestamp) -> Option<When> {
    if let Some(date) = plain(text, zone) {
        let date = Some(date);
        return Some(When { date, rule: None });
    }
    let text = text.trim().to_lowercase();
    let Some(rhythm) = rhythm(&text) else {
        let (day, time) = timed(&text)?;
        let date = Some(at(calendar_day(day)?, time, zone)?);
        return Some(When { date, rule: None });
    };
    let (rhythm, start) = match rhythm.split_once(" starting ") {
        Some((rhythm, start)) => (rhythm, Some(timed(start)?)),
        None => (rhythm, None),
    };
    let (rhythm, mut time) = timed(rhythm)?;
    let first = match start {
        Some((day, later)) => {
            time = time.or(later);
            calendar_day(day)?
        }
        None => DateTime::from_timestamp_millis(now.0)?
            .with_timezone(&zone)
            .date_naive(),
    };
    let rule = every(rhythm).or_else(|| days_of_the_month(rhythm))?;
    let date = Some(at(first_day(&rule, first)?, time, zone)?);
    Some(When {
        date,
        rule: Some(rule),
    })
}

/// What stands behind `every`, or a word that means it.
fn rhythm(text: &str) -> Option<&str> {
    let begins = ["every! ", "every ", "ev! ", "ev "];
    let rest = begins.iter().find_map(|begin| text.strip_prefix(begin));
    let first = text.split(' ').next().unwrap_or_default();
    let is_rhythm = matches!(first, "daily" | "weekly" | "monthly" | "quarterly" | "yearly");
    rest.or_else(|| is_rhythm.then_some(text))
}

/// What stands before a time, and the time: `… at 9am`, `… 9:30`, `… 9 pm`. `None`: what stands behind `at` is none.
fn timed(text: &str) -> Option<(&str, Option<NaiveTime>)> {
    if let Some((before, time)) = text.rsplit_once(" at ") {
        return Some((before, Some(clock(time)?)));
    }
    // a bare number may be a day or a year
    let is_sure = |time: &str| time.contains(':') || time.ends_with("am") || time.ends_with("pm");
    let mut spaces = text.rmatch_indices(' ').map(|(place, _)| place);
    let (last, second) = (spaces.next(), spaces.next());
    let found = [second, last].into_iter().flatten().find_map(|place| {
        let (before, time) = text.split_at(place);
        let time = Some(time.trim()).filter(|time| is_sure(time)).and_then(clock)?;
        Some((before.trim_end(), Some(time)))
    });
    Some(found.unwrap_or((text, None)))
}

fn at(date: NaiveDate, time: Option<NaiveTime>, zone: Tz) -> Option<Date> {
    match time {
        Some(time) => moment(date.and_time(time), zone),
        None => Some(day(date)),
    }
}

/// `14:30`, `9am`, `9:15 pm`
fn clock(text: &str) -> Option<NaiveTime> {
    let text = text.trim().replace(' ', "");
    let (digits, half) = match (text.strip_suffix("am"), text.strip_suffix("pm")) {
        (Some(digits), _) => (digits, Some(0)),
        (_, Some(digits)) => (digits, Some(12)),
        _ => (text.as_str(), None),
    };
    let (hour, minute) = digits.split_once(':').unwrap_or((digits, "0"));
    let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
    let hour = match half {
        Some(half) if (1..=12).contains(&hour) => hour % 12 + half,
        Some(_) => return None,
        None => hour,
    };
    NaiveTime::from_hms_opt(hour, minute, 0)
}

/// `2030-01-05`, `5 jan 2030`, `january 5, 2030`
fn calendar_day(text: &str) -> Option<NaiveDate> {
    if let Ok(date) = NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d") {
        return Some(date);
    }
    let text = text.replace(',', " ");
    let words: Vec<&str> = text.split_whitespace().collect();
    let [first, second, year] = words.as_slice() else {
        return None;
    };
    let (day, month) = match (month(first), month(second)) {
        (Some(month), None) => (second, month),
        (None, Some(month)) => (first, month),
        _ => return None,
    };
    let day = day.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let year = year.parse().ok().filter(|year| (1970..=9999).contains(year))?;
    NaiveDate::from_ymd_opt(year, month, day.parse().ok()?)
}

fn month(word: &str) -> Option<u32> {
    let begin = word.get(..3)?;
    let place = MONTHS.iter().position(|month| *month == begin)?;
    word.bytes()
        .all(|byte| byte.is_ascii_alphabetic())
        .then_some(place as u32 + 1)
}

fn weekday(word: &str) -> Option<&'static str> {
    let is_short = (3..=5).contains(&word.len());
    let is_named = |name: &str| name == word.trim_end_matches('s') || (is_short && name.starts_with(word));
    WEEKDAYS
        .iter()
        .find(|(name, _)| is_named(name))
        .map(|(_, code)| *code)
}

/// A rule for what stands behind `every`, or for a rhythm like `weekly` and `2weeks`.
pub(super) fn every(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let simple = match text.as_str() {
        "weekday" | "weekdays" | "workday" | "workdays" => Some("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
        "weekend" | "weekends" => Some("FREQ=WEEKLY;BYDAY=SA,SU"),
        "fortnight" | "biweekly" => Some("FREQ=WEEKLY;INTERVAL=2"),
        "bimonthly" => Some("FREQ=MONTHLY;INTERVAL=2"),
        "quarterly" | "quarter" => Some("FREQ=MONTHLY;INTERVAL=3"),
        "semiannual" => Some("FREQ=MONTHLY;INTERVAL=6"),
        "biannual" | "biyearly" => Some("FREQ=YEARLY;INTERVAL=2"),
        _ => None,
    };
    if let Some(rule) = simple {
        return Some(rule.to_owned());
    }
    if let Some(rule) = days_of_the_week(&text) {
        return Some(rule);
    }
    let (number, unit) = counted(&text)?;
    let (frequency, each) = match unit {
        "d" | "day" | "days" | "daily" | "dy" => ("DAILY", 1),
        "w" | "week" | "weeks" | "weekly" | "wk" | "wks" => ("WEEKLY", 1),
        "m" | "mo" | "month" | "months" | "monthly" | "mth" => ("MONTHLY", 1),
        "q" | "quarter" | "quarters" => ("MONTHLY", 3),
        "y" | "year" | "years" | "yearly" | "annual" | "yr" | "yrs" => ("YEARLY", 1),
        _ => return None,
    };
    let interval = number
        .checked_mul(each)
        .filter(|interval| (1..=1000).contains(interval))?;
    Some(match interval {
        1 => format!("FREQ={frequency}"),
        interval => format!("FREQ={frequency};INTERVAL={interval}"),
    })
}

/// `monday`, `other tuesday`, `mon, wed and fri`
fn days_of_the_week(text: &str) -> Option<String> {
    let (text, interval) = match text.strip_prefix("other ") {
        Some(rest) => (rest, ";INTERVAL=2"),
        None => (text, ""),
    };
    let words = text
        .split([',', ' '])
        .filter(|word| !word.is_empty() && *word != "and");
    let days: Vec<&str> = words.map(weekday).collect::<Option<_>>()?;
    (!days.is_empty()).then(|| format!("FREQ=WEEKLY{interval};BYDAY={}", days.join(",")))
}

/// `27th`, `1st and 15th`, `last day`
fn days_of_the_month(text: &str) -> Option<String> {
    if text.trim() == "last day" {
        return Some("FREQ=MONTHLY;BYMONTHDAY=-1".to_owned());
    }
    let words = text
        .split([',', ' '])
        .filter(|word| !word.is_empty() && *word != "and");
    let day = |word: &str| {
        let number: u32 = ["st", "nd", "rd", "th"]
            .iter()
            .find_map(|end| word.strip_suffix(end))?
            .parse()
            .ok()?;
        (1..=31).contains(&number).then(|| number.to_string())
    };
    let days: Vec<String> = words.map(day).collect::<Option<_>>()?;
    (!days.is_empty()).then(|| format!("FREQ=MONTHLY;BYMONTHDAY={}", days.join(",")))
}

/// `3 days`, `3days`, `day`, `other week`, `p2w`
fn counted(text: &str) -> Option<(u32, &str)> {
    if let Some(unit) = text.strip_prefix("other ") {
        return Some((2, unit.trim()));
    }
    let text = text
        .strip_prefix('p')
        .filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        .unwrap_or(text);
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number = if number.is_empty() {
        1
    } else {
        number.parse().ok()?
    };
    Some((number, unit.trim()))
}

/// The first day from one on that a rule has which names days of the week or of the month.
fn first_day(rule: &str, from: NaiveDate) -> Option<NaiveDate> {
    let code = |day: NaiveDate| WEEKDAYS[day.weekday().num_days_from_monday() as usize].1;
    let is_last = |day: NaiveDate| day.succ_opt().is_none_or(|next| next.day() == 1);
    let mut days = from.iter_days().take(SOME_DAYS);
    if let Some((_, named)) = rule.split_once("BYDAY=") {
        days.find(|day| named.split(',').any(|wanted| wanted == code(*day)))
    } else if let Some((_, named)) = rule.split_once("BYMONTHDAY=") {
        days.find(|day| {
            named.split(',').any(|wanted| match wanted.parse::<i64>() {
                Ok(-1) => is_last(*day),
                Ok(number) => i64::from(day.day()) == number,
                Err(_) => false,
            })
        })
    } else {
        Some(from)
    }
}

/// The time in the id of a MongoDB object, as Trello's are: its first four bytes are seconds.
pub(super) fn of_object(id: &str) -> Option<Timestamp> {
    let seconds = id.get(..8).filter(|_| id.len() == 24)?;
    let seconds = i64::from_str_radix(seconds, 16).ok()?;
    DateTime::<Utc>::from_timestamp(seconds, 0).map(|at| Timestamp(at.timestamp_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::recurrence;

    const NOW: Timestamp = Timestamp(1_893_456_000_000); // 2030-01-01, a Tuesday

    fn told(text: &str, zone: Tz) -> Option<(String, bool, Option<String>)> {
        let when = words(text, zone, NOW)?;
        let date = when.date?;
        Some((date.at.to_string(), date.all_day, when.rule))
    }

    #[test]
    fn dates_in_words() {
        let berlin = zone("Europe/Berlin").expect("a zone");
        let at = |text: &str, all_day| Some((text.to_owned(), all_day, None));
        assert_eq!(told("2030-01-31", berlin), at("2030-01-31T00:00:00.000Z", true));
        assert_eq!(
            told("2030-01-31 14:30", berlin),
            at("2030-01-31T13:30:00.000Z", false)
        );
        assert_eq!(told("5 Jan 2031", berlin), at("2031-01-05T00:00:00.000Z", true));
        assert_eq!(
            told("July 5th, 2031 at 9pm", berlin),
            at("2031-07-05T19:00:00.000Z", false)
        );
        let afternoon = at("2031-01-15T13:30:00.000Z", false);
        for text in [
            "15 Jan 2031 14:30",
            "Jan 15 2031 14:30",
            "Jan 15 2031 2:30pm",
            "January 15, 2031 2:30 PM",
            "15 Jan 2031 at 14:30",
        ] {
            assert_eq!(told(text, berlin), afternoon, "{text}");
        }
        assert_eq!(
            told("Jan 15 2031 2pm", berlin),
            at("2031-01-15T13:00:00.000Z", false)
        );
        for unclear in [
            "tomorrow",
            "5 Jan",
            "5 Jan 14:30",
            "14:30",
            "15 Jan 2031 25:30",
            "15 Jan 2031 9",
            "15 Jan 2031 at noon",
            "next week",
            "",
            "every",
            "ev",
            "every 9am",
            "every 0 days",
            "every 0th",
            "every 32nd",
            "every 27",
            "daily habit",
            "31 Feb 2030",
            "every full moon",
        ] {
            assert_eq!(told(unclear, berlin), None, "{unclear}");
        }
    }

    #[test]
    fn the_last_years_of_the_calendar_are_no_moment() {
        let zone = zone("America/New_York").expect("a zone");
        for text in [
            "+262142-12-31 23:30",
            "+262142-12-31",
            "-262143-01-01 00:00",
            "+262142-12-31 00:00",
        ] {
            let _ = (plain(text, zone), words(text, zone, NOW));
        }
        assert_eq!(plain("+262142-12-31 23:30", zone), None);
    }

    #[test]
    fn rhythms_become_valid_rules() {
        let rule = |text: &str| told(text, Tz::UTC).map(|(at, _, rule)| (at, rule.unwrap_or_default()));
        assert_eq!(
            rule("every monday"),
            Some(("2030-01-07T00:00:00.000Z".into(), "FREQ=WEEKLY;BYDAY=MO".into()))
        );
        assert_eq!(
            rule("every other week at 8:00"),
            Some(("2030-01-01T08:00:00.000Z".into(), "FREQ=WEEKLY;INTERVAL=2".into()))
        );
        assert_eq!(
            rule("every! 3 days starting 2030-02-01"),
            Some(("2030-02-01T00:00:00.000Z".into(), "FREQ=DAILY;INTERVAL=3".into()))
        );
        for (text, at, expected) in [
            (
                "every friday 9am",
                "2030-01-04T09:00:00.000Z",
                "FREQ=WEEKLY;BYDAY=FR",
            ),
            (
                "Every Friday 9:15 pm",
                "2030-01-04T21:15:00.000Z",
                "FREQ=WEEKLY;BYDAY=FR",
            ),
            ("ev mon", "2030-01-07T00:00:00.000Z", "FREQ=WEEKLY;BYDAY=MO"),
            (
                "ev! 2 weeks",
                "2030-01-01T00:00:00.000Z",
                "FREQ=WEEKLY;INTERVAL=2",
            ),
            ("daily", "2030-01-01T00:00:00.000Z", "FREQ=DAILY"),
            ("monthly at 8:00", "2030-01-01T08:00:00.000Z", "FREQ=MONTHLY"),
            (
                "yearly starting 5 Jul 2031",
                "2031-07-05T00:00:00.000Z",
                "FREQ=YEARLY",
            ),
            (
                "every 27th",
                "2030-01-27T00:00:00.000Z",
                "FREQ=MONTHLY;BYMONTHDAY=27",
            ),
            (
                "every 2nd and 15th 7am",
                "2030-01-02T07:00:00.000Z",
                "FREQ=MONTHLY;BYMONTHDAY=2,15",
            ),
            (
                "every 31st starting 2030-02-01",
                "2030-03-31T00:00:00.000Z",
                "FREQ=MONTHLY;BYMONTHDAY=31",
            ),
            (
                "every last day",
                "2030-01-31T00:00:00.000Z",
                "FREQ=MONTHLY;BYMONTHDAY=-1",
            ),
            (
                "every day at 9am starting 2030-02-01",
                "2030-02-01T09:00:00.000Z",
                "FREQ=DAILY",
            ),
            (
                "every day starting Feb 1 2030 9am",
                "2030-02-01T09:00:00.000Z",
                "FREQ=DAILY",
            ),
        ] {
            let (found, rule) = rule(text).unwrap_or_else(|| panic!("{text} is understood"));
            assert_eq!((found.as_str(), rule.as_str()), (at, expected), "{text}");
            assert!(recurrence::check(&rule).is_ok(), "{text}: {rule}");
        }
        for text in [
            "daily",
            "weekdays",
            "2weeks",
            "P1D",
            "3mo",
            "quarterly",
            "yearly",
            "mon, wed and fri",
            "2q",
        ] {
            let rule = every(text).unwrap_or_else(|| panic!("{text} is understood"));
            assert!(recurrence::check(&rule).is_ok(), "{text}: {rule}");
        }
        for unclear in ["", "moon", "2 moons", "99999999999d", "monthday"] {
            assert_eq!(every(unclear), None, "{unclear}");
        }
    }

    #[test]
    fn times_of_programs() {
        let text = |time: Option<Timestamp>| time.map(|time| time.to_string());
        assert_eq!(
            text(basic("20300131T143000Z")).as_deref(),
            Some("2030-01-31T14:30:00.000Z")
        );
        assert_eq!(basic("yesterday"), None);
        assert_eq!(
            text(of_object("5f0000000000000000000000")).as_deref(),
            Some("2020-07-04T04:05:20.000Z")
        );
        assert_eq!(of_object("zz"), None);
    }
}
