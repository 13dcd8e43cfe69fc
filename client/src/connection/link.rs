//! One open socket: frames wait in a queue until it takes them, and reading goes on meanwhile, so that two peers
//! which both write cannot block each other. Knows nothing of what the frames mean.

use crate::dial::Socket;
use futures_util::{SinkExt as _, StreamExt as _};
use std::{
    collections::VecDeque,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio_tungstenite::tungstenite::{
    self, Bytes, Message, Utf8Bytes,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

pub(super) struct Link {
    socket: Socket,
    queue: VecDeque<Message>,
    unflushed: bool,
}

pub(super) type Read = Option<Result<Message, tungstenite::Error>>;

impl Link {
    pub(super) fn new(socket: Socket) -> Link {
        Link {
            socket,
            queue: VecDeque::new(),
            unflushed: false,
        }
    }

    /// Queues a frame. The queue is bounded by the requests under way.
    pub(super) fn push(&mut self, text: impl Into<Utf8Bytes>) {
        self.queue.push_back(Message::Text(text.into()));
    }

    /// Says that this side is alive without asking for anything (RFC 6455, section 5.5.3).
    pub(super) fn push_sign_of_life(&mut self) {
        if self.queue.is_empty() {
            self.queue.push_back(Message::Pong(Bytes::new()));
        }
    }

    /// Writes what is queued, and reads the next message if `reading`. Safe to cancel. `None` is the end.
    pub(super) async fn drive(&mut self, reading: bool) -> Read {
        std::future::poll_fn(|cx| {
            if let Poll::Ready(Err(error)) = self.poll_write(cx) {
                // The server's last words may still lie in front of the error.
                return match self.socket.poll_next_unpin(cx) {
                    Poll::Ready(Some(Ok(message))) => Poll::Ready(Some(Ok(message))),
                    _ => Poll::Ready(Some(Err(error))),
                };
            }
            if reading {
                self.socket.poll_next_unpin(cx)
            } else {
                Poll::Pending
            }
        })
        .await
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), tungstenite::Error>> {
        while !self.queue.is_empty() {
            ready!(self.socket.poll_ready_unpin(cx))?;
            if let Some(message) = self.queue.pop_front() {
                self.socket.start_send_unpin(message)?;
                self.unflushed = true;
            }
        }
        if self.unflushed {
            ready!(self.socket.poll_flush_unpin(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Answers the server's close frame.
    pub(super) async fn farewell(mut self) {
        // The connection ends in any case; this is for a server that waits for it.
        let _ = tokio::time::timeout(Duration::from_millis(500), self.socket.flush()).await;
    }

    /// Closes in good order: what is queued goes out, then the close frame; waits a little for the server's.
    pub(super) async fn close(mut self) {
        let goodbye = async {
            std::future::poll_fn(|cx| self.poll_write(cx)).await?;
            let frame = CloseFrame {
                code: CloseCode::Normal,
                reason: Utf8Bytes::default(),
            };
            self.socket.close(Some(frame)).await?;
            while let Some(message) = self.socket.next().await {
                message?;
            }
            Ok::<(), tungstenite::Error>(())
        };
        // An error or a silent server: the connection ends all the same.
        let _ = tokio::time::timeout(Duration::from_secs(1), goodbye).await;
    }
}
