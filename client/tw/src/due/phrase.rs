//! The words of a date, sorted: a distance (`3 weeks`), a time of day (`9am`), and a day (`next monday`). Refuses words
//! that it does not know. The libraries that read dates know more words than people mean: time zones of one letter,
//! numbers that are hours. Does not calculate.

use taskwire_client::protocol::weekday::WEEKDAYS;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
/// The names of units, without the `s` of the plural. `jiff` knows the same names.
const UNITS: [&str; 16] = [
    "year", "yr", "y", "month", "mo", "week", "wk", "w", "day", "d", "hour", "hr", "h", "minute", "min", "m",
];
const NUMBERS: [&str; 12] = [
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
];
/// The distance of `next year`, as `Phrase` keeps it.
const NEXT_YEAR: &str = " 1 year";
/// Words that stand between the others and mean nothing here.
pub(crate) const FILLERS: [&str; 5] = ["on", "in", "of", "the", "and"];
/// Longer texts are not dates.
const LONGEST: usize = 80;

/// The words of a date, sorted.
#[derive(Default)]
pub(super) struct Phrase {
    /// Numbers and units, like `3 weeks`; empty if there is none.
    pub(super) distance: String,
    /// Whether the distance has hours or minutes.
    pub(super) exact: bool,
    /// A time of day, like `9am`.
    pub(super) clock: Option<String>,
    /// A day, like `next monday` or `24 december`.
    pub(super) day: String,
    pub(super) kind: Kind,
    /// Whether `next year` is among the words; it is in the distance too.
    next_year: bool,
}

/// What the words of a day leave open.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing: no day, or one that is counted from today, like `tomorrow` and `next monday`.
    #[default]
    Counted,
    /// The week: `friday`.
    Weekly,
    /// The year: `24 december`.
    Yearly,
    /// Nothing: a date with its year.
    Fixed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word<'a> {
    Number(&'a str),
    Unit(&'a str),
    Clock(&'a str),
    Half(&'a str),
    Weekday(&'a str),
    Month(&'a str),
    Date(&'a str),
    /// `today` or `tomorrow`.
    Day(&'a str),
    Next,
    This,
    At,
    Filler,
}

impl Phrase {
    /// The words of this text; `None` if one is unknown, or in a place where its meaning is unclear.
    pub(super) fn read(text: &str) -> Option<Phrase> {
        if !text.is_ascii() || text.len() > LONGEST {
            return None;
        }
        let text = text.to_ascii_lowercase();
        let mut words = words(&text)?;
        words.retain(|word| *word != Word::Filler);
        let mut phrase = Phrase::default();
        let mut rest = words.as_slice();
        while !rest.is_empty() {
            rest = phrase.take(rest)?;
        }
        Some(phrase)
    }

    /// Whether a distance stands beside a date, like `1 jan in 2 weeks`: it is unclear from when to count. `next year`
    /// beside a day of a month is that date's year.
    pub(super) fn has_date_and_distance(&self) -> bool {
        let counts = !self.distance.is_empty();
        match self.kind {
            Kind::Counted | Kind::Weekly => false,
            Kind::Yearly => counts && !(self.next_year && self.distance == NEXT_YEAR),
            Kind::Fixed => counts,
        }
    }

    /// Takes the first words, and returns the others.
    fn take<'a>(&mut self, words: &'a [Word<'a>]) -> Option<&'a [Word<'a>]> {
        Some(match words {
            [Word::Number(number), Word::Unit(unit), rest @ ..] => self.ahead(number, unit, rest),
            [Word::Next, Word::Unit(unit), rest @ ..] => {
                self.next_year |= *unit == "year";
                self.ahead("1", unit, rest)
            }
            [
                Word::Number(hour) | Word::Clock(hour),
                Word::Half(half),
                rest @ ..,
            ]
            | [
                Word::At,
                Word::Number(hour) | Word::Clock(hour),
                Word::Half(half),
                rest @ ..,
            ] => self.at(format!("{hour}{half}"), rest)?,
            [Word::At, Word::Number(hour), rest @ ..] => self.at(format!("{hour}:00"), rest)?,
            [Word::Clock(clock), rest @ ..] | [Word::At, Word::Clock(clock), rest @ ..] => {
                self.at((*clock).to_owned(), rest)?
            }
            [Word::Number(day), Word::Month(month), rest @ ..]
            | [Word::Month(month), Word::Number(day), rest @ ..]
                if day.len() <= 2 =>
            {
                self.kind = Kind::Yearly;
                self.on(&format!("{day} {month}"))?;
                self.year(rest)
            }
            [Word::Next, Word::Weekday(day), rest @ ..] => {
                self.on(&format!("next {day}"))?;
                rest
            }
            [Word::This, Word::Weekday(day), rest @ ..] | [Word::Weekday(day), rest @ ..] => {
                self.kind = Kind::Weekly;
                self.on(day)?;
                rest
            }
            [Word::Day(day), rest @ ..] => {
                self.on(day)?;
                rest
            }
            [Word::Date(date), rest @ ..] => {
                self.kind = Kind::Fixed;
                self.on(date)?;
                rest
            }
            _ => return None,
        })
    }

    fn ahead<'a>(&mut self, number: &str, unit: &str, rest: &'a [Word<'a>]) -> &'a [Word<'a>] {
        for part in [" ", number, " ", unit] {
            self.distance.push_str(part);
        }
        self.exact |= unit.starts_with('h') || unit.starts_with("mi") || unit == "m";
        rest
    }

    fn at<'a>(&mut self, clock: String, rest: &'a [Word<'a>]) -> Option<&'a [Word<'a>]> {
        self.clock.replace(clock).is_none().then_some(rest)
    }

    /// `None` if there is a day already: it is unclear which one is meant.
    fn on(&mut self, day: &str) -> Option<()> {
        self.day.is_empty().then(|| day.clone_into(&mut self.day))
    }

    /// A year may follow a day of a month.
    fn year<'a>(&mut self, rest: &'a [Word<'a>]) -> &'a [Word<'a>] {
        match rest {
            [Word::Number(year), rest @ ..] if year.len() == 4 => {
                self.kind = Kind::Fixed;
                self.day.extend([" ", year]);
                rest
            }
            rest => rest,
        }
    }
}

/// All words of a text in lower case; `None` if one is unknown.
pub(crate) fn words(text: &str) -> Option<Vec<Word<'_>>> {
    let pieces = text.split(|c: char| c == ',' || c.is_whitespace());
    pieces
        .filter(|piece| !piece.is_empty())
        .flat_map(parts)
        .map(word)
        .collect()
}

/// Whether this is a number that is not in digits.
pub(crate) fn is_written(text: &str) -> bool {
    NUMBERS.contains(&text) || text == "a" || text == "an"
}

/// The parts of a piece of text without blanks: `+3d` is a number and a unit, `2026-12-24t18:00` a date and a time.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let date_and_time = text.split_once('t').filter(|(date, _)| is_date(date));
    let digits = text.strip_prefix('+').unwrap_or(text);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let (number, unit) = digits.split_at(end);
    let (first, second) = if let Some((date, time)) = date_and_time {
        (date, Some(time))
    } else if !number.is_empty() && (unit.is_empty() || is_unit(unit)) {
        (number, Some(unit).filter(|unit| !unit.is_empty()))
    } else {
        (text, None)
    };
    std::iter::once(first).chain(second)
}

fn word(text: &str) -> Option<Word<'_>> {
    let place = |names: &[&str]| {
        names
            .iter()
            .any(|name| *name == text || (text.len() == 3 && name.starts_with(text)))
    };
    Some(match text {
        "today" | "tomorrow" => Word::Day(text),
        "next" => Word::Next,
        "this" => Word::This,
        "at" => Word::At,
        "am" | "pm" => Word::Half(text),
        "a" | "an" => Word::Number("1"),
        "noon" => Word::Clock("12:00"),
        text if FILLERS.contains(&text) => Word::Filler,
        text if place(&WEEKDAYS.map(|(name, _)| name)) => Word::Weekday(text),
        text if place(&MONTHS) => Word::Month(text),
        text if is_unit(text) => Word::Unit(text),
        text if is_date(text) => Word::Date(text),
        text if is_clock(text) => Word::Clock(text),
        text => Word::Number(number(text)?),
    })
}

/// Digits, also with the ending of `1st` and `24th`, or a number as a word.
fn number(text: &str) -> Option<&str> {
    const WRITTEN: [&str; 12] = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"];
    if let Some(place) = NUMBERS.iter().position(|name| *name == text) {
        return WRITTEN.get(place).copied();
    }
    let endings = ["st", "nd", "rd", "th"];
    let digits = endings
        .iter()
        .find_map(|ending| text.strip_suffix(ending))
        .unwrap_or(text);
    is_digits(digits, 1..=9).then_some(digits)
}

/// One letter has no plural: `ms` are not minutes.
fn is_unit(text: &str) -> bool {
    let one = text.strip_suffix('s').filter(|one| one.len() > 1);
    UNITS.contains(&one.unwrap_or(text))
}

/// `2026-12-24`.
fn is_date(text: &str) -> bool {
    let mut parts = text.split('-');
    let mut next = |digits| parts.next().is_some_and(|part| is_digits(part, digits..=digits));
    next(4) && next(2) && next(2) && parts.next().is_none()
}

/// `18:00`, `18:00:30`, `9am`, `9:30pm`.
fn is_clock(text: &str) -> bool {
    let half = text.strip_suffix("am").or_else(|| text.strip_suffix("pm"));
    let mut parts = half.unwrap_or(text).split(':');
    let hour = parts.next().is_some_and(|part| is_digits(part, 1..=2));
    let rest: Vec<&str> = parts.collect();
    let whole = rest.iter().all(|part| is_digits(part, 2..=2)) && rest.len() <= 2;
    hour && whole && (half.is_some() || !rest.is_empty())
}

fn is_digits(text: &str, length: std::ops::RangeInclusive<usize>) -> bool {
    length.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}
