//! The words of a line that say how often a task repeats, and the first date that they choose.

use super::words::{Word, is_last, said, take, together};
use crate::{
    due::{self, Due},
    every,
};
use jiff::{
    ToSpan as _, Zoned,
    civil::{Date, Weekday},
};

/// `every first monday of the month`, and days between commas.
const LONGEST: usize = 9;
/// A month that has a fifth Friday comes after at most three that have none.
const LOOK_AHEAD: i32 = 130;
const ADVERBS: [&str; 4] = ["daily", "weekly", "monthly", "yearly"];

/// Finds the rule, and takes its words. The last one counts; a word like `daily` only at the end.
pub(super) fn find(words: &mut [Word]) -> Option<String> {
    for (at, word) in words.iter().enumerate().rev().filter(|(_, word)| word.is_free()) {
        let found = match &*word.core {
            core if ADVERBS.contains(&core) && is_last(words, at) => {
                every::rule(core).ok().map(|rule| (rule, 0))
            }
            "every" if !word.ends() => rule_in(together(words, at + 1, LONGEST)),
            _ => None,
        };
        if let Some((rule, length)) = found {
            take(words, at..at + 1 + length);
            return Some(rule);
        }
    }
    None
}

/// The longest rule with which these words begin.
fn rule_in(run: &[Word]) -> Option<(String, usize)> {
    (1..=run.len()).rev().find_map(|length| {
        let run = run.get(..length)?;
        let text = said(run);
        if text.contains('=') || run.iter().any(|word| word.core == "every") {
            return None;
        }
        let rule = every::rule(&text).ok()?;
        (!rule.ends_with("INTERVAL=0")).then_some((rule, length))
    })
}

/// When a task is due that repeats like this, where the line says no day: on the first such day that is still to come. Today
/// is one only of `every day`, and with a time of day that is still to come.
pub(super) fn first(rule: &str, clock: &str, now: &Zoned) -> Option<Due> {
    let today = now.date();
    if chooses(rule, today).is_none() {
        return due::parse(clock, now).ok();
    }
    let from = i32::from(clock.is_empty() && rule != "FREQ=DAILY");
    let days = (from..LOOK_AHEAD).filter_map(|days| today.checked_add(days.days()).ok());
    let chosen = days.filter(|day| chooses(rule, *day) == Some(true));
    let dues = chosen.filter_map(|day| due::parse(&format!("{day} {clock}"), now).ok());
    let is_ahead = |due: &Due| due.all_day || due.at.0 > now.timestamp().as_millisecond();
    dues.into_iter().find(is_ahead)
}

/// Whether a rule of days chooses a day; `None` for a rule that leaves the first one open.
fn chooses(rule: &str, day: Date) -> Option<bool> {
    if rule == "FREQ=DAILY" {
        return Some(true);
    }
    let (frequency, choice) = rule.split_once(';')?;
    match (frequency, choice.split_once('=')?) {
        (_, ("BYMONTHDAY", "-1")) => Some(day == day.last_of_month()),
        (_, ("BYMONTHDAY", number)) => Some(number.parse() == Ok(day.day())),
        ("FREQ=WEEKLY", ("BYDAY", days)) => Some(days.split(',').any(|code| code == code_of(day))),
        (_, ("BYDAY", choice)) => {
            let (place, code) = choice.split_at_checked(choice.len().checked_sub(2)?)?;
            let is_in_place = match place {
                "-1" => day.day() + 7 > day.days_in_month(),
                place => place.parse() == Ok((day.day() - 1) / 7 + 1),
            };
            Some(is_in_place && code == code_of(day))
        }
        _ => None,
    }
}

fn code_of(day: Date) -> &'static str {
    match day.weekday() {
        Weekday::Monday => "MO",
        Weekday::Tuesday => "TU",
        Weekday::Wednesday => "WE",
        Weekday::Thursday => "TH",
        Weekday::Friday => "FR",
        Weekday::Saturday => "SA",
        Weekday::Sunday => "SU",
    }
}
