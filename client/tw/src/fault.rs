//! Errors: one line for a person at a terminal that says what to do next, and an exit code for scripts.

use crate::terminal;
use std::{io, process::ExitCode};
use taskwire_client::{
    CallError, ConfigError, Disconnected, Stopped, TokenError,
    protocol::{ErrorCode, Failure},
};

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Fault {
    exit: u8,
    text: String,
}

/// The reader of standard output is gone, as in `tw ls | head`. This is not an error.
const QUIET: u8 = 0;
const OTHER: u8 = 1;
const USAGE: u8 = 2;
const AUTH: u8 = 3;
const NOT_FOUND: u8 = 4;
const CONFLICT: u8 = 5;
const NETWORK: u8 = 6;

impl Fault {
    fn new(exit: u8, text: impl Into<String>) -> Fault {
        Fault {
            exit,
            text: text.into(),
        }
    }

    pub(crate) fn other(text: impl Into<String>) -> Fault {
        Fault::new(OTHER, text)
    }

    pub(crate) fn usage(text: impl Into<String>) -> Fault {
        Fault::new(USAGE, text)
    }

    pub(crate) fn not_found(text: impl Into<String>) -> Fault {
        Fault::new(NOT_FOUND, text)
    }

    pub(crate) fn not_allowed(text: impl Into<String>) -> Fault {
        Fault::new(AUTH, text)
    }

    pub(crate) fn signed_out(why: &str) -> Fault {
        Fault::new(
            AUTH,
            format!("{why}; sign in with `tw login`, or create an account with `tw signup`"),
        )
    }

    pub(crate) fn unreachable(url: Option<&str>, why: &Disconnected) -> Fault {
        if let Disconnected::NoToken(TokenError::Unkept(why)) = why {
            return Fault::other(why);
        }
        let at = url.map(|url| format!(" at {url}")).unwrap_or_default();
        let text = format!("the server{at} cannot be reached ({why}); is it running, and is --server right?");
        Fault::new(NETWORK, text)
    }

    /// Prints the error and returns the exit code of the process.
    pub(crate) fn report(&self) -> ExitCode {
        if self.exit != QUIET {
            terminal::note(&format!("tw: {}", self.text));
        }
        ExitCode::from(self.exit)
    }

    /// Whether the exit code is that of a person who is not signed in or not allowed.
    pub(crate) fn is_signed_out(&self) -> bool {
        self.exit == AUTH
    }

    #[cfg(test)]
    pub(crate) fn exit(&self) -> u8 {
        self.exit
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Fault {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Fault::new(QUIET, "");
        }
        Fault::other(error.to_string())
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Fault {
        match error.io_error_kind() {
            Some(kind) => io::Error::from(kind).into(),
            None => Fault::other(error.to_string()),
        }
    }
}

impl From<ConfigError> for Fault {
    fn from(error: ConfigError) -> Fault {
        Fault::usage(error.to_string())
    }
}

impl From<CallError> for Fault {
    fn from(error: CallError) -> Fault {
        match error {
            CallError::Refused(failure) => refused(&failure),
            CallError::Stopped(why) => why.into(),
            CallError::Interrupted => Fault::new(
                NETWORK,
                "the connection was lost before the answer arrived; try again",
            ),
            error => Fault::other(error.to_string()),
        }
    }
}

impl From<Stopped> for Fault {
    fn from(why: Stopped) -> Fault {
        match why {
            Stopped::SignedOut(why) => Fault::signed_out(&format!("not signed in ({why})")),
            Stopped::Revoked(_) => Fault::signed_out("the server ended this session"),
            Stopped::Unreachable(why) => Fault::unreachable(None, &why),
            Stopped::NoServer(why) => Fault::new(
                NETWORK,
                format!("no Taskwire server answers at this address ({why}); check --server"),
            ),
            Stopped::Refused(failure) => refused(&failure),
            why => Fault::other(why.to_string()),
        }
    }
}

fn refused(failure: &Failure) -> Fault {
    let message = &failure.message;
    let hint = match failure.code {
        ErrorCode::VersionConflict => "; look at the task with `tw show` and try again",
        ErrorCode::NotFound => "; `tw ls --workspace all` and `tw workspaces` list what exists",
        ErrorCode::NotDeleted => "; nothing was restored",
        ErrorCode::StorageFull => "; the server's disk is full",
        ErrorCode::InternalError => "; the server's log has details under this request_id",
        ErrorCode::EmailNotVerified => "; the mail has a code for `tw verify CODE --email ADDRESS`",
        ErrorCode::InvalidCredentials => "; check the e-mail address and the password",
        _ if failure.retryable => "; try again",
        _ => "",
    };
    let wait = match failure.retry_after_ms {
        Some(wait) if failure.retryable => format!(" in {} s", wait.div_ceil(1000)),
        _ => String::new(),
    };
    let request = match failure.code {
        ErrorCode::InternalError => format!(" (request_id {})", failure.request_id),
        _ => String::new(),
    };
    let text = format!("{message}{request}{hint}{wait}");
    match failure.code {
        ErrorCode::AuthRequired
        | ErrorCode::InvalidToken
        | ErrorCode::TokenExpired
        | ErrorCode::TokenRevoked => Fault::signed_out(message),
        ErrorCode::InvalidCredentials
        | ErrorCode::Forbidden
        | ErrorCode::EmailNotVerified
        | ErrorCode::AccountInactive
        | ErrorCode::AccountLocked => Fault::new(AUTH, text),
        ErrorCode::NotFound => Fault::new(NOT_FOUND, text),
        ErrorCode::Conflict | ErrorCode::VersionConflict | ErrorCode::NotDeleted => {
            Fault::new(CONFLICT, text)
        }
        _ => Fault::other(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_follow_the_kind_of_error() {
        let exit = |code| Fault::from(CallError::Refused(Box::new(Failure::new(code, "x")))).exit();
        assert_eq!(exit(ErrorCode::TokenRevoked), 3);
        assert_eq!(exit(ErrorCode::InvalidCredentials), 3);
        assert_eq!(exit(ErrorCode::NotFound), 4);
        assert_eq!(exit(ErrorCode::VersionConflict), 5);
        assert_eq!(exit(ErrorCode::ValidationError), 1);
        assert_eq!(Fault::from(CallError::Interrupted).exit(), 6);
        assert_eq!(Fault::from(io::Error::from(io::ErrorKind::BrokenPipe)).exit(), 0);
    }

    #[test]
    fn a_refusal_says_when_to_try_again() {
        let failure = Failure::new(ErrorCode::RateLimited, "too many requests").after(1500);
        assert_eq!(refused(&failure).text, "too many requests; try again in 2 s");
    }
}
