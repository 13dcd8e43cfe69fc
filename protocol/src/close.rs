//! The closed set of close codes (RFC 6455, section 7.4) and what a client does on each.

/// What a client does when the socket closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Reconnect or not, as you like.
    AsYouLike,
    /// The client is at fault: stop.
    Stop,
    /// Reconnect after `server.goodbye`'s delay.
    AfterGoodbye,
    /// Reconnect with jittered backoff.
    Backoff,
    /// Get a fresh token, then reconnect.
    Token,
    /// Stop and ask the person.
    AskThePerson,
    /// Reconnect at once, with the first jitter, and resume.
    Resume,
    /// Reconnect after 10 s.
    TenSeconds,
}

macro_rules! close_codes {
    ($( #[doc = $doc:literal] $name:ident $code:literal $then:ident; )*) => {
        /// Why a socket was closed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum CloseCode { $( #[doc = $doc] $name, )* }

        impl CloseCode {
            /// Every code.
            pub const ALL: &[CloseCode] = &[ $( CloseCode::$name, )* ];

            /// The number on the wire.
            #[must_use]
            pub fn code(self) -> u16 {
                match self { $( CloseCode::$name => $code, )* }
            }

            /// The close code with this number.
            #[must_use]
            pub fn from_code(code: u16) -> Option<CloseCode> {
                match code { $( $code => Some(CloseCode::$name), )* _ => None }
            }

            /// What a client does next.
            #[must_use]
            pub fn then(self) -> Then {
                match self { $( CloseCode::$name => Then::$then, )* }
            }

            /// What it means, for the reference.
            #[must_use]
            pub fn doc(self) -> &'static str {
                match self { $( CloseCode::$name => $doc.trim_ascii(), )* }
            }
        }
    };
}

close_codes! {
    /// Normal closure.
    Normal 1000 AsYouLike;
    /// The endpoint is going away.
    GoingAway 1001 AsYouLike;
    /// Broken WebSocket protocol: reserved bits or opcodes, an unmasked frame.
    Protocol 1002 Stop;
    /// A binary frame.
    Unsupported 1003 Stop;
    /// Invalid UTF-8.
    InvalidText 1007 Stop;
    /// A frame larger than four times the limit.
    TooBig 1009 Stop;
    /// The server restarts. `server.goodbye` gave a delay.
    Restart 1012 AfterGoodbye;
    /// The server is overloaded, or is admitting too many sockets.
    TryAgain 1013 Backoff;
    /// The tenth frame that was not a request.
    BadFrames 4400 Stop;
    /// The socket is not authenticated, or no longer.
    Unauthenticated 4401 Token;
    /// The session was revoked or kicked.
    Revoked 4403 AskThePerson;
    /// The connection is dead, or makes no progress.
    Dead 4408 Resume;
    /// The client ignored the rate limit, or the user has too many sockets.
    RateIgnored 4429 TenSeconds;
}
