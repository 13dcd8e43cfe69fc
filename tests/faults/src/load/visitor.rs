//! A visitor: signs in as a user a second time, reads on a socket at each instance, and ends that session: signs out,
//! revokes it from the user's first session, or uses an old refresh token again, as a thief would. Records what its sockets
//! and tokens do then; the checker judges.

use super::accounts::{Accounts, Caller, User};
use super::record::{Attempt, Ended, Farewell, Kind, Parting, Way};
use super::session::{self, SECOND, Token};
use super::{Phase, Shared};
use crate::Failed;
use crate::http;
use crate::socket::{Pace, Refused, Socket};
use crate::verdict::Invariant;
use crate::world::Instance;
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use taskwire_protocol::ErrorCode;
use taskwire_protocol::account::Tokens;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

/// How many milliseconds a visitor reads before the session ends.
const READS: std::ops::Range<u64> = 300..2500;
/// How long an instance may take to let a visitor in. The visit goes on without its socket.
const ENTERS: Duration = Duration::from_secs(3);
/// A visit is given up when nobody could end its session for this long: its token ends soon after.
const ENDS: Duration = Duration::from_secs(30);
/// How long an instance may take to answer an attempt with a token.
const ANSWERS: Duration = Duration::from_secs(20);
/// After the grace time a socket is watched for so much longer, whether it is closed or not.
const LOOKS: u64 = 3 * SECOND;
/// How long an instance may take to die after it has reset its connections.
const DYING: Duration = Duration::from_secs(1);

/// A session of a visitor.
struct Visit<'a> {
    shared: &'a Arc<Shared>,
    user: &'a User,
    id: Uuid,
    access: Token,
    refresh: String,
    /// The refresh token two before that one.
    old: String,
}

/// An open socket, and the order to leave it.
type Sitting = (Uuid, JoinHandle<Parting>);

/// Makes visits until the load is over.
pub(crate) async fn visit(shared: Arc<Shared>, accounts: Arc<Accounts>, seed: u64) -> Vec<Ended> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut ended = Vec::new();
    while shared.phase() == Phase::Load {
        sleep(Duration::from_millis(random.random_range(50..500))).await;
        if !shared.pause.load(Relaxed)
            && let Some(user) = accounts.users.choose(&mut random)
        {
            ended.extend(once(&shared, user, &mut random).await);
        }
    }
    ended
}

/// One visit. `None` when a fault kept it from its end.
async fn once(shared: &Arc<Shared>, user: &User, random: &mut StdRng) -> Option<Ended> {
    let way = *[Way::LogOut, Way::Revoke, Way::Reuse].choose(random)?;
    let first = session::sign_in(shared, &user.username, random).await;
    let since = shared.now();
    let (tokens, old) = match way {
        Way::Reuse => {
            let old = session::refresh_token(&first);
            let second = session::exchange(shared, &old, random).await.ok()?;
            let third = session::exchange(shared, &session::refresh_token(&second), random).await;
            (third.ok()?, old)
        }
        Way::LogOut | Way::Revoke => (first, String::new()),
    };
    // a try that was given up may still be carried out, and would then be one with an old token
    if shared.now() > since + session::EXCHANGE {
        return None;
    }
    let (leave, left) = watch::channel(false);
    let (sittings, visit) = enter(shared, user, tokens, old, &left).await?;
    sleep(Duration::from_millis(random.random_range(READS))).await;
    let began = shared.now();
    let ending = timeout(ENDS, visit.end(way, random)).await;
    let at = shared.now();
    let repeated = ending.ok().flatten();
    let grace = || shared.disturbed.grace(at, repeated.unwrap_or(true), shared.now());
    while repeated.is_some()
        && shared.now() < at + grace() + LOOKS
        && (shared.now() < at + grace() || sittings.iter().any(|(_, sitting)| !sitting.is_finished()))
    {
        sleep(Duration::from_millis(50)).await;
    }
    leave.send_replace(true);
    let sockets = join_all(sittings.into_iter().map(|(_, sitting)| sitting)).await;
    // a socket may also be closed for the end of its token
    let repeated = repeated.filter(|_| shared.now() < visit.access.ends);
    repeated?;
    let attempts = visit.attempts().await;
    Some(Ended {
        user: user.id,
        way,
        began,
        at,
        grace: grace(),
        sockets: sockets.into_iter().filter_map(Result::ok).collect(),
        attempts,
    })
}

/// Opens a socket at each instance that lets the visitor in.
async fn enter<'a>(
    shared: &'a Arc<Shared>,
    user: &'a User,
    tokens: Tokens,
    old: String,
    left: &watch::Receiver<bool>,
) -> Option<(Vec<Sitting>, Visit<'a>)> {
    let (access, refresh) = session::split(tokens, 1, shared.now());
    let instances = shared.world.instances.iter();
    let opening = instances.map(|instance| timeout(ENTERS, sit(shared, instance, &access.text, left)));
    let sittings: Vec<Sitting> = join_all(opening).await.into_iter().flatten().collect();
    let id = sittings.first()?.0;
    let visit = Visit {
        shared,
        user,
        id,
        access,
        refresh,
        old,
    };
    Some((sittings, visit))
}

/// Opens a socket, at the second or third try if need be, and begins to read it.
async fn sit(
    shared: &Arc<Shared>,
    instance: &Arc<Instance>,
    access: &str,
    left: &watch::Receiver<bool>,
) -> Sitting {
    loop {
        let (address, process) = (instance.address(), instance.pid());
        if let Ok((socket, welcome)) =
            Socket::open(&address, Pace::default(), 0, access, &json!("all"), None).await
        {
            let reading = read(shared.clone(), socket, instance.clone(), process, left.clone());
            return (welcome.session.id.0, tokio::spawn(reading));
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// Reads a socket to its end, or until the visitor leaves.
async fn read(
    shared: Arc<Shared>,
    mut socket: Socket,
    instance: Arc<Instance>,
    process: u32,
    mut left: watch::Receiver<bool>,
) -> Parting {
    let mut last = 0;
    let error = loop {
        tokio::select! {
            text = socket.next() => match text {
                Ok(text) if text.starts_with(r#"{"type":"event""#) => last = shared.now(),
                Ok(_) => {}
                Err(error) => break Some(error.to_string()),
            },
            _ = left.wait_for(|left| *left) => break None,
        }
    };
    let ended = shared.now();
    let how = match (&error, error.as_deref().and_then(close_code)) {
        (None, _) => {
            socket.close().await;
            Farewell::Open
        }
        (Some(_), Some(code)) => Farewell::Closed(code),
        (Some(_), None) => {
            sleep(DYING).await;
            let lives = instance.is_ready() && instance.pid() == process;
            Farewell::Broken {
                instance_died: !lives,
            }
        }
    };
    Parting { last, ended, how }
}

/// The code in the words of `Socket::next` for a close frame.
fn close_code(error: &str) -> Option<u16> {
    error.strip_prefix("closed ")?.split(':').next()?.parse().ok()
}

/// The token was refused, or its session ended while it was let in.
fn is_refusal(error: &Failed) -> bool {
    error.is::<Refused>() || close_code(&error.to_string()).is_some_and(|code| code == 4401 || code == 4403)
}

impl Visit<'_> {
    /// Ends the session. Returns whether an earlier try may have done it, whose answer was lost; `None` when the session
    /// cannot be ended any more.
    async fn end(&self, way: Way, random: &mut StdRng) -> Option<bool> {
        let mut repeated = false;
        loop {
            let address = session::anywhere(&self.shared.world, random);
            let done = match way {
                Way::LogOut => self.log_out(&address, &mut repeated).await,
                Way::Revoke => self.revoke(&address, &mut repeated).await,
                Way::Reuse => self.reuse(&address, &mut repeated).await,
            };
            if done? {
                return Some(repeated);
            }
            sleep(Duration::from_millis(random.random_range(100..400))).await;
        }
    }

    async fn log_out(&self, address: &str, repeated: &mut bool) -> Option<bool> {
        match Caller::with(address, &self.access.text).await {
            Ok(mut caller) => self.ask(&mut caller, "auth.logout", repeated).await,
            Err(error) => match error.downcast_ref::<Refused>() {
                Some(Refused(ErrorCode::TokenRevoked)) if !*repeated => {
                    self.violated("its token was revoked before anybody ended it");
                    None
                }
                Some(Refused(ErrorCode::TokenRevoked)) => Some(true),
                _ => Some(false),
            },
        }
    }

    async fn revoke(&self, address: &str, repeated: &mut bool) -> Option<bool> {
        match Caller::of(self.shared, self.user, address).await {
            Ok(mut caller) => self.ask(&mut caller, "auth.revoke_session", repeated).await,
            Err(_) => Some(false),
        }
    }

    /// Asks to end the session. True when that is acknowledged.
    async fn ask(&self, caller: &mut Caller, name: &str, repeated: &mut bool) -> Option<bool> {
        let data = match name {
            "auth.logout" => json!({}),
            _ => json!({"id": self.id}),
        };
        match caller.ask(name, None, &data).await {
            Ok(answer) if answer["type"] == "ok" => Some(true),
            Ok(answer) if answer["error"]["retryable"] == false => {
                // the first try ended it
                let gone = *repeated
                    && ["TOKEN_REVOKED", "NOT_FOUND"]
                        .contains(&answer["error"]["code"].as_str().unwrap_or(""));
                if !gone {
                    self.violated(&format!("{name} was refused: {answer}"));
                }
                gone.then_some(true)
            }
            _ => {
                *repeated = true;
                Some(false)
            }
        }
    }

    async fn reuse(&self, address: &str, repeated: &mut bool) -> Option<bool> {
        match session::refresh(address, &self.old).await {
            Ok(answer) if answer.status == 401 => return Some(true),
            Ok(answer) if answer.status == 200 => {
                self.violated("an old refresh token got a new one");
                return None;
            }
            _ => *repeated = true,
        }
        Some(false)
    }

    fn violated(&self, what: &str) {
        let what = format!("session {} of {}: {what}", self.id, self.user.username);
        self.shared.verdicts.violated(Invariant::I11, what);
    }

    /// Tries both tokens at every instance.
    async fn attempts(&self) -> Vec<Attempt> {
        let mut attempts = Vec::new();
        for (number, instance) in self.shared.world.instances.iter().enumerate() {
            for token in [Kind::Access, Kind::Refresh] {
                attempts.extend(self.attempt(number, &instance.address(), token).await);
            }
        }
        attempts
    }

    async fn attempt(&self, instance: usize, address: &str, token: Kind) -> Option<Attempt> {
        let deadline = Instant::now() + ANSWERS;
        while Instant::now() < deadline {
            let began = self.shared.now();
            let accepted = match token {
                Kind::Access => match Caller::with(address, &self.access.text).await {
                    Ok(_) => Some(true),
                    Err(error) => is_refusal(&error).then_some(false),
                },
                Kind::Refresh => match session::refresh(address, &self.refresh).await {
                    Ok(http::Answer { status: 200, .. }) => Some(true),
                    Ok(http::Answer { status: 401, .. }) => Some(false),
                    _ => None,
                },
            };
            if let Some(accepted) = accepted {
                return Some(Attempt {
                    instance,
                    token,
                    began,
                    accepted,
                });
            }
            sleep(Duration::from_millis(200)).await;
        }
        None
    }
}
