//! The client against a server that follows a script: it answers what a test tells it to, and cuts connections.
//!
//! Most tests run in memory under paused time, so that waits of minutes take none; `tw` and the refresh over HTTP run
//! through real sockets.

mod calls;
mod chaos;
mod events;
mod follower;
mod reconnect;
mod support;
mod tokens;
mod tw;
