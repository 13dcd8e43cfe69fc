//! The WebSocket side: from the upgrade to the close frame, one task a socket. Who reads which streams is in `follow`;
//! here is how that travels.
//!
//! - `upgrade`     the HTTP request that becomes a socket, and why it may not
//! - `connection`  the loop of a socket's task: deliver, answer, flush once, hear
//! - `hearing`     when the client is read, and what its messages do; `delivering` events and answers on their way out
//! - `incoming`    what a text frame asks for: limits, shape, place in the order
//! - `requests`    requests on their way: in order, mutations pipelined
//! - `session`     how a request is begun; `settling` what the socket itself does when it is done
//! - `deadlines`   what the socket does on its own; `pulse` when it is due, `pace` limits and strikes
//! - `transport`   frames and close; `pipe` the bytes below, `spare` memory for them
//! - `answers`     queues answers and counts them
//!
//! What is rare (sign-in, work under way, timers) is boxed: an idle socket is a few hundred bytes and its read
//! buffer. Never sees the store.

mod answers;
mod connection;
mod deadlines;
mod delivering;
mod hearing;
mod incoming;
mod pace;
mod pipe;
mod pulse;
mod requests;
mod session;
mod settling;
mod spare;
mod transport;
mod upgrade;

#[cfg(target_os = "linux")]
pub(crate) use pulse::SILENCE;
pub use upgrade::upgrade;

#[cfg(test)]
mod tests;
