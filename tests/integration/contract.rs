//! The schema of the contract: which values it takes for frames, and which it refuses. That servers and clients keep to
//! it is checked on every frame of every test (`support/contract.rs`).

use crate::support::contract::{check, is_valid};
use serde_json::{Value, json};
use taskwire_protocol::Kind;
use taskwire_protocol::examples::{Example, Examples};
use taskwire_protocol::operations::CATALOG;

const ID: &str = "01931f2a-5c00-7000-8000-000000000001";

/// The parameters of an example; every place gets what the reference prints there.
fn printed(example: &Example) -> Value {
    serde_json::from_str(&example.printed()).expect("JSON")
}

fn event(name: &str, data: &Value) -> Value {
    json!({
        "type": "event", "stream": format!("user:{ID}"), "seq": 1, "event": name,
        "at": "2026-11-21T08:15:30.250Z", "actor": { "kind": "server" }, "data": data,
    })
}

#[test]
fn a_request_of_every_operation_is_a_frame() {
    let examples = Examples::new();
    for entry in CATALOG {
        let data = printed(&examples.of(entry.name).expect("an example"));
        let mut frame = json!({ "type": entry.name, "id": 7, "data": data });
        check("", &frame);
        check("/$defs/ClientFrame", &frame);
        // a newer client may send more beside `data`; parameters must be known
        frame["newer"] = json!(1);
        check("", &frame);
        frame["data"]["newer"] = json!(1);
        assert!(!is_valid("", &frame), "{frame}");
    }
}

#[test]
fn what_is_no_frame_is_refused() {
    for value in [
        json!({}),
        json!([]),
        json!("task.create"),
        json!({ "titel": "Buy milk" }),
        json!({ "type": "task.paint", "data": {} }),
        json!({ "type": "task.create" }),
        json!({ "type": "task.create", "data": null }),
        json!({ "type": "task.create", "data": {} }),
        json!({ "type": "task.create", "data": { "titel": "Buy milk" } }),
        json!({ "type": "task.create", "data": { "title": "Buy milk" }, "id": 1.5 }),
        json!({ "type": "task.create", "data": { "title": "Buy milk" }, "op_id": 7 }),
        json!({ "type": "ok", "id": 7 }),
        json!({ "type": "ok", "id": null, "data": {} }),
        json!({ "type": "error", "id": null, "error": { "code": "OOPS" } }),
        json!({ "type": "signal", "signal": "typing", "data": {} }),
        event("task.painted", &json!({})),
        event("member.removed", &json!({})),
    ] {
        assert!(!is_valid("", &value), "{value}");
    }
}

#[test]
fn a_batch_takes_every_mutation_and_nothing_else() {
    let examples = Examples::new();
    for entry in CATALOG {
        let data = printed(&examples.of(entry.name).expect("an example"));
        let op = json!({ "type": entry.name, "data": data });
        let batch = json!({ "type": "batch", "data": { "ops": [op] } });
        let is_part = entry.kind == Kind::Mutation && entry.name != "batch";
        assert_eq!(is_valid("", &batch), is_part, "{}", entry.name);
    }
    let misspelt = json!({ "type": "task.create", "data": { "titel": "Buy milk" } });
    let batch = json!({ "type": "batch", "data": { "ops": [misspelt] } });
    assert!(!is_valid("", &batch), "parameters in a batch are checked too");
}

#[test]
fn an_entry_that_showed_a_purged_task_is_an_event_and_no_other_is() {
    let left = json!({ "id": ID, "purged": true });
    for name in [
        "task.created",
        "task.purged",
        "notification.created",
        "notification.updated",
    ] {
        check("", &event(name, &left));
        check(&format!("/events/{name}/data"), &left);
    }
    for name in [
        "member.added",
        "notification.deleted",
        "access.granted",
        "profile.updated",
    ] {
        assert!(!is_valid("", &event(name, &left)), "{name}");
    }
    let kept = json!({ "id": ID, "purged": false });
    assert!(!is_valid("", &event("task.created", &kept)));
}

#[test]
fn http_takes_where_to_deliver_the_token_and_the_operation_does_not() {
    let login = json!({ "email": "ada@example.org", "password": "p", "token_delivery": "body" });
    check("/$defs/HttpLogIn", &login);
    assert!(!is_valid("/$defs/LogIn", &login));
    for body in [
        json!({}),
        json!({ "refresh_token": "r", "token_delivery": "cookie" }),
    ] {
        check("/http/POST ~1v1~1auth~1refresh/body", &body);
    }
    let elsewhere = json!({ "token_delivery": "pigeon" });
    assert!(!is_valid("/http/POST ~1v1~1auth~1refresh/body", &elsewhere));
}
