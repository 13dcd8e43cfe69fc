//! Finishes a request that has begun to act, although its client went away. What is in the writers' queue is carried out
//! in any case; so nobody gets around the line about it in the log by hanging up. Does not know what the request is.

use super::Answering;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use taskwire_protocol::Failure;
use tokio::runtime::Handle;
use tracing::Instrument as _;

/// Whether a request has begun to act. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Acting(Arc<AtomicBool>);

impl Acting {
    /// From now on the request is finished, whether or not somebody waits for the answer.
    pub(super) fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// An answer whose work outlives the wait for it.
pub(super) struct Outliving {
    work: Option<Answering>,
    acting: Acting,
}

impl Outliving {
    pub(super) fn new(work: Answering, acting: Acting) -> Outliving {
        let work = Some(work);
        Outliving { work, acting }
    }
}

impl Future for Outliving {
    type Output = Result<super::Reply, Failure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(work) = &mut self.work else {
            return Poll::Pending; // it was answered before
        };
        let answer = ready!(work.as_mut().poll(cx));
        self.work = None;
        Poll::Ready(answer)
    }
}

impl Drop for Outliving {
    fn drop(&mut self) {
        if let (Some(work), true, Ok(runtime)) =
            (self.work.take(), self.acting.has_begun(), Handle::try_current())
        {
            runtime.spawn(work.in_current_span());
        }
    }
}
