//! The line in the log about a sign-in that was refused: an operator sees who cannot get in, and who guesses passwords.
//! E-mail addresses and the addresses of clients are masked. Does not decide what is refused. `engine/audit` has the
//! lines about what was done.

use crate::domain::{account, network};
use crate::engine::Sender;
use std::net::IpAddr;
use std::sync::Arc;
use taskwire_protocol::{ErrorCode, Failure};

/// A sign-in, as the log shows it.
#[derive(Debug)]
pub struct Attempt {
    operation: &'static str,
    email: Option<String>,
    address: Option<IpAddr>,
    request_id: Option<Arc<str>>,
}

impl Attempt {
    /// An attempt to sign in with this e-mail address.
    pub(super) fn of(operation: &'static str, email: Option<&str>, sender: &Sender) -> Attempt {
        Attempt {
            operation,
            email: email.map(masked_email),
            address: sender.origin.address,
            request_id: sender.request_id.clone(),
        }
    }

    /// An attempt to sign in with a token on a connection from this address.
    pub fn by_token(address: Option<IpAddr>) -> Attempt {
        Attempt {
            operation: "auth",
            email: None,
            address,
            request_id: None,
        }
    }

    /// Logs the refusal, unless the sign-in failed for another reason, such as a database that is away.
    pub fn refused(&self, failure: &Failure) {
        if !is_refusal(failure.code) {
            return;
        }
        tracing::info!(
            target: "taskwire::sign_in",
            {
                op.name = self.operation,
                error.code = failure.code.as_str(),
                email = self.email.as_deref(),
                address = self.address.map(network::masked),
                request.id = self.request_id.as_deref(),
            },
            "a sign-in was refused"
        );
    }
}

/// An access token that has expired is not among them: a client that was away sends one, and then refreshes it.
fn is_refusal(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::InvalidCredentials
            | ErrorCode::InvalidToken
            | ErrorCode::TokenRevoked
            | ErrorCode::AccountInactive
            | ErrorCode::AccountLocked
            | ErrorCode::EmailNotVerified
    )
}

/// What is no address is not shown at all: people type passwords into the wrong field.
fn masked_email(given: &str) -> String {
    account::email(given).map_or_else(|_| "***".to_owned(), |email| account::masked(&email))
}

#[cfg(test)]
mod tests {
    use super::masked_email;

    #[test]
    fn a_password_in_the_field_of_the_address_is_not_shown() {
        for (given, shown) in [
            ("ada@example.com", "a***@example.com"),
            ("tea at half past four", "***"),
            ("p@ssw0rd!", "***"),
            ("", "***"),
        ] {
            assert_eq!(masked_email(given), shown, "{given}");
        }
    }
}
