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
        json!({ "limit": 1, "burst": 5, "of": "operations" })
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
