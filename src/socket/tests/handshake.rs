//! The HTTP request before the socket: origins, versions, stalls, sizes.

use super::*;

#[tokio::test]
async fn invalid_handshakes_are_refused_before_the_upgrade() {
    let node = Node::start(&[("allowed_origins", "https://app.example.com")]).await;
    let own = format!("Origin: http://{}\r\n", node.address);
    let cases = [
        (String::new(), "101"),
        (own, "101"),
        ("Origin: https://app.example.com\r\n".to_owned(), "101"),
        ("Origin: https://example.com\r\n".to_owned(), "403"),
        ("Origin: null\r\n".to_owned(), "403"),
        ("Sec-WebSocket-Protocol: other, taskwire.v1\r\n".to_owned(), "101"),
        ("Sec-WebSocket-Protocol: other\r\n".to_owned(), "400"),
        ("Authorization: Bearer x\r\n".to_owned(), "101"),
    ];
    for (headers, status) in cases {
        let mut tcp = node.tcp().await;
        tcp.write_all(node.upgrade(&headers).as_bytes())
            .await
            .expect("sent");
        let mut answer = [0; 12];
        timeout(PATIENCE, tcp.read_exact(&mut answer))
            .await
            .expect("an answer")
            .expect("read");
        assert_eq!(
            String::from_utf8_lossy(&answer),
            format!("HTTP/1.1 {status}"),
            "{headers}"
        );
    }
    let plain = node.get("/v1/socket", "").await;
    assert!(plain.starts_with("HTTP/1.1 426"), "{plain}");
    let version = node
        .upgrade("")
        .replace("Version: 13", "Version: 8")
        .replace("keep-alive, ", "close, ");
    let answer = node.http(&version).await;
    assert!(
        answer.starts_with("HTTP/1.1 426") && answer.contains("sec-websocket-version: 13"),
        "{answer}"
    );
    let key = node
        .upgrade("")
        .replace("dGhlIHNhbXBsZSBub25jZQ==", "short")
        .replace("keep-alive, ", "close, ");
    assert!(node.http(&key).await.starts_with("HTTP/1.1 400"));
    let accepted = node.upgrade("Sec-WebSocket-Protocol: taskwire.v1\r\n");
    let mut tcp = node.tcp().await;
    tcp.write_all(accepted.as_bytes()).await.expect("sent");
    let mut answer = vec![0; 512];
    let read = timeout(PATIENCE, tcp.read(&mut answer))
        .await
        .expect("an answer")
        .expect("read");
    let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
    assert!(
        answer.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        "{answer}"
    );
    assert!(answer.contains("sec-websocket-protocol: taskwire.v1"), "{answer}");
}

#[tokio::test]
async fn a_stalled_handshake_is_closed_and_a_large_one_refused() {
    let node = Node::start(&[("handshake_timeout_seconds", "1")]).await;
    for begun in ["", "GET /v1/socket HTTP/1.1\r\nHost: a\r\n"] {
        let mut tcp = node.tcp().await;
        tcp.write_all(begun.as_bytes()).await.expect("sent");
        let mut rest = Vec::new();
        timeout(PATIENCE, tcp.read_to_end(&mut rest))
            .await
            .expect("closed in time")
            .expect("read");
    }
    let long = format!("X-Long: {}\r\n", "x".repeat(20_000));
    let many: Vec<String> = (0..70).map(|n| format!("X-{n}: 1\r\n")).collect();
    for (answer, status) in [
        (node.get("/livez", &long).await, 431),
        (node.get("/livez", &many.concat()).await, 431),
        (node.http("GET nowhere at all\r\n\r\n").await, 400),
    ] {
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        let id = head.lines().find_map(|line| line.strip_prefix("x-request-id: "));
        let body: Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(
            (&body["error"]["code"], body["request_id"].as_str()),
            (&json!("BAD_FRAME"), id),
            "{answer}"
        );
        assert!(
            id.is_some() && head.contains("\r\nx-content-type-options: nosniff"),
            "{head}"
        );
    }
}

#[tokio::test]
async fn an_invalid_request_after_a_valid_one_gets_an_error_of_the_usual_shape() {
    let node = Node::start(&[]).await;
    let both = format!(
        "GET /livez HTTP/1.1\r\nHost: {}\r\n\r\nnonsense\r\n\r\n",
        node.address
    );
    let answers = node.http(&both).await;
    assert!(answers.starts_with("HTTP/1.1 200 OK"), "{answers}");
    assert!(
        answers.contains("HTTP/1.1 400 Bad Request\r\nx-request-id: "),
        "{answers}"
    );
    assert!(answers.contains("BAD_FRAME"), "{answers}");
}
