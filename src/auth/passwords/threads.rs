//! Threads of the lowest priority that hash, and the bounded queue before them. The kernel runs them in the time that the
//! sockets leave, so a crowd that signs in delays nobody else. Each has a value of its own, `S`, that its jobs use in turn.
//! Does not know what is hashed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use flume::{Receiver, RecvTimeoutError, Sender};
use metrics::counter;
use taskwire_protocol::{ErrorCode, Failure};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use super::pace::Pace;

/// The most callers that wait for one thread. Each has a password and a hash in memory, about a KiB.
const WAITING: usize = 256;
/// A caller that would wait longer than this is refused at once.
const PATIENCE: Duration = Duration::from_secs(4);
/// A caller that waits longer than this, because the threads got slower meanwhile, is refused as well.
const GIVE_UP: Duration = Duration::from_secs(10);
/// A thread without a job for this long drops its value.
const IDLE: Duration = Duration::from_secs(1);
/// How much the threads give way to all others: 19 is the most.
#[cfg(target_os = "linux")]
const NICE: i32 = 19;

/// Returns how long the work took, if it was done.
type Job<S> = Box<dyn FnOnce(&mut S) -> Option<Duration> + Send>;

/// The threads and their queue. They end with it.
pub(super) struct Threads<S> {
    jobs: Sender<Job<S>>,
    pace: Arc<Pace>,
    /// Jobs that wait or run.
    ahead: Arc<AtomicUsize>,
    most: usize,
    patience: Duration,
}

impl<S: Default + 'static> Threads<S> {
    /// Starts this many threads.
    pub(super) fn start(threads: usize) -> Threads<S> {
        Threads::with_queue(threads, threads * (WAITING + 1), PATIENCE)
    }

    fn with_queue(threads: usize, most: usize, patience: Duration) -> Threads<S> {
        let (jobs, queue) = flume::bounded(most);
        let pace = Arc::new(Pace::of(threads));
        for i in 0..threads {
            let (queue, pace) = (queue.clone(), pace.clone());
            let thread = thread::Builder::new().name(format!("hash-{i}"));
            if let Err(error) = thread.spawn(move || work(&queue, &pace)) {
                tracing::error!(error = %error, "a thread that hashes passwords cannot start");
            }
        }
        Threads {
            jobs,
            pace,
            ahead: Arc::default(),
            most,
            patience,
        }
    }

    /// Runs `work` on a thread when its turn comes. What its caller no longer waits for is not begun.
    ///
    /// Fails with `UNAVAILABLE` and `retry_after_ms` when too many wait.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut S) -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let place = self.place()?;
        let (answer, answered) = oneshot::channel();
        let job = move |own: &mut S| {
            if answer.is_closed() {
                return None;
            }
            let begun = Instant::now();
            let result = work(own);
            let took = begun.elapsed();
            drop(place);
            let _ = answer.send(result);
            Some(took)
        };
        self.jobs.try_send(Box::new(job)).map_err(|_| self.busy("full"))?;
        match timeout(GIVE_UP, answered).await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(_)) => Err(Failure::new(ErrorCode::InternalError, "internal server error")),
            Err(_) => Err(self.busy("slow")),
        }
    }

    /// A place in the queue, if the turn comes soon enough.
    fn place(&self) -> Result<Place, Failure> {
        let ahead = self.ahead.fetch_add(1, Ordering::AcqRel);
        let place = Place(self.ahead.clone());
        if ahead >= self.most || self.pace.time_for(ahead) > self.patience {
            drop(place);
            return Err(self.busy("full"));
        }
        Ok(place)
    }

    fn busy(&self, reason: &'static str) -> Failure {
        counter!("taskwire_passwords_refused_total", "reason" => reason).increment(1);
        let ahead = self.ahead.load(Ordering::Acquire);
        let wait_ms = self.pace.turn(ahead, Instant::now()).as_millis();
        let message = "too many sign-ins at once; try again after the given time";
        Failure::new(ErrorCode::Unavailable, message).after(u64::try_from(wait_ms).unwrap_or(u64::MAX).max(1))
    }
}

impl<S> std::fmt::Debug for Threads<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Threads")
            .field("most", &self.most)
            .finish_non_exhaustive()
    }
}

/// A place in the queue; dropping it frees it.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Runs jobs until the queue ends.
fn work<S: Default>(queue: &Receiver<Job<S>>, pace: &Pace) {
    give_way();
    let mut own = None;
    loop {
        let job = match own {
            Some(_) => queue.recv_timeout(IDLE),
            None => queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        let job = match job {
            Ok(job) => job,
            Err(RecvTimeoutError::Timeout) => {
                own = None;
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let used = own.get_or_insert_with(S::default);
        match catch_unwind(AssertUnwindSafe(|| job(used))) {
            Ok(Some(took)) => pace.measured(took),
            Ok(None) => {}
            Err(_) => {
                // its caller hears of it, because the answer was dropped
                tracing::error!("hashing a password panicked");
                own = None;
            }
        }
    }
}

/// Lowers the priority of this thread. Other systems than Linux would lower that of the whole process.
fn give_way() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::warn!(error = %error, "cannot lower the priority of a thread that hashes passwords");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    /// Keeps the only thread busy until the answer is sent.
    fn block(threads: &Threads<()>) -> Sender<()> {
        let (release, released) = flume::bounded::<()>(1);
        let (began, begun) = flume::bounded::<()>(1);
        threads
            .jobs
            .send(Box::new(move |()| {
                let _ = began.send(());
                let _ = released.recv();
                None
            }))
            .unwrap();
        begun.recv().unwrap();
        release
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once_and_tells_when_the_turn_comes() {
        let threads = Threads::<()>::with_queue(1, 2, Duration::from_mins(1));
        let release = block(&threads);
        let mut waiting = [1, 2].map(|n| Box::pin(threads.run(move |()| n)));
        for one in &mut waiting {
            assert!(one.as_mut().now_or_never().is_none());
        }
        let refused = threads.run(|()| 3).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::Unavailable);
        let after_ms = refused.retry_after_ms.unwrap();
        assert!(
            (100..=200).contains(&after_ms),
            "three hashes of 50 ms each: {after_ms}"
        );
        release.send(()).unwrap();
        for (one, expected) in waiting.into_iter().zip([1, 2]) {
            assert_eq!(one.await.unwrap(), expected);
        }
        assert_eq!(threads.run(|()| 4).await.unwrap(), 4);
    }

    #[tokio::test]
    async fn who_would_wait_too_long_is_refused_at_once() {
        let threads = Threads::<()>::with_queue(1, 100, Duration::from_millis(120));
        let release = block(&threads);
        let mut waiting: Vec<_> = (0..3).map(|i| Box::pin(threads.run(move |()| i))).collect();
        for one in &mut waiting {
            assert!(one.as_mut().now_or_never().is_none());
        }
        assert!(threads.run(|()| 9).await.is_err(), "three hashes are 150 ms");
        release.send(()).unwrap();
    }

    #[tokio::test]
    async fn what_its_caller_left_is_not_begun_and_frees_its_place() {
        let threads = Threads::<()>::with_queue(1, 2, Duration::from_mins(1));
        let release = block(&threads);
        {
            let left = Box::pin(threads.run(|()| panic!("begun")));
            assert!(left.now_or_never().is_none());
        }
        release.send(()).unwrap();
        assert_eq!(threads.run(|()| 1).await.unwrap(), 1);
        assert_eq!(threads.ahead.load(Ordering::Acquire), 0);
    }

    #[tokio::test]
    async fn a_panic_ends_one_job_and_no_thread() {
        let threads = Threads::<()>::with_queue(1, 2, Duration::from_mins(1));
        let failed = threads.run(|()| -> u8 { panic!("a test's panic") }).await;
        assert_eq!(failed.unwrap_err().code, ErrorCode::InternalError);
        assert_eq!(threads.run(|()| 1).await.unwrap(), 1);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_threads_give_way_and_the_others_do_not() {
        let threads = Threads::<()>::start(1);
        let nice = || rustix::process::getpriority_process(None).unwrap();
        assert_eq!(threads.run(move |()| nice()).await.unwrap(), NICE);
        assert!(nice() < NICE);
    }

    #[tokio::test]
    async fn a_thread_keeps_its_value_between_jobs_and_drops_it_when_idle() {
        let threads = Threads::<Vec<u8>>::with_queue(1, 2, Duration::from_mins(1));
        let push = |own: &mut Vec<u8>| {
            own.push(1);
            own.len()
        };
        assert_eq!(threads.run(push).await.unwrap(), 1);
        assert_eq!(threads.run(push).await.unwrap(), 2);
        let deadline = Instant::now() + Duration::from_secs(20);
        while threads.run(|own| own.len()).await.unwrap() > 0 {
            assert!(Instant::now() < deadline, "the value is still there");
            tokio::time::sleep(IDLE + Duration::from_millis(200)).await;
        }
    }
}
