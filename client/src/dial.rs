//! How a connection to the server comes about: a byte stream, TLS on it, the WebSocket handshake.
//! Knows nothing of frames.

use crate::{Boxed, address::Address, config::Config, error::ConfigError, error::Disconnected};
use rustls::{ClientConfig, RootCertStore};
use std::{io, sync::Arc};
use taskwire_protocol::SUBPROTOCOL;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config,
    tungstenite::{
        self,
        client::IntoClientRequest as _,
        error::ProtocolError,
        http::{HeaderValue, header},
        protocol::WebSocketConfig,
    },
};

/// A snapshot's page is the largest thing that a server sends.
const MESSAGE_BYTES: usize = 32 << 20;
/// Large enough for a burst of events in one read, small enough to be forgotten.
const BUFFER_BYTES: usize = 16 << 10;

/// A byte stream in both directions.
pub trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// How a byte stream to the server comes about. A program brings its own to go through a tunnel or a proxy, or to
/// stay in memory; TLS and the WebSocket handshake happen on top of it.
pub trait Dial: Send + Sync + 'static {
    /// Reaches this host and port.
    fn dial<'a>(&'a self, host: &'a str, port: u16) -> Boxed<'a, io::Result<Box<dyn Transport>>>;
}

/// Reaches servers over TCP, without delay for small frames.
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

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<Box<dyn Transport>>>;

/// Opens sockets to one server.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) address: Address,
    dial: Arc<dyn Dial>,
    connector: Connector,
    agent: HeaderValue,
}

/// Why a socket did not open.
pub(crate) enum NotOpened {
    /// Worth another try.
    Unreachable(Disconnected),
    /// What answers is no Taskwire server, or one that refuses this client.
    NoServer(String),
}

impl Door {
    pub(crate) fn to(config: &Config) -> Result<Door, ConfigError> {
        let address = Address::parse(&config.url)?;
        let connector = if address.tls {
            Connector::Rustls(Arc::new(tls()?))
        } else {
            Connector::Plain
        };
        let agent = format!("{}/{}", config.name, config.version);
        Ok(Door {
            address,
            dial: config.dial.clone(),
            connector,
            agent: HeaderValue::from_str(&agent)
                .unwrap_or_else(|_| HeaderValue::from_static("taskwire-client")),
        })
    }

    pub(crate) async fn open(&self) -> Result<Socket, NotOpened> {
        let unreachable = |error: String| NotOpened::Unreachable(Disconnected::Unreachable(error));
        let stream = self
            .dial
            .dial(&self.address.host, self.address.port)
            .await
            .map_err(|error| unreachable(error.to_string()))?;
        let mut request = self
            .address
            .socket
            .as_str()
            .into_client_request()
            .map_err(|error| NotOpened::NoServer(error.to_string()))?;
        let headers = request.headers_mut();
        headers.insert(
            header::SEC_WEBSOCKET_PROTOCOL,
            HeaderValue::from_static(SUBPROTOCOL),
        );
        headers.insert(header::USER_AGENT, self.agent.clone());
        let limits = WebSocketConfig::default()
            .read_buffer_size(BUFFER_BYTES)
            .write_buffer_size(BUFFER_BYTES)
            .max_write_buffer_size(MESSAGE_BYTES)
            .max_message_size(Some(MESSAGE_BYTES))
            .max_frame_size(Some(MESSAGE_BYTES));
        let connector = Some(self.connector.clone());
        match client_async_tls_with_config(request, stream, Some(limits), connector).await {
            Ok((socket, _)) => Ok(socket),
            Err(error) => Err(judge(error)),
        }
    }
}

/// A status in between (overloaded, restarting) passes; a clear refusal does not.
fn judge(error: tungstenite::Error) -> NotOpened {
    match error {
        tungstenite::Error::Http(response) => {
            let status = response.status();
            let text = format!("HTTP status {status}");
            if status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429) {
                NotOpened::Unreachable(Disconnected::Unreachable(text))
            } else {
                NotOpened::NoServer(text)
            }
        }
        tungstenite::Error::Protocol(error) if !cut_short(&error) => NotOpened::NoServer(error.to_string()),
        error => NotOpened::Unreachable(Disconnected::Unreachable(error.to_string())),
    }
}

/// A server that stopped in the middle of the handshake has not answered wrongly.
fn cut_short(error: &ProtocolError) -> bool {
    matches!(
        error,
        ProtocolError::HandshakeIncomplete | ProtocolError::ResetWithoutClosingHandshake
    )
}

/// TLS with the roots that the machine trusts.
pub(crate) fn tls() -> Result<ClientConfig, ConfigError> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        return Err(ConfigError::Tls(
            "the machine has no root certificates (ca-certificates)".to_owned(),
        ));
    }
    trusting(roots)
}

/// For an HTTP client that will speak plain HTTP only.
pub(crate) fn trusting_nobody() -> Result<ClientConfig, ConfigError> {
    trusting(RootCertStore::empty())
}

fn trusting(roots: RootCertStore) -> Result<ClientConfig, ConfigError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ConfigError::Tls(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth())
}
