//! The closed set of error codes: the HTTP status of each, and whether a client should try again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Whether the same request may succeed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// No: the request itself is wrong.
    No,
    /// Yes, soon; send a mutation again with the same `op_id`.
    Yes,
    /// Yes, after `retry_after_ms`.
    After,
}

macro_rules! error_codes {
    ($( #[doc = $doc:literal] $name:ident $wire:literal $status:literal $retry:ident; )*) => {
        /// An error code.
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
    /// The frame is not JSON, not an object, without a string `type`, or nested too deep.
    BadFrame "BAD_FRAME" 400 No;
    /// No operation has this `type`.
    UnknownType "UNKNOWN_TYPE" 400 No;
    /// The socket or request is not authenticated.
    AuthRequired "AUTH_REQUIRED" 401 No;
    /// The server did not issue the token, or it is of the wrong kind.
    InvalidToken "INVALID_TOKEN" 401 No;
    /// The token has expired.
    TokenExpired "TOKEN_EXPIRED" 401 No;
    /// The token's session has ended.
    TokenRevoked "TOKEN_REVOKED" 401 No;
    /// E-mail and password do not match an account.
    InvalidCredentials "INVALID_CREDENTIALS" 401 No;
    /// The caller's role is too low.
    Forbidden "FORBIDDEN" 403 No;
    /// The plan's limit is reached.
    PlanLimit "PLAN_LIMIT" 403 No;
    /// The e-mail address must be verified first.
    EmailNotVerified "EMAIL_NOT_VERIFIED" 403 No;
    /// The account is deactivated.
    AccountInactive "ACCOUNT_INACTIVE" 403 No;
    /// It does not exist, or the caller may not see it.
    NotFound "NOT_FOUND" 404 No;
    /// The path does not support the HTTP method.
    MethodNotAllowed "METHOD_NOT_ALLOWED" 405 No;
    /// The current state does not allow it, or the name or id is taken.
    Conflict "CONFLICT" 409 No;
    /// `if_version` is stale; `context.current` has the entity.
    VersionConflict "VERSION_CONFLICT" 409 No;
    /// The task is not deleted.
    NotDeleted "NOT_DELETED" 409 No;
    /// The request is larger than allowed.
    PayloadTooLarge "PAYLOAD_TOO_LARGE" 413 No;
    /// The media type is not supported.
    UnsupportedMedia "UNSUPPORTED_MEDIA" 415 No;
    /// A value is missing or invalid; `field` names it.
    ValidationError "VALIDATION_ERROR" 422 No;
    /// Too many failed sign-ins.
    AccountLocked "ACCOUNT_LOCKED" 423 After;
    /// Too many requests.
    RateLimited "RATE_LIMITED" 429 After;
    /// An error of the server; its log has the details under `request_id`.
    InternalError "INTERNAL_ERROR" 500 Yes;
    /// The database or the server is temporarily unavailable.
    Unavailable "UNAVAILABLE" 503 Yes;
    /// The request took too long.
    Timeout "TIMEOUT" 503 Yes;
    /// The disk is full.
    StorageFull "STORAGE_FULL" 507 Yes;
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
