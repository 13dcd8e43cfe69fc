//! A session of a user: its tokens, which live for a minute. A keeper exchanges them in time, and also when a server
//! refused one; all sockets of the user share it. Knows no sockets.

use super::Shared;
use crate::http;
use crate::world::World;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng};
use serde_json::json;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use taskwire_protocol::account::Tokens;
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

pub(crate) const SECOND: u64 = 1_000_000_000;
/// A token is exchanged this long before its end, if no socket was told to ask for it earlier (`session.expiring`).
const BEFORE: u64 = 20 * SECOND;
/// The time between two exchanges, however many tokens are refused: an instance with a wrong clock refuses them all.
const BETWEEN: Duration = Duration::from_secs(1);
/// How long a client waits for a token before it tries the old one.
const PATIENCE: Duration = Duration::from_secs(5);

/// An access token.
pub(crate) struct Token {
    pub(crate) text: String,
    /// Counts the tokens of a keeper.
    pub(crate) number: u64,
    /// When it ends, by `Shared::now`.
    pub(crate) ends: u64,
}

/// Keeps a user signed in.
pub(crate) struct Keeper {
    shared: Arc<Shared>,
    name: String,
    current: watch::Sender<Arc<Token>>,
    /// The number of the last token that must be replaced before its time.
    replaced: AtomicU64,
    asked: Notify,
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Keeper {
    /// Keeps the session that a sign-in has just begun.
    pub(crate) fn start(shared: Arc<Shared>, name: &str, tokens: Tokens, seed: u64) -> Arc<Keeper> {
        let (token, refresh) = split(tokens, 1, shared.now());
        let keeper = Arc::new(Keeper {
            shared,
            name: name.to_owned(),
            current: watch::Sender::new(Arc::new(token)),
            replaced: AtomicU64::new(0),
            asked: Notify::new(),
        });
        tokio::spawn(keeper.clone().keep(refresh, StdRng::seed_from_u64(seed)));
        keeper
    }

    /// The newest token, and those that come after it.
    pub(crate) fn tokens(&self) -> watch::Receiver<Arc<Token>> {
        self.current.subscribe()
    }

    /// A token that has not ended, if there is one soon.
    pub(crate) async fn token(&self) -> Arc<Token> {
        let mut tokens = self.tokens();
        let lives = tokens.wait_for(|token| token.ends > self.shared.now());
        let _ = timeout(PATIENCE, lives).await;
        self.current.borrow().clone()
    }

    /// A token that begins now.
    pub(crate) async fn fresh(&self) -> Arc<Token> {
        let mut tokens = self.tokens();
        let before = tokens.borrow_and_update().clone();
        self.replace(&before);
        let _ = timeout(PATIENCE, tokens.changed()).await;
        self.token().await
    }

    /// This token was refused, or is about to end: get another one, unless there is one already.
    pub(crate) fn replace(&self, token: &Token) {
        self.replaced.fetch_max(token.number, Relaxed);
        self.asked.notify_one();
    }

    /// Exchanges tokens for ever.
    async fn keep(self: Arc<Keeper>, mut refresh: String, mut random: StdRng) {
        loop {
            sleep(BETWEEN).await;
            let (number, ends) = {
                let token = self.current.borrow();
                (token.number, token.ends)
            };
            while self.replaced.load(Relaxed) < number && self.shared.now() + BEFORE < ends {
                let left = Duration::from_nanos((ends - BEFORE).saturating_sub(self.shared.now()));
                let _ = timeout(left, self.asked.notified()).await;
            }
            // a restored backup must not be older than the newest refresh token
            let _tokens_may_change = self.shared.tokens.read().await;
            let tokens = match self.exchange(&refresh, &mut random).await {
                Some(tokens) => tokens,
                None => sign_in(&self.shared, &self.name, &mut random).await,
            };
            let (token, next) = split(tokens, number + 1, self.shared.now());
            refresh = next;
            self.current.send_replace(Arc::new(token));
        }
    }

    /// Exchanges a refresh token at any instance, until there is an answer. `None` when it was refused.
    async fn exchange(&self, refresh: &str, random: &mut StdRng) -> Option<Tokens> {
        let body = json!({"refresh_token": refresh, "token_delivery": "body"});
        loop {
            match http::post(&anywhere(&self.shared.world, random), "/v1/auth/refresh", &body).await {
                Ok(answer) if answer.status == 200 => {
                    self.shared.counts.refreshes.fetch_add(1, Relaxed);
                    return serde_json::from_value(answer.body).ok();
                }
                Ok(answer) if answer.status == 401 => return None,
                _ => pause(random).await,
            }
        }
    }
}

/// Signs in with the password, until it succeeds.
pub(crate) async fn sign_in(shared: &Shared, name: &str, random: &mut StdRng) -> Tokens {
    let body = json!({"email": address_of(name), "password": password(name), "token_delivery": "body"});
    loop {
        match http::post(&anywhere(&shared.world, random), "/v1/auth/login", &body).await {
            Ok(answer) if answer.status == 200 => {
                shared.counts.sign_ins.fetch_add(1, Relaxed);
                if let Ok(tokens) = serde_json::from_value(answer.body) {
                    return tokens;
                }
            }
            _ => pause(random).await,
        }
    }
}

/// The e-mail address of a user.
pub(crate) fn address_of(name: &str) -> String {
    format!("{name}@example.com")
}

/// The password of a user.
pub(crate) fn password(name: &str) -> String {
    format!("{name} has a long one")
}

/// The address of any instance.
fn anywhere(world: &World, random: &mut StdRng) -> String {
    world.instances[random.random_range(0..world.instances.len())].address()
}

async fn pause(random: &mut StdRng) {
    sleep(Duration::from_millis(random.random_range(100..400))).await;
}

fn split(tokens: Tokens, number: u64, now: u64) -> (Token, String) {
    let refresh = tokens.refresh_token.map(taskwire_protocol::Secret::into_exposed);
    let token = Token {
        text: tokens.access_token.into_exposed(),
        number,
        ends: now + tokens.expires_in * SECOND,
    };
    (token, refresh.unwrap_or_default())
}
