//! Dates as people type them. The caller passes the current time.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use taskwire_client::protocol::Timestamp;

/// When a task is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) at: Timestamp,
    /// A whole day: the same date in every time zone, stored as its start in UTC.
    pub(crate) all_day: bool,
}

const FORMS: &str = "2026-12-24, 2026-12-24T18:00:00Z, today, tomorrow, +3d, +2w, +2h or +30m";

/// Reads a time in RFC 3339, a date, `today`, `tomorrow`, or a distance from now.
pub(crate) fn parse<Z: TimeZone>(text: &str, now: &DateTime<Z>) -> Result<Due, String> {
    let text = text.trim();
    let today = now.date_naive();
    match text {
        "today" => return Ok(day(today)),
        "tomorrow" => return later(today, 1),
        _ => {}
    }
    if let Some(distance) = text.strip_prefix('+') {
        return ahead(distance, now).unwrap_or_else(|| Err(unknown(text)));
    }
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Ok(day(date));
    }
    let at = Timestamp::parse(text).ok_or_else(|| unknown(text))?;
    Ok(Due { at, all_day: false })
}

fn unknown(text: &str) -> String {
    format!("{text:?} is not a date; write {FORMS}")
}

fn ahead<Z: TimeZone>(distance: &str, now: &DateTime<Z>) -> Option<Result<Due, String>> {
    let unit = distance.chars().last()?;
    let number: u32 = distance.strip_suffix(unit)?.parse().ok()?;
    let number = u64::from(number);
    Some(match unit {
        'd' => later(now.date_naive(), number),
        'w' => later(now.date_naive(), number * 7),
        'h' => moment(now, number * 3600),
        'm' => moment(now, number * 60),
        _ => return None,
    })
}

fn day(date: NaiveDate) -> Due {
    let start = date.and_time(NaiveTime::MIN).and_utc();
    Due {
        at: Timestamp(start.timestamp_millis()),
        all_day: true,
    }
}

fn later(today: NaiveDate, days: u64) -> Result<Due, String> {
    let date = today.checked_add_days(Days::new(days));
    date.map(day).ok_or_else(too_far)
}

fn moment<Z: TimeZone>(now: &DateTime<Z>, seconds: u64) -> Result<Due, String> {
    let distance = i64::try_from(seconds).ok().and_then(TimeDelta::try_seconds);
    let at = distance.and_then(|distance| now.with_timezone(&Utc).checked_add_signed(distance));
    let at = at.ok_or_else(too_far)?;
    Ok(Due {
        at: Timestamp(at.timestamp_millis()),
        all_day: false,
    })
}

fn too_far() -> String {
    "the date is too far ahead".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(String, bool), String> {
        let now = DateTime::parse_from_rfc3339("2026-11-21T23:30:00-03:00").map_err(|e| e.to_string())?;
        parse(text, &now).map(|due| (due.at.to_string(), due.all_day))
    }

    #[test]
    fn days_follow_the_persons_time_zone_and_moments_are_exact() {
        let day = |text: &str| Ok((format!("{text}T00:00:00.000Z"), true));
        assert_eq!(read("today"), day("2026-11-21"));
        assert_eq!(read("tomorrow"), day("2026-11-22"));
        assert_eq!(read("+3d"), day("2026-11-24"));
        assert_eq!(read("+2w"), day("2026-12-05"));
        assert_eq!(read("2026-12-24"), day("2026-12-24"));
        assert_eq!(read("+2h"), Ok(("2026-11-22T04:30:00.000Z".to_owned(), false)));
        assert_eq!(
            read("2026-12-24T18:00:00+01:00"),
            Ok(("2026-12-24T17:00:00.000Z".to_owned(), false))
        );
    }

    #[test]
    fn a_text_that_is_not_a_date_is_refused() {
        for text in [
            "",
            "+",
            "+d",
            "+3y",
            "+-3d",
            "+9999999999d",
            "soon",
            "2026-13-01",
            "+4000000000w",
            "+é",
        ] {
            assert!(read(text).is_err(), "{text:?} was accepted");
        }
    }
}
