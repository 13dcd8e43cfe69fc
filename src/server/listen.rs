//! Opens and tunes the listening socket, and raises the limit of open files. Does not accept connections.

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::TcpListener;

use super::StartError;
use crate::config::{Listen, Settings};
use crate::uptake;

/// The most connections that wait to be accepted. After a restart all clients of a node reconnect at once.
const BACKLOG: i32 = 4096;
/// Bytes that the kernel buffers for a slow reader. Linux doubles this number.
const SEND_BUFFER: usize = 64 * 1024;
/// The most open files that a node asks for.
const FILES: u64 = 1 << 20;

/// Listens on an address, which the setting with this name has.
pub(super) async fn at(place: &Listen, setting: &'static str) -> Result<TcpListener, StartError> {
    let failed = |error| StartError::Listen {
        address: place.to_string(),
        error,
        setting,
    };
    let addresses = tokio::net::lookup_host(place.host_and_port())
        .await
        .map_err(failed)?;
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match listen(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(failed(last))
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // lets a restarted node bind its port while old connections are still closing
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Sets what connections inherit from their listener.
pub(super) fn tune(listener: &TcpListener, settings: &Settings) {
    if let Err(error) = SockRef::from(listener).set_send_buffer_size(SEND_BUFFER) {
        tracing::warn!(error.message = %error, "cannot set the send buffer's size; the system's default is used");
    }
    // without it a small frame waits until the peer acknowledges the previous one
    if let Err(error) = SockRef::from(listener).set_tcp_nodelay(true) {
        tracing::warn!(error.message = %error, "cannot set TCP_NODELAY; small frames may be late");
    }
    if !uptake::is_told(listener) {
        bound_silence(listener, settings);
    }
}

/// Lets the kernel end the connections of dead peers, because it does not tell a node what peers have acknowledged. It
/// takes a peer whose window stays small for a dead one, so this is only the second choice.
fn bound_silence(listener: &TcpListener, settings: &Settings) {
    tracing::warn!(
        "the system does not tell what peers have received (netlink sock_diag, in a service AF_NETLINK); a very slow \
         reader may be taken for dead"
    );
    #[cfg(target_os = "linux")]
    if let Err(error) =
        SockRef::from(listener).set_tcp_user_timeout(Some(settings.heartbeat + uptake::SILENCE))
    {
        tracing::warn!(error.message = %error, "cannot set TCP_USER_TIMEOUT; connections of dead peers may stay longer");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (listener, settings);
}

/// Raises the limit of open files as far as the system allows, because every socket is an open file.
pub(super) fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let wished = limit.maximum.map_or(FILES, |most| most.min(FILES));
    if limit.current.is_some_and(|current| current < wished) {
        let raised = Rlimit {
            current: Some(wished),
            maximum: limit.maximum,
        };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::warn!(error.message = %error, "cannot raise the limit of open files; fewer sockets are possible");
        }
    }
}
