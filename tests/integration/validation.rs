//! The bounds of each value, exactly, and the field that an error names.

use crate::on_both_databases;
use crate::support::follower::text;
use crate::support::{Client, Engine, PASSWORD, Server, http, new_id};
use serde_json::{Value, json};
use taskwire_protocol::limits;
use taskwire_protocol::operations::CATALOG;
use uuid::Uuid;

on_both_databases!(
    unknown_fields_are_refused_by_every_operation,
    lengths_are_counted_in_characters_to_the_exact_bound,
    a_nul_is_refused_in_every_string,
    a_wrong_value_is_refused_with_its_field,
    a_request_id_is_short_and_exact,
);

async fn unknown_fields_are_refused_by_every_operation(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    for entry in CATALOG {
        let error = ada.refused(entry.name, json!({ "colour": "red" })).await;
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!("VALIDATION_ERROR"), &json!("colour")),
            "{}: {error}",
            entry.name
        );
        for wrong in [json!([]), json!(["x"]), json!("x"), json!(7)] {
            let error = ada.refused(entry.name, wrong.clone()).await;
            assert_eq!(error["code"], "VALIDATION_ERROR", "{} {wrong}", entry.name);
            assert_eq!(error["field"], "data", "{} {wrong}: {error}", entry.name);
        }
    }
}

/// An operation, its other parameters, and the name of the string parameter under test.
type Place = (&'static str, Value, &'static str);

/// Every string parameter that users fill, with its minimum and maximum length.
fn texts(task: &Value) -> Vec<(Place, usize, usize)> {
    let replace = json!({
        "id": task, "title": "T", "description": null, "completed": false, "priority": "none", "due_at": null, "tags": [],
    });
    vec![
        (("task.create", json!({}), "title"), 1, limits::TITLE),
        (("task.update", json!({ "id": task }), "title"), 1, limits::TITLE),
        (("task.replace", replace.clone(), "title"), 1, limits::TITLE),
        (
            ("task.create", json!({ "title": "T" }), "description"),
            0,
            limits::DESCRIPTION,
        ),
        (
            ("task.update", json!({ "id": task }), "description"),
            0,
            limits::DESCRIPTION,
        ),
        (("task.replace", replace, "description"), 0, limits::DESCRIPTION),
        (("task.list", json!({}), "q"), 0, limits::SEARCH),
        (("workspace.create", json!({}), "name"), 1, limits::WORKSPACE_NAME),
    ]
}

async fn lengths_are_counted_in_characters_to_the_exact_bound(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let task = ada.ok("task.create", json!({ "title": "T" })).await["id"].clone();
    for ((name, data, field), min, max) in texts(&task) {
        for letter in ["a", "é", "日", "🦀"] {
            for (length, fine) in [(min, true), (max, true), (max + 1, false)] {
                let mut data = data.clone();
                data[field] = json!(format!("\u{2003} {}\n\t", letter.repeat(length)));
                let answer = ada.call(name, data).await;
                assert_eq!(
                    answer["type"] == "ok",
                    fine,
                    "{name} {field} of {length} {letter}: {answer}"
                );
                if !fine {
                    assert_eq!(answer["error"]["field"], field);
                }
            }
        }
        if min > 0 {
            for empty in ["", "   ", "\n"] {
                let mut data = data.clone();
                data[field] = json!(empty);
                assert_eq!(ada.refused(name, data).await["field"], field);
            }
        }
    }
    let tags = |count: usize| (0..count).map(|i| format!("t{i}")).collect::<Vec<_>>();
    let rule = |length: usize| {
        format!(
            "FREQ=DAILY;BYHOUR=1{}{}",
            ["", "1"][length % 2],
            ",1".repeat((length - 19) / 2)
        )
    };
    let ids = |count: usize| (0..count).map(|_| new_id()).collect::<Vec<_>>();
    for (name, fits, exceeds, field) in [
        (
            "task.create",
            json!({ "title": "T", "tags": ["é".repeat(limits::TAG)] }),
            json!({ "title": "T", "tags": ["a", "é".repeat(limits::TAG + 1)] }),
            "tags[1]",
        ),
        (
            "task.create",
            json!({ "title": "T", "tags": tags(limits::TAGS) }),
            json!({ "title": "T", "tags": tags(limits::TAGS + 1) }),
            "tags",
        ),
        (
            "task.create",
            json!({ "title": "T", "recurrence": rule(limits::RECURRENCE) }),
            json!({ "title": "T", "recurrence": rule(limits::RECURRENCE + 1) }),
            "recurrence",
        ),
        (
            "task.create",
            json!({ "title": "T", "assignee_ids": vec![ada.user_id(); limits::ASSIGNEES + 1] }), // one user, many times
            json!({ "title": "T", "assignee_ids": ids(limits::ASSIGNEES + 1) }),
            "assignee_ids",
        ),
        (
            "notification.delete_many",
            json!({ "ids": ids(limits::DELETE_MANY) }),
            json!({ "ids": ids(limits::DELETE_MANY + 1) }),
            "ids",
        ),
    ] {
        ada.ok(name, fits).await;
        let error = ada.refused(name, exceeds).await;
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!("VALIDATION_ERROR"), &json!(field)),
            "{error}"
        );
    }
    signup_bounds(&mut ada).await;
}

async fn signup_bounds(ada: &mut Client) {
    let local = |length: usize| {
        let host = format!("{0}.{0}.{0}.example", "h".repeat(55)); // 175 characters
        format!(
            "{}@{}{host}",
            "l".repeat(60),
            "d".repeat(length - 60 - 1 - 175 - 1) + "."
        )
    };
    for (field, fits, exceeds) in [
        (
            "name",
            vec!["é".repeat(2), "é".repeat(100)],
            vec!["é".to_owned(), "é".repeat(101), " é ".to_owned()],
        ),
        (
            "username",
            vec!["u".repeat(3), "v".repeat(32)],
            vec!["u".repeat(2), "u".repeat(33), "a b".into(), "äöü".into()],
        ),
        (
            "password",
            vec!["q7é👍 x.y".into(), format!("q7{}", "é".repeat(126))],
            vec![
                "q7é👍 x.".into(),
                format!("q7{}", "é".repeat(127)),
                "password".into(),
            ],
        ),
        (
            "email",
            vec![local(254)],
            vec![
                local(255),
                "a@b".into(),
                "a b@example.com".into(),
                "@example.com".into(),
            ],
        ),
        ("device_name", vec!["é".repeat(100)], vec!["é".repeat(101)]),
    ] {
        for (values, fine) in [(fits, true), (exceeds, false)] {
            for value in values {
                let mut data = json!({
                    "email": format!("{}@example.com", Uuid::new_v4()), "name": "Some Body", "password": PASSWORD,
                });
                data[field] = json!(value);
                let answer = ada.call("auth.signup", data).await;
                assert_eq!(answer["type"] == "ok", fine, "{field} {value:?}: {answer}");
                if !fine {
                    assert_eq!(answer["error"]["field"], field, "{answer}");
                    assert_eq!(answer["error"]["code"], "VALIDATION_ERROR", "{answer}");
                }
            }
        }
    }
}

async fn a_nul_is_refused_in_every_string(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let mut nobody = Client::connect(&server).await;
    let task = ada.ok("task.create", json!({ "title": "T" })).await["id"].clone();
    let mut places: Vec<Place> = texts(&task).into_iter().map(|(place, ..)| place).collect();
    let account = |field: &str| {
        let mut data = json!({ "email": "zero@example.com", "name": "Zero", "password": PASSWORD });
        data.as_object_mut().expect("an object").remove(field);
        data
    };
    places.push(("task.create", json!({ "title": "T" }), "recurrence"));
    places.push(("task.list", json!({}), "tag"));
    places.push(("task.list", json!({ "sort": "title" }), "cursor"));
    for field in ["email", "name", "password", "username", "device_name"] {
        places.push(("auth.signup", account(field), field));
    }
    for field in ["username", "email"] {
        let data = json!({ "workspace_id": ada.personal(), "role": "viewer" });
        places.push(("member.add", data, field));
    }
    places.push(("auth.login", json!({ "password": PASSWORD }), "email"));
    for (name, data, field) in places {
        for text in ["\0", "a\0b", "ab\0"] {
            let mut data = data.clone();
            data[field] = json!(text);
            let error = if name == "auth.login" {
                nobody.refused(name, data).await
            } else {
                ada.refused(name, data).await
            };
            assert_eq!(
                error["code"], "VALIDATION_ERROR",
                "{name} {field} {text:?}: {error}"
            );
            assert_eq!(error["field"], field, "{name}: {error}");
        }
    }
    let tags = json!({ "title": "T", "tags": ["a", "a\0b"] });
    assert_eq!(ada.refused("task.create", tags).await["field"], "tags[1]");
    // a cursor is opaque, but a client can make one up that contains a NUL: {"t":["\u0000","0199…"]}
    let made_up = json!({ "t": ["\0", new_id()] }).to_string();
    let cursor = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, made_up);
    let error = ada
        .refused("task.list", json!({ "sort": "title", "cursor": cursor }))
        .await;
    assert_eq!(error["field"], "cursor", "{error}");
}

async fn a_wrong_value_is_refused_with_its_field(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let id = ada.ok("task.create", json!({ "title": "T" })).await["id"].clone();
    for (name, data, field) in [
        ("task.create", json!({}), "title"),
        ("task.create", json!({ "title": null }), "title"),
        ("task.create", json!({ "title": 7 }), "title"),
        (
            "task.create",
            json!({ "title": "T", "priority": "HIGH" }),
            "priority",
        ),
        (
            "task.create",
            json!({ "title": "T", "due_at": "tomorrow" }),
            "due_at",
        ),
        (
            "task.create",
            json!({ "title": "T", "due_at": "2030-01-01" }),
            "due_at",
        ),
        ("task.create", json!({ "title": "T", "due_at": 7 }), "due_at"),
        (
            "task.create",
            json!({ "title": "T", "due_at": "1969-12-31T23:59:59Z" }),
            "due_at",
        ),
        (
            "task.create",
            json!({ "title": "T", "due_at": "10000-01-01T00:00:00Z" }),
            "due_at",
        ),
        (
            "task.create",
            json!({ "title": "T", "remind_at": "0001-01-01T00:00:00Z" }),
            "remind_at",
        ),
        (
            "task.create",
            json!({ "title": "T", "due_at": "2016-12-31T23:59:60Z" }),
            "due_at",
        ),
        (
            "task.replace",
            json!({ "id": id, "title": "T", "description": null, "completed": false, "priority": "none",
                "due_at": "1969-12-31T23:59:59Z", "tags": [] }),
            "due_at",
        ),
        (
            "task.update",
            json!({ "id": id, "due_at": "1969-12-31T23:59:59Z" }),
            "due_at",
        ),
        (
            "task.update",
            json!({ "id": id, "remind_at": "2030-01-01T00:00:60Z" }),
            "remind_at",
        ),
        (
            "task.update",
            json!({ "id": id, "recurrence": "FREQ=DAILY;COUNT=0" }),
            "recurrence",
        ),
        (
            "task.create",
            json!({ "title": "T", "recurrence": "FREQ=DAILY;INTERVAL=x" }),
            "recurrence",
        ),
        (
            "task.create",
            json!({ "title": "T", "recurrence": "FREQ=WEEKLY;BYDAY=XX" }),
            "recurrence",
        ),
        ("task.create", json!({ "title": "T", "all_day": "no" }), "all_day"),
        ("task.create", json!({ "title": "T", "tags": "home" }), "tags"),
        (
            "task.create",
            json!({ "title": "T", "tags": ["a", 7] }),
            "tags[1]",
        ),
        (
            "task.create",
            json!({ "title": "T", "assignee_ids": ["x"] }),
            "assignee_ids[0]",
        ),
        (
            "task.create",
            json!({ "title": "T", "recurrence": "every day" }),
            "recurrence",
        ),
        (
            "task.create",
            json!({ "title": "T", "workspace_id": "all" }),
            "workspace_id",
        ),
        (
            "task.create",
            json!({ "title": "T", "completed": true }),
            "completed",
        ),
        ("task.get", json!({ "id": "x" }), "id"),
        ("task.get", json!({ "id": "" }), "id"),
        ("task.update", json!({ "title": "T" }), "id"),
        (
            "task.update",
            json!({ "id": id, "if_version": "1" }),
            "if_version",
        ),
        ("task.update", json!({ "id": id, "position": "a" }), "position"),
        ("task.list", json!({ "status": "open" }), "status"),
        ("task.list", json!({ "sort": "created" }), "sort"),
        ("task.list", json!({ "limit": "10" }), "limit"),
        ("task.list", json!({ "limit": -1 }), "limit"),
        ("task.list", json!({ "workspace_id": "none" }), "workspace_id"),
        ("task.list", json!({ "due_before": "x" }), "due_before"),
        ("notification.mark", json!({ "id": new_id() }), "is_read"),
        (
            "notification.delete_many",
            json!({ "ids": [new_id(), "x"] }),
            "ids[1]",
        ),
        ("stream.history", json!({ "stream": 7 }), "stream"),
        (
            "stream.history",
            json!({ "stream": format!("user:{}", ada.user_id()), "after": -1 }),
            "after",
        ),
        ("stream.subscribe", json!({}), "stream"),
        ("workspace.create", json!({ "name": ["x"] }), "name"),
        (
            "member.update",
            json!({ "workspace_id": ada.personal(), "user_id": ada.user_id() }),
            "role",
        ),
    ] {
        let error = ada.refused(name, data.clone()).await;
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!("VALIDATION_ERROR"), &json!(field)),
            "{name} {data}: {error}"
        );
    }
    for rule in [
        "freq=daily",
        "RRULE:FREQ=MONTHLY;BYDAY=-1FR;UNTIL=99991231T235959Z",
    ] {
        let made = ada
            .ok("task.create", json!({ "title": "T", "recurrence": rule }))
            .await;
        assert_eq!(made["recurrence"], rule);
    }
    for due in ["1970-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"] {
        let made = ada
            .ok("task.create", json!({ "title": "T", "due_at": due }))
            .await;
        assert_eq!(made["due_at"], due);
    }
    no_key_stands_twice(&server, &mut ada).await;
    a_number_without_a_fraction_is_an_integer(&server, &mut ada).await;
}

/// On a socket and over `/v1/rpc`.
async fn no_key_stands_twice(server: &Server, ada: &mut Client) {
    let stream = format!("user:{}", ada.user_id());
    let positions =
        format!(r#"{{"token":"x","resume":{{"epoch":"e","positions":{{"{stream}":1,"{stream}":2}}}}}}"#);
    let in_batch = |data: &str, atomic: bool| {
        format!(r#"{{"ops":[{{"type":"task.create","data":{data}}}],"atomic":{atomic}}}"#)
    };
    let cases = [
        ("task.create", r#"{"title":"a","title":"b"}"#.to_owned(), "title"),
        (
            "task.create",
            r#"{"title":"a","\u0074itle":"b"}"#.to_owned(),
            "title",
        ),
        (
            "task.create",
            r#"{"title":"a","due_at":null,"due_at":null}"#.to_owned(),
            "due_at",
        ),
        ("auth", positions, "resume.positions."),
        (
            "batch",
            in_batch(r#"{"title":"a","title":"b"}"#, true),
            "ops[0].data.title",
        ),
        (
            "batch",
            in_batch(r#"{"title":"a","title":"b"}"#, false),
            "ops[0].data.title",
        ),
        (
            "batch",
            in_batch(r#"{"title":"a","x":{"y":1,"y":2}}"#, true),
            "ops[0].data.x.y",
        ),
        ("batch", r#"{"ops":[],"ops":[]}"#.to_owned(), "ops"),
        (
            "batch",
            r#"{"ops":[{"type":"ping","type":"ping"}]}"#.to_owned(),
            "ops[0].type",
        ),
    ];
    for (name, data, field) in cases {
        let frame = format!(r#"{{"type":"{name}","id":"twice","data":{data}}}"#);
        ada.send_text(&frame).await;
        let by_socket = ada.answer("twice").await;
        let rpc = http::request(server, reqwest::Method::POST, "/v1/rpc")
            .header("content-type", "application/json");
        let rpc = rpc
            .bearer_auth(text(&ada.tokens["access_token"]))
            .body(format!("[{frame}]"));
        let by_http: Value = rpc.send().await.expect("an answer").json().await.expect("JSON");
        for answer in [&by_socket, &by_http[0]] {
            // each mutation of a batch that is not atomic has an error of its own
            let error = match answer["data"].get("results") {
                Some(results) => &results[0]["error"],
                None => &answer["error"],
            };
            assert_eq!(error["code"], "VALIDATION_ERROR", "{data}: {answer}");
            let named = error["field"].as_str().expect("a field");
            assert!(named.starts_with(field), "{data}: {answer}");
        }
    }
    for frame in [
        r#"{"type":"profile.get","type":"ping","id":1}"#,
        r#"{"type":"profile.get","id":1,"id":2}"#,
        r#"{"type":"profile.get","newer":1,"newer":2}"#,
    ] {
        ada.send_text(frame).await;
        let answer = ada.answer(Value::Null).await;
        assert_eq!(answer["error"]["code"], "BAD_FRAME", "{frame}: {answer}");
    }
}

async fn a_number_without_a_fraction_is_an_integer(server: &Server, ada: &mut Client) {
    let made = ada.ok("task.create", json!({ "title": "T" })).await;
    let id = text(&made["id"]);
    let stream = format!("user:{}", ada.user_id());
    for (name, data) in [
        ("task.list", r#"{"limit":10.0}"#.to_owned()),
        ("task.list", r#"{"limit":1e1}"#.to_owned()),
        (
            "stream.history",
            format!(r#"{{"stream":"{stream}","after":0.0,"limit":5.0}}"#),
        ),
        (
            "stream.subscribe",
            format!(r#"{{"stream":"{stream}","since":1.0}}"#),
        ),
        (
            "task.update",
            format!(r#"{{"id":"{id}","title":"U","if_version":1.0}}"#),
        ),
        (
            "batch",
            format!(
                r#"{{"ops":[{{"type":"task.update","data":{{"id":"{id}","title":"V","if_version":2.0}}}}]}}"#
            ),
        ),
    ] {
        ada.send_text(&format!(r#"{{"type":"{name}","id":"whole","data":{data}}}"#))
            .await;
        let answer = ada.answer("whole").await;
        assert_eq!(answer["type"], "ok", "{name} {data}: {answer}");
    }
    for data in [
        r#"{"limit":10.5}"#,
        r#"{"limit":"10.0"}"#,
        r#"{"limit":1e300}"#,
        r#"{"limit":-1.0}"#,
    ] {
        ada.send_text(&format!(r#"{{"type":"task.list","id":"part","data":{data}}}"#))
            .await;
        let answer = ada.answer("part").await;
        assert_eq!(answer["error"]["field"], "limit", "{data}: {answer}");
    }
    let epoch = text(&ada.welcome["data"]["epoch"]);
    let token = text(&ada.tokens["access_token"]);
    let mut again = Client::connect(server).await;
    again
        .send_text(&format!(
            r#"{{"type":"auth","id":1.0,"data":{{"token":"{token}","resume":{{"epoch":"{epoch}","positions":{{"{stream}":1.0}}}}}}}}"#
        ))
        .await;
    let welcome = again.answer(1).await;
    assert_eq!(welcome["data"]["streams"][0]["resumed"], true, "{welcome}");
}

async fn a_request_id_is_short_and_exact(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    for id in [
        json!(0),
        json!(-7),
        json!((1_i64 << 53) - 1),
        json!(""),
        json!("é".repeat(64)),
        json!("7\"\\"),
    ] {
        ada.send(&json!({ "type": "profile.get", "id": id })).await;
        assert_eq!(ada.answer(id.clone()).await["type"], "ok", "{id}");
    }
    for written in ["10.0", "1e1"] {
        ada.send_text(&format!(r#"{{"type":"profile.get","id":{written}}}"#))
            .await;
        assert_eq!(ada.answer(10).await["type"], "ok", "{written}");
    }
    for id in [
        json!(1_i64 << 53),
        json!(1.5),
        json!("é".repeat(65)),
        json!([]),
        json!(true),
    ] {
        ada.send(&json!({ "type": "profile.get", "id": id })).await;
        let answer = ada.answer(Value::Null).await;
        assert_eq!(
            (&answer["error"]["code"], &answer["error"]["field"]),
            (&json!("VALIDATION_ERROR"), &json!("id")),
            "{id}: {answer}"
        );
    }
    // without an id, only errors are answered
    ada.send(&json!({ "type": "task.create", "data": { "title": "Silent" } }))
        .await;
    ada.send(&json!({ "type": "task.create", "data": { "title": "" } }))
        .await;
    let answer = ada.answer(Value::Null).await;
    assert_eq!(
        answer["error"]["field"], "title",
        "the first answer must be the error: {answer}"
    );
    assert_eq!(ada.event("task.created").await["data"]["title"], "Silent");
}
