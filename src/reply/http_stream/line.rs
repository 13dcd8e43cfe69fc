//! How a route takes its connection over from the HTTP library: the library writes the head of the answer, then the route
//! has the connection to itself. The answer's body has nothing in it; it waits until the head is written, and ends. Does
//! not know what the route writes.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use axum::body::{Body, Bytes};
use hyper::body::Frame;
use tokio::net::TcpStream;
use tokio::sync::oneshot;

/// A connection, as its routes know it: it is in the extensions of every request. Clones are the same.
#[derive(Clone, Default)]
pub struct Line(Arc<Mutex<Option<Heir>>>);

impl Line {
    /// The body of an answer after whose head the connection is the caller's. The caller gets no connection if the client
    /// leaves before.
    pub fn take_over(&self) -> (Body, oneshot::Receiver<TcpStream>) {
        let (gives, gets) = oneshot::channel();
        let body = Handover {
            line: self.clone(),
            gives: Some(gives),
        };
        (Body::new(body), gets)
    }

    /// Who gets the connection now that everything is written, if somebody does.
    pub(super) fn heir(&self) -> Option<Heir> {
        self.set(None)
    }

    fn set(&self, heir: Option<Heir>) -> Option<Heir> {
        // no code panics while it holds this lock
        let mut waits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *waits, heir)
    }
}

/// Who gets the connection.
pub(super) struct Heir {
    gives: oneshot::Sender<TcpStream>,
    /// Ends the body.
    body: Waker,
}

impl Heir {
    pub(super) fn gets(self, tcp: TcpStream) {
        // one that has gone meanwhile drops it, which closes it
        drop(self.gives.send(tcp));
        self.body.wake();
    }
}

/// The body. The library asks for it once it has put the head into its buffer.
struct Handover {
    line: Line,
    gives: Option<oneshot::Sender<TcpStream>>,
}

impl hyper::body::Body for Handover {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let body = cx.waker().clone();
        let gives = match self.gives.take() {
            Some(gives) => gives,
            None => match self.line.heir() {
                Some(heir) => heir.gives,
                None => return Poll::Ready(None),
            },
        };
        self.line.set(Some(Heir { gives, body }));
        Poll::Pending
    }
}

impl Drop for Handover {
    fn drop(&mut self) {
        self.line.set(None);
    }
}
