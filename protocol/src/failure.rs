//! An error on the wire. More detail goes to the server's log.

use crate::{ErrorCode, Retry};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;

/// Characters of a field's name in an error, at most; what follows is `…`. A client reads its own name, and need not get a
/// megabyte of it back.
const FIELD: usize = 200;
/// The same for a message, of which the beginning and the end stay.
const MESSAGE: usize = 1000;
/// Characters of the end of a message that stay: serde says there what it expects.
const END: usize = 500;

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
    /// An error that has no `request_id` yet. The code decides whether it is retryable. Of a message above 1000 characters
    /// the middle is left out.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Failure {
        Failure {
            code,
            message: without_its_middle(message.into()),
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

    /// Names the field at fault. Of a name above 200 characters the beginning stays.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Failure {
        let field = field.into();
        self.field = Some(if field.len() <= FIELD {
            field
        } else {
            abridged(&field).into_owned()
        });
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

/// The beginning of a name that is too long for an error.
pub(crate) fn abridged(name: &str) -> Cow<'_, str> {
    match name.char_indices().nth(FIELD) {
        None => Cow::Borrowed(name),
        Some((end, _)) => Cow::Owned(format!("{}…", &name[..end])),
    }
}

fn without_its_middle(message: String) -> String {
    if message.len() <= MESSAGE || message.char_indices().nth(MESSAGE).is_none() {
        return message;
    }
    let begin = message
        .char_indices()
        .nth(MESSAGE - END - 1)
        .map_or(0, |(at, _)| at);
    let end = message.char_indices().nth_back(END - 1).map_or(0, |(at, _)| at);
    format!("{}…{}", &message[..begin], &message[end..])
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_keeps_its_beginning_and_its_end() {
        let long = format!("begin {} end", "é".repeat(5000));
        let message = Failure::new(ErrorCode::Conflict, long).message;
        assert_eq!(message.chars().count(), MESSAGE);
        assert!(message.starts_with("begin é") && message.contains('…') && message.ends_with("é end"));
        for short in [String::new(), "é".repeat(MESSAGE)] {
            assert_eq!(Failure::new(ErrorCode::Conflict, short.clone()).message, short);
        }
        let failure = Failure::invalid("日".repeat(FIELD + 1), "too long");
        assert_eq!(failure.field, Some(format!("{}…", "日".repeat(FIELD))));
    }
}
