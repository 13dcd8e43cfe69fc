//! A network in memory: clients dial into it, and a test accepts their connections or refuses them.

use super::peer::{Failed, Peer, soon};
use serde_json::Value;
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};
use taskwire_client::{Boxed, Dial, Transport};
use tokio::{io::DuplexStream, sync::mpsc};

/// Where clients of a test dial: into memory.
#[derive(Clone)]
pub(crate) struct Wire {
    servers: mpsc::Sender<DuplexStream>,
    down: Arc<AtomicBool>,
    buffer: usize,
}

impl Dial for Wire {
    fn dial<'a>(&'a self, _: &'a str, _: u16) -> Boxed<'a, io::Result<Box<dyn Transport>>> {
        Box::pin(async move {
            if self.down.load(Relaxed) {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let (ours, theirs) = tokio::io::duplex(self.buffer);
            let sent = self.servers.send(theirs).await;
            sent.map_err(|_| io::Error::from(io::ErrorKind::ConnectionRefused))?;
            Ok(Box::new(ours) as Box<dyn Transport>)
        })
    }
}

/// The other end of a [`Wire`].
pub(crate) struct Server {
    incoming: mpsc::Receiver<DuplexStream>,
    down: Arc<AtomicBool>,
}

/// A network whose connections buffer this many bytes in each direction.
pub(crate) fn network(buffer: usize) -> (Wire, Server) {
    let (servers, incoming) = mpsc::channel(16);
    let down = Arc::new(AtomicBool::new(false));
    let wire = Wire {
        servers,
        down: down.clone(),
        buffer,
    };
    (wire, Server { incoming, down })
}

impl Server {
    /// Refuses connections while `down` is true.
    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Relaxed);
    }

    /// The next connection, after the handshake.
    pub(crate) async fn accept(&mut self) -> Result<Peer<DuplexStream>, Failed> {
        let stream = soon("a connection", self.incoming.recv()).await?;
        Peer::accept(stream.ok_or("the client is gone")?).await
    }

    /// Accepts the next connection and answers its `auth` with this welcome. Also returns the data of `auth`.
    pub(crate) async fn welcome(&mut self, welcome: &Value) -> Result<(Peer<DuplexStream>, Value), Failed> {
        let mut peer = self.accept().await?;
        let auth = peer.welcome(welcome).await?;
        Ok((peer, auth))
    }
}
