//! The result of a request: the inside of its `ok` frame, and what the transport does beside sending it. Does not know
//! how frames travel.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use taskwire_protocol::{Failure, StreamId};

/// A reply that may take a moment.
pub type Answering = Pin<Box<dyn Future<Output = Result<Reply, Failure>> + Send>>;

/// The result of a request.
#[derive(Clone, Debug)]
pub struct Reply {
    /// What the frame says.
    pub body: Body,
    /// The operation was done before; this is the first answer again.
    pub replayed: bool,
    /// What the transport does beside sending it.
    pub then: Then,
}

/// What the frame of a reply says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// The output's JSON.
    Data(Arc<str>),
    /// A mutation's `"at":{…},"data":{…}`: one text, because an op_id remembers it.
    Logged(Arc<str>),
    /// `ping`'s frame says nothing more.
    Pong,
}

/// What a transport does beside sending a reply. One that has no use for it does nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Then {
    /// Nothing.
    Nothing,
    /// After the first page of a snapshot: follow the stream, from behind this seq.
    Follow(StreamId, u64),
    /// Keep the refresh token for the client, in a cookie.
    KeepRefreshToken(Box<str>),
    /// The caller's session has ended: close its socket, forget its cookie.
    EndSession,
}

impl Reply {
    /// A reply that says the output and asks nothing of the transport.
    pub fn data(json: impl Into<Arc<str>>) -> Reply {
        Reply {
            body: Body::Data(json.into()),
            replayed: false,
            then: Then::Nothing,
        }
    }

    /// The answer to `ping`.
    pub(super) fn pong() -> Reply {
        Reply {
            body: Body::Pong,
            replayed: false,
            then: Then::Nothing,
        }
    }

    /// How much [`Reply::write`] writes, about.
    pub fn size(&self) -> usize {
        match &self.body {
            Body::Data(json) | Body::Logged(json) => json.len(),
            Body::Pong => 0,
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
