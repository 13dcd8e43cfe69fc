//! The server's side of one socket: it sends and expects the frames that a test names.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::time::Duration;
use taskwire_client::{Transport, protocol::SUBPROTOCOL};
use tokio::time::timeout;
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{ErrorResponse, Request, Response},
        http::HeaderValue,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

/// Longer than anything that a client waits for; under paused time it takes no time.
pub(crate) const DEADLINE: Duration = Duration::from_mins(2);

/// The error of a failed test.
pub(crate) type Failed = Box<dyn std::error::Error + Send + Sync>;
pub(crate) type Tested = Result<(), Failed>;

/// Waits with a deadline, so that a test that hangs says where.
pub(crate) async fn soon<T>(what: &str, work: impl Future<Output = T>) -> Result<T, Failed> {
    timeout(DEADLINE, work)
        .await
        .map_err(|_| format!("{what} did not happen").into())
}

/// The server's side of a socket.
pub(crate) struct Peer<S> {
    socket: WebSocketStream<S>,
}

impl<S: Transport> Peer<S> {
    pub(crate) async fn accept(stream: S) -> Result<Peer<S>, Failed> {
        #[allow(clippy::result_large_err, clippy::unnecessary_wraps)] // the library's signature
        fn choose(_: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
            let name = HeaderValue::from_static(SUBPROTOCOL);
            response.headers_mut().insert("sec-websocket-protocol", name);
            Ok(response)
        }
        let socket = soon("a handshake", accept_hdr_async(stream, choose)).await??;
        Ok(Peer { socket })
    }

    pub(crate) async fn welcome(&mut self, welcome: &Value) -> Result<Value, Failed> {
        let auth = self.receive().await?;
        assert_eq!(auth["type"], "auth");
        self.send(&json!({"type": "welcome", "id": auth["id"], "data": welcome}))
            .await?;
        Ok(auth["data"].clone())
    }

    /// The next message, control frames included.
    pub(crate) async fn message(&mut self) -> Result<Message, Failed> {
        let message = soon("a message", self.socket.next()).await?;
        Ok(message.ok_or("the client closed the connection")??)
    }

    /// The next request.
    pub(crate) async fn receive(&mut self) -> Result<Value, Failed> {
        loop {
            if let Message::Text(text) = self.message().await? {
                return Ok(serde_json::from_str(&text)?);
            }
        }
    }

    pub(crate) async fn send(&mut self, frame: &Value) -> Tested {
        Ok(self.socket.send(Message::text(frame.to_string())).await?)
    }

    pub(crate) async fn ping(&mut self) -> Tested {
        Ok(self.socket.send(Message::Ping(Vec::new().into())).await?)
    }

    /// Answers a request.
    pub(crate) async fn answer(&mut self, request: &Value, data: &Value) -> Tested {
        self.send(&json!({"type": "ok", "id": request["id"], "data": data}))
            .await
    }

    pub(crate) async fn refuse(&mut self, request: &Value, code: &str, retryable: bool) -> Tested {
        let error = json!({"code": code, "message": format!("it is {code}"), "retryable": retryable,
            "retry_after_ms": (code == "RATE_LIMITED").then_some(5), "request_id": "r"});
        self.send(&json!({"type": "error", "id": request["id"], "error": error}))
            .await
    }

    /// Sends the close frame and waits for the client's.
    pub(crate) async fn close(mut self, code: u16) -> Tested {
        let frame = CloseFrame {
            code: CloseCode::from(code),
            reason: "scripted".into(),
        };
        self.socket.close(Some(frame)).await?;
        // An error counts as the end too: the client may close the connection without a close frame.
        while let Ok(Some(Ok(_))) = timeout(DEADLINE, self.socket.next()).await {}
        Ok(())
    }
}
