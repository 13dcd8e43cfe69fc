//! Whether an account knows the device that signs in: it brings a refresh token of the account, or comes from a network
//! from which the account signed in within 30 days. An address without an account costs the same work.

use super::tokens::hex;
use crate::auth::limits::{Device, Network};
use crate::auth::refresh::RefreshToken;
use crate::engine::{Engine, spawned};
use crate::store::devices;
use std::net::IpAddr;
use taskwire_protocol::{Failure, UserId};
use uuid::Uuid;

/// How long a network is known after a sign-in.
const KNOWN_MS: i64 = 30 * 86_400_000;

impl Engine {
    /// Whether the account knows the device. `None`: there is no account.
    pub(super) async fn device(
        &self,
        user: Option<UserId>,
        address: Option<IpAddr>,
        refresh_token: Option<&str>,
    ) -> Result<Device, Failure> {
        let user = user.unwrap_or(UserId(Uuid::nil()));
        let since = self.0.clock.now_ms().saturating_sub(KNOWN_MS);
        let token = refresh_token.and_then(|token| RefreshToken::parse(token).ok());
        let (store, session) = (self.0.store.clone(), token.as_ref().map(RefreshToken::session));
        let read = async move {
            let mut reader = store.read().await?;
            let of_token = match session {
                Some(session) => devices::find(&mut reader, session).await?,
                None => None,
            };
            Ok((of_token, devices::addresses(&mut reader, user, since).await?))
        };
        let (of_token, addresses) = spawned(read).await?;
        let brings_one = token.zip(of_token).is_some_and(|(token, (owner, stored))| {
            // one that was replaced is known by its tag
            owner == user && (self.0.refresh_tokens.made(&token) || stored == hex(&token.hash()))
        });
        let comes_from = |network: Network| {
            let mut known = addresses.iter().filter_map(|known| known.parse::<IpAddr>().ok());
            known.any(|known| Network::from(known) == network)
        };
        if brings_one || address.is_some_and(|address| comes_from(address.into())) {
            Ok(Device::Known)
        } else {
            Ok(Device::Stranger)
        }
    }
}
