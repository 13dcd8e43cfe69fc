//! WebSockets, from the upgrade to the close frame, and server-sent events: one task for each. `follow` decides who reads
//! which streams; this module transports frames. A reader of events is a socket from which no request comes: what
//! delivers, limits, tells and closes is the same, and only `transport` knows which of them it has.
//!
//! - `upgrade`     the HTTP request that becomes a socket, and the reasons to refuse it
//! - `events`      the same for a stream of events; `position` is where it continues
//! - `connection`  the loop of a socket's task: deliver, answer, flush once, read
//! - `hearing`     reads the client's messages, which are `heard`; `delivering` sends events and answers
//! - `incoming`    checks a text frame: its limits, its shape, its place in the order
//! - `requests`    the requests under way: in order, mutations pipelined
//! - `session`     starts a request; `settling` does what the socket itself must do after it, `settled` names it
//! - `deadlines`   acts on deadlines; `pulse` knows when one is due, `pace` counts requests and violations
//! - `transport`   what is queued, and close: `websocket` frames it, `event_stream` makes events of it; `pipe` the bytes
//!   below, `frames` the close code in them, `spare` memory for them
//! - `unknown`     what a client may send before it is authenticated; `long` the place of a long message
//! - `answers`     queues answers and counts them
//!
//! What is rare (sign-in, work under way, timers) is boxed: an idle socket takes a few hundred bytes and its read
//! buffer. Does not know the store.

mod answers;
mod connection;
mod deadlines;
mod delivering;
mod event_stream;
mod events;
mod frames;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod heard;
mod hearing;
mod incoming;
mod long;
mod pace;
mod pipe;
mod position;
mod pulse;
mod requests;
mod session;
mod settled;
mod settling;
mod spare;
mod transport;
mod unknown;
mod upgrade;
mod websocket;

pub use events::events;
#[cfg(target_os = "linux")]
pub use upgrade::upgrade;

#[cfg(test)]
mod tests;
