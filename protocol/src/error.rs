//! The closed set of error codes: their HTTP status, and whether a client should try again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Whether the same request may succeed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The request itself is at fault.
    No,
    /// Soon; a mutation with its `op_id`.
    Yes,
    /// After `retry_after_ms`.
    After,
}

macro_rules! error_codes {
    ($( #[doc = $doc:literal] $name:ident $wire:literal $status:literal $retry:ident; )*) => {
        /// What went wrong, as a closed set.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum ErrorCode { $( #[doc = $doc] #[serde(rename = $wire)] $name, )* }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &[ErrorCode] = &[ $( ErrorCode::$name, )* ];

            /// The code on the wire.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $( ErrorCode::$name => $wire, )* }
            }

            /// The status on HTTP (RFC 9110, section 15).
            #[must_use]
            pub fn status(self) -> u16 {
                match self { $( ErrorCode::$name => $status, )* }
            }

            /// Whether trying again makes sense.
            #[must_use]
            pub fn retry(self) -> Retry {
                match self { $( ErrorCode::$name => Retry::$retry, )* }
            }

            /// What it means, for the reference.
            #[must_use]
            pub fn doc(self) -> &'static str {
                match self { $( ErrorCode::$name => $doc.trim_ascii(), )* }
            }
        }
    };
}

error_codes! {
    /// Not JSON, not an object, no string `type`, or nested too deep.
    BadFrame "BAD_FRAME" 400 No;
    /// No operation has this `type`.
    UnknownType "UNKNOWN_TYPE" 400 No;
    /// The socket or request is not authenticated.
    AuthRequired "AUTH_REQUIRED" 401 No;
    /// The token is not one of ours, or is of the wrong kind.
    InvalidToken "INVALID_TOKEN" 401 No;
    /// The token was valid once.
    TokenExpired "TOKEN_EXPIRED" 401 No;
    /// The token's session has ended.
    TokenRevoked "TOKEN_REVOKED" 401 No;
    /// E-mail and password do not match an account.
    InvalidCredentials "INVALID_CREDENTIALS" 401 No;
    /// The caller's role is too low.
    Forbidden "FORBIDDEN" 403 No;
    /// The plan does not allow more.
    PlanLimit "PLAN_LIMIT" 403 No;
    /// The address has to be verified first.
    EmailNotVerified "EMAIL_NOT_VERIFIED" 403 No;
    /// The account is deactivated.
    AccountInactive "ACCOUNT_INACTIVE" 403 No;
    /// It does not exist, or the caller may not know that it does.
    NotFound "NOT_FOUND" 404 No;
    /// The path has no such method.
    MethodNotAllowed "METHOD_NOT_ALLOWED" 405 No;
    /// The state does not allow it, or somebody took it first.
    Conflict "CONFLICT" 409 No;
    /// `if_version` is stale; `context.current` has the entity.
    VersionConflict "VERSION_CONFLICT" 409 No;
    /// The task is not deleted.
    NotDeleted "NOT_DELETED" 409 No;
    /// More bytes than allowed.
    PayloadTooLarge "PAYLOAD_TOO_LARGE" 413 No;
    /// The media type is not supported.
    UnsupportedMedia "UNSUPPORTED_MEDIA" 415 No;
    /// A value is missing or wrong; `field` names it.
    ValidationError "VALIDATION_ERROR" 422 No;
    /// Too many failed sign-ins.
    AccountLocked "ACCOUNT_LOCKED" 423 After;
    /// Too many requests.
    RateLimited "RATE_LIMITED" 429 After;
    /// A fault of the server; the log has it under `request_id`.
    InternalError "INTERNAL_ERROR" 500 Yes;
    /// The database or the server is not available just now.
    Unavailable "UNAVAILABLE" 503 Yes;
    /// It took too long.
    Timeout "TIMEOUT" 503 Yes;
    /// The disk is full.
    StorageFull "STORAGE_FULL" 507 Yes;
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
