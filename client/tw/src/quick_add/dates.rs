//! The words of a line that say when a task is due. A title has words that are dates elsewhere: `sun hat`, `one week of
//! rain`, `at 3 Main Street`. So a line asks for more than a date alone: a distance has `in` or `+` in front, a bare hour
//! stands at the end.

use super::{
    rules,
    words::{Word, is_last, said, take, together},
};
use crate::due::{self, Due, FILLERS, Word as Kind, is_written};
use jiff::Zoned;

const LONGEST: usize = 12;
/// Short names of days that are also other words.
const ALSO_WORDS: [&str; 4] = ["mon", "wed", "sat", "sun"];
/// Words before a date that belong to it.
const LEADS: [&str; 2] = ["by", "due"];

/// A date in a line: where it is, and what it says.
struct Found {
    at: usize,
    length: usize,
    text: String,
    has_day: bool,
    has_clock: bool,
}

/// Finds the date, and takes its words. The last day counts, and the last time of day if that day has none. A task that
/// repeats is due on the first day of its rule, where the line says none.
pub(super) fn find(words: &mut [Word], now: &Zoned, rule: Option<&str>) -> Option<Due> {
    let found = dates(words, now);
    let day = found.iter().rfind(|date| date.has_day);
    let clock = found.iter().rfind(|date| !date.has_day);
    let clock = clock.filter(|_| day.is_none_or(|day| !day.has_clock));
    let parse = |text: &str| due::parse(text, now).ok();
    let Some(day) = day else {
        let text = clock.map_or("", |clock| &clock.text);
        let due = match rule {
            Some(rule) => rules::first(rule, text, now)?,
            None => parse(text)?,
        };
        clock.inspect(|clock| take_date(words, clock));
        return Some(due);
    };
    let both = clock.and_then(|clock| Some((parse(&format!("{} {}", day.text, clock.text))?, clock)));
    let due = match both {
        Some((due, clock)) => {
            take_date(words, clock);
            due
        }
        None => parse(&day.text)?,
    };
    take_date(words, day);
    Some(due)
}

/// All dates, each as long as it may be.
fn dates(words: &[Word], now: &Zoned) -> Vec<Found> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < words.len() {
        let run = together(words, at, LONGEST);
        let mut lengths = (1..=run.len()).rev();
        let date = lengths.find_map(|length| date(words, at, run.get(..length)?, now));
        at += date.as_ref().map_or(1, |date| date.length);
        found.extend(date);
    }
    found
}

fn date(words: &[Word], at: usize, run: &[Word], now: &Zoned) -> Option<Found> {
    if FILLERS.contains(&&*run.last()?.core) {
        return None;
    }
    let text = said(run);
    let kinds = due::words(&text).unwrap_or_default();
    let has_month = kinds.iter().any(|kind| matches!(kind, Kind::Month(_)));
    // an RFC 3339 time is no word of a phrase
    let is_moment = kinds.is_empty();
    let is_day = is_moment || kinds.iter().any(is_day);
    let has_day = is_day || kinds.iter().any(|kind| matches!(kind, Kind::Unit(_)));
    let has_clock = is_moment || kinds.iter().any(is_clock);
    if has_month && run.iter().any(|word| is_written(&word.core)) {
        return None;
    }
    let is_one = begins(run, is_day, has_month) && counts_from_now(run) && is_meant(words, at, run, has_day);
    if !is_one || due::parse(&text, now).is_err() {
        return None;
    }
    Some(Found {
        at,
        length: run.len(),
        text,
        has_day,
        has_clock,
    })
}

fn is_day(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Weekday(_) | Kind::Month(_) | Kind::Date(_) | Kind::Day(_)
    )
}

fn is_clock(kind: &Kind) -> bool {
    matches!(kind, Kind::Clock(_) | Kind::Half(_) | Kind::At)
}

/// Whether each distance is one that people mean: with `in`, `+` or `next` in front.
fn counts_from_now(run: &[Word]) -> bool {
    let mut is_counting = false;
    for (place, word) in run.iter().enumerate() {
        let core = &*word.core;
        let kinds = due::words(core).unwrap_or_default();
        if core == "next" {
            let unit = run.get(place + 1).map_or("", |word| &word.core);
            let is_unit = matches!(due::words(unit).as_deref(), Some([Kind::Unit(_)]));
            is_counting = is_unit && unit.len() > 1;
        } else if core == "in" || core.strip_prefix('+').is_some_and(begins_with_digit) {
            is_counting = true;
        }
        if kinds.iter().any(|kind| matches!(kind, Kind::Unit(_))) && !is_counting {
            return false;
        }
        if kinds
            .iter()
            .any(|kind| is_day(kind) || matches!(kind, Kind::Clock(_) | Kind::At))
        {
            is_counting = false;
        }
    }
    true
}

fn begins_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

/// Whether a run of words may begin like this.
fn begins(run: &[Word], is_day: bool, has_month: bool) -> bool {
    let mut cores = run.iter().map(|word| &*word.core);
    let (first, second) = (cores.next().unwrap_or_default(), cores.next().unwrap_or_default());
    match first {
        "of" | "and" => false,
        "in" => is_written(second) || begins_with_digit(second),
        "the" => has_month || second == "next",
        "on" => is_day,
        _ => true,
    }
}

/// Whether a bare hour, or a short name of a day, stands where it is meant as one.
fn is_meant(words: &[Word], at: usize, run: &[Word], has_day: bool) -> bool {
    let is_at_end = is_last(words, at + run.len() - 1);
    let cores = run.iter().map(|word| &*word.core);
    let cores: Vec<&str> = cores.filter(|core| !FILLERS.contains(core)).collect();
    match (run.len(), cores.as_slice()) {
        (1, ["noon"]) => false,
        (1, [day]) if ALSO_WORDS.contains(day) => {
            let before = at.checked_sub(1).and_then(|before| words.get(before));
            is_at_end || before.is_some_and(|word| LEADS.contains(&&*word.core))
        }
        (_, ["at", hour]) => {
            let is_clock = due::words(hour).is_some_and(|words| matches!(words.as_slice(), [Kind::Clock(_)]));
            has_day || is_at_end || is_clock
        }
        _ => true,
    }
}

/// Takes the words of a date, and those in front that belong to it.
fn take_date(words: &mut [Word], date: &Found) {
    let before = words.get(..date.at).unwrap_or_default().iter().rev();
    let leads = before.take_while(|word| word.is_free() && LEADS.contains(&&*word.text.to_lowercase()));
    let from = date.at - leads.count();
    take(words, from..date.at + date.length);
}
