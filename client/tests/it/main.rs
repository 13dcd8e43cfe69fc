//! The client against a server that follows a script: it answers what a test tells it to, and cuts connections.
//!
//! Most tests run in memory under paused time, so that waits of minutes take no time; the refresh over HTTP runs through
//! real sockets. `tw/tests` uses the same scripted server.

mod calls;
mod chaos;
mod events;
mod follower;
mod http;
mod reconnect;
mod support;
mod tokens;
