//! Where access tokens come from: one fixed token, or a pair that is refreshed over HTTP. Keeps nothing on disk.

use crate::{
    Boxed,
    error::{CallError, Stopped, TokenError},
    http::Http,
};
use std::time::Duration;
use taskwire_protocol::{
    Secret,
    account::Tokens,
    http::{RefreshTokens, TokenDelivery},
};
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
    /// `SignedOut` and `NoOther` stop the client. After any other error the client tries again later.
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
                return Err(TokenError::NoOther);
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

    /// Continues with the tokens of another sign-in at this server, such as those that `auth.change_password` answers: the
    /// session before it has ended.
    pub async fn replace(&self, tokens: Tokens) {
        *self.pair.lock().await = tokens.into();
    }
}

impl TokenSource for RefreshedTokens {
    fn token<'a>(&'a self, stale: Option<&'a str>) -> Boxed<'a, Result<String, TokenError>> {
        Box::pin(async move {
            // The lock is held during the request: a refresh token that was replaced a while ago ends the session. A
            // second caller waits and gets the first one's token.
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

/// Exchanges a refresh token for a new pair over HTTP (`POST /v1/auth/refresh`). If the answer is lost, asks once more at
/// once: within 30 s the server gives the same pair again, and later it ends the session.
///
/// # Errors
/// `SignedOut` when the server refuses the token, `Later` when it says when to ask again, `Unavailable` when a later attempt
/// may succeed.
pub async fn refresh(url: &str, refresh_token: &str) -> Result<Tokens, TokenError> {
    let http = Http::to(url).map_err(|error| TokenError::Unavailable(error.to_string()))?;
    refresh_over(http, refresh_token).await
}

/// As [`refresh`], at the server of this `http`.
///
/// # Errors
/// As [`refresh`].
pub async fn refresh_over(http: Http, refresh_token: &str) -> Result<Tokens, TokenError> {
    let unavailable = |error: CallError| {
        TokenError::Unavailable(match error {
            CallError::Stopped(Stopped::Unreachable(why)) => why.to_string(),
            error => error.to_string(),
        })
    };
    let http = http.within(REQUEST_TIMEOUT);
    let body = RefreshTokens {
        refresh_token: Some(refresh_token.into()),
        token_delivery: Some(TokenDelivery::Body),
    };
    let ask = || http.post("v1/auth/refresh", &body);
    let answer = match ask().await {
        Err(CallError::Interrupted) => ask().await,
        answer => answer,
    };
    let answer = answer.map_err(unavailable)?;
    if answer.is_success() {
        return answer.read().map_err(unavailable);
    }
    let message = answer.failure().map_or_else(
        || format!("HTTP status {}", answer.status_line()),
        |failure| failure.message,
    );
    // Only a clear refusal is final; anything else is worth another try.
    if matches!(answer.status, 400 | 401 | 403 | 422) {
        Err(TokenError::SignedOut(message))
    } else if let Some(wait) = answer.wait() {
        let wait = wait.min(WAIT_AT_MOST);
        Err(TokenError::Later { message, wait })
    } else {
        Err(TokenError::Unavailable(message))
    }
}
