//! A welcomed reader: its account, its cursors, and delivery of the entries after them. One per connection, held by the
//! connection's task. `joining` joins streams, `orders` acts on the user's own stream.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use taskwire_protocol::account::Streams;
use taskwire_protocol::{ErrorCode, Failure, StreamId, Timestamp, UserId};

use super::close::Close;
use super::opening::OpenedStreams;
use super::registry::Registration;
use crate::engine::{Caller, Identity, NewSession};
use crate::live::{Control, Delivered, Dirty, Outlet, PresenceGuard, Stop, Subscriptions, Wakeup};

/// A reader that was let in.
pub struct Follower {
    pub(super) caller: Arc<Caller>,
    pub(super) subscriptions: Subscriptions,
    /// The presence that the reader set. Boxed: most readers set none.
    pub(super) presence: Option<Box<PresenceGuard>>,
    expires_at: Timestamp,
    /// How many streams it may follow.
    pub(super) limit: u32,
    /// Whether it also follows workspaces to which the user gets access later.
    pub(super) all: bool,
    /// The user's own stream is delivered, not only watched.
    pub(super) own: bool,
}

/// Why a delivery stopped.
#[derive(Debug)]
pub enum Interruption<E> {
    /// The user's own stream has control: [`Follower::obey`] it, and deliver again.
    Control(Control),
    /// The reader ends.
    Close(Close),
    /// The outlet is gone.
    Outlet(E),
}

impl Follower {
    pub(super) fn new(
        identity: Identity,
        opened: OpenedStreams,
        streams: &Streams,
        limit: usize,
    ) -> Follower {
        Follower {
            caller: identity.caller,
            subscriptions: opened.subscriptions,
            presence: None,
            expires_at: identity.expires_at,
            limit: u32::try_from(limit).unwrap_or(u32::MAX),
            all: matches!(streams, Streams::All(_)),
            own: opened.own,
        }
    }

    /// The reader's account and session.
    pub fn caller(&self) -> &Arc<Caller> {
        &self.caller
    }

    /// When its token expires.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// The wakeup of its task.
    pub fn wakeup(&self) -> &Arc<Wakeup> {
        self.subscriptions.wakeup()
    }

    pub(super) fn user(&self) -> UserId {
        self.caller.user.id
    }

    /// Feeds events and signals while the outlet has room. True when there are more to feed at once. Call it on every
    /// wake of the task, then flush the outlet.
    #[inline]
    pub fn deliver<O: Outlet>(
        &mut self,
        cx: &mut Context<'_>,
        dirty: Dirty,
        out: &mut O,
    ) -> Result<bool, Interruption<O::Error>> {
        match self.subscriptions.poll_deliver(cx, dirty, out) {
            Poll::Pending | Poll::Ready(Ok(Delivered::All)) => Ok(false),
            Poll::Ready(Ok(Delivered::More)) => Ok(true),
            Poll::Ready(Ok(Delivered::Control(control))) => Err(Interruption::Control(control)),
            Poll::Ready(Ok(Delivered::Overtaken(_)) | Err(Stop::Broken(_))) => {
                Err(Interruption::Close(Close::TOO_FAR_BEHIND))
            }
            Poll::Ready(Err(Stop::Outlet(error))) => Err(Interruption::Outlet(error)),
        }
    }

    /// Remembers which streams have something new, for the next delivery.
    pub fn keep(&mut self, dirty: Dirty) {
        self.subscriptions.keep(dirty);
    }

    /// Its position in each stream that it delivers. A client sends them back as `resume`.
    pub fn positions(&self) -> impl Iterator<Item = (StreamId, u64)> {
        self.subscriptions.positions()
    }

    /// How many streams it may come to follow by being given access to workspaces.
    pub fn grows_to(&self) -> usize {
        if self.all { self.limit as usize } else { 0 }
    }

    /// Continues in another session of its user. Returns how long before its token's end its client is to be told.
    pub fn change_session(&mut self, registration: &Registration, new: &NewSession) -> Duration {
        let caller = Caller {
            session: new.id,
            ..Caller::clone(&self.caller)
        };
        let identity = Identity {
            caller: Arc::new(caller),
            issued_at: new.issued_at,
            expires_at: new.expires_at,
        };
        registration.speaks_for(identity.caller.clone());
        self.caller = identity.caller.clone();
        self.expires_at = identity.expires_at;
        identity.notice()
    }

    /// Takes another token of the same session; returns whether it lasts longer than the token before. If it does not, the
    /// end stays as it was.
    pub fn renew(&mut self, identity: Identity) -> Result<bool, Failure> {
        let caller = &identity.caller;
        if caller.user.id != self.user() || caller.session != self.caller.session {
            let message = "the token belongs to another user or session";
            return Err(Failure::new(ErrorCode::InvalidToken, message).at("token"));
        }
        let extends = identity.expires_at > self.expires_at;
        if extends {
            self.expires_at = identity.expires_at;
        }
        self.caller = identity.caller;
        Ok(extends)
    }
}
