//! Why a reader is closed: the code and the reason that the transport sends to its client.

use taskwire_protocol::{CloseCode, Failure};

/// The code and reason with which the server ends a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close {
    /// Tells the client what to do next.
    pub code: CloseCode,
    /// Explains it to a person.
    pub reason: &'static str,
}

impl Close {
    /// The session was revoked or logged out.
    pub const SESSION_ENDED: Close = Close::new(CloseCode::Revoked, "the session ended");
    /// The token expired, and the grace time after it is over.
    pub const TOKEN_ENDED: Close = Close::new(CloseCode::Unauthenticated, "the token expired");
    /// The account was deactivated or does not exist any more.
    pub(super) const INACTIVE: Close = Close::new(CloseCode::Revoked, "the account is not active");
    /// The account could not be read, so it may be inactive. The server does not retry; the client reconnects.
    pub(super) const UNKNOWN_ACCOUNT: Close =
        Close::new(CloseCode::Dead, "the account could not be read again");
    /// Retention overtook the reader, or an entry is missing in the log. The client resumes; the welcome says whether
    /// it must sync.
    pub(super) const TOO_FAR_BEHIND: Close = Close::new(CloseCode::Dead, "too far behind");
    /// The client assumes that it follows a stream, but entries of it would be missing. It resumes; the welcome says
    /// from where.
    pub(super) const TORN: Close = Close::new(CloseCode::Dead, "a stream could not be followed");
    pub(super) const TOO_MANY_OF_USER: Close = Close::new(
        CloseCode::RateIgnored,
        "too many sockets of one user (sockets_per_user)",
    );
    /// More readers arrive than the node admits at a time, or one without an owner leaves for others.
    pub const TOO_MANY: Close = Close::new(
        CloseCode::TryAgain,
        "too many sockets at once (max_sockets, sockets_admitted_per_second)",
    );

    /// A close with this code and reason.
    pub const fn new(code: CloseCode, reason: &'static str) -> Close {
        Close { code, reason }
    }
}

/// Why a reader did not get what it asked for.
#[derive(Debug)]
pub enum Rejection {
    /// Answer with this failure. The reader stays as it was.
    Refused(Failure),
    /// Close the reader.
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
