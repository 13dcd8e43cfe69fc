//! Where access tokens come from: one that never changes, or pairs that are refreshed over HTTP.
//! Does not keep anything beyond the process.

use crate::{Boxed, address::Address, config::Config, dial, error::TokenError};
use serde::Deserialize;
use std::time::Duration;
use taskwire_protocol::{Failure, account::Tokens};
use tokio::{sync::Mutex, time::Instant};

/// A token that ends sooner than this is renewed first.
const NEAR_ITS_END: Duration = Duration::from_secs(30);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);

/// Where access tokens come from.
pub trait TokenSource: Send + Sync + 'static {
    /// The token to use. `stale` is one that the server refused or that is about to end: then another one. The client
    /// asks in a task of its own and lets it end.
    ///
    /// # Errors
    /// `SignedOut` stops the client, `Unavailable` makes it try again later.
    fn token<'a>(&'a self, stale: Option<&'a str>) -> Boxed<'a, Result<String, TokenError>>;
}

/// A token that is used until the server no longer takes it: a personal access token, or one from the environment.
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

/// Tokens of one sign-in, refreshed when needed and kept in memory.
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
            access: tokens.access_token,
            refresh: tokens.refresh_token,
            ends: Instant::now().checked_add(Duration::from_secs(tokens.expires_in)),
        }
    }
}

impl RefreshedTokens {
    /// Begins with the tokens of a sign-in at this server.
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
            // Held over the request on purpose: a refresh token is good for one use, and a second caller waits for
            // what the first one gets.
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

/// Changes a refresh token for the next pair, over HTTP (`POST /v1/auth/refresh`). The old refresh token is used up.
///
/// # Errors
/// `SignedOut` when the server does not take it, `Unavailable` when it could not be asked.
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
    let told = response.json::<Refusal>().await.ok().and_then(|body| body.error);
    let message = told.map_or_else(|| format!("HTTP status {status}"), |failure| failure.message);
    // Anything but a clear no is worth another try.
    if matches!(status.as_u16(), 400 | 401 | 403 | 422) {
        Err(TokenError::SignedOut(message))
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
        .redirect(reqwest::redirect::Policy::none()) // a token goes to the server that was named, nowhere else
        .no_proxy();
    // Without TLS in the address there is none to set up, and a machine without root certificates is fine.
    let config = if address.tls {
        dial::tls()
    } else {
        dial::trusting_nobody()
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

impl Config {
    /// A client that was just signed in, refreshing its tokens as needed.
    pub fn signed_in(url: impl Into<String>, tokens: Tokens) -> Config {
        let url = url.into();
        Config::new(url.clone(), RefreshedTokens::new(url, tokens))
    }
}
