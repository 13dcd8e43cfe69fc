//! What clients send: the new contract must accept everything that the old one accepted.

use super::{Comparison, Side, properties, requires, shapes, takes_null, target, types, values};
use serde_json::Value;
use std::borrow::Cow;

/// Upper bounds, which may only rise. `LEAST` has the lower bounds, which may only fall.
const MOST: [&str; 4] = ["maximum", "maxLength", "maxItems", "maxProperties"];
const LEAST: [&str; 4] = ["minimum", "minLength", "minItems", "minProperties"];
/// Parameters that revision 1 described as nullable, though no server took `null` for them.
const NEVER_TOOK_NULL: [&str; 3] = [
    "task.update params.title",
    "task.update params.completed",
    "task.update params.all_day",
];

impl Comparison<'_> {
    /// Compares two schemas of what clients send.
    pub(super) fn sent(&mut self, place: &str, old: &Value, new: &Value) {
        if !self.is_new(Side::Client, old, new) {
            return;
        }
        let (old, new) = (target(old, self.old), target(new, self.new));
        if takes_null(old)
            && !takes_null(new)
            && !NEVER_TOOK_NULL.contains(&place)
            && (types(new).is_some() || values(new).is_some() || shapes(new).len() > 1)
        {
            self.say(place, "null is no longer accepted");
        }
        match (values(old), values(new)) {
            (Some(old), Some(new)) => {
                for value in old.iter().filter(|value| !new.contains(value)) {
                    self.say(place, format!("{value} is no longer accepted"));
                }
                return;
            }
            (None, Some(_)) => return self.say(place, "accepts only listed values now"),
            _ => {}
        }
        let (olds, news) = (shapes(old), shapes(new));
        match (olds.as_slice(), news.as_slice()) {
            ([old], [new]) => self.sent_shape(place, old, new),
            ([old], news) if self.lists_the_mutations(old, news) => {}
            _ => {
                for old in &olds {
                    self.sent_variant(place, old, &news);
                }
            }
        }
    }

    /// One of the old choices: at least one of the new ones must accept it.
    fn sent_variant(&mut self, place: &str, old: &Value, news: &[Cow<'_, Value>]) {
        let news: Vec<&Value> = news.iter().map(AsRef::as_ref).collect();
        self.variant(place, old, &news, Self::sent, "no longer accepts");
    }

    /// Whether a choice of mutations took the place of a name that was described as any text. No server accepted another
    /// name there. Their parameters are compared with the operations.
    fn lists_the_mutations(&self, old: &Value, news: &[Cow<'_, Value>]) -> bool {
        let name = &old["properties"]["type"];
        let was_any_text = name["type"] == "string" && values(name).is_none();
        let listed: Option<Vec<&str>> = news
            .iter()
            .map(|new| target(new, self.new)["properties"]["type"]["const"].as_str())
            .collect();
        let mut mutations = self.old["operations"]
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(name, operation)| operation["kind"] == "mutation" && *name != "batch");
        let lists = |listed: Vec<&str>| mutations.all(|(name, _)| listed.contains(&name.as_str()));
        was_any_text && listed.is_some_and(lists)
    }

    fn sent_shape(&mut self, place: &str, old: &Value, new: &Value) {
        if old.get("$ref").is_some() || new.get("$ref").is_some() {
            return self.sent(place, old, new);
        }
        match (types(old), types(new)) {
            (Some(old), Some(new)) => {
                for name in old.iter().filter(|name| **name != "null" && !new.contains(name)) {
                    self.say(place, format!("no longer accepts a value of type {name}"));
                }
            }
            (None, Some(_)) => self.say(place, "no longer accepts values of every type"),
            _ => {}
        }
        for key in MOST {
            self.bound(place, key, old, new, |old, new| new < old);
        }
        for key in LEAST {
            self.bound(place, key, old, new, |old, new| new > old);
        }
        for key in ["pattern", "format"] {
            if new.get(key).is_some() && new.get(key) != old.get(key) {
                self.say(place, format!("{key} was {}, is {}", old[key], new[key]));
            }
        }
        if let (Some(old), Some(new)) = (old.get("items"), new.get("items")) {
            self.sent(&format!("{place}[]"), old, new);
        }
        self.sent_object(place, old, new);
    }

    fn bound(&mut self, place: &str, key: &str, old: &Value, new: &Value, narrower: fn(f64, f64) -> bool) {
        let Some(is) = new[key].as_f64() else { return };
        if old[key].as_f64().is_none_or(|was| narrower(was, is)) {
            self.say(place, format!("{key} was {}, is {}", old[key], new[key]));
        }
    }

    fn sent_object(&mut self, place: &str, old: &Value, new: &Value) {
        for (name, field) in properties(old).into_iter().flatten() {
            let place = format!("{place}.{name}");
            match properties(new).and_then(|all| all.get(name)) {
                Some(new) => self.sent(&place, field, new),
                None if new["additionalProperties"] == false => self.say(&place, "the parameter is gone"),
                None => {}
            }
        }
        for (name, _) in properties(new).into_iter().flatten() {
            if requires(new, name) && !requires(old, name) {
                self.say(&format!("{place}.{name}"), "is required now");
            }
        }
        let open = |schema: &Value| schema["additionalProperties"] != false;
        if types(old).is_some_and(|types| types.contains(&"object")) && open(old) && !open(new) {
            self.say(place, "other members are no longer accepted");
        }
        let (old, new) = (&old["additionalProperties"], &new["additionalProperties"]);
        if old.is_object() && new.is_object() {
            self.sent(&format!("{place}.*"), old, new);
        }
    }
}
