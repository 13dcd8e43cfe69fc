//! Whether a contract only grew. Compares the contract of the last release with the current one, and lists the changes
//! that would break a client of the last release.
//!
//! - What clients send must still be accepted: no operation or parameter is gone, none became required, no type, set of
//!   values, bound or pattern became narrower, and nobody lost access.
//! - What clients receive must still be what they expect: no event, signal, field or value is gone, no field became
//!   optional or nullable, and no type changed.
//! - Codes stay, with their meaning.
//!
//! What is new and optional passes. Knows contracts as `generate::describe` writes them.

mod received;
mod sent;

use crate::generate::describe;
use serde_json::{Map, Value};
use std::{borrow::Cow, collections::HashSet};

/// The contract without its prose: what a release keeps, as JSON.
#[must_use]
pub fn contract() -> Value {
    let mut contract = describe();
    drop_prose(&mut contract);
    contract
}

/// Lists the changes from `old` to `new` that would break a client of `old`. Empty when there are none.
#[must_use]
pub fn breaks(old: &Value, new: &Value) -> Vec<String> {
    let mut found = Comparison::new(old, new);
    found.operations();
    found.payloads("events");
    found.payloads("signals");
    found.frames();
    found.routes();
    found.codes();
    found.limits();
    let mut said = HashSet::new();
    found.breaks.retain(|each| said.insert(each.clone()));
    found.breaks
}

/// Says what is wrong with the revision of `new`, given the contract of the last release. The revision must stay while
/// the contract stays, and rise when it grows. Contracts have no prose: a changed description needs no new revision.
#[must_use]
pub fn wrong_revision(old: &Value, new: &Value) -> Option<String> {
    let (was, is) = (old["revision"].as_u64(), new["revision"].as_u64());
    let same = without_revision(old) == without_revision(new);
    match (same, is.cmp(&was)) {
        (true, std::cmp::Ordering::Equal) | (false, std::cmp::Ordering::Greater) => None,
        (true, _) => {
            Some("the contract equals the released one: set REVISION to the released revision".to_owned())
        }
        (false, _) => Some("the contract grew since the last release: raise REVISION".to_owned()),
    }
}

fn without_revision(contract: &Value) -> Value {
    let mut contract = contract.clone();
    if let Some(members) = contract.as_object_mut() {
        members.remove("revision");
    }
    contract
}

/// Removes the description of every schema. A property may be named `description`: its value is a schema, so it stays.
fn drop_prose(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(drop_prose),
        Value::Object(map) => {
            if map.get("description").is_some_and(Value::is_string) {
                map.remove("description");
            }
            map.values_mut().for_each(drop_prose);
        }
        _ => {}
    }
}

/// Two contracts, and what was found so far.
struct Comparison<'a> {
    old: &'a Value,
    new: &'a Value,
    breaks: Vec<String>,
    /// The pairs of definitions whose comparison has begun: types may refer to each other in a circle.
    seen: HashSet<(Side, String, String)>,
}

/// Who writes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Side {
    Client,
    Server,
}

impl<'a> Comparison<'a> {
    fn new(old: &'a Value, new: &'a Value) -> Comparison<'a> {
        Comparison {
            old,
            new,
            breaks: Vec::new(),
            seen: HashSet::new(),
        }
    }

    fn say(&mut self, place: &str, what: impl AsRef<str>) {
        self.breaks.push(format!("{place}: {}", what.as_ref()));
    }

    fn operations(&mut self) {
        for (name, old, new) in self.each("operations") {
            let Some(new) = new else {
                self.say(&name, "the operation is gone");
                continue;
            };
            if old["kind"] != new["kind"] {
                self.say(&name, format!("was a {}, is a {}", old["kind"], new["kind"]));
            }
            let (was, is) = (text(&old["access"]), text(&new["access"]));
            if !admits(is, was) {
                self.say(&name, format!("access was {was}, is {is}"));
            }
            self.sent(&format!("{name} params"), &old["params"], &new["params"]);
            self.received(&format!("{name} output"), &old["output"], &new["output"]);
        }
    }

    fn payloads(&mut self, table: &str) {
        for (name, old, new) in self.each(table) {
            match new {
                Some(new) => self.received(&name, &old["data"], &new["data"]),
                None => self.say(&name, "is gone"),
            }
        }
    }

    fn frames(&mut self) {
        self.received(
            "frame",
            &self.old["frames"]["server"],
            &self.new["frames"]["server"],
        );
        // they are compared here, so not again where a route takes them
        self.is_new(
            Side::Client,
            &self.old["frames"]["client"],
            &self.new["frames"]["client"],
        );
        let (olds, news) = (requests(self.old), requests(self.new));
        for (name, _, _) in self.each("operations") {
            match (request(&olds, &name), request(&news, &name)) {
                (Some(old), Some(new)) => self.sent(&format!("request {name}"), old, new),
                (Some(_), None) if self.new["operations"].get(&name).is_some() => {
                    self.say(&name, "no frame has it now");
                }
                _ => {}
            }
        }
        for key in ["protocol", "subprotocol"] {
            if self.old[key] != self.new[key] {
                self.say(key, "changed");
            }
        }
    }

    fn routes(&mut self) {
        for (name, old, new) in self.each("http") {
            let Some(new) = new else {
                self.say(&name, "the route is gone");
                continue;
            };
            if old["status"] != new["status"] {
                self.say(
                    &name,
                    format!("status was {}, is {}", old["status"], new["status"]),
                );
            }
            match (old.get("body"), new.get("body")) {
                (Some(old), Some(new)) => self.sent(&format!("{name} body"), old, new),
                (None, Some(_)) => self.say(&name, "takes a body now"),
                (_, None) => {}
            }
            for part in ["answer", "error"] {
                self.received(&format!("{name} {part}"), &old[part], &new[part]);
            }
        }
    }

    fn codes(&mut self) {
        for (table, meanings) in [("errors", ["http", "retry"]), ("close_codes", ["name", "then"])] {
            for (code, old, new) in self.each(table) {
                let Some(new) = new else {
                    self.say(&code, "the code is gone");
                    continue;
                };
                for meaning in meanings {
                    if old[meaning] != new[meaning] {
                        self.say(
                            &code,
                            format!("{meaning} was {}, is {}", old[meaning], new[meaning]),
                        );
                    }
                }
            }
        }
    }

    fn limits(&mut self) {
        for (name, old, new) in self.each("limits") {
            let (was, is) = (old.as_i64(), new.and_then(Value::as_i64));
            let narrower = if name.ends_with("_min") {
                is > was
            } else {
                is < was
            };
            if is.is_none() || narrower {
                self.say(&name, format!("the limit was {was:?}, is {is:?}"));
            }
        }
    }

    /// The members of an object of the old contract, each with the member of that name in the new one.
    fn each(&self, table: &str) -> Vec<(String, &'a Value, Option<&'a Value>)> {
        let members = self.old[table].as_object().into_iter().flatten();
        members
            .map(|(name, old)| (name.clone(), old, self.new[table].get(name)))
            .collect()
    }

    /// Whether a pair of definitions still has to be compared.
    fn is_new(&mut self, side: Side, old: &Value, new: &Value) -> bool {
        match (old["$ref"].as_str(), new["$ref"].as_str()) {
            (Some(old), Some(new)) => self.seen.insert((side, old.to_owned(), new.to_owned())),
            _ => true,
        }
    }

    /// Compares one of the old choices with the new ones. Says nothing when one of them is compatible; otherwise what breaks
    /// in the one that stands for it, or that none does (`gone`).
    fn variant(
        &mut self,
        place: &str,
        old: &Value,
        news: &[&Value],
        compare: fn(&mut Self, &str, &Value, &Value),
        gone: &str,
    ) {
        let mut nearest = None;
        for new in news {
            let breaks = self.aside(|this| compare(this, place, old, new));
            if breaks.is_empty() {
                return;
            }
            if self.is_successor(old, new) {
                nearest = Some(breaks);
            }
        }
        match nearest {
            Some(breaks) => self.breaks.extend(breaks),
            None => self.say(place, format!("{gone} {old}")),
        }
    }

    /// Whether a new choice stands for this old one: it has the same name, or the same tag.
    fn is_successor(&self, old: &Value, new: &Value) -> bool {
        if old["$ref"].is_string() && old["$ref"] == new["$ref"] {
            return true;
        }
        let (old, new) = (target(old, self.old), target(new, self.new));
        tag(old).is_some_and(|(name, value)| new["properties"][name].get("const") == Some(value))
    }

    /// Runs a comparison and returns what it found, without adding that to `breaks`.
    fn aside(&mut self, compare: impl FnOnce(&mut Self)) -> Vec<String> {
        let before = std::mem::take(&mut self.breaks);
        let seen = self.seen.clone();
        compare(self);
        self.seen = seen;
        std::mem::replace(&mut self.breaks, before)
    }
}

/// Whether every caller that the old access admits is admitted by the new one.
fn admits(new: &str, old: &str) -> bool {
    let ranks = ["anyone", "user", "viewer", "member", "admin", "owner"];
    let rank = |access: &str| ranks.iter().position(|rank| *rank == access);
    match (rank(new), rank(old)) {
        (Some(new), Some(old)) => new <= old,
        // the global role `admin` gives no role in a workspace
        (Some(new), None) => new <= 1,
        (None, _) => new == old,
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Follows a reference to its definition.
fn target<'v>(schema: &'v Value, contract: &'v Value) -> &'v Value {
    crate::generate::resolve(schema, contract)
}

/// The types that a schema allows; `None` when it allows any.
fn types(schema: &Value) -> Option<Vec<&str>> {
    match &schema["type"] {
        Value::String(name) => Some(vec![name]),
        Value::Array(names) => Some(names.iter().filter_map(Value::as_str).collect()),
        _ => None,
    }
}

/// The values that a schema lists, when it lists them: by `const`, `enum`, or a choice of those.
fn values(schema: &Value) -> Option<Vec<&Value>> {
    if let Some(constant) = schema.get("const") {
        return Some(vec![constant]);
    }
    if let Some(all) = schema["enum"].as_array() {
        return Some(all.iter().collect());
    }
    let variants = crate::generate::variants(schema);
    if variants.is_empty() {
        return None;
    }
    let listed: Option<Vec<_>> = variants.iter().map(values).collect();
    Some(listed?.concat())
}

/// What a schema can be, apart from `null`: its choices, each with the fields beside the choice, or itself.
fn shapes(schema: &Value) -> Vec<Cow<'_, Value>> {
    let choices = crate::generate::variants(schema);
    if choices.is_empty() {
        return vec![Cow::Borrowed(schema)];
    }
    let choices = choices.iter().filter(|choice| !is_null(choice));
    choices.map(|choice| with_fields_beside(choice, schema)).collect()
}

fn with_fields_beside<'v>(choice: &'v Value, schema: &Value) -> Cow<'v, Value> {
    let Some(beside) = properties(schema) else {
        return Cow::Borrowed(choice);
    };
    let mut whole = choice.clone();
    let mut fields = beside.clone();
    fields.extend(properties(choice).cloned().unwrap_or_default());
    let names = |schema: &Value| schema["required"].as_array().cloned().unwrap_or_default();
    whole["required"] = [names(schema), names(choice)].concat().into();
    whole["properties"] = fields.into();
    whole["type"] = schema["type"].clone();
    Cow::Owned(whole)
}

/// The request frames of a contract, each whole.
fn requests(contract: &Value) -> Vec<Value> {
    fn collect(schema: &Value, contract: &Value, all: &mut Vec<Value>) {
        let schema = target(schema, contract);
        if crate::generate::variants(schema).is_empty() {
            return all.push(schema.clone());
        }
        for shape in shapes(schema) {
            collect(&shape, contract, all);
        }
    }
    let mut all = Vec::new();
    collect(&contract["frames"]["client"], contract, &mut all);
    all
}

fn request<'v>(all: &'v [Value], operation: &str) -> Option<&'v Value> {
    all.iter()
        .find(|request| request["properties"]["type"]["const"] == operation)
}

fn is_null(schema: &Value) -> bool {
    schema["type"] == "null"
}

/// Whether `null` is among the values of a schema.
fn takes_null(schema: &Value) -> bool {
    types(schema).is_some_and(|types| types.contains(&"null"))
        || crate::generate::variants(schema).iter().any(is_null)
}

fn properties(schema: &Value) -> Option<&Map<String, Value>> {
    schema["properties"].as_object()
}

fn requires(schema: &Value, name: &str) -> bool {
    let required = schema["required"].as_array();
    required.is_some_and(|names| names.iter().any(|other| other == name))
}

/// The field that distinguishes a variant from the others, and its value.
fn tag(schema: &Value) -> Option<(&str, &Value)> {
    let mut all = properties(schema)?.iter();
    all.find_map(|(name, field)| Some((name.as_str(), field.get("const")?)))
}

#[cfg(test)]
mod tests;
