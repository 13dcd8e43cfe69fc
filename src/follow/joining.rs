//! Which streams a reader follows: by request, by a sync, by access that was granted. Asks the engine who may read
//! what. Does not know how events are delivered.

use taskwire_protocol::stream::{Subscribe, Subscribed};
use taskwire_protocol::{ErrorCode, Failure, StreamId};

use super::close::{Close, Rejection};
use super::follower::Follower;
use super::log_unavailable;
use crate::engine::{Engine, Reply, Then};
use crate::live::{Joined, LogUnavailable, Mode, Start};

impl Follower {
    /// Follows a stream, from the given position or from now on.
    pub async fn subscribe(&mut self, engine: &Engine, params: &Subscribe) -> Result<Subscribed, Rejection> {
        let start = params.since.map_or(Start::Now, Start::After);
        let Joined { seq, resumed, reason } = self.join(engine, params.stream, start).await?;
        Ok(Subscribed { seq, resumed, reason })
    }

    /// Follows a stream no longer.
    pub async fn unsubscribe(&mut self, stream: StreamId) -> Result<(), Failure> {
        if stream != self.user().into() {
            self.subscriptions.leave(stream);
            return Ok(());
        }
        // what it tells the server itself is still needed
        let watched = self.subscriptions.join(stream, Start::Now, Mode::Watch).await;
        watched.map_err(|LogUnavailable| log_unavailable())?;
        self.own = false;
        Ok(())
    }

    /// Delivers nothing of a stream until [`Follower::synced`]: a sync of it is under way.
    pub fn pause(&mut self, stream: StreamId) {
        self.subscriptions.pause(stream);
    }

    /// A query was answered that paused a stream or says where one goes on. After the first page of a sync the stream
    /// goes on where the page stands; after a failure, where it was. Returns what to answer.
    pub async fn synced(
        &mut self,
        engine: &Engine,
        paused: Option<StreamId>,
        mut result: Result<Reply, Failure>,
    ) -> Result<Result<Reply, Failure>, Close> {
        if let Ok(Reply {
            then: Then::Follow(stream, seq),
            ..
        }) = result
        {
            match self.join(engine, stream, Start::After(seq)).await {
                Ok(joined) if joined.resumed => {}
                Err(Rejection::Refused(failure)) => result = Err(failure),
                // or retention has passed the page's position
                Ok(_) | Err(Rejection::Closed(_)) => return Err(Close::TORN),
            }
        }
        if let Some(stream) = paused
            && self.subscriptions.has(stream)
        {
            self.subscriptions.go_on(stream, None);
        }
        Ok(result)
    }

    /// Joins a stream that the user may read. It joins first and asks for access second, so that a loss of access in
    /// between is noticed by one of the two. A refusal ends a stream that may not be read, and changes no other.
    pub(super) async fn join(
        &mut self,
        engine: &Engine,
        stream: StreamId,
        start: Start,
    ) -> Result<Joined, Rejection> {
        let user = self.user();
        let known = match stream {
            StreamId::User(id) if id != user => return Err(no_such_stream().into()),
            StreamId::User(_) => self.own,
            StreamId::Workspace(_) => self.subscriptions.has(stream),
        };
        if !known && self.follows() >= self.limit as usize {
            let message = format!("the socket follows {} streams already", self.limit);
            return Err(Failure::new(ErrorCode::Conflict, message).at("stream").into());
        }
        let joined = self.subscriptions.join(stream, start, Mode::Deliver).await;
        let joined = joined.map_err(|LogUnavailable| log_unavailable())?;
        let StreamId::Workspace(workspace) = stream else {
            self.own = true;
            return Ok(joined);
        };
        match engine.role_in(user, workspace).await {
            Ok(Some((_, seq))) => {
                self.subscriptions.let_in(stream, seq);
                Ok(joined)
            }
            // nobody could be asked; the cursor has moved, and to leave would be a silent gap
            Err(_) if known => Err(Close::TORN.into()),
            refused => {
                self.subscriptions.leave(stream);
                Err(refused.err().unwrap_or_else(no_such_stream).into())
            }
        }
    }

    /// Streams that count against the limit: the user's own one does not while it is only watched.
    fn follows(&self) -> usize {
        self.subscriptions.count() - usize::from(!self.own)
    }
}

fn no_such_stream() -> Failure {
    Failure::new(ErrorCode::NotFound, "there is no such stream").at("stream")
}
