//! Where access tokens come from: one fixed token, or a pair that is refreshed over HTTP. Keeps nothing on disk.

use crate::{Boxed, address::Address, error::TokenError, tls};
use serde::Deserialize;
use std::time::Duration;
use taskwire_protocol::{Failure, Secret, account::Tokens};
use tokio::{sync::Mutex, time::Instant};

/// A token that expires sooner than this is refreshed before it is used.
const NEAR_ITS_END: Duration = Duration::from_secs(30);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// The longest wait that the client accepts from a server.
const WAIT_AT_MOST: Duration = Duration::from_mins(5);

/// Where access tokens come from.
pub trait TokenSource: Send + Sync + 'static {
    /// The token to use. `stale` is a token that the server refused or that is about to expire: return another one.
    /// The client awaits this future in a separate task and never drops it halfway.
    ///
    /// # Errors
    /// `SignedOut` stops the client. After any other error the client tries again later.
    fn token<'a>(&'a self, stale: Option<&'a str>) -> Boxed<'a, Result<String, TokenError>>;
}

/// One token for as long as the server accepts it: a personal access token, or one from the environment.
#[derive(Clone)]
pub struct FixedToken(String);

impl FixedToken {
    /// Uses this token.
    pub fn new(token: impl Into<String>) -> FixedToken {
        FixedToken(token.into())
    }
}

impl TokenSource for FixedToken {
    fn token<'a>(&'a self, stale: Option<&'a str>) -> Boxed<'a, Result<String, TokenError>> {
        Box::pin(async move {
            if stale == Some(self.0.as_str()) {
                return Err(TokenError::SignedOut("the token is no longer valid".to_owned()));
            }
            Ok(self.0.clone())
        })
    }
}

/// The tokens of one sign-in, refreshed when needed and kept in memory.
pub struct RefreshedTokens {
    url: String,
    pair: Mutex<Pair>,
}

struct Pair {
    access: String,
    refresh: Option<String>,
    ends: Option<Instant>,
}

impl From<Tokens> for Pair {
    fn from(tokens: Tokens) -> Pair {
        Pair {
            access: tokens.access_token.into_exposed(),
            refresh: tokens.refresh_token.map(Secret::into_exposed),
            ends: Instant::now().checked_add(Duration::from_secs(tokens.expires_in)),
        }
    }
}

impl RefreshedTokens {
    /// Starts with the tokens of a sign-in at this server.
    pub fn new(url: impl Into<String>, tokens: Tokens) -> RefreshedTokens {
        RefreshedTokens {
            url: url.into(),
            pair: Mutex::new(tokens.into()),
        }
    }
}

impl TokenSource for RefreshedTokens {
    fn token<'a>(&'a self, stale: Option<&'a str>) -> Boxed<'a, Result<String, TokenError>> {
        Box::pin(async move {
            // The lock is held during the request, because a refresh token works once. A second caller waits and
            // gets the first one's token.
            let mut pair = self.pair.lock().await;
            let ends_soon = pair.ends.is_some_and(|ends| ends < Instant::now() + NEAR_ITS_END);
            if stale != Some(pair.access.as_str()) && !ends_soon {
                return Ok(pair.access.clone());
            }
            let token = pair
                .refresh
                .as_deref()
                .ok_or_else(|| TokenError::SignedOut("there is no refresh token".to_owned()))?;
            *pair = refresh(&self.url, token).await?.into();
            Ok(pair.access.clone())
        })
    }
}

/// Exchanges a refresh token for a new pair over HTTP (`POST /v1/auth/refresh`). A refresh token works once.
///
/// # Errors
/// `SignedOut` when the server refuses the token, `Later` when it says when to ask again, `Unavailable` when a later attempt
/// may succeed.
pub async fn refresh(url: &str, refresh_token: &str) -> Result<Tokens, TokenError> {
    let unavailable = |error: &dyn std::fmt::Display| TokenError::Unavailable(error.to_string());
    let address = Address::parse(url).map_err(|error| unavailable(&error))?;
    let target = address
        .http
        .join("v1/auth/refresh")
        .map_err(|error| unavailable(&error))?;
    let body = serde_json::json!({ "refresh_token": refresh_token, "token_delivery": "body" });
    let response = http(&address)?
        .post(target)
        .json(&body)
        .send()
        .await
        .map_err(|error| unavailable(&root(&error)))?;
    let status = response.status();
    if status.is_success() {
        return response.json().await.map_err(|error| unavailable(&root(&error)));
    }
    let header = response.headers().get(reqwest::header::RETRY_AFTER);
    let seconds = header.and_then(|value| value.to_str().ok()?.parse().ok());
    let told = response.json::<Refusal>().await.ok().and_then(|body| body.error);
    let told_ms = told.as_ref().and_then(|failure| failure.retry_after_ms);
    let wait = told_ms
        .map(Duration::from_millis)
        .or(seconds.map(Duration::from_secs));
    let message = told.map_or_else(|| format!("HTTP status {status}"), |failure| failure.message);
    // Only a clear refusal is final; anything else is worth another try.
    if matches!(status.as_u16(), 400 | 401 | 403 | 422) {
        Err(TokenError::SignedOut(message))
    } else if let Some(wait) = wait {
        let wait = wait.min(WAIT_AT_MOST);
        Err(TokenError::Later { message, wait })
    } else {
        Err(TokenError::Unavailable(message))
    }
}

#[derive(Deserialize)]
struct Refusal {
    error: Option<Failure>,
}

fn http(address: &Address) -> Result<reqwest::Client, TokenError> {
    let mut builder = reqwest::Client::builder()
        .timeout(REQUEST_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none()) // send the token to this server only
        .no_proxy();
    // Plain HTTP works on a machine without root certificates.
    let config = if address.tls {
        tls::native()
    } else {
        tls::without_roots()
    };
    let config = config.map_err(|error| TokenError::Unavailable(error.to_string()))?;
    builder = builder.tls_backend_preconfigured(config);
    builder
        .build()
        .map_err(|error| TokenError::Unavailable(error.to_string()))
}

/// The innermost cause: "Connection refused" says more than "error sending request".
fn root(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
