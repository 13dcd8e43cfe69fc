//! The settings in force as TOML, with masked secrets, and with the source of each value that is not the default.
//! Contains no secret.

use std::collections::BTreeSet;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use toml::Value;

use super::layers::{self, Layers};
use super::secret;

/// The settings in force, masked. Its text is a valid `--config FILE`, except for the masked values.
#[derive(Clone, Debug)]
pub struct Effective {
    settings: Vec<Shown>,
    sources: String,
    of_services: BTreeSet<String>,
}

/// A setting, masked.
#[derive(Clone, Debug)]
struct Shown {
    key: String,
    line: String,
    /// Tells values apart that look alike when they are masked.
    value: u64,
}

/// Seeded at random: the numbers say nothing about a secret outside of this process.
static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);

impl Effective {
    pub(super) fn of(layers: &Layers) -> Self {
        let settings = layers.keys().into_iter().filter_map(|key| {
            let entry = layers.get(key)?;
            let value = match &entry.value {
                Value::String(text) if layers::is_secret(key) => Value::String(secret::mask(key, text)),
                value => value.clone(),
            };
            let line = match &entry.origin {
                Some(origin) => format!("{key} = {value} # {}", origin.replace(char::is_control, "?")),
                None => format!("{key} = {value}"),
            };
            Some(Shown {
                key: key.to_owned(),
                line,
                value: HASHER.hash_one(entry.value.to_string()),
            })
        });
        Self {
            settings: settings.collect(),
            sources: sources(&layers.sources),
            of_services: layers.of_services.clone(),
        }
    }

    /// The names of the settings that have another value here, in the order of the manual.
    pub fn changed_since(&self, before: &Effective) -> Vec<&str> {
        let pairs = self.settings.iter().zip(&before.settings);
        pairs
            .filter(|(now, before)| now.value != before.value)
            .map(|(now, _)| &*now.key)
            .collect()
    }

    /// Which sources gave settings, in a line for the log: `3 from taskwire.toml, 2 from the environment`.
    pub fn sources(&self) -> &str {
        &self.sources
    }

    /// Variables of the environment that look like settings, and that Kubernetes made to describe services.
    pub fn variables_of_services(&self) -> impl Iterator<Item = &str> {
        self.of_services.iter().map(String::as_str)
    }
}

fn sources(given: &[(String, usize)]) -> String {
    if given.is_empty() {
        return "only defaults".to_owned();
    }
    let named = given
        .iter()
        .map(|(name, number)| format!("{number} from {}", name.replace(char::is_control, "?")));
    named.collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Effective {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.settings
            .iter()
            .try_for_each(|shown| writeln!(out, "{}", shown.line))
    }
}
