//! Opens the byte stream to the server. TLS and the WebSocket handshake happen on top of it, in `door`.

use crate::Boxed;
use std::io;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

/// A byte stream in both directions.
pub trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// How the client opens a byte stream to the server. A program implements this to use a tunnel, a proxy or a pipe in
/// memory. TLS and the WebSocket handshake happen on top of it.
pub trait Dial: Send + Sync + 'static {
    /// Opens a stream to this host and port.
    fn dial<'a>(&'a self, host: &'a str, port: u16) -> Boxed<'a, io::Result<Box<dyn Transport>>>;
}

/// Plain TCP, with `TCP_NODELAY`: small frames leave at once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tcp;

impl Dial for Tcp {
    fn dial<'a>(&'a self, host: &'a str, port: u16) -> Boxed<'a, io::Result<Box<dyn Transport>>> {
        Box::pin(async move {
            let stream = TcpStream::connect((host, port)).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn Transport>)
        })
    }
}
