//! Requests over HTTP beside the socket: small ones, each answered in one piece; `download` has larger answers, `upload`
//! larger requests, and `knock` finds out whether a server is there. Knows no route but by name.

mod download;
mod knock;
mod upload;

pub use download::Download;
pub use upload::Upload;

use crate::{
    address::Address,
    backoff::Backoff,
    error::{CallError, ConfigError, Disconnected, Stopped},
    tls,
};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url, header};
use serde::{Serialize, de::DeserializeOwned};
use std::time::Duration;
use taskwire_protocol::{
    Failure,
    http::{HttpError, HttpFailure},
};
use tokio::time::Instant;

/// The time limit of one attempt to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Long enough for a busy server to hash a password.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// The largest answer that the client reads.
const ANSWER_BYTES: usize = 32 << 20;

/// A server's routes over HTTP, for what has no operation: codes and links of mails, sign-in on another device.
///
/// It sends a request once. Before that, while nothing listens at the address, it tries to connect for as long as its
/// patience says. It follows no redirect, so that a password or token goes to this server only.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use serde_json::json;
/// use taskwire_client::{Http, protocol::account::Done};
///
/// let http = Http::to("http://127.0.0.1:8080")?;
/// let body = json!({ "email": "ada@example.com", "code": "123456" });
/// let Done {} = http.post("v1/auth/verify-email", &body).await?.read()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Http {
    base: Url,
    client: reqwest::Client,
    agent: Option<String>,
    token: Option<String>,
    patience: Duration,
    timeout: Duration,
}

/// A server's answer over HTTP, of any status.
#[derive(Clone, Debug)]
pub struct HttpAnswer {
    /// The status, like 200.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
    /// The header `Retry-After`, in milliseconds.
    retry_after_ms: Option<u64>,
}

impl Http {
    /// The server at this base address.
    ///
    /// # Errors
    /// When the address is wrong or TLS cannot be set up.
    pub fn to(url: &str) -> Result<Http, ConfigError> {
        Http::reaching(url, CONNECT_TIMEOUT)
    }

    /// The server at this base address, with a time limit of one attempt to connect. Default: 10 s.
    ///
    /// # Errors
    /// As [`Http::to`].
    pub fn reaching(url: &str, connect_timeout: Duration) -> Result<Http, ConfigError> {
        let address = Address::parse(url)?;
        // Plain HTTP works on a machine without root certificates.
        let tls = if address.tls {
            tls::native()?
        } else {
            tls::without_roots()?
        };
        let client = reqwest::Client::builder()
            .connect_timeout(connect_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .tls_backend_preconfigured(tls)
            .build()
            .map_err(|error| ConfigError::Tls(error.to_string()))?;
        Ok(Http {
            base: address.http,
            client,
            agent: None,
            token: None,
            patience: Duration::ZERO,
            timeout: ANSWER_TIMEOUT,
        })
    }

    /// Sets the program's name and version, for the list of sessions.
    #[must_use]
    pub fn named(mut self, name: &str, version: &str) -> Http {
        self.agent = Some(format!("{name}/{version}"));
        self
    }

    /// Sends this access token or API token with each request.
    #[must_use]
    pub fn signed_in(mut self, token: impl Into<String>) -> Http {
        self.token = Some(token.into());
        self
    }

    /// Tries to connect for this long. Default: once.
    #[must_use]
    pub fn patient_for(mut self, patience: Duration) -> Http {
        self.patience = patience;
        self
    }

    /// The time limit of a request with its answer.
    pub(crate) fn within(mut self, timeout: Duration) -> Http {
        self.timeout = timeout;
        self
    }

    /// Posts a JSON body to a path, like `v1/auth/verify-email`.
    ///
    /// # Errors
    /// `Stopped` when the server cannot be reached, `Interrupted` when no whole answer arrived. A refusal is an answer:
    /// [`HttpAnswer::read`] returns it.
    pub async fn post(&self, path: &str, body: &impl Serialize) -> Result<HttpAnswer, CallError> {
        let body = serde_json::to_vec(body).map_err(|error| CallError::Unwritable(error.to_string()))?;
        self.send(Method::POST, path, Some(("application/json", body.as_slice())))
            .await
    }

    /// Puts bytes of a media type at a path.
    ///
    /// # Errors
    /// As [`Http::post`].
    pub async fn put(&self, path: &str, media_type: &str, body: &[u8]) -> Result<HttpAnswer, CallError> {
        self.send(Method::PUT, path, Some((media_type, body))).await
    }

    /// Deletes what is at a path.
    ///
    /// # Errors
    /// As [`Http::post`].
    pub async fn delete(&self, path: &str) -> Result<HttpAnswer, CallError> {
        self.send(Method::DELETE, path, None).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<(&str, &[u8])>,
    ) -> Result<HttpAnswer, CallError> {
        whole(self.open(method, path, body, Some(self.timeout)).await?).await
    }

    /// The head of the answer. `limit` is the time limit of the request with its whole answer.
    async fn open(
        &self,
        method: Method,
        path: &str,
        body: Option<(&str, &[u8])>,
        limit: Option<Duration>,
    ) -> Result<Response, CallError> {
        let target = self.base.join(path);
        let target = target.map_err(|error| CallError::Unwritable(error.to_string()))?;
        let (began, mut backoff) = (Instant::now(), Backoff::default());
        loop {
            let mut request = self.request(method.clone(), target.clone(), body);
            if let Some(limit) = limit {
                request = request.timeout(limit);
            }
            let error = match request.send().await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            if !error.is_connect() {
                return Err(CallError::Interrupted);
            }
            let wait = backoff.next();
            if began.elapsed() + wait >= self.patience {
                return Err(unsent(&error));
            }
            tokio::time::sleep(wait).await;
        }
    }

    fn request(&self, method: Method, target: Url, body: Option<(&str, &[u8])>) -> RequestBuilder {
        let mut request = self.client.request(method, target);
        if let Some(agent) = &self.agent {
            request = request.header(header::USER_AGENT, agent);
        }
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        match body {
            Some((media_type, body)) => request
                .header(header::CONTENT_TYPE, media_type)
                .body(body.to_owned()),
            None => request,
        }
    }
}

/// Why no answer came.
fn unsent(error: &reqwest::Error) -> CallError {
    if !error.is_connect() {
        return CallError::Interrupted;
    }
    let why = Disconnected::Unreachable(root(error));
    CallError::Stopped(Stopped::Unreachable(why))
}

/// Reads the whole answer.
async fn whole(mut response: Response) -> Result<HttpAnswer, CallError> {
    let header = response.headers().get(header::RETRY_AFTER);
    let seconds: Option<u64> = header.and_then(|value| value.to_str().ok()?.parse().ok());
    let mut answer = HttpAnswer {
        status: response.status().as_u16(),
        body: Vec::new(),
        retry_after_ms: seconds.map(|seconds| seconds.saturating_mul(1000)),
    };
    while let Some(part) = response.chunk().await.map_err(|_| CallError::Interrupted)? {
        if answer.body.len() + part.len() > ANSWER_BYTES {
            return Err(CallError::Unreadable("it is too large".to_owned()));
        }
        answer.body.extend_from_slice(&part);
    }
    Ok(answer)
}

impl HttpAnswer {
    /// Whether the server did what was asked, or will do it (2xx).
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body of a success.
    ///
    /// # Errors
    /// `Refused` with the server's error; `Stopped` when the answer is an error that no Taskwire server sends.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        if !self.is_success() {
            return Err(self.refusal());
        }
        serde_json::from_slice(&self.body).map_err(|error| CallError::Unreadable(error.to_string()))
    }

    /// The server's error, with the header `Retry-After` where the body has no time.
    pub(crate) fn failure(&self) -> Option<Failure> {
        let HttpError {
            error, request_id, ..
        } = serde_json::from_slice(&self.body).ok()?;
        let HttpFailure {
            code,
            message,
            field,
            context,
            retryable,
            retry_after_ms,
        } = error;
        Some(Failure {
            code,
            message,
            field,
            context,
            retryable,
            retry_after_ms: retry_after_ms.or(self.retry_after_ms),
            request_id,
        })
    }

    /// Whether the same request may succeed later: the server is overloaded or cannot serve at the moment, or a proxy
    /// cannot reach it.
    pub fn may_pass(&self) -> bool {
        self.status >= 500 || matches!(self.status, 408 | 425 | 429)
    }

    /// How long to wait before the next request, as the server says.
    pub fn wait(&self) -> Option<Duration> {
        let told = self.failure().and_then(|failure| failure.retry_after_ms);
        told.or(self.retry_after_ms).map(Duration::from_millis)
    }

    /// The status with its words, like `503 Service Unavailable`.
    pub(crate) fn status_line(&self) -> String {
        let known = StatusCode::from_u16(self.status);
        known.map_or_else(|_| self.status.to_string(), |status| status.to_string())
    }

    fn refusal(&self) -> CallError {
        if let Some(failure) = self.failure() {
            return CallError::Refused(Box::new(failure));
        }
        let text = format!("HTTP status {}", self.status_line());
        CallError::Stopped(if self.may_pass() {
            Stopped::Unreachable(Disconnected::Unreachable(text))
        } else {
            Stopped::NoServer(text)
        })
    }
}

/// The innermost cause: "Connection refused" says more than "error sending request".
fn root(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
