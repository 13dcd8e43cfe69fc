//! Recurrence rules (RFC 5545, section 3.3.10), checked whole when they are stored, so that code that computes with a
//! stored rule can rely on it. `rrule` reads them. Rules that it accepts against the RFC are refused here; `calendar` knows
//! the days, `dates` finds one date after the other, `next` the next one of a series.

mod calendar;
mod dates;
mod next;

use super::Result;
use rrule::{Frequency, NWeekday, RRule, RRuleError, Tz, Unvalidated};
use std::collections::BTreeSet;
use taskwire_protocol::Failure;
use taskwire_protocol::weekday::WEEKDAYS;

pub use next::{Occurrence, day_of, local_ms, moment_of, next, reached, until};

/// Checks a rule. Case does not count, and `RRULE:` may stand before it.
pub fn check(rule: &str) -> Result<()> {
    parts(rule).and_then(|parts| read(&parts)).map_err(|why| {
        let message = format!("recurrence must be a rule like FREQ=WEEKLY;BYDAY=MO: {why}");
        Failure::invalid("recurrence", message)
    })
}

/// What is wrong with a rule.
type Checked<T> = std::result::Result<T, String>;

/// The parts of a rule: names, each once, and values in capitals.
fn parts(rule: &str) -> Checked<Vec<(String, String)>> {
    let rule = rule.to_ascii_uppercase();
    let mut names = BTreeSet::new();
    let mut parts = Vec::new();
    for part in rule.strip_prefix("RRULE:").unwrap_or(&rule).split(';') {
        let Some((name, value)) = part.split_once('=').filter(|(_, value)| !value.is_empty()) else {
            return Err("each part is NAME=VALUE, with ; between them".to_owned());
        };
        let is_plain = |text: &str| {
            text.chars()
                .all(|c| c.is_ascii_alphanumeric() || "+-,".contains(c))
        };
        if !(is_plain(name) && is_plain(value)) {
            return Err("it has letters, digits, + - , ; and = only".to_owned());
        }
        if !names.insert(name.to_owned()) {
            return Err(format!("{name} stands twice"));
        }
        parts.push((name.to_owned(), known(name, value)?));
    }
    if names.contains("COUNT") && names.contains("UNTIL") {
        return Err("give COUNT or UNTIL, not both".to_owned());
    }
    if names.contains("BYSETPOS") && names.iter().filter(|name| name.starts_with("BY")).count() < 2 {
        return Err("BYSETPOS needs another part that begins with BY, like BYDAY".to_owned());
    }
    Ok(parts)
}

/// The value of a part, as the crate reads it.
fn known(name: &str, value: &str) -> Checked<String> {
    match name {
        "COUNT" | "INTERVAL" => {
            let is_number = value.bytes().all(|digit| digit.is_ascii_digit());
            if is_number && value.bytes().any(|digit| digit != b'0') {
                return Ok(value.to_owned());
            }
            Err(format!("{name} must be 1 or more"))
        }
        // without a zone the crate takes the machine's; which one does not matter here
        "UNTIL" if !value.ends_with('Z') => {
            let time = if value.contains('T') { "Z" } else { "T000000Z" };
            Ok(format!("{value}{time}"))
        }
        "BYSECOND" | "BYMINUTE" | "BYHOUR" | "BYMONTH" => {
            let all = value.split(',').all(|number| is_number(number, 2));
            let wanted = || format!("{name} is a list of numbers of one or two digits");
            all.then(|| value.to_owned()).ok_or_else(wanted)
        }
        "BYMONTHDAY" | "BYWEEKNO" => counted(name, value, 2, str::is_empty),
        "BYYEARDAY" | "BYSETPOS" => counted(name, value, 3, str::is_empty),
        "BYDAY" => counted(name, value, 2, |day| {
            WEEKDAYS.iter().any(|(_, code)| *code == day)
        }),
        "BYWEEKDAY" => Err("BYWEEKDAY is unknown; the name is BYDAY".to_owned()),
        _ => Ok(value.to_owned()),
    }
}

fn is_number(text: &str, digits: usize) -> bool {
    (1..=digits).contains(&text.len()) && text.bytes().all(|digit| digit.is_ascii_digit())
}

/// A list whose items are counted from the beginning or, with a minus, from the end. The crate reads more: it takes several
/// signs, and drops a 0.
fn counted(name: &str, value: &str, digits: usize, ends_well: fn(&str) -> bool) -> Checked<String> {
    for item in value.split(',') {
        let number = item.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let digit = number.strip_prefix(['+', '-']).unwrap_or(number);
        let is_whole = number.is_empty() && item.len() > digit.len();
        if !ends_well(&item[number.len()..]) || !(is_whole || is_number(digit, digits)) {
            return Err(format!("{item} is no part of {name}"));
        }
        if !is_whole && digit.bytes().all(|digit| digit == b'0') {
            return Err(format!("{name} counts from 1, or backwards from -1"));
        }
    }
    Ok(value.to_owned())
}

fn read(parts: &[(String, String)]) -> Checked<()> {
    let text: Vec<String> = parts
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let rule: RRule<Unvalidated> = text.join(";").parse().map_err(|error| said(&error))?;
    by_day(&rule)?;
    // the beginning of all dates: an UNTIL before it is refused
    let start = chrono::DateTime::UNIX_EPOCH.with_timezone(&Tz::UTC);
    let valid = rule.clone().validate(start);
    valid.map_err(|error| said(&error))?;
    calendar::occurs(&rule)
}

/// A day with a number, like `1MO`, is one of a month or a year.
fn by_day(rule: &RRule<Unvalidated>) -> Checked<()> {
    let is_counted = |day: &NWeekday| matches!(day, NWeekday::Nth(..));
    let counts = match rule.get_freq() {
        Frequency::Monthly => true,
        Frequency::Yearly => rule.get_by_week_no().is_empty(),
        _ => false,
    };
    if !counts && rule.get_by_weekday().iter().any(is_counted) {
        return Err("BYDAY has numbers only with FREQ=MONTHLY or YEARLY, without BYWEEKNO".to_owned());
    }
    Ok(())
}

/// The crate's words, on one line.
fn said(error: &RRuleError) -> String {
    let mut words = error.to_string();
    words.retain(|c| c != '\n');
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_the_rfc_are_taken() {
        for rule in [
            "FREQ=DAILY",
            "freq=daily",
            "RRULE:FREQ=WEEKLY;BYDAY=MO",
            "rrule:freq=weekly;byday=mo,we,fr;wkst=su",
            "FREQ=DAILY;COUNT=10",
            "FREQ=DAILY;INTERVAL=2",
            "FREQ=DAILY;UNTIL=20301224T000000Z",
            "FREQ=DAILY;UNTIL=20301224T000000",
            "FREQ=DAILY;UNTIL=20301224",
            "FREQ=DAILY;UNTIL=99991231T235959Z",
            "FREQ=MONTHLY;BYDAY=1FR",
            "FREQ=MONTHLY;BYDAY=-1MO,+2TU",
            "FREQ=MONTHLY;BYMONTHDAY=-1",
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
            "FREQ=YEARLY;BYMONTH=1,2;BYMONTHDAY=31,30",
            "FREQ=YEARLY;BYDAY=20MO",
            "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO",
            "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200",
            "FREQ=DAILY;BYHOUR=9,10;BYMINUTE=0,20,40",
            "FREQ=HOURLY;INTERVAL=3",
            "FREQ=YEARLY;BYDAY=53MO",
            "FREQ=YEARLY;BYYEARDAY=366,-366",
            "FREQ=YEARLY;BYMONTH=2;BYYEARDAY=60,100",
            "FREQ=YEARLY;BYMONTHDAY=29;BYYEARDAY=60",
            "FREQ=YEARLY;BYMONTH=1;BYWEEKNO=53,-1",
            "FREQ=YEARLY;BYMONTH=1;BYDAY=5MO",
            "FREQ=MONTHLY;BYMONTHDAY=31;BYDAY=FR",
            "FREQ=YEARLY;BYMONTH=12;BYYEARDAY=-31",
            "FREQ=YEARLY;BYMONTHDAY=-1;BYDAY=-1MO;BYMONTH=1",
            "FREQ=YEARLY;BYYEARDAY=-1;BYDAY=53TH,-1FR",
            "FREQ=DAILY;BYHOUR=09",
            "INTERVAL=2;FREQ=WEEKLY",
            "FREQ=DAILY;BYHOUR=9,18;BYSETPOS=2",
            "FREQ=YEARLY;BYDAY=MO;BYSETPOS=53",
            "FREQ=WEEKLY;BYDAY=MO,FR;BYSETPOS=3,-1",
            "FREQ=YEARLY;BYMONTH=1,2,3;BYSETPOS=3",
        ] {
            assert_eq!(check(rule).err().map(|failure| failure.message), None, "{rule}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for rule in [
            "weekly",
            "BYDAY=MO",
            "FREQ=FORTNIGHTLY",
            "FREQ=DAILY;",
            ";FREQ=DAILY",
            "FREQ=DAILY;COUNT",
            "FREQ=DAILY;COUNT=",
            "FREQ=DAILY;COUNT=0",
            "FREQ=DAILY;COUNT=-1",
            "FREQ=DAILY;COUNT=+1",
            "FREQ=DAILY;COUNT=1.5",
            "FREQ=DAILY;COUNT=99999999999999999999",
            "FREQ=DAILY;INTERVAL=0",
            "FREQ=DAILY;INTERVAL=x",
            "FREQ=DAILY;INTERVAL=70000",
            "FREQ=WEEKLY;BYDAY=XX",
            "FREQ=WEEKLY;BYDAY=1MO",
            "FREQ=DAILY;BYDAY=1MO",
            "FREQ=MONTHLY;BYDAY=0MO",
            "FREQ=MONTHLY;BYDAY=6MO",
            "FREQ=YEARLY;BYDAY=54MO",
            "FREQ=YEARLY;BYWEEKNO=20;BYDAY=1MO",
            "FREQ=WEEKLY;BYMONTHDAY=1",
            "FREQ=MONTHLY;BYMONTHDAY=0",
            "FREQ=MONTHLY;BYMONTHDAY=1,-0",
            "FREQ=YEARLY;BYYEARDAY=0",
            "FREQ=YEARLY;BYWEEKNO=0",
            "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=0",
            "FREQ=MONTHLY;BYMONTHDAY=32",
            "FREQ=YEARLY;BYMONTH=13",
            "FREQ=YEARLY;BYMONTH=0",
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
            "FREQ=YEARLY;BYMONTH=4,6;BYMONTHDAY=31",
            "FREQ=YEARLY;BYMONTH=2;BYYEARDAY=100",
            "FREQ=YEARLY;BYMONTH=12;BYYEARDAY=-50",
            "FREQ=YEARLY;BYMONTHDAY=31;BYDAY=2MO;BYMONTH=1",
            "FREQ=YEARLY;BYMONTH=1;BYWEEKNO=30",
            "FREQ=YEARLY;BYMONTH=1;BYDAY=6MO",
            "FREQ=YEARLY;BYMONTHDAY=31;BYYEARDAY=59",
            "FREQ=MONTHLY;BYDAY=+-1MO",
            "FREQ=MONTHLY;BYDAY=--1MO",
            "FREQ=MONTHLY;BYDAY=001MO",
            "FREQ=MONTHLY;BYDAY=+MO",
            "FREQ=MONTHLY;BYDAY=1",
            "FREQ=MONTHLY;BYDAY=,MO",
            "FREQ=MONTHLY;BYMONTHDAY=1MO",
            "FREQ=MONTHLY;BYMONTHDAY=0000001",
            "FREQ=DAILY;BYMONTH=+1",
            "FREQ=DAILY;BYMONTH=0001",
            "FREQ=DAILY;BYHOUR=+1",
            "FREQ=DAILY;BYSECOND=+5",
            "FREQ=MONTHLY;BYYEARDAY=1",
            "FREQ=YEARLY;BYYEARDAY=367",
            "FREQ=MONTHLY;BYWEEKNO=1",
            "FREQ=DAILY;BYSETPOS=1",
            "FREQ=DAILY;BYHOUR=9;BYSETPOS=2",
            "FREQ=DAILY;BYHOUR=9,9;BYSETPOS=-2",
            "FREQ=YEARLY;BYDAY=MO;BYSETPOS=366",
            "FREQ=YEARLY;BYMONTH=1,2,3;BYSETPOS=4",
            "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6,-6",
            "FREQ=WEEKLY;BYDAY=MO,FR;BYSETPOS=3",
            "FREQ=SECONDLY;BYHOUR=5;BYSETPOS=2",
            "FREQ=DAILY;BYHOUR=24",
            "FREQ=DAILY;BYMINUTE=60",
            "FREQ=DAILY;BYSECOND=60",
            "FREQ=DAILY;WKST=XX",
            "FREQ=DAILY;UNTIL=tomorrow",
            "FREQ=DAILY;UNTIL=20300230",
            "FREQ=DAILY;UNTIL=20300101T000060Z",
            "FREQ=DAILY;UNTIL=19691231",
            "FREQ=DAILY;UNTIL=00000101",
            "FREQ=DAILY;UNTIL=100000101",
            "FREQ=DAILY;UNTIL=20300101;COUNT=3",
            "FREQ=DAILY;FREQ=WEEKLY",
            "FREQ=DAILY;BYWEEKDAY=MO",
            "FREQ=DAILY;BYEASTER=1",
            "FREQ=DAILY;X-OWN=1",
            "FREQ=DAILY\nRRULE:FREQ=WEEKLY",
            "DTSTART:20300101T000000Z\nRRULE:FREQ=DAILY",
            "RRULE;X=1:FREQ=DAILY",
            "RRULE:RRULE:FREQ=DAILY",
            "EXRULE:FREQ=DAILY",
            "FREQ=DAİLY",
        ] {
            let failure = check(rule).expect_err(rule);
            assert_eq!(failure.field.as_deref(), Some("recurrence"), "{rule}");
            assert!(
                !failure.message.contains('\n') && failure.message.len() < 300,
                "{}",
                failure.message
            );
        }
    }
}
