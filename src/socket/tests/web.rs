//! HTTP next to the socket: the shape of errors, ids, limits, rpc.

use super::*;

#[tokio::test]
async fn http_errors_have_one_shape_and_every_answer_an_id() {
    let node = Node::start(&[("rate_limit_requests", "3")]).await;
    let missing = node.get("/nowhere", "X-Request-ID: mine-1\r\n").await;
    assert!(
        missing.starts_with("HTTP/1.1 404") && missing.contains("x-request-id: mine-1"),
        "{missing}"
    );
    let body: Value = serde_json::from_str(missing.split("\r\n\r\n").nth(1).expect("a body")).expect("JSON");
    assert_eq!(body["success"], false);
    assert_eq!(
        (&body["error"]["code"], &body["request_id"]),
        (&json!("NOT_FOUND"), &json!("mine-1"))
    );
    assert!(node.get("/v1/rpc", "").await.starts_with("HTTP/1.1 405"));
    let insane = node.get("/livez", "X-Request-ID: <script>\r\n").await;
    assert!(
        insane.starts_with("HTTP/1.1 200") && !insane.contains("<script>"),
        "{insane}"
    );
    assert!(insane.contains("x-content-type-options: nosniff"));
    let page = node.get("/", "").await;
    assert!(
        page.contains("Taskwire") && page.contains("style-src 'self'"),
        "{page}"
    );
    let wrong = node.post("/v1/rpc", "text/plain", "{}").await;
    assert!(wrong.starts_with("HTTP/1.1 415"), "{wrong}");
    let large = node
        .post("/v1/rpc", "application/json", &" ".repeat(1_100_000))
        .await;
    assert!(
        large.starts_with("HTTP/1.1 413") && large.contains("x-ratelimit-remaining: 0"),
        "{large}"
    );
    let limited = node.get("/v1/auth/me", "").await;
    assert!(
        limited.starts_with("HTTP/1.1 429") && limited.contains("retry-after: "),
        "{limited}"
    );
    assert!(
        limited.contains("x-ratelimit-limit: 3") && limited.contains("RATE_LIMITED"),
        "{limited}"
    );
}

#[tokio::test]
async fn rpc_answers_one_frame_or_an_array() {
    let node = Node::start(&[]).await;
    let one = node
        .post("/v1/rpc", "application/json", r#"{"type":"ping","id":1}"#)
        .await;
    assert!(
        one.starts_with("HTTP/1.1 200") && one.ends_with(r#"{"type":"pong","id":1}"#),
        "{one}"
    );
    let refused = node
        .post("/v1/rpc", "application/json", r#"{"type":"task.list","id":"a"}"#)
        .await;
    assert!(
        refused.starts_with("HTTP/1.1 401") && refused.contains("www-authenticate: Bearer"),
        "{refused}"
    );
    let frame: Value = serde_json::from_str(refused.split("\r\n\r\n").nth(1).expect("a body")).expect("JSON");
    assert_eq!(
        (&frame["type"], &frame["id"], &frame["error"]["code"]),
        (&json!("error"), &json!("a"), &json!("AUTH_REQUIRED"))
    );
    let several = node
        .post(
            "/v1/rpc",
            "application/json",
            r#"[{"type":"ping","id":1},{"type":7},{"type":"auth","id":2,"data":{"token":"x"}}]"#,
        )
        .await;
    assert!(several.starts_with("HTTP/1.1 200"), "{several}");
    let frames: Vec<Value> = serde_json::from_str(&dechunked(&several)).expect("JSON");
    assert_eq!(frames[0]["type"], "pong");
    assert_eq!(
        (&frames[1]["error"]["code"], &frames[2]["error"]["code"]),
        (&json!("BAD_FRAME"), &json!("VALIDATION_ERROR"))
    );
    let bad = node.post("/v1/rpc", "application/json", "nonsense").await;
    assert!(
        bad.starts_with("HTTP/1.1 400") && bad.contains("BAD_FRAME"),
        "{bad}"
    );
}

/// The body of a chunked answer, whose lines are a size and its chunk, in turn.
fn dechunked(answer: &str) -> String {
    let (_, chunks) = answer.split_once("\r\n\r\n").expect("a body");
    chunks.split("\r\n").skip(1).step_by(2).collect()
}

#[tokio::test]
async fn a_host_that_is_not_ours_is_refused() {
    let node = Node::start(&[("allowed_hosts", "tasks.example.com")]).await;
    let refused = node.get("/v1/protocol.json", "").await;
    assert!(refused.starts_with("HTTP/1.1 400"), "{refused}");
    let asked = node
        .http("GET /v1/protocol.json HTTP/1.1\r\nHost: tasks.example.com\r\nConnection: close\r\n\r\n")
        .await;
    assert!(asked.starts_with("HTTP/1.1 200"), "{asked}");
    let probe = node.get("/health", "").await;
    assert!(probe.starts_with("HTTP/1.1 200"), "{probe}");
}

#[tokio::test]
async fn a_browser_keeps_its_refresh_token_in_a_cookie_that_other_pages_cannot_use() {
    let node = Node::start(&[]).await;
    let body = r#"{"email":"ada@example.com","password":"correct horse battery","name":"Ada"}"#;
    let signed_up = node.post("/v1/auth/signup", "application/json", body).await;
    let cookie = signed_up
        .split("set-cookie: ")
        .nth(1)
        .expect("a cookie")
        .split(';')
        .next()
        .expect("a pair")
        .to_owned();
    assert!(
        signed_up.contains("HttpOnly; SameSite=Strict") && !signed_up.contains("\"refresh_token\""),
        "{signed_up}"
    );
    let again = node.post("/v1/auth/signup", "application/json", body).await;
    assert!(
        again.starts_with("HTTP/1.1 409") && again.contains("\"field\":\"email\""),
        "{again}"
    );
    let refresh = |origin: &str| {
        let head = format!(
            "POST /v1/auth/refresh HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
            node.address
        );
        format!("{head}Cookie: {cookie}\r\n{origin}Content-Length: 0\r\n\r\n")
    };
    let strange = node.http(&refresh("Origin: https://example.com\r\n")).await;
    assert!(strange.starts_with("HTTP/1.1 403"), "{strange}");
    let refreshed = node
        .http(&refresh(&format!("Origin: http://{}\r\n", node.address)))
        .await;
    assert!(
        refreshed.starts_with("HTTP/1.1 200") && refreshed.contains("set-cookie: taskwire_refresh="),
        "{refreshed}"
    );
    let none = node.post("/v1/auth/refresh", "application/json", "{}").await;
    assert!(none.starts_with("HTTP/1.1 401"), "{none}");
}

#[tokio::test]
async fn programs_sign_in_by_form_or_json_and_out_again() {
    let node = Node::start(&[]).await;
    let body = r#"{"email":"ada@example.com","password":"correct horse battery","name":"Ada","token_delivery":"body"}"#;
    let signed_up = node.post("/v1/auth/signup", "application/json", body).await;
    assert!(
        signed_up.contains("\"refresh_token\":\"") && !signed_up.contains("set-cookie"),
        "{signed_up}"
    );
    let form =
        "grant_type=password&username=ada%40example.com&password=correct+horse+battery&token_delivery=body";
    let logged_in = node
        .post("/v1/auth/login", "application/x-www-form-urlencoded", form)
        .await;
    assert!(logged_in.starts_with("HTTP/1.1 200"), "{logged_in}");
    let tokens: Value =
        serde_json::from_str(logged_in.split("\r\n\r\n").nth(1).expect("a body")).expect("JSON");
    let refresh = json!({ "refresh_token": tokens["refresh_token"] }).to_string();
    let refreshed = node.post("/v1/auth/refresh", "application/json", &refresh).await;
    assert!(
        refreshed.starts_with("HTTP/1.1 200") && refreshed.contains("\"refresh_token\":\""),
        "{refreshed}"
    );
    let bearer = format!(
        "Authorization: Bearer {}\r\n",
        tokens["access_token"].as_str().expect("a token")
    );
    let me = node.get("/v1/auth/me", &bearer).await;
    assert!(
        me.starts_with("HTTP/1.1 200") && me.contains("ada@example.com"),
        "{me}"
    );
    let head = format!(
        "POST /v1/auth/logout HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{bearer}",
        node.address
    );
    let out = node.http(&format!("{head}Content-Length: 0\r\n\r\n")).await;
    assert!(
        out.starts_with("HTTP/1.1 200") && out.contains("Max-Age=0"),
        "{out}"
    );
    let me = node.get("/v1/auth/me", &bearer).await;
    assert!(
        me.starts_with("HTTP/1.1 401") && me.contains("TOKEN_REVOKED"),
        "{me}"
    );
    let wrong = node
        .post(
            "/v1/auth/login",
            "application/json",
            r#"{"email":"ada@example.com","password":"wrong horse"}"#,
        )
        .await;
    assert!(
        wrong.starts_with("HTTP/1.1 401") && wrong.contains("INVALID_CREDENTIALS"),
        "{wrong}"
    );
}
