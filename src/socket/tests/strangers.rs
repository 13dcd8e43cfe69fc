//! What a socket may do before it is authenticated.

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

#[tokio::test]
async fn an_unauthenticated_client_may_only_sign_in_ping_and_read_the_contract() {
    let node = Node::start(&[("auth_timeout_seconds", "1")]).await;
    let mut client = node.socket().await;
    client.send(r#"{"type":"task.list","id":1}"#).await;
    client.send(r#"{"type":"no.such","id":2}"#).await;
    client.send(r#"{"type":"protocol.describe","id":3}"#).await;
    client
        .send(r#"{"type":"auth","id":4,"data":{"token":"x","colour":1}}"#)
        .await;
    assert_eq!(client.error_code().await, "AUTH_REQUIRED");
    assert_eq!(client.error_code().await, "AUTH_REQUIRED");
    let described = client.next().await.expect("a frame");
    assert_eq!((&described["type"], &described["id"]), (&json!("ok"), &json!(3)));
    let refused = client.next().await.expect("a frame");
    assert_eq!(
        (&refused["id"], &refused["error"]["field"]),
        (&json!(4), &json!("colour"))
    );
    assert!(
        refused["error"]["request_id"]
            .as_str()
            .is_some_and(|id| !id.is_empty())
    );
    assert_eq!(client.next().await, Err(4401), "the deadline");
}

#[tokio::test]
async fn ignoring_the_rate_limit_closes() {
    let node = Node::start(&[("ops_burst", "5"), ("ops_per_second", "1")]).await;
    let mut client = node.socket().await;
    for _ in 0..105 {
        client.send(r#"{"type":"ping"}"#).await;
    }
    for _ in 0..5 {
        assert_eq!(client.next().await, Ok(json!({ "type": "pong", "id": null })));
    }
    let first = client.next().await.expect("a frame");
    assert_eq!(first["error"]["code"], "RATE_LIMITED");
    assert_eq!(
        first["error"]["context"],
        json!({ "limit": 1, "burst": 5, "of": "socket" })
    );
    assert!(
        first["error"]["retry_after_ms"]
            .as_u64()
            .is_some_and(|wait| wait > 0 && wait <= 1000)
    );
    for _ in 1..100 {
        assert_eq!(client.error_code().await, "RATE_LIMITED");
    }
    assert_eq!(client.next().await, Err(4429));
}

#[tokio::test]
async fn a_client_that_names_more_streams_than_a_welcome_may_list_is_refused() {
    let node = Node::start(&[]).await;
    let ada = node.person("ada").await;
    let names = |n: usize| (0..n).map(|name| name.to_string()).collect::<Vec<_>>();
    let mut client = node.socket().await;
    let auth = json!({ "type": "auth", "id": 1, "data": { "token": ada.token, "streams": names(2049) } });
    client.send(auth.to_string()).await;
    let refused = client.next().await.expect("a frame");
    assert_eq!(
        (&refused["error"]["code"], &refused["error"]["field"]),
        (&json!("VALIDATION_ERROR"), &json!("streams")),
        "{refused}"
    );
    let query = URL_SAFE_NO_PAD.encode(json!(vec![""; 2049]).to_string());
    let request = node
        .upgrade(&format!("Authorization: Bearer {}\r\n", ada.token))
        .replace("/v1/socket", &format!("/v1/socket?streams={query}"))
        .replace("keep-alive", "close");
    let answer = node.http(&request).await;
    assert!(answer.starts_with("HTTP/1.1 422"), "{answer}");
    // so many are looked at, and as many are told of as a frame holds
    let (_, welcome) = node.welcomed(&ada, json!({ "streams": names(2048) })).await;
    let told = welcome["streams"].as_array().map(Vec::len).expect("a list");
    assert_eq!(
        told as u64 + welcome["more"].as_u64().expect("some are not told of"),
        2048
    );
}

/// An `auth` of about 60 KiB, with a thousand positions.
fn long_auth(person: &members::Person) -> String {
    let position = |n: u128| (format!("workspace:{}", uuid::Uuid::from_u128(n)), json!(n as u64));
    let positions: serde_json::Map<String, Value> = (1..=1000).map(position).collect();
    let resume = json!({ "epoch": "another", "positions": positions });
    let auth = json!({ "type": "auth", "id": 1, "data": { "token": person.token, "resume": resume } });
    auth.to_string()
}

/// A message in fragments of so many bytes.
fn fragments(text: &str, of: usize) -> Vec<u8> {
    let parts: Vec<_> = text.as_bytes().chunks(of).collect();
    let last = parts.len() - 1;
    let fragment = |(n, part): (usize, &&[u8])| {
        let first = u8::from(n == 0) | if n == last { 0x80 } else { 0 };
        frame(first, part)
    };
    parts.iter().enumerate().flat_map(fragment).collect()
}

#[tokio::test]
async fn an_auth_with_a_thousand_positions_is_let_in_however_it_is_cut() {
    let node = Node::start(&[]).await;
    let ada = node.person("ada").await;
    let auth = long_auth(&ada);
    assert!((50_000..65_536).contains(&auth.len()), "{}", auth.len());
    for of in [100, 1000, 16 * 1024, auth.len()] {
        let mut tcp = node.raw().await;
        tcp.write_all(&fragments(&auth, of)).await.expect("sent");
        let mut head = [0; 32];
        timeout(PATIENCE, tcp.read_exact(&mut head))
            .await
            .expect("an answer")
            .expect("read");
        let text = String::from_utf8_lossy(&head);
        assert!(text.contains(r#"{"type":"welcome""#), "in parts of {of}: {text}");
    }
}

#[tokio::test]
async fn strangers_that_fragment_for_ever_hold_few_places_and_are_closed() {
    let node = Node::start(&[("auth_timeout_seconds", "2")]).await;
    let ada = node.person("ada").await;
    let mut greedy = Vec::new();
    for _ in 0..20 {
        let mut tcp = node.raw().await;
        tcp.write_all(&frame(0x01, &[b' '; 8000])).await.expect("sent");
        tcp.write_all(&frame(0x00, &[b' '; 8000])).await.expect("sent");
        greedy.push(tcp);
    }
    // those that have a place and do not go on, and those that waited too long, may come again
    for mut tcp in greedy {
        assert_eq!(close_code(&mut tcp).await, 1013);
    }
    let mut client = node.socket().await;
    client.send(long_auth(&ada)).await;
    assert_eq!(client.next().await.expect("a frame")["type"], "welcome");
    let mut tcp = node.raw().await;
    tcp.write_all(&fragments(&" ".repeat(400_000), 1000))
        .await
        .expect("sent");
    assert_eq!(close_code(&mut tcp).await, 1009);
}

#[tokio::test]
async fn before_auth_a_frame_of_another_operation_is_short() {
    let node = Node::start(&[]).await;
    let mut client = node.socket().await;
    for (filling, is_answered) in [(4000, true), (4100, false), (60_000, false)] {
        let text = format!(r#"{{"type":"ping","id":{filling}}}{}"#, " ".repeat(filling));
        client.send(text).await;
        let answer = client.next().await.expect("a frame");
        assert_eq!(answer["id"], filling);
        let code = if is_answered {
            Value::Null
        } else {
            json!("PAYLOAD_TOO_LARGE")
        };
        assert_eq!(answer["error"]["code"], code, "{answer}");
    }
}

#[tokio::test]
async fn what_follows_an_auth_at_once_is_carried_out_whatever_its_size() {
    let node = Node::start(&[]).await;
    let ada = node.person("ada").await;
    let create = |id: usize| {
        let frame = json!({ "type": "task.create", "id": id, "data": { "title": "a" } });
        format!("{frame}{}", " ".repeat(9000))
    };
    for (token, expected) in [(&*ada.token, "ok"), ("nonsense", "error")] {
        let mut client = node.socket().await;
        let auth = json!({ "type": "auth", "id": 0, "data": { "token": token, "streams": [] } });
        client.send(auth.to_string()).await;
        for id in 1..=8 {
            client.send(create(id)).await;
        }
        let first = client.next().await.expect("a frame");
        assert_eq!(first["type"] == "welcome", expected == "ok", "{first}");
        for id in 1..=8 {
            let answer = client.next().await.expect("a frame");
            assert_eq!(
                (&answer["id"], &answer["type"]),
                (&json!(id), &json!(expected)),
                "{answer}"
            );
        }
    }
}
