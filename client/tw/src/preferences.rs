//! What an account is told: the preferences that the server reads, changed by the options of `profile`, and in words.

use crate::{args::ToldArgs, terminal::plain};
use serde_json::{Map, Value, json};
use taskwire_client::protocol::account::User;

/// The preference that belongs to the server.
const KEY: &str = "notifications";

/// The changed preference of this account: the server replaces it as a whole, so what nobody changes is kept.
pub(crate) fn changed(user: &User, told: &ToldArgs) -> Map<String, Value> {
    let mut all = object(user.preferences.get(KEY));
    if let Some(own_acts) = &told.own_acts {
        all.insert("own_acts".to_owned(), json!(own_acts));
    }
    if let Some(mail) = told.mail {
        all.insert("email".to_owned(), json!(mail));
    }
    if let Some(minutes) = told.due_lead {
        all.insert("due_lead_minutes".to_owned(), json!(minutes));
    }
    let mut types = object(all.get("types"));
    for r#type in &told.mute {
        types.insert(r#type.as_str().to_owned(), json!(false));
    }
    for r#type in &told.unmute {
        types.remove(r#type.as_str());
    }
    if types.is_empty() {
        all.remove("types");
    } else {
        all.insert("types".to_owned(), types.into());
    }
    Map::from_iter([(KEY.to_owned(), all.into())])
}

fn object(value: Option<&Value>) -> Map<String, Value> {
    value.and_then(Value::as_object).cloned().unwrap_or_default()
}

/// What an account is told, in words; what nobody set is as the server does it.
pub(crate) fn told(user: &User) -> String {
    let all = object(user.preferences.get(KEY));
    let own_acts = all.get("own_acts").and_then(Value::as_str).unwrap_or("unread");
    let mail = all.get("email").and_then(Value::as_bool).unwrap_or(true);
    let mut parts = vec![
        format!("of own acts {}", plain(own_acts)),
        format!("reminders by mail {}", if mail { "on" } else { "off" }),
    ];
    if let Some(minutes) = all.get("due_lead_minutes").and_then(Value::as_i64) {
        parts.push(format!("{minutes} minutes before a task is due"));
    }
    let types = object(all.get("types"));
    let muted = types.iter().filter(|(_, on)| **on == Value::Bool(false));
    let muted: Vec<String> = muted.map(|(name, _)| plain(name)).collect();
    if !muted.is_empty() {
        parts.push(format!("muted: {}", muted.join(", ")));
    }
    parts.join("; ")
}

/// The other preferences, which belong to programs, as JSON.
pub(crate) fn of_programs(user: &User) -> Map<String, Value> {
    let others = user.preferences.iter().filter(|(key, _)| *key != KEY);
    others.map(|(key, value)| (key.clone(), value.clone())).collect()
}
