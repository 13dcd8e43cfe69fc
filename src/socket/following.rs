//! Which streams a socket follows: by request, by a sync, by access that was granted. Asks the engine who may read
//! what. Does not know how events are delivered.

use taskwire_protocol::operations::Nothing;
use taskwire_protocol::stream::{Subscribe, Subscribed};
use taskwire_protocol::{CloseCode, ErrorCode, Failure, StreamId, WorkspaceId};

use super::connection::{Connection, End};
use super::incoming::auth_required;
use super::requests::Asked;
use super::session::Stage;
use crate::engine::{Reply, Then};
use crate::live::{Joined, LogUnavailable, Mode, Start};

impl Connection {
    /// After the first page of a sync the stream goes on where the page stands; after a failure, where it was.
    pub(super) async fn synced(
        &mut self,
        asked: Asked,
        mut result: Result<Reply, Failure>,
    ) -> Result<(), End> {
        if let Ok(Reply {
            then: Then::Follow(stream, seq),
            ..
        }) = result
        {
            match self.follow(stream, Start::After(seq)).await {
                Ok(joined) if joined.resumed => {}
                Err(NotFollowed::Refused(failure)) => result = Err(failure),
                // or retention has passed the page's place
                Ok(_) | Err(NotFollowed::Torn) => return Err(torn()),
            }
        }
        if let (Some(stream), Stage::Member(session)) = (asked.paused, &mut self.stage)
            && session.subscriptions.has(stream)
        {
            session.subscriptions.go_on(stream, None);
        }
        self.answer(&asked, &result);
        Ok(())
    }

    pub(super) async fn subscribe(&mut self, asked: &Asked, params: &Subscribe) -> Result<(), End> {
        let start = params.since.map_or(Start::Now, Start::After);
        match self.follow(params.stream, start).await {
            Ok(Joined { seq, resumed, reason }) => {
                self.answer_with(asked, &Subscribed { seq, resumed, reason });
            }
            Err(NotFollowed::Refused(failure)) => self.refuse(asked, &failure),
            Err(NotFollowed::Torn) => return Err(torn()),
        }
        Ok(())
    }

    pub(super) async fn unsubscribe(&mut self, asked: &Asked, stream: StreamId) -> Result<(), End> {
        let Stage::Member(session) = &mut self.stage else {
            return Ok(());
        };
        if stream == session.user().into() {
            // what it tells the server itself is still needed
            if session
                .subscriptions
                .join(stream, Start::Now, Mode::Watch)
                .await
                .is_err()
            {
                self.refuse(asked, &log_unavailable());
                return Ok(());
            }
            session.own = false;
        } else {
            session.subscriptions.leave(stream);
        }
        self.answer_with(asked, &Nothing {});
        Ok(())
    }

    /// Follows a stream that the user may read. Joined first and allowed second: access that is lost in between is
    /// seen by the one or by the other.
    async fn follow(&mut self, stream: StreamId, start: Start) -> Result<Joined, NotFollowed> {
        let limit = self.app.settings.streams_per_socket;
        let Stage::Member(session) = &mut self.stage else {
            return Err(auth_required().into());
        };
        let user = session.user();
        let known = match stream {
            StreamId::User(id) if id != user => return Err(no_such_stream().into()),
            StreamId::User(_) => session.own,
            StreamId::Workspace(_) => session.subscriptions.has(stream),
        };
        if !known && session.follows() >= limit {
            let message = format!("the socket follows {limit} streams already");
            return Err(Failure::new(ErrorCode::Conflict, message).at("stream").into());
        }
        let joined = session.subscriptions.join(stream, start, Mode::Deliver).await;
        let joined = joined.map_err(|LogUnavailable| log_unavailable())?;
        let StreamId::Workspace(workspace) = stream else {
            session.own = true;
            return Ok(joined);
        };
        match self.app.engine.role_in(user, workspace).await {
            Ok(Some((_, seq))) => {
                session.subscriptions.let_in(stream, seq);
                Ok(joined)
            }
            // nobody could be asked; the cursor has moved, and to leave would be a silent gap
            Err(_) if known => Err(NotFollowed::Torn),
            refused => {
                session.subscriptions.leave(stream);
                Err(refused.err().unwrap_or_else(no_such_stream).into())
            }
        }
    }

    pub(super) async fn granted(&mut self, workspace: WorkspaceId, seq: u64) -> Result<(), End> {
        let Stage::Member(session) = &mut self.stage else {
            return Ok(());
        };
        if !session.all || session.subscriptions.has(workspace.into()) {
            return Ok(());
        }
        match self.follow(workspace.into(), Start::After(seq)).await {
            Ok(joined) if joined.resumed => {
                // a sync may have been asked for before this was heard
                if let Stage::Member(session) = &mut self.stage
                    && self.requests.keep_silent(workspace.into())
                {
                    session.subscriptions.pause(workspace.into());
                }
                Ok(())
            }
            // it was lost again; or there are too many to follow, which `welcome` says of the others
            Err(NotFollowed::Refused(failure))
                if matches!(failure.code, ErrorCode::NotFound | ErrorCode::Conflict) =>
            {
                Ok(())
            }
            // going on without it, or without its beginning, would be a silent gap
            Ok(_) | Err(_) => Err(torn()),
        }
    }
}

/// Why a stream is not followed.
enum NotFollowed {
    /// What to answer. The socket follows what it followed before, but for a stream that the user may not read.
    Refused(Failure),
    /// The stream was followed already, and nothing says whether it still may be: see [`torn`].
    Torn,
}

impl From<Failure> for NotFollowed {
    fn from(failure: Failure) -> NotFollowed {
        NotFollowed::Refused(failure)
    }
}

/// Something is missing in a stream that the client takes for followed. It resumes, and is told how.
fn torn() -> End {
    End::Close(CloseCode::Dead, "a stream could not be followed")
}

/// The log did not answer.
pub(super) fn log_unavailable() -> Failure {
    Failure::new(ErrorCode::Unavailable, "the database did not answer")
}

fn no_such_stream() -> Failure {
    Failure::new(ErrorCode::NotFound, "there is no such stream").at("stream")
}
