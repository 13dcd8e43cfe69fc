//! A TCP connection. A run has thousands: all of them read through one buffer of their thread, so each needs very
//! little memory. Knows the HTTP upgrade, but not the framing.

use crate::trouble::Trouble;
use crate::websocket;
use std::cell::RefCell;
use std::future::poll_fn;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};

/// A single answer that takes longer than this ends the run.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// Sockets from one source address. It has about 28,000 local ports, and finding a free one takes longer and longer.
const SOCKETS_PER_ADDRESS: usize = 10_000;
/// The longest head of an answer to an upgrade that is accepted.
const HEAD_BYTES: usize = 16 << 10;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; 64 << 10]);
}

/// A connection to a server.
pub(crate) struct Connection(TcpStream);

/// The source address of the socket with this number. The first sockets use the default address; later ones use
/// `127.0.0.2` and the addresses after it.
fn source(number: usize, to: SocketAddr) -> Option<IpAddr> {
    let address = number / SOCKETS_PER_ADDRESS;
    (address > 0 && to.ip().is_loopback())
        .then(|| IpAddr::V4(Ipv4Addr::from(u32::from(Ipv4Addr::LOCALHOST) + address as u32)))
}

impl Connection {
    /// Connects, without delay of small writes. `number` counts the sockets of a run, from 0. A small `receive_buffer`
    /// in the kernel makes the server notice sooner that the reader is slow.
    pub(crate) async fn open(
        to: SocketAddr,
        number: usize,
        receive_buffer: Option<u32>,
    ) -> Result<Connection, Trouble> {
        let socket = if to.is_ipv4() {
            TcpSocket::new_v4()
        } else {
            TcpSocket::new_v6()
        }?;
        if let Some(address) = source(number, to) {
            socket.bind(SocketAddr::new(address, 0))?;
        }
        if let Some(bytes) = receive_buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        let stream = socket.connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Connection(stream))
    }

    /// Upgrades to a WebSocket and returns the bytes that followed the answer. `headers` are further lines of the
    /// request, each with its line end.
    pub(crate) async fn upgrade(
        &mut self,
        to: SocketAddr,
        path: &str,
        headers: &str,
    ) -> Result<Vec<u8>, Trouble> {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {to}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\n{headers}\r\n",
            websocket::UPGRADE_KEY
        );
        self.send(request.as_bytes()).await?;
        let mut head = Vec::with_capacity(512);
        let end = loop {
            if self.0.read_buf(&mut head).await? == 0 {
                return Err(Trouble::Ended);
            }
            if let Some(end) = memchr::memmem::find(&head, b"\r\n\r\n") {
                break end + 4;
            }
            if head.len() > HEAD_BYTES {
                return Err(Trouble::NotUpgraded("its head is longer than 16 KiB".into()));
            }
        };
        let text = String::from_utf8_lossy(&head[..end]);
        if !text.starts_with("HTTP/1.1 101") || !text.contains(websocket::UPGRADE_ACCEPT) {
            let status = text.lines().next().unwrap_or_default();
            return Err(Trouble::NotUpgraded(status.into()));
        }
        Ok(head.split_off(end))
    }

    /// Sends all of `bytes`.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        Ok(self.0.write_all(bytes).await?)
    }

    /// Sends as many bytes as the kernel accepts now, and returns their number.
    pub(crate) fn poll_send(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize, Trouble>> {
        Pin::new(&mut self.0).poll_write(cx, bytes).map_err(Trouble::from)
    }

    /// Waits until bytes arrive and passes at most `most` of them to `take`. Safe to cancel: all bytes that were read
    /// were passed on.
    pub(crate) async fn read<T>(
        &mut self,
        most: usize,
        mut take: impl FnMut(&[u8]) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        poll_fn(|cx| self.poll_read(cx, most, &mut take)).await
    }

    /// Polls like `read`, for a task that also waits for something else.
    pub(crate) fn poll_read<T>(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
        take: impl FnOnce(&[u8]) -> Result<T, Trouble>,
    ) -> Poll<Result<T, Trouble>> {
        BUFFER.with_borrow_mut(|buffer| {
            let room = buffer.len().min(most);
            let mut space = ReadBuf::new(&mut buffer[..room]);
            ready!(Pin::new(&mut self.0).poll_read(cx, &mut space))?;
            if space.filled().is_empty() {
                return Poll::Ready(Err(Trouble::Ended));
            }
            Poll::Ready(take(space.filled()))
        })
    }

    /// Sends a few bytes, such as pongs, now or not at all. If the kernel has no room for them, the server is not
    /// reading and will find the missing pong itself.
    pub(crate) fn reply(&self, bytes: &[u8]) -> Result<(), Trouble> {
        if bytes.is_empty() {
            return Ok(());
        }
        match self.0.try_write(bytes) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error.into()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_sockets_come_from_many_addresses() {
        let here = SocketAddr::from(([127, 0, 0, 1], 8080));
        assert_eq!(source(9_999, here), None);
        assert_eq!(source(10_000, here), Some([127, 0, 0, 2].into()));
        assert_eq!(source(30_000, here), Some([127, 0, 0, 4].into()));
        assert_eq!(source(30_000, SocketAddr::from(([192, 0, 2, 1], 8080))), None);
    }
}
