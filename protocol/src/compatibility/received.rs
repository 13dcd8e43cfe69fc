//! What clients receive: a server of the new contract may write only what clients of the old contract expect. Clients
//! ignore fields that they do not know.

use super::{Comparison, Side, is_null, properties, requires, shapes, takes_null, target, types, values};
use serde_json::Value;
use std::borrow::Cow;

impl Comparison<'_> {
    /// Compares two schemas of what the server sends.
    pub(super) fn received(&mut self, place: &str, old: &Value, new: &Value) {
        if !self.is_new(Side::Server, old, new) {
            return;
        }
        let (old, new) = (target(old, self.old), target(new, self.new));
        if takes_null(new) && !takes_null(old) && (types(old).is_some() || shapes(old).len() > 1) {
            self.say(place, "may be null now");
        }
        match (values(old), values(new)) {
            // a set of values may grow
            (Some(old), Some(new)) => {
                for value in old.iter().filter(|value| !new.contains(value)) {
                    self.say(place, format!("{value} is gone"));
                }
                return;
            }
            (Some(_), None) => return self.say(place, "is no longer one of the listed values"),
            _ => {}
        }
        let (olds, news) = (shapes(old), shapes(new));
        match (olds.as_slice(), news.as_slice()) {
            ([old], [new]) => self.received_shape(place, old, new),
            // one shape became several: each of them must be compatible with the old one
            ([old], several) => {
                let several = several.iter().filter(|new| !self.is_known_forgotten(place, new));
                for new in several.collect::<Vec<_>>() {
                    self.received(place, old, new);
                }
            }
            _ => {
                for old in &olds {
                    self.received_variant(place, old, &news);
                }
            }
        }
    }

    /// Whether a payload may be a forgotten entry now, which clients of the old contract knew of every event.
    fn is_known_forgotten(&self, place: &str, new: &Value) -> bool {
        let is_payload = place == "frame.data"
            || place.ends_with(" output.events[].data")
            || self.old["events"].get(place).is_some();
        is_payload && new["$ref"] == "#/$defs/Forgotten" && self.old["$defs"].get("Forgotten").is_some()
    }

    /// One of the old choices: it must still be among the new ones.
    fn received_variant(&mut self, place: &str, old: &Value, news: &[Cow<'_, Value>]) {
        let news: Vec<&Value> = news
            .iter()
            .map(AsRef::as_ref)
            .filter(|new| !is_null(new))
            .collect();
        self.variant(place, old, &news, Self::received, "a choice is gone:");
    }

    fn received_shape(&mut self, place: &str, old: &Value, new: &Value) {
        if old.get("$ref").is_some() || new.get("$ref").is_some() {
            return self.received(place, old, new);
        }
        match (types(old), types(new)) {
            (Some(old), Some(new)) => {
                for name in new.iter().filter(|name| **name != "null" && !old.contains(name)) {
                    self.say(place, format!("may be of type {name} now"));
                }
            }
            (Some(_), None) => self.say(place, "may be of any type now"),
            _ => {}
        }
        for key in ["pattern", "format"] {
            if old.get(key).is_some() && new.get(key) != old.get(key) {
                self.say(place, format!("{key} was {}, is {}", old[key], new[key]));
            }
        }
        self.received_object(place, old, new);
        if let Some(old) = old.get("items") {
            self.received(&format!("{place}[]"), old, &new["items"]);
        }
        let (old, new) = (&old["additionalProperties"], &new["additionalProperties"]);
        if old.is_object() {
            self.received(&format!("{place}.*"), old, new);
        }
    }

    fn received_object(&mut self, place: &str, old: &Value, new: &Value) {
        for (name, field) in properties(old).into_iter().flatten() {
            let place = format!("{place}.{name}");
            let Some(successor) = properties(new).and_then(|all| all.get(name)) else {
                self.say(&place, "the field is gone");
                continue;
            };
            if requires(old, name) && !requires(new, name) {
                self.say(&place, "may be missing now");
            }
            self.received(&place, field, successor);
        }
    }
}
