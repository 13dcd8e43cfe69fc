//! Which words are read as which date, and which are refused.

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
const CASES: [(&str, &str); 75] = [
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
    ("21 nov", "2026-11-21"),
    ("20 nov", "2027-11-20"),
    ("21 nov 9am", "2027-11-21T14:00Z"),
    ("21 nov 23:45", "2026-11-22T04:45Z"),
    ("29 feb", "2028-02-29"),
    ("feb 29th 9am", "2028-02-29T14:00Z"),
    ("29 feb 2028", "2028-02-29"),
    ("1 jan next year", "2027-01-01"),
    ("24 dec next year", "2027-12-24"),
    ("next year, 24 dec at 9", "2027-12-24T14:00Z"),
    ("today in 2 weeks", "2026-12-05"),
    ("in 0 days", "2026-11-21"),
    ("saturday in 0 days", "2026-11-28"),
    ("0 weeks saturday 9am", "2026-11-28T14:00Z"),
    ("3 mos", "2027-02-21"),
    ("2 hrs", "2026-11-22T06:30Z"),
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
    let cases = CASES.iter().filter(|(text, _)| !has_year(text));
    texts.extend(cases.map(|(text, _)| (*text).to_owned()));
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
        "500ms",
        "1 ms",
        "+5ms",
        "next ms",
        "2 ds",
        "3ws",
        "1 ys",
        "30 february",
        "31 april next year",
        "yesterday",
        "friday 24 dec",
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
