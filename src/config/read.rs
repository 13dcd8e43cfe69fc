//! Converts merged values to Rust types and collects the problems. Its callers name types and ranges; it does not know
//! which settings exist.

use std::ops::RangeInclusive;
use std::time::Duration;

use secrecy::SecretString;
use toml::Value;

use super::error::Problem;
use super::layers::{self, Layers};
use super::secret;

/// Reads values. An invalid value becomes a [`Problem`], and a harmless value replaces it, so that one run finds all
/// problems.
pub(super) struct Reader<'a> {
    layers: &'a Layers,
    pub(super) problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(layers: &'a Layers) -> Self {
        Self {
            layers,
            problems: layers.problems.clone(),
        }
    }

    /// Records a problem with a setting; `message` says which values are valid.
    pub(super) fn refuse(&mut self, key: &str, message: impl Into<String>) {
        let origin = self.layers.get(key).and_then(|entry| entry.origin.clone());
        self.problems.push(Problem {
            setting: key.to_owned(),
            origin,
            message: message.into(),
        });
    }

    /// A string.
    pub(super) fn text(&mut self, key: &str) -> &'a str {
        match self.value(key) {
            Some(Value::String(text)) => text,
            _ => self.misfit(key, "a string in quotes").unwrap_or_default(),
        }
    }

    /// A secret, not trimmed; `None` if it is empty.
    pub(super) fn secret(&mut self, key: &str) -> Option<SecretString> {
        Some(self.text(key))
            .filter(|text| !text.is_empty())
            .map(SecretString::from)
    }

    /// A string, parsed as `T`; `None` if it is empty or invalid. The error of `parse` says which values are valid.
    pub(super) fn parsed<T>(&mut self, key: &str, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let text = self.text(key).trim();
        if text.is_empty() {
            None
        } else {
            self.parse(key, text, parse)
        }
    }

    /// A string, parsed as `T`. `parse` gets an empty string too, and refuses it.
    pub(super) fn required<T: Default>(&mut self, key: &str, parse: impl Fn(&str) -> Result<T, String>) -> T {
        let text = self.text(key).trim();
        self.parse(key, text, parse).unwrap_or_default()
    }

    /// A list of strings, each parsed as `T`.
    pub(super) fn list<T>(&mut self, key: &str, parse: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        let Some(Value::Array(items)) = self.value(key) else {
            return self
                .misfit(key, "a list of strings, [\"…\", \"…\"]")
                .unwrap_or_default();
        };
        let mut parsed = Vec::with_capacity(items.len());
        for item in items {
            match item.as_str() {
                Some(text) => parsed.extend(self.parse(key, text.trim(), &parse)),
                None => drop(self.misfit::<()>(key, "a list of strings, [\"…\", \"…\"]")),
            }
        }
        parsed
    }

    /// `true` or `false`.
    pub(super) fn truth(&mut self, key: &str) -> bool {
        match self.value(key) {
            Some(Value::Boolean(truth)) => *truth,
            _ => self.misfit(key, "true or false").unwrap_or_default(),
        }
    }

    /// A whole number within `range`.
    pub(super) fn whole<N: TryFrom<u64> + Default>(&mut self, key: &str, range: RangeInclusive<u64>) -> N {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        let Some(Value::Integer(number)) = self.value(key) else {
            return self.misfit(key, &expected).unwrap_or_default();
        };
        let fitting = u64::try_from(*number)
            .ok()
            .filter(|number| range.contains(number));
        fitting
            .and_then(|number| N::try_from(number).ok())
            .unwrap_or_else(|| {
                self.refuse(key, format!("must be {expected}, not {number}"));
                N::default()
            })
    }

    /// A whole number of units that last `unit_seconds` each.
    pub(super) fn duration(&mut self, key: &str, unit_seconds: u64, range: RangeInclusive<u64>) -> Duration {
        Duration::from_secs(self.whole::<u64>(key, range).saturating_mul(unit_seconds))
    }

    fn value(&self, key: &str) -> Option<&'a Value> {
        self.layers.get(key).map(|entry| &entry.value)
    }

    fn parse<T>(&mut self, key: &str, text: &str, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        parse(text)
            .map_err(|expected| {
                let shown = if layers::is_secret(key) {
                    secret::mask(key, text)
                } else {
                    text.to_owned()
                };
                self.refuse(key, format!("must be {expected}, not {shown:?}"));
            })
            .ok()
    }

    /// Refuses a value of the wrong type. The value is not shown: it may be a secret written without quotes.
    fn misfit<T>(&mut self, key: &str, expected: &str) -> Option<T> {
        let found = self.value(key).map_or("nothing", Value::type_str);
        self.refuse(key, format!("must be {expected}, not a value of type {found}"));
        None
    }
}
