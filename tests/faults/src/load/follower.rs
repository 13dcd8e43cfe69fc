//! A follower: the real Rust client with its replica of everything, for the whole run.

use super::accounts::User;
use super::reader::Desk;
use super::session::Lost;
use super::{Phase, Shared, session};
use crate::Failed;
use rand::rngs::StdRng;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use taskwire_client::{
    Change, Client, Config, FixedToken, Follower, RefreshedTokens, Replica, TokenError, TokenSource,
};
use tokio::sync::Mutex;
use tokio::time::timeout;
use uuid::Uuid;

/// The result of a follower.
pub(crate) struct Followed {
    pub(crate) user: User,
    pub(crate) replica: Replica,
    /// Why it ended early.
    pub(crate) stopped: Option<String>,
    /// How often the client found events missing. It then reconnects, so users do not notice.
    pub(crate) gaps: u64,
}

/// The real client's tokens, in a session of its own. When that has ended, the user signs in again.
struct SignedIn {
    shared: Arc<Shared>,
    name: String,
    url: String,
    state: Mutex<State>,
}

struct State {
    tokens: RefreshedTokens,
    random: StdRng,
    /// When the exchange failed first, since it last succeeded.
    failed: Option<u64>,
}

impl TokenSource for SignedIn {
    fn token<'a>(
        &'a self,
        stale: Option<&'a str>,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<String, TokenError>> + Send + 'a>> {
        Box::pin(async move {
            let mut state = self.state.lock().await;
            let _tokens_may_change = self.shared.tokens.read().await;
            let now = self.shared.now();
            let token = state.tokens.token(stale).await;
            let Err(error) = token else {
                state.failed = None;
                return token;
            };
            let first = *state.failed.get_or_insert(now);
            let TokenError::SignedOut(words) = error else {
                return Err(error);
            };
            Lost::new(first, words).judge(&self.shared, &self.name);
            let begun = session::sign_in(&self.shared, &self.name, &mut state.random).await;
            (state.tokens, state.failed) = (RefreshedTokens::new(&*self.url, begun), None);
            state.tokens.token(None).await
        })
    }
}

/// Follows until the run is over.
pub(crate) async fn follow(
    shared: Arc<Shared>,
    user: User,
    mut random: StdRng,
    address: String,
    desk: Arc<Desk>,
) -> Followed {
    let url = format!("http://{address}");
    let begun = session::sign_in(&shared, &user.username, &mut random).await;
    let signed_in = SignedIn {
        shared: shared.clone(),
        name: user.username.clone(),
        url: url.clone(),
        state: Mutex::new(State {
            tokens: RefreshedTokens::new(&*url, begun),
            random,
            failed: None,
        }),
    };
    let mut followed = Followed {
        user,
        replica: Replica::new(),
        stopped: None,
        gaps: 0,
    };
    let config = Config::new(url, signed_in).named("chaos", "1");
    let (client, events) = match Client::connect(config) {
        Ok(connected) => connected,
        Err(error) => {
            followed.stopped = Some(error.to_string());
            return followed;
        }
    };
    let mut follower = Follower::new(client, events);
    let mut phase = shared.phase.subscribe();
    loop {
        tokio::select! {
            change = follower.next() => match change {
                None => break,
                Some(Change::Stopped(why)) => {
                    followed.stopped = Some(format!("{why:?}"));
                    break;
                }
                Some(Change::Connected(_)) => desk.connected.store(true, Relaxed),
                Some(Change::Disconnected { .. }) => desk.connected.store(false, Relaxed),
                Some(_) => stand(&shared, follower.replica(), followed.user.id, &desk),
            },
            _ = phase.wait_for(|phase| *phase == Phase::Over) => break,
        }
    }
    followed.gaps = follower.client().stats().gaps;
    followed.replica = follower.replica().clone();
    followed
}

fn stand(shared: &Shared, replica: &Replica, user: Uuid, desk: &Desk) {
    let mut at = desk.at.lock().unwrap_or_else(PoisonError::into_inner);
    at.clear();
    at.extend(replica.user().map(|own| (shared.stream(user), own.seq())));
    at.extend(
        replica
            .workspaces()
            .map(|(id, workspace)| (shared.stream(id.0), workspace.seq())),
    );
}

/// A replica made of snapshots only.
pub(crate) async fn fresh(user: &User, address: &str) -> Result<Replica, Failed> {
    let token = user.session.fresh().await;
    let config = Config::new(format!("http://{address}"), FixedToken::new(&*token.text));
    let (client, events) = Client::connect(config)?;
    let mut follower = Follower::new(client.clone(), events);
    let syncing = async {
        let mut synced = 0;
        while let Some(change) = follower.next().await {
            synced += usize::from(matches!(change, Change::Synced(_)));
            let known = follower
                .replica()
                .user()
                .map_or(usize::MAX, |own| own.workspaces().len());
            if follower.is_synced() && synced > known {
                break;
            }
        }
    };
    timeout(Duration::from_mins(2), syncing).await?;
    let replica = follower.replica().clone();
    client.close().await;
    Ok(replica)
}
