//! Rules for a user's preferences: how a change merges into them, how large they may become, and what the server's own
//! part, `notifications`, may say. Does not know what clients keep in the other keys; U+0000 was refused before.

use super::Result;
use super::notices::Wishes;
use serde_json::{Map, Value};
use taskwire_protocol::notification::NotificationType;
use taskwire_protocol::{Failure, limits};

/// The server's part.
const NOTIFICATIONS: &str = "notifications";

/// Checks what a change gives: its depth, and the server's own part.
pub fn check(given: &Map<String, Value>) -> Result<()> {
    for value in given.values() {
        // the object itself is the first level
        if depth(value) + 1 > limits::PREFERENCES_DEPTH {
            let most = limits::PREFERENCES_DEPTH;
            return Err(wrong(
                "preferences",
                &format!("must be nested at most {most} levels deep"),
            ));
        }
    }
    match given.get(NOTIFICATIONS) {
        None | Some(Value::Null) => Ok(()),
        Some(notifications) => check_notifications(notifications),
    }
}

/// The preferences after a change: a key that is given replaces the value that it had, and `null` removes it.
pub fn merged(mut kept: Map<String, Value>, given: &Map<String, Value>) -> Result<Map<String, Value>> {
    for (key, value) in given {
        if value.is_null() {
            kept.remove(key);
        } else {
            kept.insert(key.clone(), value.clone());
        }
    }
    let bytes = serde_json::to_string(&kept).map_or(usize::MAX, |text| text.len());
    if bytes > limits::PREFERENCES {
        let most = limits::PREFERENCES;
        return Err(wrong(
            "preferences",
            &format!("must be at most {most} bytes of JSON"),
        ));
    }
    Ok(kept)
}

/// How many minutes before a task is due its person wants to know.
pub fn due_lead(preferences: &Map<String, Value>) -> i64 {
    let minutes = preferences
        .get(NOTIFICATIONS)
        .and_then(|part| part.get("due_lead_minutes"));
    minutes.and_then(Value::as_i64).unwrap_or_default()
}

/// Whether a person wants mails about their tasks, and to be told things of this type.
pub fn wants_mail(preferences: &Map<String, Value>, r#type: NotificationType) -> bool {
    let mails = preferences.get(NOTIFICATIONS).and_then(|part| part.get("email"));
    let is_off = mails.and_then(Value::as_bool) == Some(false);
    !is_off && Wishes::of(preferences).of_type(r#type, false).is_some()
}

/// The preferences without mails about tasks.
pub fn without_mails(mut kept: Map<String, Value>) -> Map<String, Value> {
    let part = kept
        .entry(NOTIFICATIONS)
        .or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(part) = part {
        part.insert("email".to_owned(), Value::Bool(false));
    }
    kept
}

fn wrong(field: &str, must: &str) -> Failure {
    Failure::invalid(field, format!("{field} {must}"))
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn check_notifications(notifications: &Value) -> Result<()> {
    let field = |name: &str| format!("preferences.{NOTIFICATIONS}.{name}");
    let Value::Object(notifications) = notifications else {
        return Err(wrong("preferences.notifications", "must be an object"));
    };
    for (name, value) in notifications {
        match (name.as_str(), value) {
            ("types", Value::Object(types)) => check_types(types)?,
            ("types", _) => return Err(wrong(&field(name), "must be an object")),
            ("email", Value::Bool(_)) => {}
            ("email", _) => return Err(wrong(&field(name), "must be true or false")),
            ("own_acts", Value::String(word)) if ["unread", "read", "off"].contains(&word.as_str()) => {}
            ("own_acts", _) => return Err(wrong(&field(name), "must be unread, read or off")),
            ("due_lead_minutes", Value::Number(minutes))
                if minutes
                    .as_i64()
                    .is_some_and(|minutes| (0..=limits::DUE_LEAD).contains(&minutes)) => {}
            ("due_lead_minutes", _) => {
                let most = limits::DUE_LEAD;
                return Err(wrong(
                    &field(name),
                    &format!("must be a whole number from 0 to {most}"),
                ));
            }
            _ => {
                return Err(Failure::invalid(
                    field(name),
                    format!("unknown field {}", field(name)),
                ));
            }
        }
    }
    Ok(())
}

fn check_types(types: &Map<String, Value>) -> Result<()> {
    for (name, value) in types {
        let field = format!("preferences.{NOTIFICATIONS}.types.{name}");
        if NotificationType::parse(name).is_none() {
            return Err(Failure::invalid(
                field,
                format!("{name} is not a type of notification"),
            ));
        }
        if !value.is_boolean() {
            return Err(wrong(&field, "must be true or false"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(fields) => fields,
            other => panic!("{other} is not an object"),
        }
    }

    #[test]
    fn a_change_merges_by_key_and_null_removes() {
        let kept = object(json!({ "theme": "dark", "web": { "a": 1 }, "old": 1 }));
        let given = object(json!({ "web": { "b": 2 }, "old": null, "new": [] }));
        let after = merged(kept, &given).expect("small");
        assert_eq!(
            Value::Object(after),
            json!({ "theme": "dark", "web": { "b": 2 }, "new": [] })
        );
    }

    #[test]
    fn mails_are_turned_off_and_the_rest_stays() {
        let kept = object(json!({ "theme": "dark", "notifications": { "email": true, "own_acts": "off" } }));
        let after = json!({ "theme": "dark", "notifications": { "email": false, "own_acts": "off" } });
        assert_eq!(Value::Object(without_mails(kept)), after);
        let after = json!({ "notifications": { "email": false } });
        assert_eq!(Value::Object(without_mails(Map::new())), after);
    }

    #[test]
    fn mails_come_unless_they_or_their_type_are_turned_off() {
        let wants = |notifications: Value| {
            let preferences = object(json!({ "notifications": notifications }));
            (
                wants_mail(&preferences, NotificationType::TaskDue),
                due_lead(&preferences),
            )
        };
        assert!(wants_mail(&Map::new(), NotificationType::TaskDue));
        assert_eq!(wants(json!({ "types": { "LOGIN": false } })), (true, 0));
        assert_eq!(
            wants(json!({ "types": { "TASK_DUE": false }, "due_lead_minutes": 5 })),
            (false, 5)
        );
        assert_eq!(
            wants(json!({ "types": { "TASK_DUE": true }, "email": false })),
            (false, 0)
        );
    }

    #[test]
    fn preferences_are_bounded_in_size_and_depth() {
        let large = object(json!({ "text": "x".repeat(limits::PREFERENCES) }));
        assert!(check(&large).is_ok());
        assert!(merged(Map::new(), &large).is_err());
        let nested = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!([inner]));
        assert!(check(&object(json!({ "a": nested(limits::PREFERENCES_DEPTH - 1) }))).is_ok());
        assert!(check(&object(json!({ "a": nested(limits::PREFERENCES_DEPTH) }))).is_err());
    }

    #[test]
    fn the_servers_part_is_checked_by_name() {
        let check = |notifications: Value| {
            let failed = check(&object(json!({ "notifications": notifications }))).err()?;
            failed.field
        };
        for good in [
            json!({}),
            json!(null),
            json!({ "types": { "TASK_DUE": false }, "email": true, "own_acts": "off", "due_lead_minutes": 0 }),
        ] {
            assert_eq!(check(good), None);
        }
        for (bad, field) in [
            (json!([]), "preferences.notifications"),
            (
                json!({ "types": { "NEWS": true } }),
                "preferences.notifications.types.NEWS",
            ),
            (
                json!({ "types": { "LOGIN": 1 } }),
                "preferences.notifications.types.LOGIN",
            ),
            (json!({ "email": "yes" }), "preferences.notifications.email"),
            (
                json!({ "own_acts": "never" }),
                "preferences.notifications.own_acts",
            ),
            (
                json!({ "due_lead_minutes": 1.5 }),
                "preferences.notifications.due_lead_minutes",
            ),
            (
                json!({ "due_lead_minutes": -1 }),
                "preferences.notifications.due_lead_minutes",
            ),
            (json!({ "sound": true }), "preferences.notifications.sound"),
        ] {
            assert_eq!(check(bad).as_deref(), Some(field));
        }
    }
}
