//! Threads of the lowest priority that hash. The kernel runs them in the time that the sockets leave, so a crowd that signs
//! in delays nobody else. Each has a value of its own, `S`, that its jobs use in turn. `queue` says whose turn is next. Does
//! not know what is hashed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use metrics::counter;
use serde_json::json;
use taskwire_protocol::{ErrorCode, Failure};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use super::pace::Pace;
use super::queue::{Asker, Next, Queue, Refused};

/// The most callers of a kind that wait for one thread. Each has a password and a hash in memory, about a KiB.
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
    queue: Arc<Queue<Job<S>>>,
    pace: Arc<Pace>,
    patience: Duration,
}

impl<S: Default + 'static> Threads<S> {
    /// Starts this many threads. `bounds_networks`: a network has only so many places before them.
    pub(super) fn start(threads: usize, bounds_networks: bool) -> Threads<S> {
        let queue = Queue::new(threads * (WAITING + 1), bounds_networks);
        Threads::with_queue(threads, queue, PATIENCE)
    }

    fn with_queue(threads: usize, queue: Queue<Job<S>>, patience: Duration) -> Threads<S> {
        let (queue, pace) = (Arc::new(queue), Arc::new(Pace::of(threads)));
        for i in 0..threads {
            let (queue, pace) = (queue.clone(), pace.clone());
            let thread = thread::Builder::new().name(format!("hash-{i}"));
            if let Err(error) = thread.spawn(move || work(&queue, &pace)) {
                tracing::error!(error = %error, "a thread that hashes passwords cannot start");
            }
        }
        Threads {
            queue,
            pace,
            patience,
        }
    }

    /// Runs `work` on a thread when its turn comes. What its caller no longer waits for is not begun.
    ///
    /// Fails with `UNAVAILABLE` and `retry_after_ms` when too many wait, with `RATE_LIMITED` when too many of the asker's
    /// network do.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        asker: Asker,
        work: impl FnOnce(&mut S) -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let (answer, answered) = oneshot::channel();
        let job = move |own: &mut S| {
            if answer.is_closed() {
                return None;
            }
            let begun = Instant::now();
            let result = work(own);
            let took = begun.elapsed();
            let _ = answer.send(result);
            Some(took)
        };
        let is_soon = |ahead| self.pace.time_for(ahead) <= self.patience;
        let place = self.queue.enter(asker, Box::new(job), is_soon);
        let _place = place.map_err(|refused| match refused {
            Refused::Full(ahead) => self.busy(asker, ahead, "full"),
            Refused::Network { most, ahead } => self.crowded(most, ahead),
        })?;
        match timeout(GIVE_UP, answered).await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(_)) => Err(Failure::new(ErrorCode::InternalError, "internal server error")),
            Err(_) => Err(self.busy(asker, self.queue.ahead(&asker), "slow")),
        }
    }

    fn busy(&self, asker: Asker, ahead: usize, reason: &'static str) -> Failure {
        counter!("taskwire_passwords_refused_total", "reason" => reason).increment(1);
        let wait = self.pace.turn(asker.device(), ahead, Instant::now());
        let message = "too many sign-ins at once; try again after the given time";
        Failure::new(ErrorCode::Unavailable, message).after(milliseconds(wait))
    }

    /// The refusal of a network whose places are taken. After the given time those that have them now had their turn.
    fn crowded(&self, most: usize, ahead: usize) -> Failure {
        counter!("taskwire_passwords_refused_total", "reason" => "network").increment(1);
        let message = "too many sign-ins of your network at once; try again after the given time";
        let failure = Failure::new(ErrorCode::RateLimited, message);
        let failure = failure.with(json!({ "limit": most, "of": "passwords_at_a_time" }));
        failure.after(milliseconds(self.pace.time_for(ahead + 1)))
    }
}

fn milliseconds(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1)
}

impl<S> Drop for Threads<S> {
    fn drop(&mut self) {
        self.queue.end();
    }
}

impl<S> std::fmt::Debug for Threads<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Threads").finish_non_exhaustive()
    }
}

/// Runs jobs until the queue ends.
fn work<S: Default>(queue: &Queue<Job<S>>, pace: &Pace) {
    give_way();
    let mut own = None;
    loop {
        let job = match queue.take(own.is_some().then_some(IDLE)) {
            Next::Job(job) => job,
            Next::Idle => {
                own = None;
                continue;
            }
            Next::Ended => return,
        };
        let used = own.get_or_insert_with(S::default);
        let ended = catch_unwind(AssertUnwindSafe(|| job(used)));
        queue.done();
        match ended {
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
    use std::sync::mpsc::{SyncSender, sync_channel};

    fn one(most: usize, patience: Duration) -> Threads<()> {
        Threads::with_queue(1, Queue::new(most, true), patience)
    }

    fn at(address: &str) -> Asker {
        Asker::stranger(Some(address.parse().unwrap()))
    }

    /// Keeps the only thread busy until the answer is sent.
    fn block(threads: &Threads<()>) -> SyncSender<()> {
        let (release, released) = sync_channel::<()>(1);
        let (began, begun) = sync_channel::<()>(1);
        let job = move |(): &mut ()| {
            let _ = began.send(());
            let _ = released.recv();
            None
        };
        let place = threads
            .queue
            .enter(Asker::server(), Box::new(job), |_| true)
            .unwrap();
        begun.recv().unwrap();
        drop(place);
        release
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once_and_tells_when_the_turn_comes() {
        let threads = one(2, Duration::from_mins(1));
        let release = block(&threads);
        let mut waiting = [1, 2].map(|n| Box::pin(threads.run(Asker::server(), move |()| n)));
        for one in &mut waiting {
            assert!(one.as_mut().now_or_never().is_none());
        }
        let refused = threads.run(Asker::server(), |()| 3).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::Unavailable);
        let after_ms = refused.retry_after_ms.unwrap();
        assert!(
            (150..=250).contains(&after_ms),
            "one runs and two wait, 50 ms each: {after_ms}"
        );
        release.send(()).unwrap();
        for (one, expected) in waiting.into_iter().zip([1, 2]) {
            assert_eq!(one.await.unwrap(), expected);
        }
        assert_eq!(threads.run(Asker::server(), |()| 4).await.unwrap(), 4);
    }

    #[tokio::test]
    async fn who_would_wait_too_long_is_refused_at_once_and_known_devices_wait_for_few_strangers() {
        let threads = one(100, Duration::from_millis(170));
        let release = block(&threads);
        let networks = ["192.0.2.1", "192.0.2.2", "192.0.2.3"];
        let mut waiting = networks.map(|network| Box::pin(threads.run(at(network), |()| 0)));
        for one in &mut waiting {
            assert!(one.as_mut().now_or_never().is_none());
        }
        let refused = threads.run(at("192.0.2.4"), |()| 9).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::Unavailable, "four hashes are 200 ms");
        let mut known = Box::pin(threads.run(Asker::known(None), |()| 1));
        assert!(known.as_mut().now_or_never().is_none());
        release.send(()).unwrap();
        assert_eq!(known.await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_network_whose_places_are_taken_is_refused_and_others_are_not() {
        let threads = one(100, Duration::from_mins(1));
        let release = block(&threads);
        let mut waiting = [1, 2, 3, 4].map(|n| Box::pin(threads.run(at("192.0.2.1"), move |()| n)));
        for one in &mut waiting {
            assert!(one.as_mut().now_or_never().is_none());
        }
        let refused = threads.run(at("192.0.2.1"), |()| 5).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::RateLimited);
        assert_eq!(refused.context.unwrap()["limit"], 4);
        assert!(refused.retry_after_ms.is_some());
        let mut other = Box::pin(threads.run(at("192.0.2.2"), |()| 6));
        assert!(other.as_mut().now_or_never().is_none());
        release.send(()).unwrap();
        assert_eq!(other.await.unwrap(), 6);
    }

    #[tokio::test]
    async fn what_its_caller_left_is_not_begun_and_frees_its_place() {
        let threads = one(2, Duration::from_mins(1));
        let release = block(&threads);
        {
            let left = Box::pin(threads.run(Asker::server(), |()| panic!("begun")));
            assert!(left.now_or_never().is_none());
        }
        assert_eq!(threads.queue.ahead(&Asker::server()), 1, "only the one that runs");
        release.send(()).unwrap();
        assert_eq!(threads.run(Asker::server(), |()| 1).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_panic_ends_one_job_and_no_thread() {
        let threads = one(2, Duration::from_mins(1));
        let failed = threads
            .run(Asker::server(), |()| -> u8 { panic!("a test's panic") })
            .await;
        assert_eq!(failed.unwrap_err().code, ErrorCode::InternalError);
        assert_eq!(threads.run(Asker::server(), |()| 1).await.unwrap(), 1);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_threads_give_way_and_the_others_do_not() {
        let threads = Threads::<()>::start(1, false);
        let nice = || rustix::process::getpriority_process(None).unwrap();
        assert_eq!(
            threads.run(Asker::server(), move |()| nice()).await.unwrap(),
            NICE
        );
        assert!(nice() < NICE);
    }

    #[tokio::test]
    async fn a_thread_keeps_its_value_between_jobs_and_drops_it_when_idle() {
        let threads = Threads::<Vec<u8>>::with_queue(1, Queue::new(2, false), Duration::from_mins(1));
        let push = |own: &mut Vec<u8>| {
            own.push(1);
            own.len()
        };
        assert_eq!(threads.run(Asker::server(), push).await.unwrap(), 1);
        assert_eq!(threads.run(Asker::server(), push).await.unwrap(), 2);
        let deadline = Instant::now() + Duration::from_secs(20);
        while threads.run(Asker::server(), |own| own.len()).await.unwrap() > 0 {
            assert!(Instant::now() < deadline, "the value is still there");
            tokio::time::sleep(IDLE + Duration::from_millis(200)).await;
        }
    }
}
