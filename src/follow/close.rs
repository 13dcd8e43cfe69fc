//! Why a reader is closed: the code and the reason that its client is told, whatever carries them.

use taskwire_protocol::{CloseCode, Failure};

/// How the server ends a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close {
    /// What the client does next.
    pub code: CloseCode,
    /// The same in words.
    pub reason: &'static str,
}

impl Close {
    /// The session was revoked or logged out.
    pub const SESSION_ENDED: Close = Close::new(CloseCode::Revoked, "the session ended");
    /// The token and the grace after it are over.
    pub const TOKEN_ENDED: Close = Close::new(CloseCode::Unauthenticated, "the token ended");
    /// The account was deactivated or is gone.
    pub(super) const INACTIVE: Close = Close::new(CloseCode::Revoked, "the account is not active");
    /// The account could not be read, so it may be inactive. Nothing tries again; the client reconnects.
    pub(super) const UNKNOWN_ACCOUNT: Close =
        Close::new(CloseCode::Dead, "the account could not be read again");
    /// Retention overtook the reader, or the log has a hole. The client resumes, and is told whether to sync.
    pub(super) const TOO_FAR_BEHIND: Close = Close::new(CloseCode::Dead, "too far behind");
    /// The client believes that it follows a stream of which something is missing. It resumes, and is told how.
    pub(super) const TORN: Close = Close::new(CloseCode::Dead, "a stream could not be followed");
    pub(super) const TOO_MANY_OF_USER: Close =
        Close::new(CloseCode::RateIgnored, "too many sockets of one user");
    /// More readers come than the node takes on at a time.
    pub const TOO_MANY: Close = Close::new(CloseCode::TryAgain, "too many sockets at once");

    /// A close with this code and reason.
    pub const fn new(code: CloseCode, reason: &'static str) -> Close {
        Close { code, reason }
    }
}

/// Why a reader did not get what it asked for.
#[derive(Debug)]
pub enum Rejection {
    /// Answer so; the reader stays as it was.
    Refused(Failure),
    /// The reader ends.
    Closed(Close),
}

impl From<Failure> for Rejection {
    fn from(failure: Failure) -> Rejection {
        Rejection::Refused(failure)
    }
}

impl From<Close> for Rejection {
    fn from(close: Close) -> Rejection {
        Rejection::Closed(close)
    }
}
