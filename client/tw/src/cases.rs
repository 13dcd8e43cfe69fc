//! The table of cases for `tw` and the board: what dates, rules and whole lines mean.

use crate::due::Due;
use jiff::{Timestamp, Zoned, tz::TimeZone};
use serde_json::Value;

pub(crate) fn table() -> Value {
    serde_json::from_str(include_str!("../../../tests/quick-add.json")).expect("JSON")
}

/// The moment at which a part of the table is read, in its zone.
pub(crate) fn now(table: &Value, part: &Value) -> Zoned {
    let zone = &table["zones"][text(&part["zone"])];
    let zone = TimeZone::posix(text(zone)).expect("a zone");
    let now: Timestamp = text(&part["now"]).parse().expect("a moment");
    now.to_zoned(zone)
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

pub(crate) fn texts(value: &Value) -> Vec<String> {
    let texts = value.as_array().expect("a list").iter();
    texts.map(|value| text(value).to_owned()).collect()
}

/// Texts, each with what it means.
pub(crate) fn pairs(value: &Value) -> Vec<(String, String)> {
    let pairs = value.as_array().expect("a list").iter();
    pairs
        .map(|pair| (text(&pair[0]).to_owned(), text(&pair[1]).to_owned()))
        .collect()
}

/// As the table writes it: a day, or a moment.
pub(crate) fn said(due: Due) -> String {
    let text = due.at.to_string();
    match text.strip_suffix("T00:00:00.000Z") {
        Some(day) if due.all_day => day.to_owned(),
        _ => text.replace(":00.000Z", "Z"),
    }
}
