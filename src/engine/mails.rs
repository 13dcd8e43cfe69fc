//! What the job that sends mails needs: the code of a letter, made when it is sent, and alive from then on.

use super::{Chore, Engine, accounts, spawned};
use crate::ops::letters::{About, Letter};
use crate::ops::profiles::EndMails;
use crate::store::{StoreError, Transaction};
use crate::store::{codes, invites, users};
use secrecy::SecretString;
use taskwire_protocol::operations::Nothing;
use taskwire_protocol::{ErrorCode, Failure, InviteId, SessionId, Timestamp, UserId};
use uuid::Uuid;

impl Engine {
    /// The step that lets the code of a letter live from now on; `None` if the letter has no code.
    pub fn freshen(&self, letter: &Letter) -> Option<Freshen> {
        let (About::Code { code, .. } | About::AccountMade { code } | About::SeveralSignUps { code }) =
            letter.about
        else {
            return None;
        };
        let life = letter.about.life().unwrap_or_default();
        let life_ms = i64::try_from(life.as_millis()).unwrap_or(i64::MAX);
        Some(Freshen {
            code,
            expires_at: Timestamp(self.0.clock.now_ms().saturating_add(life_ms)),
        })
    }

    /// Whether the account of a letter is deleted, and the letter tells of something before that; or its invitation has
    /// ended.
    pub async fn came_too_late(&self, letter: &Letter) -> Result<bool, Failure> {
        if matches!(letter.about, About::AccountDeleted { .. }) {
            return Ok(false);
        }
        if let About::Invitation { invite, .. } = letter.about {
            let store = self.0.store.clone();
            let read = async move { invites::find_workspace(&mut store.read().await?, invite).await };
            return Ok(spawned(read).await?.is_none());
        }
        let (store, user) = (self.0.store.clone(), letter.user);
        let read = async move { users::find_even_deleted(&mut store.read().await?, user).await };
        let found = spawned(read).await?;
        Ok(found.is_some_and(|account| account.deleted_at.is_some()))
    }

    /// The token of an invitation.
    pub fn reveal_invitation(&self, invite: InviteId) -> SecretString {
        self.0.codes.invitation(invite.0)
    }

    /// The six digits and the token of a code.
    pub fn reveal_code(&self, code: Uuid) -> (SecretString, SecretString) {
        (self.0.codes.code(code), self.0.codes.token(code))
    }
}

/// Reminders by mail, which their readers can end.
impl Engine {
    /// What ends the mails of an account, in the query of its link; `None` without a secret.
    pub fn token_to_end_mails(&self, user: UserId) -> Option<String> {
        self.0.unsubscribe.token(user.0)
    }

    /// Ends the mails of the account whose token this is. One that is gone meanwhile gets none anyway.
    pub async fn end_mails(&self, token: &str) -> Result<(), Failure> {
        let user = self.0.unsubscribe.user(token).map(UserId);
        let user = user.ok_or_else(|| {
            let message = "the link is not whole; copy all of it out of the mail";
            Failure::new(ErrorCode::InvalidToken, message)
        })?;
        let store = self.0.store.clone();
        let read = async move { users::find(&mut store.read().await?, user).await };
        let Some(account) = spawned(read).await? else {
            return Ok(());
        };
        let caller = accounts::caller(&account, SessionId(self.0.ids.next()));
        self.act::<Nothing>(caller, EndMails).await.map(drop)
    }
}

/// Lets a code live from now on, unless it was used or a newer one replaced it: then there is nothing to send. A mail that
/// waited for its server has a code that works, then.
pub struct Freshen {
    code: Uuid,
    expires_at: Timestamp,
}

impl Chore for Freshen {
    type Output = bool;
    async fn run(self, tx: &mut Transaction) -> Result<bool, StoreError> {
        codes::extend(tx, self.code, self.expires_at).await
    }
}
