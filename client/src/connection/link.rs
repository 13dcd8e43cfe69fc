//! One open socket. Frames wait in a queue until the socket accepts them, and reading continues meanwhile. Otherwise
//! two peers that both write could block each other. Does not know what the frames mean.

use crate::door::Socket;
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

    /// Shows that this side is alive, with an unsolicited pong (RFC 6455, section 5.5.3).
    pub(super) fn push_sign_of_life(&mut self) {
        if self.queue.is_empty() {
            self.queue.push_back(Message::Pong(Bytes::new()));
        }
    }

    /// Writes the queue, and reads the next message if `reading`. `None` is the end of the stream. Safe to cancel.
    pub(super) async fn drive(&mut self, reading: bool) -> Read {
        std::future::poll_fn(|cx| {
            if let Poll::Ready(Err(error)) = self.poll_write(cx) {
                // The server's close frame may have arrived before the error: read it.
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
        // The connection ends either way; this is for a server that waits for the answer.
        let _ = tokio::time::timeout(Duration::from_millis(500), self.socket.flush()).await;
    }

    /// Closes the socket: writes the queue and the close frame, and waits up to a second for the server's close frame.
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
        // The connection also ends after an error or without an answer.
        let _ = tokio::time::timeout(Duration::from_secs(1), goodbye).await;
    }
}
