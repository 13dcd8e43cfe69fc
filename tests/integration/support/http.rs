//! HTTP requests to a server under test.

use super::{PASSWORD, Server};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

/// A request without redirects, cookies or proxies.
pub fn request(server: &Server, method: Method, path: &str) -> RequestBuilder {
    // the client crate builds reqwest without a TLS provider; a second call finds one installed and fails, which is
    // fine
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("an HTTP client");
    client.request(method, server.url(path))
}

/// POSTs JSON.
pub async fn post(server: &Server, path: &str, body: &Value) -> Response {
    request(server, Method::POST, path)
        .json(body)
        .send()
        .await
        .expect("an answer")
}

/// GETs a path.
pub async fn get(server: &Server, path: &str) -> Response {
    request(server, Method::GET, path)
        .send()
        .await
        .expect("an answer")
}

/// Makes an account `NAME@example.com`. Returns the whole answer, with tokens.
pub async fn sign_up(server: &Server, name: &str) -> Value {
    let body = json!({
        "email": format!("{name}@example.com"), "name": name, "username": name, "password": PASSWORD,
        "token_delivery": "body",
    });
    let answer = post(server, "/v1/auth/signup", &body).await;
    assert_eq!(
        answer.status(),
        201,
        "{}",
        answer.text().await.unwrap_or_default()
    );
    answer.json().await.expect("tokens")
}
