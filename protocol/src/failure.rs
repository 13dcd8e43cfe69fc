//! An error on the wire. More detail goes to the server's log.

use crate::{ErrorCode, Retry};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// An error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// The error code.
    pub code: ErrorCode,
    /// A text for people; it may change.
    pub message: String,
    /// The parameter at fault, like `title` or `ops[1].data.title`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// More data for programs, like the current entity of a `VERSION_CONFLICT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Value>,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// How many milliseconds to wait before the next try.
    #[serde(default)]
    pub retry_after_ms: Option<u64>,
    /// Identifies this answer in the server's log.
    #[serde(default)]
    pub request_id: String,
}

impl Failure {
    /// An error that has no `request_id` yet. The code decides whether it is retryable.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Failure {
        Failure {
            code,
            message: message.into(),
            field: None,
            context: None,
            retryable: code.retry() != Retry::No,
            retry_after_ms: None,
            request_id: String::new(),
        }
    }

    /// A `VALIDATION_ERROR` of one field.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Failure {
        Failure::new(ErrorCode::ValidationError, message).at(field)
    }

    /// Names the field at fault.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Failure {
        self.field = Some(field.into());
        self
    }

    /// Adds context for programs.
    #[must_use]
    pub fn with(mut self, context: Value) -> Failure {
        self.context = Some(context);
        self
    }

    /// Sets `retry_after_ms`.
    #[must_use]
    pub fn after(mut self, milliseconds: u64) -> Failure {
        self.retry_after_ms = Some(milliseconds);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Failure {}
