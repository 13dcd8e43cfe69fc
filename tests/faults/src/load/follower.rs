//! A follower: the real Rust client with its replica of everything, for the whole run.

use super::accounts::User;
use super::reader::Desk;
use super::{Phase, Shared};
use crate::Failed;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use taskwire_client::{Change, Client, Config, FixedToken, Follower, RefreshedTokens, Replica};
use taskwire_protocol::account::Tokens;
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

/// Follows until the run is over.
pub(crate) async fn follow(
    shared: Arc<Shared>,
    user: User,
    tokens: Tokens,
    address: String,
    desk: Arc<Desk>,
) -> Followed {
    let mut followed = Followed {
        user,
        replica: Replica::new(),
        stopped: None,
        gaps: 0,
    };
    // refresh tokens, as users do: a node whose clock is wrong refuses a token, and the client then asks for a new one
    let tokens = RefreshedTokens::new(format!("http://{address}"), tokens);
    let config = Config::new(format!("http://{address}"), tokens).named("chaos", "1");
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
    let config = Config::new(format!("http://{address}"), FixedToken::new(&*user.token));
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
