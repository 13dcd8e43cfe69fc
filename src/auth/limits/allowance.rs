//! What a window has left, and the failure when nothing is.

use serde_json::json;
use taskwire_protocol::{ErrorCode, Failure};

use super::Limit;

/// The state of a window, for the `X-RateLimit-*` headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Allowed in any window.
    pub limit: u32,
    /// How many more are allowed now.
    pub remaining: u32,
    /// Seconds until the oldest one leaves the window, rounded up.
    pub reset_seconds: u64,
    /// Set if this one is refused: the milliseconds after which the next one passes.
    pub retry_after_ms: Option<u64>,
}

impl Allowance {
    /// The state of a window with `used` ones, of which the oldest leaves after `left_ms`.
    pub(super) fn of(limit: u32, used: u32, left_ms: u64, allowed: bool) -> Allowance {
        Allowance {
            limit,
            remaining: limit.saturating_sub(used),
            reset_seconds: left_ms.div_ceil(1000),
            retry_after_ms: (!allowed).then_some(left_ms.max(1)),
        }
    }

    /// What is left by both of two counts.
    pub(super) fn and(self, other: Allowance) -> Allowance {
        Allowance {
            limit: self.limit,
            remaining: self.remaining.min(other.remaining),
            reset_seconds: self.reset_seconds.max(other.reset_seconds),
            retry_after_ms: self.retry_after_ms.max(other.retry_after_ms),
        }
    }

    /// The failure to answer with, if this one is refused.
    pub fn refusal(&self, limit: Limit) -> Option<Failure> {
        let retry_after_ms = self.retry_after_ms?;
        metrics::counter!("taskwire_limited_total", "limit" => limit.name()).increment(1);
        Some(refused(limit.name(), limit.what(), self.limit, retry_after_ms))
    }
}

/// `RATE_LIMITED`; its context has the number, for programs and for the `X-RateLimit-*` headers, and the limit's name.
pub(super) fn refused(name: &str, what: &str, number: u32, retry_after_ms: u64) -> Failure {
    let message = format!("too many {what}; try again later");
    let mut failure = Failure::new(ErrorCode::RateLimited, message).after(retry_after_ms);
    failure.context = Some(json!({ "limit": number, "of": name }));
    failure
}
