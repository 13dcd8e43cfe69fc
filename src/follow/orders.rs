//! Acts on control in the user's own stream: access was granted or lost, a session ended, the account changed. `live`
//! finds it among the frames.

use taskwire_protocol::{ErrorCode, StreamId, WorkspaceId};

use super::close::{Close, Rejection};
use super::follower::Follower;
use super::registry::Registration;
use crate::engine::Engine;
use crate::live::{Control, Start};

/// The result of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obeyed {
    /// The transport has nothing to do.
    Done,
    /// The reader follows this stream from now on. If a sync of it is under way, pause it.
    Joined(StreamId),
    /// A workspace that the user joined is not followed, because the reader follows as many streams as it may. Say so.
    PastLimit(StreamId),
    /// This reader's session ended. Close with [`Close::SESSION_ENDED`], once the logout that ended it is answered.
    SessionEnded,
}

impl Follower {
    /// Acts on control in the user's own stream.
    pub async fn obey(
        &mut self,
        engine: &Engine,
        registration: &Registration,
        control: Control,
    ) -> Result<Obeyed, Close> {
        match control {
            Control::Granted { workspace, seq } => self.granted(engine, workspace, seq).await,
            Control::SessionRevoked { session } if session == self.caller.session => Ok(Obeyed::SessionEnded),
            // another session of the user
            Control::SessionRevoked { .. } => Ok(Obeyed::Done),
            // `live` has removed the cursor already
            Control::Lost { workspace } => {
                self.leave_presence(workspace);
                Ok(Obeyed::Done)
            }
            Control::AccountChanged => self.account_changed(engine, registration).await,
        }
    }

    async fn granted(&mut self, engine: &Engine, workspace: WorkspaceId, seq: u64) -> Result<Obeyed, Close> {
        let stream = StreamId::from(workspace);
        if !self.all || !self.caller.reaches(workspace) || self.subscriptions.has(stream) {
            return Ok(Obeyed::Done);
        }
        match self.join(engine, stream, Start::After(seq)).await {
            Ok(joined) if joined.resumed => Ok(Obeyed::Joined(stream)),
            // access was lost again
            Err(Rejection::Refused(failure)) if failure.code == ErrorCode::NotFound => Ok(Obeyed::Done),
            // a `welcome` lists such a stream with the reason `limit`
            Err(Rejection::Refused(failure)) if failure.code == ErrorCode::Conflict => {
                Ok(Obeyed::PastLimit(stream))
            }
            // to continue without the stream, or without its first entries, would hide a gap from the client
            Ok(_) | Err(_) => Err(Close::TORN),
        }
    }

    async fn account_changed(
        &mut self,
        engine: &Engine,
        registration: &Registration,
    ) -> Result<Obeyed, Close> {
        let seen = self.subscriptions.told();
        match engine.home(&self.caller, seen).await {
            Ok(home) if home.user().is_active => {
                self.caller = home.caller();
                registration.speaks_for(self.caller.clone());
                Ok(Obeyed::Done)
            }
            Err(failure) if failure.retryable => {
                tracing::warn!(
                    user.id = %self.user(),
                    "closing a reader: its account could not be read again: {}", failure.message
                );
                Err(Close::UNKNOWN_ACCOUNT)
            }
            Ok(_) | Err(_) => Err(Close::INACTIVE),
        }
    }
}
