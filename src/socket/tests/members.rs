//! Sockets of authenticated users: welcome, order, resume, syncs, access, the end of sessions.

use super::*;

/// A user with an account.
pub(super) struct Person {
    pub(super) token: String,
    pub(super) user: String,
}

impl Node {
    pub(super) async fn person(&self, name: &str) -> Person {
        let body = json!({ "email": format!("{name}@example.com"), "password": "correct horse battery", "name": name, "username": name });
        let answer = self
            .post("/v1/auth/signup", "application/json", &body.to_string())
            .await;
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
        let tokens: Value =
            serde_json::from_str(answer.split("\r\n\r\n").nth(1).expect("a body")).expect("JSON");
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{tokens}")).to_owned();
        Person {
            token: text(&tokens["access_token"]),
            user: text(&tokens["user"]["id"]),
        }
    }

    /// A socket after its welcome, and the welcome's data.
    pub(super) async fn welcomed(&self, person: &Person, more: Value) -> (Client, Value) {
        let mut client = self.socket().await;
        let mut data = more;
        data["token"] = json!(person.token);
        client
            .send(json!({ "type": "auth", "id": 1, "data": data }).to_string())
            .await;
        let welcome = client.next().await.expect("a frame");
        assert_eq!(
            (&welcome["type"], &welcome["id"]),
            (&json!("welcome"), &json!(1)),
            "{welcome}"
        );
        (client, welcome["data"].clone())
    }

    /// A socket after its welcome that follows no stream.
    pub(super) async fn quiet(&self, person: &Person) -> Client {
        self.welcomed(person, json!({ "streams": [] })).await.0
    }
}

impl Client {
    /// Sends a request and returns the data of its answer; skips events in between.
    async fn call(&mut self, name: &str, data: Value) -> Value {
        self.send(json!({ "type": name, "id": name, "data": data }).to_string())
            .await;
        loop {
            let frame = self.next().await.expect("a frame");
            if frame["id"] == name {
                assert_eq!(frame["type"], "ok", "{frame}");
                return frame["data"].clone();
            }
        }
    }

    /// The next event of a stream.
    async fn event(&mut self, stream: &str) -> Value {
        loop {
            let frame = self.next().await.expect("a frame");
            if frame["type"] == "event" && frame["stream"] == stream {
                return frame;
            }
        }
    }
}

fn id(value: &Value) -> String {
    value["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{value}"))
        .to_owned()
}

#[tokio::test]
async fn requests_are_answered_in_order_and_a_query_sees_earlier_mutations() {
    let node = Node::start(&[("rate_limit_enabled", "false")]).await;
    let ada = node.person("ada").await;
    let (mut client, welcome) = node.welcomed(&ada, json!({})).await;
    let personal = welcome["streams"][1]["stream"]
        .as_str()
        .expect("a stream")
        .to_owned();
    for n in 0..150 {
        client
            .send(json!({ "type": "task.create", "id": n, "data": { "title": format!("t{n}") } }).to_string())
            .await;
    }
    client
        .send(json!({ "type": "task.list", "id": "list", "data": { "limit": 1 } }).to_string())
        .await;
    let (mut answered, mut seq) = (0, welcome["streams"][1]["seq"].as_u64().expect("a seq"));
    let (mut listed, last) = (false, seq + 150);
    while !listed || seq < last {
        let frame = client.next().await.expect("a frame");
        if frame["id"] == "list" {
            assert_eq!((answered, &frame["data"]["total"]), (150, &json!(150)));
            listed = true;
        } else if frame["type"] == "ok" {
            assert_eq!(frame["id"], answered);
            answered += 1;
        } else if frame["stream"] == *personal {
            seq += 1;
            assert_eq!(frame["seq"], seq);
        }
    }
}

#[tokio::test]
async fn a_position_is_resumed_or_the_welcome_has_the_reason() {
    let node = Node::start(&[]).await;
    let ada = node.person("ada").await;
    let (mut client, welcome) = node.welcomed(&ada, json!({})).await;
    let (own, personal) = (
        welcome["streams"][0]["stream"].clone(),
        welcome["streams"][1]["stream"].clone(),
    );
    let personal = personal.as_str().expect("a stream");
    let before = welcome["streams"][1]["seq"].as_u64().expect("a seq");
    for n in 0..5 {
        client
            .call("task.create", json!({ "title": n.to_string() }))
            .await;
    }
    let resume = json!({ "epoch": welcome["epoch"], "positions": { personal: before + 2 } });
    let (mut again, states) = node.welcomed(&ada, json!({ "resume": resume })).await;
    assert_eq!(states["streams"][0]["reason"], "new");
    assert_eq!(
        (&states["streams"][1]["resumed"], &states["streams"][1]["seq"]),
        (&json!(true), &json!(before + 5))
    );
    for seq in before + 3..=before + 5 {
        assert_eq!(again.event(personal).await["seq"], seq);
    }
    let resume = json!({ "epoch": "another", "positions": { personal: 1 } });
    let streams = json!([personal, "workspace:no", own, personal]);
    let (_, states) = node
        .welcomed(&ada, json!({ "resume": resume, "streams": streams }))
        .await;
    let reasons: Vec<_> = states["streams"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|s| s["reason"].as_str())
        .collect();
    assert_eq!(reasons, [Some("epoch"), Some("no_access"), Some("new")]);
}

#[tokio::test]
async fn a_token_in_the_header_authenticates_and_a_refused_one_closes() {
    let node = Node::start(&[]).await;
    let ada = node.person("ada").await;
    // `[]` in base64url
    for (token, query) in [(ada.token.as_str(), "?streams=W10"), ("nonsense", "")] {
        let mut request = format!("ws://{}/v1/socket{query}", node.address)
            .into_client_request()
            .expect("a request");
        let bearer = format!("Bearer {token}").parse().expect("a header");
        request.headers_mut().insert("authorization", bearer);
        let mut client = Client(connect_async(request).await.expect("a socket").0);
        if token == ada.token {
            let welcome = client.next().await.expect("a frame");
            assert_eq!(
                (&welcome["id"], &welcome["data"]["streams"]),
                (&Value::Null, &json!([]))
            );
        } else {
            assert_eq!(client.error_code().await, "INVALID_TOKEN");
            assert_eq!(client.next().await, Err(4401));
        }
    }
    let refused = node
        .get(
            "/v1/socket?streams=%7B",
            &format!("Authorization: Bearer {}\r\n{UPGRADE}", ada.token),
        )
        .await;
    assert!(
        refused.starts_with("HTTP/1.1 422") && refused.contains("\"field\":\"streams\""),
        "{refused}"
    );
}

const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

#[tokio::test]
async fn the_third_refused_token_closes_and_a_second_auth_does_not() {
    let node = Node::start(&[]).await;
    let ada = node.person("ada").await;
    let mut client = node.socket().await;
    for _ in 0..3 {
        client
            .send(r#"{"type":"auth","id":1,"data":{"token":"x"}}"#)
            .await;
    }
    for _ in 0..3 {
        assert_eq!(client.error_code().await, "INVALID_TOKEN");
    }
    assert_eq!(client.next().await, Err(4401));
    let mut client = node.quiet(&ada).await;
    client
        .send(json!({ "type": "auth", "id": 2, "data": { "token": ada.token } }).to_string())
        .await;
    assert_eq!(client.error_code().await, "CONFLICT");
    assert!(client.call("auth.renew", json!({ "token": ada.token })).await["expires_at"].is_string());
    let bob = node.person("bob").await;
    client
        .send(json!({ "type": "auth.renew", "id": 3, "data": { "token": bob.token } }).to_string())
        .await;
    assert_eq!(client.error_code().await, "INVALID_TOKEN");
}

#[tokio::test]
async fn requests_may_follow_auth_without_waiting_for_its_answer() {
    let node = Node::start(&[]).await;
    let ada = node.person("ada").await;
    let mut client = node.socket().await;
    client
        .send(json!({ "type": "auth", "id": 1, "data": { "token": ada.token, "streams": [] } }).to_string())
        .await;
    client.send(r#"{"type":"profile.get","id":2}"#).await;
    client
        .send(r#"{"type":"task.create","data":{"title":"no id, no answer"}}"#)
        .await;
    client.send(r#"{"type":"task.list","id":3}"#).await;
    assert_eq!(client.next().await.expect("a frame")["type"], "welcome");
    let profile = client.next().await.expect("a frame");
    assert_eq!(
        (&profile["id"], &profile["data"]["id"]),
        (&json!(2), &json!(ada.user))
    );
    let list = client.next().await.expect("a frame");
    assert_eq!((&list["id"], &list["data"]["total"]), (&json!(3), &json!(1)));
}

#[tokio::test]
async fn after_a_sync_the_next_event_is_the_one_after_it() {
    let node = Node::start(&[("rate_limit_enabled", "false")]).await;
    let ada = node.person("ada").await;
    let mut writer = node.quiet(&ada).await;
    let (mut reader, welcome) = node.welcomed(&ada, json!({})).await;
    let state = &welcome["streams"][1];
    let (stream, workspace) = (
        state["stream"].as_str().expect("a stream"),
        &state["workspace"]["id"],
    );
    for round in 0..20 {
        for n in 0..5 {
            let create = json!({ "type": "task.create", "data": { "title": format!("{round}.{n}") } });
            writer.send(create.to_string()).await;
        }
        let snapshot = reader
            .call("workspace.sync", json!({ "workspace_id": workspace }))
            .await;
        writer.call("task.create", json!({ "title": "after" })).await;
        let seq = snapshot["seq"].as_u64().expect("a seq");
        assert_eq!(reader.event(stream).await["seq"], seq + 1);
    }
}

#[tokio::test]
async fn a_granted_workspace_is_followed_and_a_lost_one_delivers_nothing_more() {
    let node = Node::start(&[("rate_limit_enabled", "false")]).await;
    let (ada, bob) = (node.person("ada").await, node.person("bob").await);
    let (mut a, _) = node.welcomed(&ada, json!({ "streams": [] })).await;
    let (mut b, _) = node.welcomed(&bob, json!({})).await;
    let team = id(&a.call("workspace.create", json!({ "name": "Team" })).await);
    let (stream, own) = (format!("workspace:{team}"), format!("user:{}", bob.user));
    a.call(
        "member.add",
        json!({ "workspace_id": team, "username": "bob", "role": "member" }),
    )
    .await;
    a.call("task.create", json!({ "workspace_id": team, "title": "seen" }))
        .await;
    let granted = loop {
        let event = b.event(&own).await;
        if event["event"] == "access.granted" {
            break event;
        }
    };
    let seq = granted["data"]["seq"].as_u64().expect("a seq");
    assert_eq!(b.event(&stream).await["seq"], seq + 1);
    a.call(
        "member.remove",
        json!({ "workspace_id": team, "user_id": bob.user }),
    )
    .await;
    a.call("task.create", json!({ "workspace_id": team, "title": "unseen" }))
        .await;
    let mut lost = false;
    b.send(r#"{"type":"ping","id":"end"}"#).await;
    // time for the earlier commits to be delivered
    tokio::time::sleep(Duration::from_millis(200)).await;
    b.send(r#"{"type":"profile.get","id":"end"}"#).await;
    loop {
        let frame = b.next().await.expect("a frame");
        lost |= frame["event"] == "access.lost";
        assert_ne!(frame["data"]["title"], "unseen");
        assert!(!(lost && frame["stream"] == *stream), "{frame}");
        if frame["type"] == "ok" {
            break;
        }
    }
    assert!(lost);
    b.send(json!({ "type": "stream.subscribe", "id": 9, "data": { "stream": stream } }).to_string())
        .await;
    assert_eq!(b.error_code().await, "NOT_FOUND");
}

#[tokio::test]
async fn a_logout_closes_every_socket_of_its_session_and_no_other() {
    let node = Node::start(&[]).await;
    let ada = node.person("ada").await;
    let (mut one, mut two) = (node.quiet(&ada).await, node.quiet(&ada).await);
    let other = two
        .call(
            "auth.login",
            json!({ "email": "ada@example.com", "password": "correct horse battery" }),
        )
        .await;
    let other = Person {
        token: other["access_token"].as_str().expect("a token").to_owned(),
        user: ada.user.clone(),
    };
    let mut three = node.quiet(&other).await;
    one.call("auth.logout", json!({})).await;
    assert_eq!((one.next().await, two.next().await), (Err(4403), Err(4403)));
    assert_eq!(three.call("profile.get", json!({})).await["id"], json!(ada.user));
    let mut four = node.socket().await;
    four.send(json!({ "type": "auth", "id": 1, "data": { "token": ada.token } }).to_string())
        .await;
    assert_eq!(four.error_code().await, "TOKEN_REVOKED");
}

#[tokio::test]
async fn a_user_with_the_most_sockets_gets_no_further_one() {
    let node = Node::start(&[("sockets_per_user", "2")]).await;
    let ada = node.person("ada").await;
    let (one, mut two) = (node.quiet(&ada).await, node.quiet(&ada).await);
    let mut three = node.socket().await;
    three
        .send(json!({ "type": "auth", "id": 1, "data": { "token": ada.token } }).to_string())
        .await;
    assert_eq!(three.next().await, Err(4429));
    assert!(two.call("profile.get", json!({})).await.is_object());
    drop(one);
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while node.app.sockets.count() > 1 {
        assert!(
            tokio::time::Instant::now() < deadline,
            "the closed socket still counts"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    node.quiet(&ada).await;
}

#[tokio::test]
async fn a_slow_reader_gets_everything_in_order() {
    let node = Node::start(&[("rate_limit_enabled", "false"), ("ring_bytes_per_topic", "16384")]).await;
    let ada = node.person("ada").await;
    let (mut reader, welcome) = node.welcomed(&ada, json!({})).await;
    let (stream, seq) = (
        welcome["streams"][1]["stream"].as_str().expect("a stream"),
        &welcome["streams"][1]["seq"],
    );
    let mut writer = node.quiet(&ada).await;
    let description = "x".repeat(1000);
    for n in 0..2000 {
        let mut create =
            json!({ "type": "task.create", "data": { "title": n.to_string(), "description": description } });
        if n % 50 == 49 {
            create["id"] = json!(n);
            writer.send(create.to_string()).await;
            assert_eq!(writer.next().await.expect("a frame")["id"], n);
        } else {
            writer.send(create.to_string()).await;
        }
    }
    let first = seq.as_u64().expect("a seq") + 1;
    for seq in first..first + 2000 {
        assert_eq!(reader.event(stream).await["seq"], seq);
    }
}
