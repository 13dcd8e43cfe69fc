//! An answer that many may ask for and that is made seldom: at most once a second in the long run, and once for all who ask
//! at the same time. The others get the last one. Does not know what it says.

use std::sync::{Arc, Mutex, PoisonError};

use crate::auth::limits::Bucket;
use crate::live::Flights;

/// How often a second an answer is made in the long run.
const RATE: u32 = 1;
/// How often at once after a pause, so that who looks now and then always sees the state of the moment.
const BURST: u32 = 20;

/// The last answer, and when the next one may be made.
pub(super) struct Kept<T> {
    state: Mutex<(Bucket, Option<T>)>,
    making: Arc<Flights<(), T>>,
}

impl<T: Clone + Send + Sync + 'static> Kept<T> {
    /// Nothing was asked yet. Without limits every question is answered anew.
    pub(super) fn new(limited: bool, now_ms: i64) -> Arc<Kept<T>> {
        let bucket = if limited {
            Bucket::new(RATE, BURST, now_ms)
        } else {
            Bucket::unlimited()
        };
        Arc::new(Kept {
            state: Mutex::new((bucket, None)),
            making: Flights::new(),
        })
    }

    /// The last answer, or a new one if its time has come. `None` if making it panicked.
    pub(super) async fn get<F>(self: &Arc<Self>, now_ms: i64, make: impl FnOnce() -> F) -> Option<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let last = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            match state.0.take(1, now_ms) {
                Ok(()) => None,
                Err(_) => state.1.clone(),
            }
        };
        if last.is_some() {
            return last;
        }
        let kept = self.clone();
        let make = || {
            let made = make();
            async move {
                let made = made.await;
                let mut state = kept.state.lock().unwrap_or_else(PoisonError::into_inner);
                state.1 = Some(made.clone());
                made
            }
        };
        self.making.share((), make).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    static MADE: AtomicU32 = AtomicU32::new(0);

    async fn next() -> u32 {
        MADE.fetch_add(1, Ordering::Relaxed) + 1
    }

    #[tokio::test]
    async fn an_answer_is_made_once_a_second_however_many_ask() {
        let kept = Kept::new(true, 0);
        for n in 1..=BURST {
            assert_eq!(
                kept.get(0, next).await,
                Some(n),
                "who asks now and then sees the moment"
            );
        }
        for _ in 0..1000 {
            assert_eq!(kept.get(999, next).await, Some(BURST));
        }
        assert_eq!(kept.get(1000, next).await, Some(BURST + 1));
        assert_eq!(kept.get(1000, next).await, Some(BURST + 1));
        let free = Kept::new(false, 0);
        for n in 1..100 {
            assert_eq!(free.get(0, next).await, Some(BURST + 1 + n));
        }
    }
}
