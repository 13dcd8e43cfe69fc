//! The days of a recurrence rule: whether its parts can be fulfilled together. Does not know how a rule is written.

use super::Checked;
use chrono::{Datelike as _, NaiveDate, TimeDelta};
use rrule::{Frequency, NWeekday, RRule, Unvalidated};
use std::sync::LazyLock;

/// A year of each kind: leap years and others, beginning on each day of the week.
const YEARS: [i32; 14] = [
    2000, 2001, 2002, 2003, 2004, 2005, 2006, 2008, 2009, 2010, 2012, 2016, 2020, 2024,
];

/// The days of those years. A table, because everybody's writes wait for the look through it.
static DAYS: LazyLock<Vec<Day>> = LazyLock::new(|| {
    let years = YEARS
        .iter()
        .filter_map(|year| NaiveDate::from_ymd_opt(*year, 1, 1));
    let days = years.flat_map(|first| {
        first
            .iter_days()
            .take_while(move |day| day.year() == first.year())
    });
    days.map(Day::of).collect()
});

/// What parts of a rule ask of a day. Pairs are a number, and the last of its kind.
struct Day {
    month: usize,
    in_month: (usize, usize),
    in_year: (usize, usize),
    /// From Monday on.
    weekday: usize,
    /// Its week and those beside it: where weeks begin (`WKST`) moves a day by one at most.
    weeks: [(usize, usize); 3],
}

impl Day {
    fn of(day: NaiveDate) -> Day {
        let weeks = [-7, 0, 7].map(|days| {
            let week = (day + TimeDelta::days(days)).iso_week();
            // December 28 is in the last week of its year (ISO 8601)
            let last = NaiveDate::from_ymd_opt(week.year(), 12, 28).map_or(52, |day| day.iso_week().week());
            (week.week() as usize, last as usize)
        });
        Day {
            month: day.month() as usize,
            in_month: (day.day() as usize, usize::from(day.num_days_in_month())),
            in_year: (day.ordinal() as usize, if day.leap_year() { 366 } else { 365 }),
            weekday: day.weekday().num_days_from_monday() as usize,
            weeks,
        }
    }
}

/// Refuses a rule whose parts no day fulfils together, like February 30.
pub(super) fn occurs(rule: &RRule<Unvalidated>) -> Checked<()> {
    let parts = [
        rule.get_by_month().len(),
        rule.get_by_month_day().len(),
        rule.get_by_year_day().len(),
        rule.get_by_week_no().len(),
        rule.get_by_weekday().len(),
    ];
    // each part alone has a day
    if parts.iter().filter(|length| **length > 0).count() < 2 {
        return Ok(());
    }
    let calendar = Calendar::of(rule);
    if DAYS.iter().any(|day| calendar.has(day)) {
        return Ok(());
    }
    Err("no day fulfils all its parts".to_owned())
}

/// The days that a rule chooses, so kept that a look-up costs the same however long its lists are.
struct Calendar {
    months: Numbers<13>,
    month_days: Numbers<32>,
    year_days: Numbers<367>,
    weeks: Numbers<54>,
    weekdays: Option<[Weekdays; 7]>,
    /// Whether `1MO` counts in the month.
    of_month: bool,
}

/// What `BYDAY` says of a day of the week.
struct Weekdays {
    each: bool,
    counted: Numbers<54>,
}

impl Calendar {
    fn of(rule: &RRule<Unvalidated>) -> Calendar {
        let mut weekdays = std::array::from_fn(|_| Weekdays {
            each: false,
            counted: Numbers::new([]),
        });
        for item in rule.get_by_weekday() {
            match item {
                NWeekday::Every(day) => weekdays[day.num_days_from_monday() as usize].each = true,
                NWeekday::Nth(number, day) => {
                    weekdays[day.num_days_from_monday() as usize].counted.add(*number);
                }
            }
        }
        Calendar {
            months: Numbers::new(rule.get_by_month().iter().map(|month| i16::from(*month))),
            month_days: Numbers::new(rule.get_by_month_day().iter().map(|day| i16::from(*day))),
            year_days: Numbers::new(rule.get_by_year_day().iter().copied()),
            weeks: Numbers::new(rule.get_by_week_no().iter().map(|week| i16::from(*week))),
            weekdays: (!rule.get_by_weekday().is_empty()).then_some(weekdays),
            of_month: rule.get_freq() == Frequency::Monthly || !rule.get_by_month().is_empty(),
        }
    }

    fn has(&self, day: &Day) -> bool {
        let (place, length) = if self.of_month { day.in_month } else { day.in_year };
        self.months.let_in(day.month, 12)
            && self.month_days.let_in(day.in_month.0, day.in_month.1)
            && self.year_days.let_in(day.in_year.0, day.in_year.1)
            && self.weekdays.as_ref().is_none_or(|all| {
                let Weekdays { each, counted } = &all[day.weekday];
                // how often this weekday was, and will be, in the month or year
                let before = place.div_ceil(7);
                *each || counted.have(before, before + (length - place) / 7)
            })
            && (self.weeks.is_empty || day.weeks.iter().any(|(week, last)| self.weeks.have(*week, *last)))
    }
}

/// The numbers of a part, counted from the start or, with a minus, from the end.
struct Numbers<const N: usize> {
    is_empty: bool,
    from_start: [bool; N],
    from_end: [bool; N],
}

impl<const N: usize> Numbers<N> {
    fn new(numbers: impl IntoIterator<Item = i16>) -> Numbers<N> {
        let mut all = Numbers {
            is_empty: true,
            from_start: [false; N],
            from_end: [false; N],
        };
        numbers.into_iter().for_each(|number| all.add(number));
        all
    }

    fn add(&mut self, number: i16) {
        self.is_empty = false;
        let side = if number < 0 {
            &mut self.from_end
        } else {
            &mut self.from_start
        };
        if let Some(place) = side.get_mut(usize::from(number.unsigned_abs())) {
            *place = true;
        }
    }

    /// Whether a number is among them, the last one being `last`.
    fn have(&self, number: usize, last: usize) -> bool {
        let is = |side: &[bool; N], place: usize| side.get(place).copied().unwrap_or(false);
        is(&self.from_start, number) || is(&self.from_end, (last + 1).saturating_sub(number))
    }

    /// Whether the part is absent or has this number.
    fn let_in(&self, number: usize, last: usize) -> bool {
        self.is_empty || self.have(number, last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_years_are_of_all_kinds() {
        let kinds = YEARS.iter().map(|year| {
            let first = NaiveDate::from_ymd_opt(*year, 1, 1).expect("a day");
            (first.leap_year(), first.weekday().num_days_from_monday())
        });
        assert_eq!(kinds.collect::<BTreeSet<_>>().len(), 14);
    }
}
