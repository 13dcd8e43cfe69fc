//! The days of a recurrence rule: which ones it chooses, and whether its parts can be fulfilled together. Does not know how
//! a rule is written.

use super::Checked;
use chrono::{Datelike as _, Days, NaiveDate, Weekday};
use rrule::{Frequency, NWeekday, RRule, Unvalidated};
use std::collections::BTreeSet;
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
pub(super) struct Day {
    date: NaiveDate,
    month: usize,
    in_month: (usize, usize),
    in_year: (usize, usize),
    /// From Monday on.
    weekday: usize,
}

impl Day {
    pub(super) fn of(date: NaiveDate) -> Day {
        Day {
            date,
            month: date.month() as usize,
            in_month: (date.day() as usize, usize::from(date.num_days_in_month())),
            in_year: (date.ordinal() as usize, if date.leap_year() { 366 } else { 365 }),
            weekday: date.weekday().num_days_from_monday() as usize,
        }
    }

    /// Its week in the year of that week, where weeks begin on this day (RFC 5545, section 3.3.10). A week is of the year
    /// that has four of its days.
    fn week(&self, start: Weekday) -> Option<(usize, usize)> {
        let fourth = |date: NaiveDate| {
            let place = date.weekday().days_since(start);
            let first = date.checked_sub_days(Days::new(place.into()))?;
            first.checked_add_days(Days::new(3))
        };
        let number = |fourth: NaiveDate| fourth.ordinal0() as usize / 7 + 1;
        let fourth_day = fourth(self.date)?;
        // December 28 is always in the last week of its year
        let last = fourth(NaiveDate::from_ymd_opt(fourth_day.year(), 12, 28)?)?;
        Some((number(fourth_day), number(last)))
    }
}

/// Refuses a rule whose parts no day fulfils together, like February 30, or of whose dates `BYSETPOS` chooses none.
pub(super) fn occurs(rule: &RRule<Unvalidated>) -> Checked<()> {
    let calendar = Calendar::of(rule, None);
    let parts = [
        rule.get_by_month().len(),
        rule.get_by_month_day().len(),
        rule.get_by_year_day().len(),
        rule.get_by_week_no().len(),
        rule.get_by_weekday().len(),
    ];
    // each part alone has a day
    let is_mixed = parts.iter().filter(|length| **length > 0).count() > 1;
    if is_mixed && !DAYS.iter().any(|day| calendar.has(day)) {
        return Err("no day fulfils all its parts".to_owned());
    }
    let places = rule.get_by_set_pos();
    if places.is_empty() {
        return Ok(());
    }
    let most = most_days(rule, &calendar) * times(rule);
    if places.iter().any(|place| place.unsigned_abs() as usize <= most) {
        return Ok(());
    }
    Err(format!("BYSETPOS counts to {most} at most in this rule"))
}

/// The most days that one step of a rule has.
fn most_days(rule: &RRule<Unvalidated>, calendar: &Calendar) -> usize {
    let months = rule.get_by_month().iter().collect::<BTreeSet<_>>().len();
    let has_days = calendar.has_days();
    match rule.get_freq() {
        Frequency::Yearly if !has_days => months.max(1),
        Frequency::Monthly | Frequency::Weekly if !has_days => 1,
        Frequency::Yearly => most_by(calendar, |day| (day.date.year(), 0)),
        Frequency::Monthly => most_by(calendar, |day| (day.date.year(), day.month)),
        Frequency::Weekly => calendar
            .weekdays
            .as_ref()
            .map_or(1, |days| days.iter().filter(|day| day.each).count()),
        _ => 1,
    }
}

/// The most chosen days that have the same key.
fn most_by(calendar: &Calendar, key: fn(&Day) -> (i32, usize)) -> usize {
    let steps = DAYS.chunk_by(|one, next| key(one) == key(next));
    let counts = steps.map(|days| days.iter().filter(|day| calendar.has(day)).count());
    counts.max().unwrap_or_default()
}

/// How many times of the day one day of a step has.
fn times(rule: &RRule<Unvalidated>) -> usize {
    let count = |list: &[u8], is_of_step: bool| match list.iter().collect::<BTreeSet<_>>().len() {
        several if is_of_step => several.max(1),
        _ => 1,
    };
    let frequency = rule.get_freq();
    count(rule.get_by_hour(), frequency < Frequency::Hourly)
        * count(rule.get_by_minute(), frequency < Frequency::Minutely)
        * count(rule.get_by_second(), frequency < Frequency::Secondly)
}

/// The days that a rule chooses, so kept that a look-up costs the same however long its lists are.
pub(super) struct Calendar {
    months: Numbers<13>,
    month_days: Numbers<32>,
    year_days: Numbers<367>,
    weeks: Numbers<54>,
    week_start: Weekday,
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
    /// The days of a rule; what it leaves open is as on the day on which it starts, if that is known.
    pub(super) fn of(rule: &RRule<Unvalidated>, start: Option<NaiveDate>) -> Calendar {
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
        let mut calendar = Calendar {
            months: Numbers::new(rule.get_by_month().iter().map(|month| i16::from(*month))),
            month_days: Numbers::new(rule.get_by_month_day().iter().map(|day| i16::from(*day))),
            year_days: Numbers::new(rule.get_by_year_day().iter().copied()),
            weeks: Numbers::new(rule.get_by_week_no().iter().map(|week| i16::from(*week))),
            week_start: rule.get_week_start(),
            weekdays: (!rule.get_by_weekday().is_empty()).then_some(weekdays),
            of_month: rule.get_freq() == Frequency::Monthly || !rule.get_by_month().is_empty(),
        };
        if let Some(start) = start.filter(|_| !calendar.has_days()) {
            calendar.begin_on(start, rule.get_freq());
        }
        calendar
    }

    /// Whether it says which days there are, and not months only.
    fn has_days(&self) -> bool {
        !(self.month_days.is_empty && self.year_days.is_empty && self.weeks.is_empty)
            || self.weekdays.is_some()
    }

    fn begin_on(&mut self, start: NaiveDate, frequency: Frequency) {
        let month_day = Numbers::new([start.day() as i16]);
        match frequency {
            Frequency::Yearly => {
                if self.months.is_empty {
                    self.months.add(start.month() as i16);
                }
                self.month_days = month_day;
            }
            Frequency::Monthly => self.month_days = month_day,
            Frequency::Weekly => {
                self.weekdays = Some(std::array::from_fn(|day| Weekdays {
                    each: day == start.weekday().num_days_from_monday() as usize,
                    counted: Numbers::new([]),
                }));
            }
            _ => {}
        }
    }

    pub(super) fn has(&self, day: &Day) -> bool {
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
            && (self.weeks.is_empty
                || day
                    .week(self.week_start)
                    .is_some_and(|(week, last)| self.weeks.have(week, last)))
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

    #[test]
    fn the_years_are_of_all_kinds() {
        let kinds = YEARS.iter().map(|year| {
            let first = NaiveDate::from_ymd_opt(*year, 1, 1).expect("a day");
            (first.leap_year(), first.weekday().num_days_from_monday())
        });
        assert_eq!(kinds.collect::<BTreeSet<_>>().len(), 14);
    }
}
