//! A socket without an account and without meaning: frames as text, for programs that show the protocol.

use crate::{config::Config, door::Socket, error::CallError, once};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::tungstenite::Message;

/// A socket on which a program sends and receives frames itself. It neither authenticates nor reconnects.
///
/// ```no_run
/// # async fn example() -> Result<(), taskwire_client::CallError> {
/// use taskwire_client::{Config, RawFrame, RawSocket};
///
/// let mut socket = RawSocket::open(&Config::anonymous("http://127.0.0.1:8080")).await?;
/// socket.send(r#"{"type":"ping","id":1}"#).await?;
/// if let RawFrame::Text(text) = socket.next().await {
///     println!("{text}");
/// }
/// # Ok(())
/// # }
/// ```
pub struct RawSocket(Socket);

/// What arrives on a [`RawSocket`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RawFrame {
    /// A frame, as the server wrote it.
    Text(String),
    /// The server closed the socket. The code is `None` if it did not say one, or if the connection was cut.
    Closed(Option<u16>, String),
}

impl RawSocket {
    /// Opens a socket. While the server cannot be reached, it tries again for as long as the configuration's `patience`.
    ///
    /// # Errors
    /// `Stopped`, when there is no server.
    pub async fn open(config: &Config) -> Result<RawSocket, CallError> {
        let door = once::door(config)?;
        once::open(config, async || door.open().await)
            .await
            .map(RawSocket)
    }

    /// Sends a frame.
    ///
    /// # Errors
    /// `Interrupted`, when the connection is lost.
    pub async fn send(&mut self, frame: &str) -> Result<(), CallError> {
        let sent = self.0.send(Message::text(frame)).await;
        sent.map_err(|_| CallError::Interrupted)
    }

    /// The next frame. Safe to cancel.
    pub async fn next(&mut self) -> RawFrame {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => return RawFrame::Text(text.as_str().to_owned()),
                Some(Ok(Message::Close(Some(frame)))) => {
                    return RawFrame::Closed(Some(frame.code.into()), frame.reason.as_str().to_owned());
                }
                Some(Ok(Message::Close(None)) | Err(_)) | None => {
                    return RawFrame::Closed(None, String::new());
                }
                Some(Ok(_)) => {} // the WebSocket layer answers pings
            }
        }
    }

    /// Closes the socket.
    pub async fn close(mut self) {
        // The program is done; the close frame is only polite.
        let _ = tokio::time::timeout(std::time::Duration::from_secs(1), self.0.close(None)).await;
    }
}
