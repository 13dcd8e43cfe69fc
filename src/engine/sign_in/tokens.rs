//! What a session gets: a record of it, and its pair of tokens.

use super::Signed;
use crate::auth::refresh::RefreshToken;
use crate::auth::tokens::Subject;
use crate::domain::text;
use crate::engine::accounts::caller;
use crate::engine::{Delivery, Engine, Origin, Then};
use crate::ops::sessions::later;
use crate::store::sessions::{Family, SessionRecord};
use crate::store::users::Account;
use std::fmt::Write;
use taskwire_protocol::account::Tokens;
use taskwire_protocol::{Failure, SessionId, Timestamp, UserId, limits};

impl Engine {
    /// A session that begins now, and its refresh token.
    pub(super) fn new_session(
        &self,
        user: UserId,
        device_name: Option<String>,
        origin: &Origin,
    ) -> Result<(SessionRecord, RefreshToken), Failure> {
        let now = Timestamp(self.0.clock.now_ms());
        let id = SessionId(self.0.ids.next());
        let refresh = self.0.refresh_tokens.issue(id, &mut rand::rng());
        let ends_at = later(now, self.0.longest_session);
        let record = SessionRecord {
            id,
            user,
            device_name: self::device_name(device_name)?,
            client: origin.client.as_deref().map(str::to_owned),
            address: origin.address.map(|address| address.to_string()),
            family: Family {
                newest: hex(&refresh.hash()),
                parent: None,
            },
            created_at: now,
            last_seen_at: now,
            expires_at: later(now, self.0.idle_session).min(ends_at),
            revoked_at: None,
            ends_at: Some(ends_at),
        };
        Ok((record, refresh))
    }

    /// Issues a session's pair of tokens. The refresh token is in the reply, or the transport keeps it in a cookie.
    pub(super) fn tokens(
        &self,
        account: &Account,
        session: SessionId,
        refresh: &RefreshToken,
        delivery: Delivery,
    ) -> Result<Signed<Tokens>, Failure> {
        let user = account.user.clone();
        let subject = Subject {
            user: user.id,
            session,
            token_version: account.token_version,
            role: user.role,
        };
        let issued = self.0.tokens.issue(&subject, self.0.clock.now_ms())?;
        let (refresh_token, then) = match delivery {
            Delivery::Body => (Some(refresh.reveal().into()), Then::Nothing),
            Delivery::Cookie => (None, Then::KeepRefreshToken(refresh.reveal().into())),
        };
        let output = Tokens {
            access_token: issued.token.into(),
            token_type: "Bearer".to_owned(),
            expires_in: issued.expires_in,
            refresh_token,
            user,
        };
        let by = caller(account, session);
        Ok(Signed::of(output).by(by).then(then))
    }
}

/// The name that a device gave itself, as it is stored.
pub(super) fn device_name(given: Option<String>) -> Result<Option<String>, Failure> {
    text::optional_name("device_name", given, limits::DEVICE_NAME)
}

pub(super) fn hex(bytes: &[u8]) -> String {
    let text = String::with_capacity(bytes.len() * 2);
    bytes.iter().fold(text, |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
