//! Dates as people type them. `phrase` sorts the words; `jiff` reads distances and calculates; `parse_datetime` reads
//! days and times of day, as `date -d` does. The caller passes the current time.

mod phrase;
#[cfg(test)]
mod tests;

use jiff::{
    Span, ToSpan as _, Zoned,
    civil::{Date, date},
};
use parse_datetime::parse_datetime_at_date;
use phrase::{Kind, Phrase};
use taskwire_client::protocol::Timestamp;

pub(crate) use phrase::{FILLERS, Word, is_written, words};

/// When a task is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) at: Timestamp,
    /// A whole day: the same date in every time zone, stored as its start in UTC.
    pub(crate) all_day: bool,
}

impl Due {
    /// The day, of a whole day.
    pub(crate) fn day(self) -> Option<Date> {
        let days = (self.at.0 / 86_400_000).days();
        self.all_day.then(|| date(1970, 1, 1).checked_add(days).ok())?
    }
}

const FORMS: &str =
    "2026-12-24, 2026-12-24 18:00, tomorrow, friday, next monday 9am, 24 december, in 3 weeks, +2h";
/// The first and the last moment that a due date can have: 1970-01-01 and 9999-12-31, in milliseconds.
const RANGE: std::ops::RangeInclusive<i64> = 0..=253_402_300_799_999;

/// Reads a time in RFC 3339, a date, a day, a time of day, or a distance from now.
///
/// A weekday, a time of day and a day without its year mean the first one that is still to come: on a Friday, `friday`
/// is in a week, and `29 feb` is in a leap year. `next monday` is the first Monday after today.
pub(crate) fn parse(text: &str, now: &Zoned) -> Result<Due, String> {
    let text = text.trim();
    let phrase = Phrase::read(text);
    if phrase.as_ref().is_some_and(Phrase::has_date_and_distance) {
        return Err(format!("{text:?} has a date and a distance; write one of them"));
    }
    let due = match Timestamp::parse(text) {
        Some(at) => Some(Due { at, all_day: false }),
        None => phrase.and_then(|phrase| find(&phrase, now)),
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
    whole_or_exact(&still_to_come(phrase, &base, now)?, phrase.clock.is_some())
}

fn distance(phrase: &Phrase) -> Option<Span> {
    if phrase.distance.is_empty() {
        return Some(Span::new());
    }
    phrase.distance.trim().parse().ok()
}

/// The first such moment that is still to come, where the words leave open which one is meant.
fn still_to_come(phrase: &Phrase, base: &Zoned, now: &Zoned) -> Option<Zoned> {
    let step = match phrase.kind {
        Kind::Weekly => 1.week(),
        Kind::Yearly if phrase.distance.is_empty() => 1.year(),
        Kind::Counted if phrase.day.is_empty() && phrase.distance.is_empty() => 1.day(),
        // `today 9am`, `1 march next year`, `24 december 2028 18:00`
        Kind::Counted | Kind::Yearly | Kind::Fixed => return moment(phrase, base),
    };
    let is_ahead = |found: &Zoned| match (&phrase.clock, phrase.kind) {
        (Some(_), _) => found > now,
        (None, Kind::Weekly) => found.date() > now.date(),
        (None, _) => found.date() >= now.date(),
    };
    // The words are read again from each base, because not every year has a 29th of February: after 2096 it is 2104.
    let bases = (0..=8).map_while(|steps: i64| base.checked_add(step.checked_mul(steps).ok()?).ok());
    bases.filter_map(|base| moment(phrase, &base)).find(is_ahead)
}

/// What the words mean at this base. The day comes first: its clocks may skip another hour than today's.
fn moment(phrase: &Phrase, base: &Zoned) -> Option<Zoned> {
    let words = [phrase.day.as_str(), phrase.clock.as_deref().unwrap_or_default()];
    let mut words = words.into_iter().filter(|words| !words.is_empty());
    words.try_fold(base.clone(), |base, words| {
        parse_datetime_at_date(base, words).ok()?.into_zoned()
    })
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
