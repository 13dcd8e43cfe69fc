//! The peer that is loaded, and its processes. Does not know the peers' protocols.

use crate::processes::Processes;
use clap::{Args, ValueEnum};
use std::net::SocketAddr;

/// The kinds of server that this program can load.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum Peer {
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
    /// Whether the server stores an event and answers its writer when the event is durable.
    pub(super) fn stores(self) -> bool {
        matches!(self, Peer::Taskwire | Peer::Fastapi | Peer::Socketio)
    }

    /// Whether the writer is answered at all.
    pub(super) fn answers(self) -> bool {
        self != Peer::Limit
    }
}

/// A server that listens.
#[derive(Args, Clone, Debug)]
pub(super) struct Target {
    /// The kind of server
    #[arg(long)]
    pub(super) peer: Peer,
    /// Its column in the table [default: the peer's name]
    #[arg(long)]
    pub(super) column: Option<String>,
    /// The address on which it listens
    #[arg(long)]
    pub(super) address: SocketAddr,
    /// Its first process; the processes that it started count too
    #[arg(long)]
    pub(super) server: u32,
    /// PostgreSQL's first process
    #[arg(long)]
    pub(super) database: Option<u32>,
    /// Redis' process
    #[arg(long)]
    pub(super) redis: Option<u32>,
    /// The key for the tokens of peers that have no accounts, or the token itself
    #[arg(long, default_value = "")]
    pub(super) secret: String,
}

impl Target {
    /// The name of its column.
    pub(super) fn column(&self) -> String {
        let named = || Some(self.peer.to_possible_value()?.get_name().to_owned());
        self.column.clone().or_else(named).unwrap_or_default()
    }

    /// The processes of the server and its databases. Those that the server started count too.
    pub(super) fn processes(&self) -> Processes {
        Processes {
            server: Some(self.server),
            server_forks: true,
            postmaster: self.database,
            redis: self.redis,
        }
    }

    /// The server's memory in KiB. Memory that several of its processes share counts once.
    pub(super) fn memory(&self) -> f64 {
        let memory = self.processes().memory();
        memory.map_or(0.0, |memory| memory.proportional)
    }
}
