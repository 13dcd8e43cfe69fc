//! Which words are read as which date, and which are refused.

use super::*;
use crate::cases::{self, said};

/// A Saturday evening in a zone that changes its clocks in March and November: 2026-11-22T04:30Z.
const NOW: &str = "2026-11-21T23:30:00";
const ZONE: &str = "EST5EDT,M3.2.0,M11.1.0";

fn read(text: &str, now: &str) -> Result<String, String> {
    let zone = jiff::tz::TimeZone::posix(ZONE).map_err(|error| error.to_string())?;
    let now: jiff::civil::DateTime = now.parse().map_err(|error: jiff::Error| error.to_string())?;
    let now = now.to_zoned(zone).map_err(|error| error.to_string())?;
    parse(text, &now).map(said)
}

#[test]
fn a_date_is_read_as_people_mean_it() {
    let table = cases::table();
    let now = cases::now(&table, &table["dates"]);
    for (text, expected) in cases::pairs(&table["dates"]["read"]) {
        assert_eq!(parse(&text, &now).map(said), Ok(expected), "{text:?}");
    }
}

#[test]
fn a_text_that_is_not_a_date_is_refused() {
    let table = cases::table();
    let now = cases::now(&table, &table["dates"]);
    for text in cases::texts(&table["dates"]["refused"]) {
        let found = parse(&text, &now).map(said);
        assert!(found.is_err(), "{text:?} was read as {found:?}");
    }
    assert!(parse(&"9".repeat(10_000), &now).is_err());
}

#[test]
fn the_end_of_a_month_stays_there_and_clocks_that_change_lose_no_hour() {
    assert_eq!(
        read("in 1 month", "2026-01-31T12:00:00").as_deref(),
        Ok("2026-02-28")
    );
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
    // 02:30 is skipped on that day only.
    for text in ["2:30am", "tomorrow 2:30am", "monday 2:30am", "9 march 2:30am"] {
        let asked = read(text, "2026-03-08T12:00:00");
        assert_eq!(asked.as_deref(), Ok("2026-03-09T06:30Z"), "{text:?}");
    }
}

#[test]
fn the_29th_of_february_is_in_the_next_year_that_has_it() {
    for (now, expected) in [
        ("2026-11-29T12:00:00", "2028-02-29"),
        ("2028-02-28T12:00:00", "2028-02-29"),
        ("2028-02-29T12:00:00", "2028-02-29"),
        ("2028-03-01T12:00:00", "2032-02-29"),
        ("2096-03-01T12:00:00", "2104-02-29"),
    ] {
        assert_eq!(read("29 feb", now).as_deref(), Ok(expected), "asked at {now}");
    }
    let late = read("29 feb 9am", "2028-02-29T12:00:00");
    assert_eq!(late.as_deref(), Ok("2032-02-29T14:00Z"));
    assert!(read("29 feb 2027", NOW).is_err() && read("29 feb next year", NOW).is_err());
}

#[test]
fn words_without_a_year_never_mean_a_day_in_the_past() {
    let leap_year = date(2028, 1, 1).series(1.day()).take(366);
    let mut texts: Vec<String> = leap_year.map(|day| day.strftime("%-d %B").to_string()).collect();
    let has_year = |text: &str| {
        text.split(|c: char| !c.is_ascii_digit())
            .any(|digits| digits.len() == 4)
    };
    let cases = cases::pairs(&cases::table()["dates"]["read"]).into_iter();
    texts.extend(cases.map(|(text, _)| text).filter(|text| !has_year(text)));
    for now in [
        NOW,
        "2026-11-29T12:00:00",
        "2026-12-31T23:59:59",
        "2027-01-01T00:00:00",
        "2028-02-29T23:30:00",
        "2028-03-01T00:00:00",
        "2100-02-28T12:00:00",
    ] {
        for text in texts
            .iter()
            .flat_map(|text| [text.clone(), format!("0 days {text}")])
        {
            let found = read(&text, now);
            let past = found
                .as_deref()
                .is_ok_and(|found| found.get(..10) < now.get(..10));
            assert!(!past, "{text:?} asked at {now} is {found:?}");
        }
    }
}

#[test]
fn a_distance_beside_a_date_is_refused() {
    for text in [
        "in 2 weeks 1 jan",
        "1 jan in 3 weeks",
        "in 1 month 31 jan",
        "24 dec in 1 week",
        "24 dec +1w",
        "24 dec next week",
        "24 dec in 1 year",
        "24 dec in 0 days",
        "24 dec 2 hours",
        "24 dec 9am in 2 days",
        "9 jan 2 weeks",
        "next week, january 1",
        "next year in 1 year 24 dec",
        "24 dec 2026 3 days",
        "24 dec 2026 next year",
        "3 days 24 dec 2026",
        "2026-12-24 3 days",
        "2026-12-24 +3d",
        "3 days 2026-12-24",
        "2026-12-24T18:00 3 days",
        "2026-12-24 next year",
    ] {
        let refused = format!("{text:?} has a date and a distance; write one of them");
        assert_eq!(read(text, NOW), Err(refused));
    }
}
