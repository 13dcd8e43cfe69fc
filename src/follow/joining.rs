//! The streams that a reader follows: by request, after a sync, or because access was granted. Asks the engine whether
//! the user may read a stream. Does not know how events are delivered.

use serde_json::json;
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

    /// Stops following a stream.
    pub async fn unsubscribe(&mut self, stream: StreamId) -> Result<(), Failure> {
        if stream != self.user().into() {
            self.subscriptions.leave(stream);
            return Ok(());
        }
        // the server still needs the control in the user's own stream
        let watched = self.subscriptions.join(stream, Start::Now, Mode::Watch).await;
        watched.map_err(|LogUnavailable| log_unavailable())?;
        self.own = false;
        Ok(())
    }

    /// Delivers nothing of a stream until [`Follower::synced`]: a sync of it is under way.
    pub fn pause(&mut self, stream: StreamId) {
        self.subscriptions.pause(stream);
    }

    /// Ends the pause of a stream after a query, such as a sync, has its result. After the first page of a sync the
    /// stream continues from the page's position; after a failure, from where it was. Returns the answer to send.
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
                // not resumed: retention has passed the page's position
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

    /// Joins a stream that the user may read. It joins first and checks access second, so that one of the two notices a
    /// loss of access in between. After a refusal the stream is not followed; other streams are unchanged.
    pub(super) async fn join(
        &mut self,
        engine: &Engine,
        stream: StreamId,
        start: Start,
    ) -> Result<Joined, Rejection> {
        let user = self.user();
        let known = match stream {
            StreamId::User(id) if id != user || !self.caller.reaches_own() => {
                return Err(no_such_stream().into());
            }
            StreamId::User(_) => self.own,
            StreamId::Workspace(_) => self.subscriptions.has(stream),
        };
        if !known && self.follows() >= self.limit as usize {
            let message = format!(
                "this socket already follows {} streams, the most allowed (streams_per_socket)",
                self.limit
            );
            let context = json!({ "limit": self.limit, "setting": "streams_per_socket" });
            let failure = Failure::new(ErrorCode::Conflict, message).at("stream");
            return Err(failure.with(context).into());
        }
        let joined = self.subscriptions.join(stream, start, Mode::Deliver).await;
        let joined = joined.map_err(|LogUnavailable| log_unavailable())?;
        let StreamId::Workspace(workspace) = stream else {
            self.own = true;
            return Ok(joined);
        };
        match engine.role_in(&self.caller, workspace).await {
            Ok(Some((_, seq))) => {
                self.subscriptions.let_in(stream, seq);
                Ok(joined)
            }
            // access could not be checked; the cursor has moved already, and to leave would hide a gap from the client
            Err(_) if known => Err(Close::TORN.into()),
            refused => {
                self.subscriptions.leave(stream);
                Err(refused.err().unwrap_or_else(no_such_stream).into())
            }
        }
    }

    /// How many streams count against the limit. The user's own stream does not count while it is only watched.
    fn follows(&self) -> usize {
        self.subscriptions.count() - usize::from(!self.own)
    }
}

fn no_such_stream() -> Failure {
    Failure::new(ErrorCode::NotFound, "there is no such stream").at("stream")
}
