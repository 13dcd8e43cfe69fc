//! How often a task repeats, as people type and read it: a rule of RFC 5545, or words like `month`, `2 weeks`, `last friday`.
//! The server checks the rule; this only translates words.

use taskwire_client::protocol::weekday::WEEKDAYS;

const FORMS: &str =
    "day, weekday, week, 2 weeks, month, year, monday, \"mon, wed\", \"last friday\", \"first monday\"";
const UNITS: [(&str, &str, &str); 5] = [
    ("HOURLY", "hour", "hours"),
    ("DAILY", "day", "days"),
    ("WEEKLY", "week", "weeks"),
    ("MONTHLY", "month", "months"),
    ("YEARLY", "year", "years"),
];
const PLACES: [(&str, i8); 6] = [
    ("first", 1),
    ("second", 2),
    ("third", 3),
    ("fourth", 4),
    ("fifth", 5),
    ("last", -1),
];

/// The rule that a text means.
pub(crate) fn rule(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.to_ascii_uppercase().contains("FREQ=") {
        return Ok(text.to_owned());
    }
    let lower = text.to_ascii_lowercase().replace(',', " ").replace(" and ", " ");
    let words: Vec<&str> = lower.split_whitespace().filter(|word| *word != "every").collect();
    read(&words)
        .ok_or_else(|| format!("{text:?} does not say how often; write {FORMS}, or a rule like FREQ=WEEKLY"))
}

fn read(words: &[&str]) -> Option<String> {
    match words {
        ["weekday" | "weekdays" | "workday"] => return Some("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR".to_owned()),
        [unit] if frequency(unit).is_some() => return Some(format!("FREQ={}", frequency(unit)?)),
        ["other", unit] => return Some(format!("FREQ={};INTERVAL=2", frequency(unit)?)),
        [number, unit] if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            return Some(format!(
                "FREQ={};INTERVAL={}",
                frequency(unit)?,
                number.parse::<u16>().ok()?
            ));
        }
        [place, word] | [place, word, "of", "the", "month"] => {
            if let Some((_, place)) = PLACES.iter().find(|(name, _)| name == place) {
                return Some(match *word {
                    "day" => format!("FREQ=MONTHLY;BYMONTHDAY={place}"),
                    word => format!("FREQ=MONTHLY;BYDAY={place}{}", day(word)?),
                });
            }
        }
        [] => return None,
        _ => {}
    }
    let days: Option<Vec<&str>> = words.iter().map(|word| day(word)).collect();
    Some(format!("FREQ=WEEKLY;BYDAY={}", days?.join(",")))
}

/// A rule as people say it: `every month`. `None` for a rule that these words do not say.
pub(crate) fn words(rule: &str) -> Option<String> {
    let upper = rule.to_ascii_uppercase();
    let (mut every, mut interval, mut days, mut day_of_month) = (None, 1_u16, None, None);
    for part in upper.split(';') {
        match part.split_once('=')? {
            ("FREQ", value) => every = UNITS.iter().find(|(code, ..)| *code == value),
            ("INTERVAL", value) => interval = value.parse().ok()?,
            ("BYDAY", value) => days = Some(value),
            ("BYMONTHDAY", value) => day_of_month = Some(value),
            _ => return None,
        }
    }
    let (code, one, several) = *every?;
    let said = match (code, interval, days, day_of_month) {
        (_, 1, None, None) => one.to_owned(),
        (_, number, None, None) => format!("{number} {several}"),
        ("WEEKLY", 1, Some("MO,TU,WE,TH,FR"), None) => "weekday".to_owned(),
        ("WEEKLY", 1, Some(days), None) => {
            let names: Option<Vec<&str>> = days.split(',').map(name).collect();
            names?.join(", ")
        }
        ("MONTHLY", 1, Some(day), None) => {
            let (place, day) = day.split_at_checked(day.len().checked_sub(2)?)?;
            format!("{} {}", placed(place)?, name(day)?)
        }
        ("MONTHLY", 1, None, Some(place)) => format!("{} day", placed(place)?),
        _ => return None,
    };
    Some(format!("every {said}"))
}

/// The name of a day of the week.
fn name(code: &str) -> Option<&'static str> {
    WEEKDAYS
        .iter()
        .find(|(_, day)| *day == code)
        .map(|(name, _)| *name)
}

fn placed(number: &str) -> Option<&'static str> {
    let number: i8 = number.parse().ok()?;
    PLACES
        .iter()
        .find(|(_, place)| *place == number)
        .map(|(name, _)| *name)
}

fn frequency(unit: &str) -> Option<&'static str> {
    Some(match unit {
        "hour" | "hours" | "hourly" => "HOURLY",
        "day" | "days" | "daily" => "DAILY",
        "week" | "weeks" | "weekly" => "WEEKLY",
        "month" | "months" | "monthly" => "MONTHLY",
        "year" | "years" | "yearly" => "YEARLY",
        _ => return None,
    })
}

/// A day of the week: its name, its plural, or the beginning of its name.
fn day(word: &str) -> Option<&'static str> {
    let word = word
        .strip_suffix('s')
        .filter(|word| word.ends_with("day"))
        .unwrap_or(word);
    let is = |name: &str| word.len() >= 3 && name.starts_with(word);
    WEEKDAYS.iter().find(|(name, _)| is(name)).map(|(_, code)| *code)
}

#[cfg(test)]
mod tests {
    use super::{rule, words};
    use crate::cases;

    #[test]
    fn a_rule_is_told_in_words_that_mean_it() {
        for (text, expected) in [
            ("month", "every month"),
            ("2 weeks", "every 2 weeks"),
            ("weekday", "every weekday"),
            ("mon, wed", "every monday, wednesday"),
            ("last friday", "every last friday"),
            ("last day", "every last day"),
            ("hour", "every hour"),
        ] {
            let meant = rule(text).expect("a rule");
            assert_eq!(words(&meant).as_deref(), Some(expected), "{text}");
            assert_eq!(rule(expected).as_deref(), Ok(&*meant), "{text}");
        }
        for unsaid in [
            "FREQ=DAILY;COUNT=3",
            "FREQ=YEARLY;BYDAY=1MO",
            "FREQ=MONTHLY;BYDAY=é",
            "FREQ=SECONDLY",
            "x",
            "",
        ] {
            assert_eq!(words(unsaid), None, "{unsaid}");
        }
    }

    #[test]
    fn words_become_rules() {
        let table = cases::table();
        for (text, expected) in cases::pairs(&table["rules"]["read"]) {
            assert_eq!(rule(&text).as_deref(), Ok(&*expected), "{text}");
        }
        for text in cases::texts(&table["rules"]["refused"]) {
            assert!(rule(&text).is_err(), "{text}");
        }
    }
}
