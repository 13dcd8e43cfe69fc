//! A session of a user: its tokens, which live for a minute. A keeper exchanges them in time, and also when a server
//! refused one; all sockets of the user share it. Knows no sockets.

use super::Shared;
use crate::Failed;
use crate::http;
use crate::verdict::Invariant;
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

/// Exchanges that took longer may have had a try that was given up.
pub(crate) const EXCHANGE: u64 = http::EXCHANGE.as_nanos() as u64;
/// The time after which a keeper has heard that its session has ended.
const DOUBTS: Duration = Duration::from_secs(3);
/// The previous refresh token may be repeated for 30 s after its exchange. A client that has tried for longer than this
/// cannot know whether that is over.
const REPEATED_WITHIN: u64 = 25 * SECOND;

/// An access token.
pub(crate) struct Token {
    pub(crate) text: String,
    /// Counts the tokens of a keeper.
    pub(crate) number: u64,
    /// When it began and ends, by `Shared::now`.
    pub(crate) begins: u64,
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
    /// The number of the last token whose session has ended.
    lost: AtomicU64,
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
            lost: AtomicU64::new(0),
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
            let tokens = match exchange(&self.shared, &refresh, &mut random).await {
                Ok(tokens) => tokens,
                Err(lost) => {
                    self.lost.store(number, Relaxed);
                    lost.judge(&self.shared, &self.name);
                    sign_in(&self.shared, &self.name, &mut random).await
                }
            };
            let (token, next) = split(tokens, number + 1, self.shared.now());
            refresh = next;
            self.current.send_replace(Arc::new(token));
        }
    }

    /// I11: an instance said that the session of this token has ended. It may say so only if the keeper hears it too.
    pub(crate) async fn doubt(self: Arc<Keeper>, token: Arc<Token>, what: String) {
        sleep(DOUBTS).await;
        self.shared.verdicts.checked(Invariant::I11, 1);
        if self.lost.load(Relaxed) < token.number {
            let what = format!("the session of {} lives, but {what}", self.name);
            self.shared.verdicts.violated(Invariant::I11, what);
        }
    }
}

/// A refresh token was refused.
pub(crate) struct Lost {
    /// When it was first sent.
    first: u64,
    words: String,
}

impl Lost {
    pub(crate) fn new(first: u64, words: String) -> Lost {
        Lost { first, words }
    }

    /// I11: a session whose newest refresh token was repeated only within 30 s lives, unless a clock jumped meanwhile.
    pub(crate) fn judge(&self, shared: &Shared, name: &str) {
        shared.verdicts.checked(Invariant::I11, 1);
        let now = shared.now();
        let excused = now > self.first + REPEATED_WITHIN || shared.disturbed.clock.last(now) >= self.first;
        if !excused {
            let what = format!(
                "the session of {name} lives, but its refresh token was refused: {}",
                self.words
            );
            shared.verdicts.violated(Invariant::I11, what);
        }
    }
}

/// Exchanges a refresh token at any instance, until there is an answer.
pub(crate) async fn exchange(shared: &Shared, token: &str, random: &mut StdRng) -> Result<Tokens, Lost> {
    let first = shared.now();
    loop {
        match refresh(&anywhere(&shared.world, random), token).await {
            Ok(answer) if answer.status == 200 => {
                shared.counts.refreshes.fetch_add(1, Relaxed);
                shared.verdicts.checked(Invariant::I11, 1);
                return serde_json::from_value(answer.body)
                    .map_err(|error| Lost::new(first, error.to_string()));
            }
            Ok(answer) if answer.status == 401 => return Err(Lost::new(first, answer.body.to_string())),
            _ => pause(random).await,
        }
    }
}

/// Sends a refresh token to an instance once.
pub(crate) async fn refresh(address: &str, token: &str) -> Result<http::Answer, Failed> {
    let body = json!({"refresh_token": token, "token_delivery": "body"});
    http::post(address, "/v1/auth/refresh", &body).await
}

/// Signs in with the password, until it succeeds.
pub(crate) async fn sign_in(shared: &Shared, name: &str, random: &mut StdRng) -> Tokens {
    let body = json!({"email": address_of(name), "password": PASSWORD, "token_delivery": "body"});
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

/// The password of every user: one that tells of nobody.
pub(crate) const PASSWORD: &str = "a walk along the river";

/// The address of any instance.
pub(crate) fn anywhere(world: &World, random: &mut StdRng) -> String {
    world.instances[random.random_range(0..world.instances.len())].address()
}

async fn pause(random: &mut StdRng) {
    sleep(Duration::from_millis(random.random_range(100..400))).await;
}

/// The access token, the first of its number, and the refresh token of a pair that came at `now`.
pub(crate) fn split(tokens: Tokens, number: u64, now: u64) -> (Token, String) {
    let refresh = refresh_token(&tokens);
    let token = Token {
        text: tokens.access_token.into_exposed(),
        number,
        begins: now,
        ends: now + tokens.expires_in * SECOND,
    };
    (token, refresh)
}

/// The refresh token of a pair.
pub(crate) fn refresh_token(tokens: &Tokens) -> String {
    let token = tokens.refresh_token.as_ref();
    token.map_or_else(String::new, |token| token.expose().to_owned())
}
