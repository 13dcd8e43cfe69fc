//! The result of a request: the content of its `ok` frame, and what the transport does besides sending it. Does not
//! know how frames travel.

use super::Caller;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use taskwire_protocol::{Failure, Secret, SessionId, StreamId, Timestamp};

/// A reply that may take some time.
pub type Answering = Pin<Box<dyn Future<Output = Result<Reply, Failure>> + Send>>;

/// The result of a request.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The content of the frame.
    pub body: Body,
    /// The operation was done before; this is the first answer again.
    pub replayed: bool,
    /// What the transport does besides sending the reply.
    pub then: Then,
    /// Who signed in, up or out: the transport may not have known that before.
    pub by: Option<Arc<Caller>>,
}

/// The content of a reply's frame.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// The output's JSON.
    Data(Arc<str>),
    /// A mutation's `"at":{…},"data":{…}`: one text, because an op_id remembers it.
    Logged(Arc<str>),
    /// Nothing: the reply to `ping`.
    Pong,
}

/// What a transport does besides sending a reply. A transport to which it does not apply ignores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Then {
    /// Nothing.
    Nothing,
    /// After the first page of a snapshot: follow the stream, from the entry after this seq.
    Follow(StreamId, u64),
    /// Keep the refresh token for the client, in a cookie.
    KeepRefreshToken(Secret),
    /// The caller's session has ended: close its socket, forget its cookie.
    EndSession,
    /// The caller's session has ended, and the caller continues in this one: its socket belongs to it.
    ChangeSession(NewSession),
}

/// A session in which a caller continues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSession {
    pub id: SessionId,
    /// When its access token was made.
    pub issued_at: Timestamp,
    /// When its access token expires.
    pub expires_at: Timestamp,
}

impl Reply {
    /// A reply with this output, after which the transport does nothing more.
    pub fn data(json: impl Into<Arc<str>>) -> Reply {
        Reply {
            body: Body::Data(json.into()),
            replayed: false,
            then: Then::Nothing,
            by: None,
        }
    }

    /// The answer to `ping`.
    pub(super) fn pong() -> Reply {
        Reply {
            body: Body::Pong,
            replayed: false,
            then: Then::Nothing,
            by: None,
        }
    }

    /// The approximate number of bytes that [`Reply::write`] writes.
    pub fn size(&self) -> usize {
        match &self.body {
            Body::Data(json) | Body::Logged(json) => json.len(),
            Body::Pong => 0,
        }
    }

    /// The output. `None` if it is not of this type.
    pub fn output<T: DeserializeOwned>(&self) -> Option<T> {
        #[derive(Deserialize)]
        struct Members<T> {
            data: T,
        }
        match &self.body {
            Body::Data(json) => serde_json::from_str(json).ok(),
            Body::Logged(members) => {
                let all: Members<T> = serde_json::from_str(&format!("{{{members}}}")).ok()?;
                Some(all.data)
            }
            Body::Pong => None,
        }
    }

    /// Writes the members of the `ok` frame that follow its id, without a comma before them.
    pub fn write(&self, text: &mut String) {
        for part in self.body.parts() {
            text.push_str(part);
        }
        if self.replayed {
            text.push_str(",\"replayed\":true");
        }
    }
}

/// Without the content, which may hold tokens.
impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Body::Data(_) => "Data",
            Body::Logged(_) => "Logged",
            Body::Pong => "Pong",
        };
        f.debug_tuple(name).finish_non_exhaustive()
    }
}

impl Body {
    fn parts(&self) -> [&str; 2] {
        match self {
            Body::Data(json) => ["\"data\":", json],
            Body::Logged(members) => [members, ""],
            Body::Pong => ["", ""],
        }
    }
}

/// The members of the frame.
impl fmt::Display for Body {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts().into_iter().try_for_each(|part| out.write_str(part))
    }
}
