//! HTTP requests to a server under test. What comes back as JSON is checked against the contract.

use super::{PASSWORD, Server, contract};
use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Body, Method, Result, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{LazyLock, Mutex, PoisonError};

/// A request that was not sent yet.
pub struct RequestBuilder {
    request: reqwest::RequestBuilder,
    asked: Asked,
}

/// What was asked for.
#[derive(Debug)]
struct Asked {
    method: Method,
    path: String,
    /// The body, if it is JSON.
    body: Option<Value>,
}

impl RequestBuilder {
    /// Adds a header.
    pub fn header<K, V>(mut self, name: K, value: V) -> RequestBuilder
    where
        HeaderName: TryFrom<K, Error: Into<axum::http::Error>>,
        HeaderValue: TryFrom<V, Error: Into<axum::http::Error>>,
    {
        self.request = self.request.header(name, value);
        self
    }

    /// Adds an access token.
    pub fn bearer_auth(mut self, token: impl std::fmt::Display) -> RequestBuilder {
        self.request = self.request.bearer_auth(token);
        self
    }

    /// Sets the body, and its type.
    pub fn json(mut self, body: &impl Serialize) -> RequestBuilder {
        self.request = self.request.json(body);
        self.asked.body = serde_json::to_value(body).ok();
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Body>) -> RequestBuilder {
        let body = body.into();
        self.asked.body = body
            .as_bytes()
            .and_then(|bytes| serde_json::from_slice(bytes).ok());
        self.request = self.request.body(body);
        self
    }

    /// Sets the body to a file. To the contract it is no JSON, also when its content is.
    pub fn file(mut self, file: Vec<u8>) -> RequestBuilder {
        self.request = self.request.body(file);
        self
    }

    /// Sends the request.
    pub async fn send(self) -> Result<Response> {
        let response = self.request.send().await?;
        Ok(Response {
            response,
            asked: self.asked,
        })
    }
}

/// An answer whose body was not read yet.
#[derive(Debug)]
pub struct Response {
    response: reqwest::Response,
    asked: Asked,
}

impl Response {
    /// The status.
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The body.
    pub async fn text(self) -> Result<String> {
        let status = self.status().as_u16();
        let text = self.response.text().await?;
        if let Ok(body) = serde_json::from_str(&text) {
            let Asked {
                method,
                path,
                body: asked,
            } = &self.asked;
            contract::answered(method, path, asked.as_ref(), status, &body);
        }
        Ok(text)
    }

    /// The body, which must be JSON.
    pub async fn json(self) -> Result<Value> {
        let text = self.text().await?;
        Ok(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")))
    }

    /// The body as it is.
    pub async fn bytes(self) -> Result<Bytes> {
        self.response.bytes().await
    }

    /// The next piece of the body.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        self.response.chunk().await
    }
}

/// The client of all tests: to make one reads the certificates of the system. It keeps no connection, because each test
/// has a runtime of its own.
static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| client(None));

/// The same, of people with addresses of their own.
static CLIENTS: LazyLock<Mutex<HashMap<IpAddr, reqwest::Client>>> = LazyLock::new(Mutex::default);

fn client(from: Option<IpAddr>) -> reqwest::Client {
    // the client crate builds reqwest without a TLS provider; another test may have installed one, which is fine
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0);
    client.local_address(from).build().expect("an HTTP client")
}

/// A request without redirects, cookies or proxies, on a connection of its own.
pub fn request(server: &Server, method: Method, path: &str) -> RequestBuilder {
    of(&CLIENT, server, method, path)
}

/// The same, from an address of this machine.
pub fn request_from(server: &Server, from: IpAddr, method: Method, path: &str) -> RequestBuilder {
    let mut clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
    let client = clients.entry(from).or_insert_with(|| client(Some(from)));
    of(client, server, method, path)
}

fn of(client: &reqwest::Client, server: &Server, method: Method, path: &str) -> RequestBuilder {
    RequestBuilder {
        request: client.request(method.clone(), server.url(path)),
        asked: Asked {
            method,
            path: path.to_owned(),
            body: None,
        },
    }
}

/// POSTs JSON.
pub async fn post(server: &Server, path: &str, body: &Value) -> Response {
    request(server, Method::POST, path)
        .json(body)
        .send()
        .await
        .expect("an answer")
}

/// POSTs JSON from an address of this machine.
pub async fn post_from(server: &Server, from: IpAddr, path: &str, body: &Value) -> Response {
    let request = request_from(server, from, Method::POST, path).json(body);
    request.send().await.expect("an answer")
}

/// GETs a path from an address of this machine.
pub async fn get_from(server: &Server, from: IpAddr, path: &str) -> Response {
    let request = request_from(server, from, Method::GET, path);
    request.send().await.expect("an answer")
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
