//! How the server answers. `socket` and `http` both use this module, so that neither depends on the other for it.
//!
//! - `frames`       reply frames as text: ok, error, welcome, pong, signal
//! - `refusal`      a failure as an HTTP answer: status, headers, body; for refused upgrades too
//! - `headers`      the headers of every answer
//! - `http_stream`  a connection on which invalid HTTP gets an error body of ours, and which a route may take over
//!
//! Knows no routes, no sockets and no sessions.

pub(crate) mod frames;
pub(crate) mod headers;
mod http_stream;
pub(crate) mod refusal;
mod taking;

pub use http_stream::{HttpStream, Line, RouteBody, Turn};
pub use refusal::Refusal;
