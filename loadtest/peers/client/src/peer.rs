//! Who is loaded, and where it and its databases run. Does not know how anybody is spoken to.

use crate::machine::{self, Spent, Usage};
use clap::{Args, ValueEnum};
use std::net::SocketAddr;

/// The kinds of server that this program can speak to.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Peer {
    /// Taskwire itself
    Taskwire,
    /// The FastAPI service of `loadtest/peers/fastapi`
    Fastapi,
    /// The Socket.IO service of `loadtest/peers/socketio`
    Socketio,
    /// nginx with nchan: WebSocket subscribers, an HTTP publisher
    Nchan,
    /// nats-server by its text protocol
    Nats,
    /// The bare writer of `loadtest limit`
    Limit,
}

impl Peer {
    /// Whether an event is a task that is stored, and its writer is answered when it is durable.
    pub(crate) fn stores(self) -> bool {
        matches!(self, Peer::Taskwire | Peer::Fastapi | Peer::Socketio)
    }

    /// Whether the writer is answered at all.
    pub(crate) fn answers(self) -> bool {
        self != Peer::Limit
    }
}

/// A server that listens.
#[derive(Args, Clone, Debug)]
pub(crate) struct Target {
    /// What it is
    #[arg(long)]
    pub(crate) peer: Peer,
    /// Its column in the table [default: the peer's name]
    #[arg(long)]
    pub(crate) column: Option<String>,
    /// Where it listens
    #[arg(long)]
    pub(crate) address: SocketAddr,
    /// Its first process; those that it started count too
    #[arg(long)]
    pub(crate) server: u32,
    /// PostgreSQL's first process
    #[arg(long)]
    pub(crate) database: Option<u32>,
    /// Redis' process
    #[arg(long)]
    pub(crate) redis: Option<u32>,
    /// The key of the tokens that peers without accounts of their own accept
    #[arg(long, default_value = "")]
    pub(crate) secret: String,
}

impl Target {
    /// The name of its column.
    pub(crate) fn column(&self) -> String {
        let named = || Some(self.peer.to_possible_value()?.get_name().to_owned());
        self.column.clone().or_else(named).unwrap_or_default()
    }

    /// CPU that everybody concerned has used so far.
    pub(crate) fn usage(&self) -> Usage {
        Usage::of(self.server, self.database, self.redis)
    }

    /// CPU since an earlier moment.
    pub(crate) fn spent(&self, earlier: &Usage) -> Spent {
        self.usage().since(earlier)
    }

    /// The server's memory in KiB, what several of its processes share counted once.
    pub(crate) fn memory(&self) -> f64 {
        machine::memory(self.server)
    }
}
