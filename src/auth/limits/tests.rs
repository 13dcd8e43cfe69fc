//! Buckets and windows, stepped through time.

use super::*;

const WINDOW: Duration = Duration::from_mins(1);

fn windows(limit: u32, keys: usize) -> Windows<&'static str> {
    Windows::new(limit, WINDOW, keys)
}

fn passes(windows: &Windows<&'static str>, key: &'static str, now_ms: i64) -> bool {
    windows.take(key, now_ms).unwrap().retry_after_ms.is_none()
}

#[test]
fn a_bucket_gives_its_burst_and_then_its_rate() {
    let mut bucket = Bucket::new(50, 200, 7);
    for _ in 0..200 {
        assert_eq!(bucket.take(1, 7), Ok(()));
    }
    assert_eq!(bucket.take(1, 7), Err(20));
    assert_eq!(bucket.take(1, 26), Err(1));
    assert_eq!(bucket.take(1, 27), Ok(()));
    assert_eq!(bucket.take(1, 27), Err(20));
    let passed = (0..10_000).filter(|ms| bucket.take(1, 27 + ms).is_ok()).count();
    assert_eq!(
        passed, 499,
        "50 a second for 10 s are 500; the last one is due at the end of the 10 s"
    );
}

#[test]
fn a_bucket_never_holds_more_than_its_burst() {
    let mut bucket = Bucket::new(1000, 3, 0);
    assert_eq!(bucket.take(3, i64::MAX), Ok(()));
    assert_eq!(bucket.take(1, i64::MAX), Err(1));
}

#[test]
fn waiting_for_the_returned_time_is_enough_at_any_rate() {
    for rate in [1, 3, 7, 50, 999, 1001, u32::MAX] {
        let mut bucket = Bucket::new(rate, 10, 0);
        assert_eq!(bucket.take(10, 0), Ok(()));
        let wait_ms = bucket.take(7, 0).unwrap_err() as i64;
        assert!(bucket.take(7, wait_ms - 1).is_err(), "rate {rate}");
        assert_eq!(bucket.take(7, wait_ms), Ok(()), "rate {rate}");
    }
}

#[test]
fn a_cost_above_the_burst_passes_when_full_and_is_paid_for_afterwards() {
    let mut bucket = Bucket::new(10, 20, 0);
    assert_eq!(bucket.take(100, 0), Ok(()));
    assert_eq!(bucket.take(1, 0), Err(8_100));
    assert_eq!(bucket.take(1, 8_100), Ok(()));
    assert_eq!(bucket.take(100, 8_100), Err(2_000));
    assert_eq!(bucket.take(u32::MAX, 10_100), Ok(()));
}

#[test]
fn a_clock_that_goes_back_gives_nothing_and_takes_nothing() {
    let mut bucket = Bucket::new(10, 2, 10_000);
    assert_eq!(bucket.take(2, 10_000), Ok(()));
    assert_eq!(bucket.take(1, 0), Err(100));
    assert_eq!(bucket.take(1, 100), Ok(()));
}

#[test]
fn an_unlimited_bucket_never_refuses() {
    let mut bucket = Bucket::unlimited();
    assert!((0..100_000).all(|_| bucket.take(u32::MAX, 0).is_ok()));
}

#[test]
fn a_window_counts_down_refuses_and_starts_over() {
    let windows = windows(2, 10);
    let at = |now_ms| windows.take("a", now_ms).unwrap();
    let first = Allowance {
        limit: 2,
        remaining: 1,
        reset_seconds: 60,
        retry_after_ms: None,
    };
    assert_eq!(at(5_000), first);
    assert_eq!((at(5_001).remaining, at(5_001).retry_after_ms), (0, Some(59_999)));
    let refused = at(64_999);
    assert_eq!((refused.reset_seconds, refused.retry_after_ms), (1, Some(1)));
    let failure = refused.refusal().unwrap();
    assert_eq!(
        (failure.code, failure.retry_after_ms),
        (ErrorCode::RateLimited, Some(1))
    );
    assert_eq!(at(65_000), first);
    assert_eq!(first.refusal(), None);
}

#[test]
fn keys_are_counted_apart() {
    let windows = windows(1, 10);
    assert!(passes(&windows, "a", 0) && passes(&windows, "b", 0));
    assert!(!passes(&windows, "a", 0));
}

#[test]
fn when_all_windows_run_new_keys_share_one_and_none_is_evicted() {
    let windows = windows(2, 2);
    assert!(passes(&windows, "a", 0) && passes(&windows, "b", 0));
    assert!(passes(&windows, "c", 0) && passes(&windows, "d", 0));
    assert!(!passes(&windows, "e", 0), "c and d used up the shared window");
    assert!(passes(&windows, "a", 0) && !passes(&windows, "a", 0));
    assert_eq!(windows.by_key.len(), 2);
    assert!(passes(&windows, "e", 60_000), "ended windows are removed");
    assert_eq!(windows.by_key.len(), 1);
}

#[test]
fn ended_windows_are_searched_once_a_second_at_most() {
    let windows = windows(1, 1);
    assert!(passes(&windows, "a", 0) && passes(&windows, "b", 59_900));
    assert!(!passes(&windows, "c", 60_100), "the shared window still runs");
    assert!(passes(&windows, "c", 60_900));
}

#[test]
fn a_clock_that_goes_back_locks_nobody_out() {
    let windows = windows(1, 10);
    assert!(passes(&windows, "a", 1_000_000) && passes(&windows, "a", 0));
}

#[test]
fn threads_share_a_limit_exactly() {
    let windows = windows(1000, 10);
    let passed: usize = std::thread::scope(|scope| {
        let threads = [(); 4].map(|()| scope.spawn(|| (0..500).filter(|_| passes(&windows, "a", 0)).count()));
        threads.map(|thread| thread.join().unwrap()).iter().sum()
    });
    assert_eq!(passed, 1000);
}

#[test]
fn without_a_limit_nothing_is_kept() {
    let windows: Windows<&str> = Windows::unlimited();
    assert_eq!(windows.take("a", 0), None);
    assert!(windows.by_key.is_empty());
}

#[test]
fn an_ipv6_network_counts_as_one_and_mapped_ipv4_as_ipv4() {
    let network = |text: &str| Network::from(text.parse::<IpAddr>().unwrap());
    assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
    assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
    assert_eq!(network("::ffff:192.0.2.7"), network("192.0.2.7"));
    assert_ne!(network("::ffff:192.0.2.7"), network("::ffff:192.0.2.8"));
}
