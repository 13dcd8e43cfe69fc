//! One socket of the fault test. It uses raw frames, so that our client cannot hide what a server does, and can read
//! slowly. Does not know what frames mean, except the answer to its first one.

use crate::Failed;
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use taskwire_protocol::frames::Welcome;
use taskwire_protocol::{ErrorCode, Failure};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Sleep, sleep, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// The deadline for connecting, for each frame to send, and for `welcome`.
const OPENING: Duration = Duration::from_secs(15);
/// A slow reader takes this many bytes at once.
const SIP: usize = 128;

/// Bytes a second that a socket reads; 0 means no limit.
pub(crate) type Pace = Arc<AtomicU64>;

/// A WebSocket of the fault test.
pub(crate) struct Socket(WebSocketStream<Tap>);

/// The answer to the first frame.
#[derive(Deserialize)]
struct First {
    r#type: String,
    #[serde(default)]
    data: Option<Box<serde_json::value::RawValue>>,
    #[serde(default)]
    error: Option<Box<Failure>>,
}

/// The server refused the token.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) ErrorCode);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the token was refused: {:?}", self.0)
    }
}

impl std::error::Error for Refused {}

impl Socket {
    /// Connects, without authenticating. `buffer`: the size of the receive buffer; 0: the system's.
    pub(crate) async fn connect(address: &str, pace: Pace, buffer: u32) -> Result<Socket, Failed> {
        let opening = async {
            let connecting = TcpSocket::new_v4()?;
            if buffer > 0 {
                connecting.set_recv_buffer_size(buffer)?;
            }
            let stream = connecting.connect(address.parse()?).await?;
            stream.set_nodelay(true)?;
            let mut request = format!("ws://{address}/v1/socket").into_client_request()?;
            let protocol = taskwire_protocol::SUBPROTOCOL.parse()?;
            request.headers_mut().insert("Sec-WebSocket-Protocol", protocol);
            let config = WebSocketConfig::default()
                .read_buffer_size(4 << 10)
                .write_buffer_size(0)
                .max_message_size(Some(16 << 20))
                .max_frame_size(Some(16 << 20));
            let tap = Tap {
                stream,
                pace,
                wait: None,
            };
            let (socket, _) = client_async_with_config(request, tap, Some(config)).await?;
            Ok::<_, Failed>(Socket(socket))
        };
        timeout(OPENING, opening).await?
    }

    /// Connects and authenticates; `streams` and `resume` as in the contract.
    pub(crate) async fn open(
        address: &str,
        pace: Pace,
        buffer: u32,
        token: &str,
        streams: &Value,
        resume: Option<Value>,
    ) -> Result<(Socket, Box<Welcome>), Failed> {
        let mut socket = Socket::connect(address, pace, buffer).await?;
        let mut data = json!({"token": token, "streams": streams});
        if let Some(resume) = resume {
            data["resume"] = resume;
        }
        socket
            .send(json!({"type": "auth", "id": 1, "data": data}).to_string())
            .await?;
        let text = timeout(OPENING, socket.next()).await??;
        let first: First = serde_json::from_str(&text)?;
        match first.data {
            Some(data) if first.r#type == "welcome" => {
                Ok((socket, Box::new(serde_json::from_str(data.get())?)))
            }
            _ => match first.error {
                Some(failure) if !failure.retryable => Err(Refused(failure.code).into()),
                _ => Err(format!("no welcome: {text}").into()),
            },
        }
    }

    /// Sends a text.
    pub(crate) async fn send(&mut self, text: impl Into<Utf8Bytes>) -> Result<(), Failed> {
        Ok(timeout(OPENING, self.0.send(Message::Text(text.into()))).await??)
    }

    /// The next text. An error when the socket has ended, for any reason. Safe to cancel.
    pub(crate) async fn next(&mut self) -> Result<Utf8Bytes, Failed> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => return Ok(text),
                Some(Ok(Message::Close(frame))) => {
                    return Err(match frame {
                        Some(frame) => format!("closed {}: {}", frame.code, frame.reason).into(),
                        None => "closed".into(),
                    });
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => return Err("ended".into()),
            }
        }
    }

    /// Closes the socket; gives up after 2 s.
    pub(crate) async fn close(mut self) {
        let _ = timeout(Duration::from_secs(2), self.0.close(None)).await;
    }
}

/// A TCP stream that reads at the given pace.
struct Tap {
    stream: TcpStream,
    pace: Pace,
    wait: Option<Pin<Box<Sleep>>>,
}

impl AsyncRead for Tap {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        if let Some(wait) = &mut self.wait {
            ready!(wait.as_mut().poll(cx));
            self.wait = None;
        }
        let pace = self.pace.load(Relaxed);
        if pace == 0 {
            return Pin::new(&mut self.stream).poll_read(cx, buffer);
        }
        let mut sip = [0; SIP];
        let most = SIP.min(buffer.remaining());
        let mut part = ReadBuf::new(&mut sip[..most]);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut part))?;
        let read = part.filled();
        buffer.put_slice(read);
        let wait = Duration::from_secs_f64(read.len() as f64 / pace as f64);
        self.wait = Some(Box::pin(sleep(wait)));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tap {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
