//! The days that statistics count by, in a time zone.

use super::alarms::begins;
use chrono::{DateTime, Days, NaiveDate};
use chrono_tz::Tz;

/// A day in a time zone. It may be longer or shorter than 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    pub date: NaiveDate,
    /// Its first moment, in milliseconds since 1970.
    pub begins: i64,
    /// The first moment of the next day.
    pub ends: i64,
}

impl Day {
    /// The days of its date since 1970.
    pub fn number(&self) -> i64 {
        self.date
            .signed_duration_since(DateTime::UNIX_EPOCH.date_naive())
            .num_days()
    }
}

/// The last `number` days in a zone, the last one is today. `None` for a clock that is beyond all calendars.
pub fn days(now_ms: i64, zone: Tz, number: u32) -> Option<Vec<Day>> {
    let now = DateTime::from_timestamp_millis(now_ms)?;
    let today = now.with_timezone(&zone).date_naive();
    let first = today.checked_sub_days(Days::new(u64::from(number.saturating_sub(1))))?;
    let mut days = Vec::with_capacity(number as usize);
    let (mut date, mut begin) = (first, begins(first, zone)?);
    while date <= today {
        let next = date.checked_add_days(Days::new(1))?;
        let ends = begins(next, zone)?;
        days.push(Day {
            date,
            begins: begin,
            ends,
        });
        (date, begin) = (next, ends);
    }
    Some(days)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Offset, TimeZone};
    use taskwire_protocol::Timestamp;

    fn ms(text: &str) -> i64 {
        Timestamp::parse(text).expect("a time").0
    }

    #[test]
    fn days_are_as_long_as_clocks_in_the_zone_make_them() {
        let now = ms("2026-03-30T10:00:00Z");
        let days = days(now, Tz::Europe__Paris, 3).expect("days");
        let hours: Vec<i64> = days
            .iter()
            .map(|day| (day.ends - day.begins) / 3_600_000)
            .collect();
        assert_eq!(hours, [24, 23, 24]);
        assert_eq!(days[2].date.to_string(), "2026-03-30");
        assert_eq!(days[2].begins, ms("2026-03-29T22:00:00Z"));
        assert_eq!((days[0].number(), days[1].number()), (20_540, 20_541));
    }

    /// Every moment is in the day that clocks in its zone show, in every zone, for years with and without changes of
    /// clocks at midnight, and days that a zone skipped.
    #[test]
    fn a_moment_is_in_the_day_that_clocks_show() {
        for zone in chrono_tz::TZ_VARIANTS {
            for now in [
                "2011-12-31T09:00:00Z",
                "2018-11-05T12:00:00Z",
                "2026-11-29T23:30:00Z",
            ] {
                let days = days(ms(now), zone, 40).expect("days");
                for pair in days.windows(2) {
                    assert_eq!(pair[0].ends, pair[1].begins, "{zone}");
                }
                for day in days.iter().filter(|day| day.begins < day.ends) {
                    for moment in [day.begins, i64::midpoint(day.begins, day.ends), day.ends - 1] {
                        let shown = DateTime::from_timestamp_millis(moment).expect("a moment");
                        assert_eq!(
                            shown.with_timezone(&zone).date_naive(),
                            day.date,
                            "{zone} {shown}"
                        );
                    }
                }
            }
        }
    }

    /// Statistics count quarters of an hour of UTC.
    #[test]
    fn every_zone_is_whole_quarters_of_an_hour_from_utc() {
        for zone in chrono_tz::TZ_VARIANTS {
            // from 1990 on; no zone has changed its clocks by less since
            for month in 0..(12 * 48) {
                let at = DateTime::from_timestamp(month * 2_629_800 + 631_152_000, 0).expect("a moment");
                let offset = zone
                    .offset_from_utc_datetime(&at.naive_utc())
                    .fix()
                    .local_minus_utc();
                assert_eq!(offset % 900, 0, "{zone} at {at}");
            }
        }
    }
}
