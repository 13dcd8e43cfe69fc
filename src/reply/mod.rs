//! How the server answers, below its two doors: `socket` and `http` both use these, and neither names the other for it.
//!
//! - `frames`       reply frames as text: ok, error, welcome, pong, signal
//! - `refusal`      a failure as an HTTP answer: status, headers, body; also of an upgrade that is refused
//! - `headers`      the headers of every answer
//! - `http_stream`  a connection whose unreadable requests are answered in our shape too
//!
//! Knows no routes, no sockets and no sessions.

pub(crate) mod frames;
pub(crate) mod headers;
mod http_stream;
pub(crate) mod refusal;

pub use http_stream::HttpStream;
pub use refusal::Refusal;
