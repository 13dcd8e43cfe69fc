//! Opens sockets to one server: a byte stream, TLS on it, the WebSocket handshake. Knows nothing of frames.

use crate::{
    address::Address,
    config::Config,
    dial::{Dial, Transport},
    error::{ConfigError, Disconnected},
    tls,
};
use std::sync::Arc;
use taskwire_protocol::SUBPROTOCOL;
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

/// The largest message that the client accepts. The largest that a server sends is a page of a snapshot.
const MESSAGE_BYTES: usize = 32 << 20;
/// Room for a burst of events in one read, and little memory for an idle socket.
const BUFFER_BYTES: usize = 16 << 10;

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
    /// Another try may succeed.
    Unreachable(Disconnected),
    /// The other side is not a Taskwire server, or it refuses this client.
    NoServer(String),
}

impl Door {
    pub(crate) fn to(config: &Config) -> Result<Door, ConfigError> {
        let address = Address::parse(&config.url)?;
        let connector = if address.tls {
            Connector::Rustls(Arc::new(tls::native()?))
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

/// Decides whether another attempt may succeed: yes after a status of an overloaded or restarting server, no after a
/// clear refusal.
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

/// Whether the server stopped in the middle of the handshake: a lost connection, not a wrong answer.
fn cut_short(error: &ProtocolError) -> bool {
    matches!(
        error,
        ProtocolError::HandshakeIncomplete | ProtocolError::ResetWithoutClosingHandshake
    )
}
