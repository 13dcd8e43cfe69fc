//! The dates of a rule, one after the other. A step of a rule is its interval of years, months and so on down to seconds; a
//! date is a place among the days and times of a step. They are never listed: a rule may have a date each second of a year.
//! `rrule` reads rules, and is what a test compares this with; but it lists the dates of a step, and looks on for thousands of
//! years where none comes, while everybody's writes wait. So the search is here, and has a bound.

use super::calendar::{Calendar, Day};
use chrono::{DateTime, Datelike as _, Days, NaiveDate, NaiveDateTime, NaiveTime, Timelike as _, Weekday};
use rrule::{Frequency, RRule, Unvalidated};
use std::iter::Chain;
use std::ops::Range;
use std::vec;

/// The days, hours, minutes and seconds at which a search looks. February 29 on a Monday is within 40 years, which are half
/// of it.
const LOOKS: u32 = 30_000;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// The dates after a rule's start, in their order. They end where none is near enough to be worth the search.
pub(super) struct Dates {
    start: NaiveDateTime,
    frequency: Frequency,
    interval: i64,
    week_start: Weekday,
    calendar: Calendar,
    times: Times,
    /// `BYSETPOS`.
    chosen: Vec<i32>,
    /// The next step.
    step: i64,
    found: Found,
    looks: u32,
}

/// Times of a day: each hour with each minute with each second. An empty list is any in steps that are as short.
#[derive(Clone, Default)]
struct Times {
    hours: Vec<u32>,
    minutes: Vec<u32>,
    seconds: Vec<u32>,
}

/// The dates of a step that are still to come, by their places.
struct Found {
    days: Vec<NaiveDate>,
    times: Times,
    places: Chain<vec::IntoIter<usize>, Range<usize>>,
}

impl Dates {
    pub(super) fn after(start: NaiveDateTime, rule: &RRule<Unvalidated>) -> Dates {
        let frequency = rule.get_freq();
        let list = |given: &[u8], shorter: Frequency, at_start: u32| {
            let mut list: Vec<u32> = given.iter().map(|number| u32::from(*number)).collect();
            if list.is_empty() && frequency < shorter {
                list.push(at_start);
            }
            list.sort_unstable();
            list.dedup();
            list
        };
        Dates {
            start,
            frequency,
            interval: i64::from(rule.get_interval().max(1)),
            week_start: rule.get_week_start(),
            calendar: Calendar::of(rule, Some(start.date())),
            times: Times {
                hours: list(rule.get_by_hour(), Frequency::Hourly, start.hour()),
                minutes: list(rule.get_by_minute(), Frequency::Minutely, start.minute()),
                seconds: list(rule.get_by_second(), Frequency::Secondly, start.second()),
            },
            chosen: rule.get_by_set_pos().to_vec(),
            step: 0,
            found: Found {
                days: Vec::new(),
                times: Times::default(),
                places: Vec::new().into_iter().chain(0..0),
            },
            looks: LOOKS,
        }
    }

    fn look_once(&mut self) -> Option<()> {
        self.looks = self.looks.checked_sub(1)?;
        Some(())
    }

    /// The dates of the next step that has days.
    fn look(&mut self) -> Option<Found> {
        loop {
            let (days, times) = match self.frequency {
                Frequency::Hourly => self.moment(HOUR)?,
                Frequency::Minutely => self.moment(MINUTE)?,
                Frequency::Secondly => self.moment(1)?,
                _ => (self.days()?, self.times.clone()),
            };
            if !days.is_empty() {
                return Some(self.rest(days, times));
            }
        }
    }

    /// The days of the next step, if a step has days.
    fn days(&mut self) -> Option<Vec<NaiveDate>> {
        let (date, by) = (self.start.date(), self.step.checked_mul(self.interval)?);
        self.step += 1;
        let month = |months: i64| {
            let year = i32::try_from(months.div_euclid(12)).ok()?;
            NaiveDate::from_ymd_opt(year, months.rem_euclid(12) as u32 + 1, 1)
        };
        let later = |date: NaiveDate, days: i64| date.checked_add_days(Days::new(u64::try_from(days).ok()?));
        let (year, this_month) = (i64::from(date.year()), i64::from(date.month0()));
        let (first, end) = match self.frequency {
            Frequency::Yearly => (month((year + by) * 12)?, month((year + by + 1) * 12)?),
            Frequency::Monthly => {
                let months = year * 12 + this_month + by;
                (month(months)?, month(months + 1)?)
            }
            Frequency::Weekly => {
                let passed = date.weekday().days_since(self.week_start);
                let first = date.checked_sub_days(Days::new(passed.into()))?;
                (later(first, by * 7)?, later(first, by * 7 + 7)?)
            }
            _ => (later(date, by)?, later(date, by + 1)?),
        };
        let mut days = Vec::new();
        for day in first.iter_days().take_while(|day| *day < end) {
            self.look_once()?;
            if self.calendar.has(&Day::of(day)) {
                days.push(day);
            }
        }
        Some(days)
    }

    /// The day and the times of the next step that fits, where a step is as short as a part of a day. It passes over days,
    /// hours and minutes that do not fit as a whole.
    fn moment(&mut self, unit: i64) -> Option<(Vec<NaiveDate>, Times)> {
        let first = self.start.and_utc().timestamp().div_euclid(unit) * unit;
        let length = unit * self.interval;
        loop {
            self.look_once()?;
            let at = first.checked_add(self.step.checked_mul(length)?)?;
            let moment = DateTime::from_timestamp(at, 0)?.naive_utc();
            let (hour, minute, second) = (moment.hour(), moment.minute(), moment.second());
            let misses = |list: &[u32], number: u32| !list.is_empty() && !list.contains(&number);
            let misfit = if !self.calendar.has(&Day::of(moment.date())) {
                DAY
            } else if misses(&self.times.hours, hour) {
                HOUR
            } else if unit < HOUR && misses(&self.times.minutes, minute) {
                MINUTE
            } else if unit < MINUTE && misses(&self.times.seconds, second) {
                1
            } else {
                self.step += 1;
                let of_step = |list: &[u32], is_one: bool, number: u32| {
                    if is_one { vec![number] } else { list.to_vec() }
                };
                let times = Times {
                    hours: vec![hour],
                    minutes: of_step(&self.times.minutes, unit < HOUR, minute),
                    seconds: of_step(&self.times.seconds, unit < MINUTE, second),
                };
                return Some((vec![moment.date()], times));
            };
            let end = (at.div_euclid(misfit) + 1) * misfit;
            self.step += (end - at + length - 1) / length;
        }
    }

    /// Those dates of a step that are after the start.
    fn rest(&self, days: Vec<NaiveDate>, times: Times) -> Found {
        let mut found = Found {
            days,
            times,
            places: Vec::new().into_iter().chain(0..0),
        };
        let length = found.days.len() * found.times.len();
        let (mut first, mut end) = (0, length);
        while first < end {
            let middle = usize::midpoint(first, end);
            if found.date(middle).is_some_and(|date| date <= self.start) {
                first = middle + 1;
            } else {
                end = middle;
            }
        }
        if self.chosen.is_empty() {
            found.places = Vec::new().into_iter().chain(first..length);
            return found;
        }
        let place = |chosen: &i32| {
            let number = chosen.unsigned_abs() as usize;
            let place = if *chosen > 0 {
                number.checked_sub(1)
            } else {
                length.checked_sub(number)
            };
            place.filter(|place| (first..length).contains(place))
        };
        let mut places: Vec<usize> = self.chosen.iter().filter_map(place).collect();
        places.sort_unstable();
        places.dedup();
        found.places = places.into_iter().chain(0..0);
        found
    }
}

impl Iterator for Dates {
    type Item = NaiveDateTime;

    fn next(&mut self) -> Option<NaiveDateTime> {
        loop {
            if let Some(place) = self.found.places.next() {
                return self.found.date(place);
            }
            self.found = self.look()?;
        }
    }
}

impl Found {
    fn date(&self, place: usize) -> Option<NaiveDateTime> {
        let times = self.times.len().max(1);
        let day = self.days.get(place / times)?;
        Some(day.and_time(self.times.get(place % times)?))
    }
}

impl Times {
    fn len(&self) -> usize {
        self.hours.len() * self.minutes.len() * self.seconds.len()
    }

    fn get(&self, place: usize) -> Option<NaiveTime> {
        let (minutes, seconds) = (self.minutes.len().max(1), self.seconds.len().max(1));
        let hour = self.hours.get(place / seconds / minutes)?;
        let minute = self.minutes.get(place / seconds % minutes)?;
        let second = self.seconds.get(place % seconds)?;
        NaiveTime::from_hms_opt(*hour, *minute, *second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rrule::{RRuleSet, Tz};
    use std::time::Instant;

    const DAYS: &[&str] = &[
        "",
        ";BYDAY=MO",
        ";BYDAY=TU,SA,SU;WKST=SU",
        ";BYDAY=WE;WKST=TH",
        ";BYMONTH=2,7",
        ";BYMONTH=1;BYDAY=FR",
        ";BYMONTHDAY=1,15,-1",
        ";BYMONTHDAY=13;BYDAY=FR",
        ";BYDAY=1MO,-1FR",
        ";BYDAY=2TU;BYMONTH=3,11",
        ";BYYEARDAY=1,100,-1,366",
        // not 52 or 53: the crate finds a week 53 in years without one
        ";BYWEEKNO=1,20;BYDAY=MO,SU",
        ";BYWEEKNO=-1;BYDAY=TH;WKST=SU",
    ];
    const TIMES: &[&str] = &[
        "",
        ";BYHOUR=9,18",
        ";BYHOUR=18,6;BYMINUTE=30,0",
        ";BYMINUTE=15,45;BYSECOND=0,59",
    ];
    const CHOICES: &[&str] = &["", ";BYSETPOS=1", ";BYSETPOS=-1,2"];
    const STARTS: &[&str] = &[
        "2024-02-29T09:30:00",
        "2027-01-31T18:00:01",
        "2026-12-28T00:00:00",
    ];

    fn start(text: &str) -> NaiveDateTime {
        text.parse().unwrap_or_else(|_| panic!("{text} is no time"))
    }

    fn ours(rule: &str, from: NaiveDateTime, most: usize) -> Vec<NaiveDateTime> {
        let rule: RRule<Unvalidated> = rule.parse().unwrap_or_else(|_| panic!("{rule} is no rule"));
        Dates::after(from, &rule).take(most).collect()
    }

    /// What `rrule` says; `None` where it refuses the rule.
    fn theirs(rule: &str, from: NaiveDateTime, most: usize) -> Option<Vec<NaiveDateTime>> {
        let rule: RRule<Unvalidated> = rule.parse().ok()?;
        let zoned = from.and_utc().with_timezone(&Tz::UTC);
        let set = RRuleSet::new(zoned).rrule(rule.validate(zoned).ok()?);
        let dates = set.into_iter().map(|date| date.naive_utc());
        // 2100 has no leap day; it lies within no search here
        Some(
            dates
                .filter(|date| *date > from)
                .take_while(|date| date.year() < 2060)
                .take(most)
                .collect(),
        )
    }

    #[test]
    fn the_dates_are_those_of_the_rrule_crate() {
        let mut compared = 0;
        for frequency in ["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY"] {
            for interval in [1, 2, 5] {
                for (days, times) in DAYS
                    .iter()
                    .flat_map(|days| TIMES.iter().map(move |times| (days, times)))
                {
                    for choice in CHOICES {
                        // there the crate begins to count in the middle of the first week
                        if frequency == "WEEKLY" && !choice.is_empty() {
                            continue;
                        }
                        let rule = format!("FREQ={frequency};INTERVAL={interval}{days}{times}{choice}");
                        if super::super::check(&rule).is_err() {
                            continue;
                        }
                        for from in STARTS.iter().map(|text| start(text)) {
                            let Some(expected) = theirs(&rule, from, 12) else {
                                continue;
                            };
                            let got = ours(&rule, from, expected.len());
                            assert_eq!(got, expected, "{rule} from {from}");
                            compared += 1;
                        }
                    }
                }
            }
        }
        assert!(compared > 1000, "{compared}");
    }

    #[test]
    fn week_53_is_in_years_that_have_one() {
        let found = ours(
            "FREQ=YEARLY;BYWEEKNO=53;BYDAY=SU",
            start("2026-01-01T00:00:00"),
            3,
        );
        let expected = ["2027-01-03", "2033-01-02", "2038-01-03"];
        assert_eq!(found, expected.map(|day| start(&format!("{day}T00:00:00"))));
    }

    #[test]
    fn seconds_and_minutes_pass_over_what_does_not_fit() {
        let from = start("2027-03-01T09:00:00");
        for (rule, expected) in [
            ("FREQ=SECONDLY;BYDAY=TU;BYHOUR=5", "2027-03-02T05:00:00"),
            ("FREQ=SECONDLY;INTERVAL=61;BYSECOND=2", "2027-03-01T09:02:02"),
            ("FREQ=MINUTELY;INTERVAL=7;BYHOUR=10", "2027-03-01T10:03:00"),
            ("FREQ=MINUTELY;BYDAY=WE;BYSECOND=7", "2027-03-03T00:00:07"),
            ("FREQ=SECONDLY;BYSETPOS=1;BYMONTH=4", "2027-04-01T00:00:00"),
        ] {
            assert_eq!(ours(rule, from, 1), [start(expected)], "{rule}");
        }
    }

    #[test]
    fn no_rule_costs_much() {
        let all = |most: usize| (0..most).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
        let dense = format!("BYHOUR={};BYMINUTE={};BYSECOND={}", all(24), all(60), all(60));
        let rules = [
            (format!("FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;{dense}"), true),
            (format!("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;{dense}"), true),
            (format!("FREQ=YEARLY;BYDAY=MO;{dense};BYSETPOS=-366"), true),
            ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO".to_owned(), true),
            (
                "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO;BYHOUR=5;BYMINUTE=5;BYSECOND=5".to_owned(),
                true,
            ),
            (
                "FREQ=SECONDLY;INTERVAL=61;BYHOUR=23;BYMINUTE=59;BYSECOND=58".to_owned(),
                true,
            ),
            // none comes: the start is in another phase
            ("FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29".to_owned(), false),
            (
                "FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=31;BYMONTH=4,6".to_owned(),
                false,
            ),
            ("FREQ=DAILY;INTERVAL=7;BYDAY=TU".to_owned(), false),
            ("FREQ=HOURLY;INTERVAL=24;BYHOUR=5".to_owned(), false),
            ("FREQ=SECONDLY;INTERVAL=60;BYSECOND=30".to_owned(), false),
            (
                "FREQ=SECONDLY;INTERVAL=61;BYHOUR=23;BYMINUTE=59;BYSECOND=58;BYSETPOS=2".to_owned(),
                false,
            ),
        ];
        for (rule, comes) in rules {
            let began = Instant::now();
            let found = ours(&rule, start("2027-03-01T09:00:00"), 1);
            assert_eq!(found.len(), usize::from(comes), "{rule}: {found:?}");
            // a few milliseconds; without optimization, on a busy machine, some more
            assert!(began.elapsed().as_millis() < 200, "{rule}: {:?}", began.elapsed());
        }
    }
}
