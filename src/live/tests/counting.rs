//! `stats.changed`: how often it is sent, and that it waits for company.

use super::*;
use crate::live::{Bus, Note, StatsSignals};
use taskwire_protocol::InstanceId;
use tokio::time::sleep;

/// A bus that counts what is told.
struct Told(Arc<AtomicUsize>);

impl Bus for Told {
    fn carry(&self, _: &[Published]) {}
    fn signal(&self, _: StreamId, _: &Frame) {}
    fn tell(&self, _: &Note) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
    fn join(&self, _: StreamId) {}
    fn leave(&self, _: StreamId) {}
}

#[tokio::test(start_paused = true)]
async fn statistics_are_signalled_once_a_second_with_the_next_change_or_a_moment_later() {
    let told = Arc::new(AtomicUsize::new(0));
    let bus = Box::new(Told(told.clone()));
    let hub = Hub::with_bus(Arc::new(MemoryLog::default()), RingLimits::default(), bus);
    let stats = StatsSignals::new(hub, InstanceId(Uuid::from_u128(1)));
    let attending = tokio::spawn(stats.clone().attend());
    let of = WorkspaceId(Uuid::from_u128(2));
    // milliseconds to wait, whether something changes then, how many signals were sent by then
    let steps = [
        (1, true, 1),
        (500, true, 1),
        (600, true, 2), // with the change
        (400, true, 2),
        (900, false, 2),
        (300, false, 3), // alone
        (5000, false, 3),
        (1, true, 4),
        (5000, false, 4),
    ];
    for (step, (wait, changes, signals)) in steps.into_iter().enumerate() {
        sleep(Duration::from_millis(wait)).await;
        if changes {
            stats.changed(of);
        }
        assert_eq!(told.load(Ordering::Relaxed), signals, "step {step}");
    }
    attending.abort();
}
