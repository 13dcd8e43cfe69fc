//! The frames of an array that wait for their turn, and the memory that they take. A client may read the answers as slowly as
//! it likes, but a frame that has not begun at the end of the request's time is refused; so from then on only its id is
//! kept. Does not know what a frame means.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use serde_json::value::RawValue;
use taskwire_protocol::frames::RequestId;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

use crate::http::memory::Share;
use crate::reply::frames::id_of;

/// A frame whose turn has come.
pub(super) enum Next {
    /// Its text.
    Frame(Box<RawValue>),
    /// It came too late; this was its id.
    Late(Option<RequestId>),
}

/// The frames of an array, in their order.
pub(super) struct Waiting {
    left: Arc<Mutex<Left>>,
    /// Forgets the texts at the end of the request's time.
    ending: Option<AbortHandle>,
}

struct Left {
    frames: VecDeque<Next>,
    bytes: usize,
    memory: Share,
}

impl Waiting {
    /// Frames that take this memory. Those that are left at the time `ends` are late.
    pub(super) fn new(frames: Vec<Box<RawValue>>, memory: Share, ends: Instant) -> Waiting {
        let bytes = frames.iter().map(|frame| frame.get().len()).sum();
        let frames = frames.into_iter().map(Next::Frame).collect();
        let mut left = Left {
            frames,
            bytes,
            memory,
        };
        left.count();
        let counts = left.memory.counts();
        let left = Arc::new(Mutex::new(left));
        // few bytes may stay
        let ending = counts.then(|| tokio::spawn(forget(Arc::downgrade(&left), ends)).abort_handle());
        Waiting { left, ending }
    }

    /// The next frame.
    pub(super) fn next(&mut self) -> Option<Next> {
        let mut left = lock(&self.left);
        let next = left.frames.pop_front();
        if let Some(Next::Frame(frame)) = &next {
            left.bytes -= frame.get().len();
            left.count();
        }
        next
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(ending) = &self.ending {
            ending.abort();
        }
    }
}

impl Left {
    fn count(&mut self) {
        // frames have no more bytes than the body that was counted, and less is never refused
        let _ = self.memory.resize(self.bytes);
    }
}

fn lock(left: &Mutex<Left>) -> MutexGuard<'_, Left> {
    left.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps only the ids of the frames, one after the other: finding an id takes time.
async fn forget(left: Weak<Mutex<Left>>, ends: Instant) {
    sleep_until(ends).await;
    let mut from_end = 0;
    loop {
        {
            let Some(left) = left.upgrade() else { return };
            let mut left = lock(&left);
            let Some(at) = left.frames.len().checked_sub(from_end + 1) else {
                return;
            };
            if let Next::Frame(frame) = &left.frames[at] {
                let (bytes, id) = (frame.get().len(), id_of(frame.get()));
                left.frames[at] = Next::Late(id);
                left.bytes -= bytes;
                left.count();
            }
        }
        from_end += 1;
        tokio::task::yield_now().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use taskwire_protocol::UserId;
    use uuid::Uuid;

    fn frame(id: i64) -> Box<RawValue> {
        let text = format!(r#"{{"type":"ping","id":{id},"pad":"{}"}}"#, "x".repeat(10_000));
        RawValue::from_string(text).expect("JSON")
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_not_begun_in_time_leaves_only_its_id() {
        let user = UserId(Uuid::from_u128(7));
        let mut memory = Share::of_account(user);
        memory.resize(60_000).expect("room");
        let ends = Instant::now() + Duration::from_secs(30);
        let mut waiting = Waiting::new((0..5).map(frame).collect(), memory, ends);
        assert!(matches!(waiting.next(), Some(Next::Frame(_))));
        assert!(lock(&waiting.left).memory.counts());
        tokio::time::sleep(Duration::from_secs(31)).await;
        assert!(!lock(&waiting.left).memory.counts());
        for id in 1..5 {
            let Some(Next::Late(late)) = waiting.next() else {
                panic!("the text of {id} is still there");
            };
            assert_eq!(late, Some(RequestId::Number(id)));
        }
        assert!(waiting.next().is_none());
    }
}
