//! The WebSocket side: from the upgrade to the close frame, one task a socket.
//!
//! - `upgrade`     the HTTP request that becomes a socket, and why it may not; `admission` how many at a time
//! - `connection`  the loop of a socket's task: deliver, answer, flush once, hear
//! - `incoming`    what a text frame asks for: limits, shape, place in the order
//! - `requests`    requests on their way: in order, mutations pipelined
//! - `session`     what the socket carries out itself: signing in and out; `following` which streams it follows,
//!   `presence` where its user is said to be
//! - `welcome`     the answer to `auth`: which streams, from where
//! - `pulse`       deadlines: authentication, heartbeat, the token's end; `pace` limits and strikes
//! - `transport`   bytes, frames, close; `spare` memory for them; `answers` queues answers and counts them
//! - `registry`    all sockets of the node: counts, drain; `census` lists and kicks them
//!
//! What is rare (sign-in, work under way, timers) is boxed: an idle socket is a few hundred bytes and its read
//! buffer. Never sees the store.

mod admission;
mod answers;
mod census;
mod connection;
mod following;
mod incoming;
mod pace;
mod presence;
mod pulse;
mod registry;
mod requests;
mod session;
mod spare;
mod transport;
mod upgrade;
mod welcome;

pub use admission::Admission;
#[cfg(target_os = "linux")]
pub(crate) use pulse::SILENCE;
pub use registry::Registry;
pub use upgrade::upgrade;

#[cfg(test)]
mod tests;
