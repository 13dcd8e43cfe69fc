//! The frames: one JSON object in each text frame. Does not know what any operation means.

mod actor;
mod request;
mod server;
mod welcome;

pub use actor::Actor;
pub use request::{NotARequest, RequestFrame, RequestId, too_deep};
pub use server::{EventFrame, Goodbye, ServerFrame, SessionExpiring};
pub use welcome::{Limits, ServerInfo, SessionInfo, StreamState, StreamWorkspace, Welcome};
