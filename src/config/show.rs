//! The settings in force as TOML, with masked secrets, and with the source of each value that is not the default.
//! Contains no secret.

use std::fmt;

use toml::Value;

use super::layers::{self, Layers};
use super::secret;

/// The settings in force, masked. Its text is a valid `--config FILE`, except for the masked values.
#[derive(Clone, Debug)]
pub struct Effective {
    lines: Vec<String>,
}

impl Effective {
    pub(super) fn of(layers: &Layers) -> Self {
        let lines = layers.keys().into_iter().filter_map(|key| {
            let entry = layers.get(key)?;
            let value = match &entry.value {
                Value::String(text) if layers::is_secret(key) => Value::String(secret::mask(text)),
                value => value.clone(),
            };
            Some(match &entry.origin {
                Some(origin) => format!("{key} = {value} # {}", origin.replace(char::is_control, "?")),
                None => format!("{key} = {value}"),
            })
        });
        Self {
            lines: lines.collect(),
        }
    }
}

impl fmt::Display for Effective {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(out, "{line}"))
    }
}
