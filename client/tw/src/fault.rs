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
    /// The session of the command has ended, or its token has.
    ended: bool,
}

/// The reader of standard output is gone, as in `tw ls | head`. This is not an error.
const QUIET: u8 = 0;
const OTHER: u8 = 1;
const USAGE: u8 = 2;
const AUTH: u8 = 3;
const NOT_FOUND: u8 = 4;
const CONFLICT: u8 = 5;
const NETWORK: u8 = 6;
/// What a shell says of a program that Ctrl-C has ended.
const INTERRUPTED: u8 = 130;

/// A longer wait is told in minutes, and one longer than `SECONDS_AS_MINUTES` in hours.
const SECONDS: u64 = 120;
const SECONDS_AS_MINUTES: u64 = 2 * 3600;

impl Fault {
    fn new(exit: u8, text: impl Into<String>) -> Fault {
        Fault {
            exit,
            text: without_numbers(text.into()),
            ended: false,
        }
    }

    /// What happened, in a line.
    pub(crate) fn text(&self) -> &str {
        &self.text
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

    /// The person stopped the command with Ctrl-C.
    pub(crate) fn interrupted() -> Fault {
        Fault::new(INTERRUPTED, "interrupted; nothing was done")
    }

    /// There is no session.
    pub(crate) fn signed_out(why: &str) -> Fault {
        Fault::new(
            AUTH,
            format!("{why}; sign in with `tw login`, or create an account with `tw signup`"),
        )
    }

    /// There was a session, and the server does not accept it any more.
    fn session_over(why: &str) -> Fault {
        Fault {
            exit: AUTH,
            text: format!("not signed in: {}; `tw login` signs in", bare(why)),
            ended: true,
        }
    }

    pub(crate) fn unreachable(url: Option<&str>, why: &Disconnected) -> Fault {
        let at = url.map(|url| format!(" at {url}")).unwrap_or_default();
        let text = match why {
            Disconnected::NoToken(TokenError::Unkept(why)) => return Fault::other(why),
            Disconnected::Refused(failure) => return refused(failure),
            Disconnected::NoToken(TokenError::Later { message, wait }) => {
                let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                unavailable(message, Some(wait))
            }
            Disconnected::Closed { reason, .. } => {
                let reason = if reason.is_empty() {
                    "no reason"
                } else {
                    bare(reason)
                };
                format!("the server{at} answers, but closes the connection ({reason}); try again")
            }
            Disconnected::TimedOut(_) => format!(
                "the server{at} cannot be reached ({why}); is it running, and is --server right? --wait waits longer"
            ),
            Disconnected::NoToken(TokenError::Unavailable(why)) => {
                format!("the server{at} cannot be reached ({why}); is it running, and is --server right?")
            }
            why => format!("the server{at} cannot be reached ({why}); is it running, and is --server right?"),
        };
        Fault::new(NETWORK, text)
    }

    /// The server was connected, and then said nothing more.
    pub(crate) fn silent(url: &str) -> Fault {
        Fault::new(
            NETWORK,
            format!(
                "the server at {url} does not answer any more; before you try again, look at what was done. --wait waits longer"
            ),
        )
    }

    /// Whether the session had ended when the command asked the server.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    /// The same fault with a further hint.
    pub(crate) fn with_hint(mut self, hint: &str) -> Fault {
        self.text = format!("{}; {hint}", bare(&self.text));
        self
    }

    /// Prints the error and returns the exit code of the process.
    pub(crate) fn report(&self) -> ExitCode {
        if self.exit != QUIET {
            terminal::note(&format!("tw: {}", self.text));
        }
        ExitCode::from(self.exit)
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
            Stopped::SignedOut(why) => Fault::session_over(&why),
            Stopped::Revoked(_) => Fault::session_over("the server ended this session"),
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

/// The text without the numbers that a system gives its errors: the words in front of them say the same.
pub(crate) fn without_numbers(mut text: String) -> String {
    const BEGIN: &str = " (os error ";
    while let Some(begin) = text.find(BEGIN) {
        let rest = &text[begin + BEGIN.len()..];
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 || !rest[digits..].starts_with(')') {
            return text;
        }
        text.replace_range(begin..=begin + BEGIN.len() + digits, "");
    }
    text
}

fn refused(failure: &Failure) -> Fault {
    match failure.code {
        ErrorCode::TokenExpired | ErrorCode::TokenRevoked => Fault::session_over(&failure.message),
        ErrorCode::AuthRequired | ErrorCode::InvalidToken => Fault {
            ended: false,
            ..Fault::session_over(&failure.message)
        },
        ErrorCode::Unavailable => Fault::new(NETWORK, unavailable(&failure.message, failure.retry_after_ms)),
        ErrorCode::InvalidCredentials
        | ErrorCode::Forbidden
        | ErrorCode::EmailNotVerified
        | ErrorCode::AccountInactive
        | ErrorCode::AccountLocked => Fault::new(AUTH, advised(failure)),
        ErrorCode::NotFound => Fault::new(NOT_FOUND, advised(failure)),
        ErrorCode::Conflict | ErrorCode::VersionConflict | ErrorCode::NotDeleted => {
            Fault::new(CONFLICT, advised(failure))
        }
        _ => Fault::other(advised(failure)),
    }
}

/// What the server says, and what to do next.
fn advised(failure: &Failure) -> String {
    let message = &failure.message;
    let hint = match failure.code {
        ErrorCode::VersionConflict => "look at the task with `tw show` and try again",
        ErrorCode::NotFound => "`tw ls --workspace all` and `tw workspaces` list what exists",
        ErrorCode::NotDeleted => "nothing was restored",
        ErrorCode::StorageFull => "the server's disk is full",
        ErrorCode::InternalError => {
            let request = &failure.request_id;
            return format!(
                "{message} (request_id {request}); the server's log has details under this request_id"
            );
        }
        ErrorCode::EmailNotVerified => "the mail has a code for `tw verify CODE --email ADDRESS`",
        ErrorCode::InvalidCredentials => match failure.field.as_deref() {
            Some("current_password" | "password") => return "the current password is wrong".to_owned(),
            _ => "check both. `tw signup` makes an account, `tw reset` sets another password",
        },
        _ if failure.retryable => return again(message, failure.retry_after_ms),
        _ => return message.clone(),
    };
    format!("{message}; {hint}")
}

/// The server answers, but cannot do its work at the moment.
fn unavailable(message: &str, wait_ms: Option<u64>) -> String {
    if bare(message).starts_with("the database") {
        return again("the server answers, but its database is away", wait_ms);
    }
    again(message, wait_ms)
}

/// The message with one hint about another attempt. An outcome that is unknown has its own advice.
fn again(message: &str, wait_ms: Option<u64>) -> String {
    if message.contains("outcome is unknown") {
        return message.to_owned();
    }
    let wait = match wait_ms.map(|wait| wait.div_ceil(1000)) {
        None | Some(0) => String::new(),
        Some(seconds) if seconds <= SECONDS => format!(" in {seconds} s"),
        Some(seconds) if seconds <= SECONDS_AS_MINUTES => format!(" in {} minutes", seconds.div_ceil(60)),
        Some(seconds) => format!(" in {} hours", seconds.div_ceil(3600)),
    };
    format!("{}; try again{wait}", bare(message))
}

/// A message of the server without the advice at its end to try or sign in again: `tw` has its own.
pub(crate) fn bare(message: &str) -> &str {
    let is_advice = |end: &str| {
        let beginnings = [
            "try again",
            "wait before you try again",
            "wait and send it again",
            "ask for a new one",
        ];
        end.ends_with("sign in again") || beginnings.iter().any(|beginning| end.starts_with(beginning))
    };
    match message.rsplit_once("; ") {
        Some((said, end)) if is_advice(end) => said,
        _ => message,
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
        assert_eq!(exit(ErrorCode::Unavailable), 6);
        assert_eq!(Fault::from(CallError::Interrupted).exit(), 6);
        assert_eq!(Fault::from(io::Error::from(io::ErrorKind::BrokenPipe)).exit(), 0);
    }

    #[test]
    fn the_number_of_a_systems_error_is_not_told() {
        for (text, told) in [
            (
                "no (Connection refused (os error 111)); is it?",
                "no (Connection refused); is it?",
            ),
            ("a (os error 2) at b (os error 13)", "a at b"),
            ("a (os error x)", "a (os error x)"),
        ] {
            assert_eq!(Fault::other(text).text(), told);
        }
    }

    #[test]
    fn a_refusal_says_once_when_to_try_again() {
        let failure = Failure::new(ErrorCode::RateLimited, "too many requests").after(1500);
        assert_eq!(refused(&failure).text, "too many requests; try again in 2 s");
        for (said, wait_ms, expected) in [
            (
                "too many mails; try again later",
                3_599_000,
                "too many mails; try again in 60 minutes",
            ),
            (
                "locked; wait before you try again",
                86_400_000,
                "locked; try again in 24 hours",
            ),
        ] {
            let failure = Failure::new(ErrorCode::RateLimited, said).after(wait_ms);
            assert_eq!(refused(&failure).text, expected);
        }
        let away = "the database is unavailable at the moment; try again";
        assert_eq!(
            refused(&Failure::new(ErrorCode::Unavailable, away)).text,
            "the server answers, but its database is away; try again"
        );
    }

    #[test]
    fn a_session_that_ended_is_told_with_one_hint() {
        let fault = Fault::from(Stopped::SignedOut(
            "the session has ended; sign in again".to_owned(),
        ));
        assert_eq!(
            (fault.text.as_str(), fault.has_ended()),
            ("not signed in: the session has ended; `tw login` signs in", true)
        );
    }

    #[test]
    fn a_wrong_current_password_is_named() {
        let failure = Failure::new(ErrorCode::InvalidCredentials, "e-mail or password is wrong");
        assert!(refused(&failure).text.contains("`tw reset`"));
        for field in ["current_password", "password"] {
            assert_eq!(
                refused(&failure.clone().at(field)).text,
                "the current password is wrong"
            );
        }
    }
}
