//! Tells whether published messages arrive and whether the other instances are heard, from the times of probes sent and
//! received. Tells the operator when Redis is away and when it is back. Does not know how probes travel.

use crate::live::BusHealth;
use crate::live::lock;
use crate::outage::Outage;
use metrics::Histogram;
use std::collections::HashMap;
use std::fmt::Display;
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// The time between two probes. Short, because messages that are lost without an error must be noticed within three
/// seconds.
pub(super) const EVERY: Duration = Duration::from_secs(1);
/// A probe that takes longer to come back is late: heads are then compared with the log.
const LATE: Duration = Duration::from_millis(1200);
/// Another instance that was not heard for this long is silent.
const MUTE: Duration = EVERY.saturating_add(LATE);
/// For this long after a message that could not be understood there may be an instance that is not heard.
const MISSED: Duration = Duration::from_secs(10);
/// The most other instances that are remembered; the one that was silent for longest makes room.
const OTHERS: usize = 256;
/// After this long a silent instance counts as stopped: instances do not announce a stop here.
const GONE: Duration = Duration::from_mins(5);
/// After this long without a probe the connection is closed.
pub(super) const SILENT: Duration = Duration::from_secs(5);

/// The pulse of the connection to the other instances.
pub(super) struct Pulse {
    state: Mutex<State>,
    latency: Histogram,
}

struct State {
    /// When the listening connection was made, while there is one.
    since: Option<Instant>,
    /// The newest probe, and when it was sent.
    newest: Option<(u64, Instant)>,
    /// The oldest probe that has not come back, and when it was sent.
    missing: Option<(u64, Instant)>,
    /// How long the last probe took to come back, and when it did.
    heard: Option<(Duration, Instant)>,
    /// When each other instance was last heard.
    others: HashMap<u64, Instant>,
    /// When a message that may be of another instance was last dropped.
    missed: Option<Instant>,
    /// Why the last messages could not be published.
    unpublished: Option<String>,
    outage: Outage,
}

impl Pulse {
    pub(super) fn new() -> Pulse {
        let state = State {
            since: None,
            newest: None,
            missing: None,
            heard: None,
            others: HashMap::new(),
            missed: None,
            unpublished: None,
            outage: Outage::of("Redis", "commits of other instances are read from the database"),
        };
        Pulse {
            state: Mutex::new(state),
            latency: metrics::histogram!("taskwire_bus_probe_seconds"),
        }
    }

    /// A new connection is listening.
    pub(super) fn begin(&self, now: Instant) {
        let mut state = lock(&self.state);
        state.since = Some(now);
        (state.missing, state.heard) = (None, None);
    }

    /// The connection is gone, or cannot be made.
    pub(super) fn end(&self, reason: &dyn Display, now: Instant) {
        let mut state = lock(&self.state);
        let last = state.heard.map(|(_, at)| at);
        state.since = None;
        match state.unpublished.take() {
            // probes do not come back if they were never published
            Some(cause) => state
                .outage
                .begin(last.unwrap_or(now), &format_args!("{reason} ({cause})")),
            None => state.outage.begin(last.unwrap_or(now), reason),
        }
    }

    /// The connection that publishes failed.
    pub(super) fn did_not_publish(&self, error: &dyn Display) {
        lock(&self.state).unpublished = Some(error.to_string());
    }

    /// A probe is about to be sent; returns its number.
    pub(super) fn send(&self, now: Instant) -> u64 {
        let mut state = lock(&self.state);
        let number = state.newest.map_or(1, |(newest, _)| newest + 1);
        state.newest = Some((number, now));
        state.missing.get_or_insert((number, now));
        number
    }

    /// A probe came back. Earlier ones have come back too, or are lost.
    pub(super) fn hear(&self, number: u64, now: Instant) {
        let mut state = lock(&self.state);
        let Some((_, oldest)) = state.missing.filter(|(missing, _)| *missing <= number) else {
            return;
        };
        let later = state.newest.filter(|(newest, _)| *newest > number);
        let sent = match (later, state.newest) {
            (None, Some((_, sent))) => sent,
            _ => oldest,
        };
        state.missing = later;
        state.heard = Some((now - sent, now));
        state.unpublished = None;
        state.outage.end(now);
        drop(state);
        self.latency.record((now - sent).as_secs_f64());
    }

    /// A probe of another instance arrived.
    pub(super) fn hear_other(&self, sender: u64, now: Instant) {
        let others = &mut lock(&self.state).others;
        if others.len() >= OTHERS
            && !others.contains_key(&sender)
            && let Some(silent) = others.iter().min_by_key(|(_, heard)| **heard)
        {
            let silent = *silent.0;
            others.remove(&silent);
        }
        others.insert(sender, now);
    }

    /// A message was dropped that may be of another instance, whose commits are then found only in the log.
    pub(super) fn miss(&self, now: Instant) {
        lock(&self.state).missed = Some(now);
    }

    /// Whether all instances that were heard recently are still heard, and nothing was dropped that may be of another
    /// one. Commits of an instance that is not heard are found only in the log.
    pub(super) fn hears_all(&self, now: Instant) -> bool {
        let State { others, missed, .. } = &mut *lock(&self.state);
        if missed.is_some_and(|at| now - at < MISSED) {
            return false;
        }
        others.retain(|_, heard| now - *heard < GONE);
        others.values().all(|heard| now - *heard <= MUTE)
    }

    /// How long no probe has come back.
    pub(super) fn silence(&self, now: Instant) -> Duration {
        let state = lock(&self.state);
        let last = state.heard.map(|(_, at)| at).max(state.since);
        last.map_or(Duration::ZERO, |last| now - last)
    }

    pub(super) fn health(&self, now: Instant) -> BusHealth {
        let state = lock(&self.state);
        let late = state.missing.is_some_and(|(_, sent)| now - sent > LATE);
        match (state.since, state.heard) {
            (Some(_), Some((took, _))) if !late => BusHealth::Up(took),
            _ => BusHealth::Down,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_probe_marks_the_bus_down_and_one_that_comes_back_marks_it_up() {
        let (pulse, start) = (Pulse::new(), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!(pulse.health(at(0)), BusHealth::Down);
        pulse.begin(at(0));
        let first = pulse.send(at(0));
        assert_eq!(pulse.health(at(1)), BusHealth::Down, "nothing came back yet");
        pulse.hear(first, at(3));
        assert_eq!(pulse.health(at(3)), BusHealth::Up(Duration::from_millis(3)));
        pulse.send(at(1000));
        assert!(matches!(pulse.health(at(2000)), BusHealth::Up(_)));
        assert_eq!(pulse.health(at(2201)), BusHealth::Down);
        let later = pulse.send(at(2500));
        pulse.hear(later, at(2501));
        assert_eq!(pulse.health(at(2501)), BusHealth::Up(Duration::from_millis(1)));
        pulse.end(&"closed", at(2501));
        assert_eq!(pulse.health(at(2501)), BusHealth::Down);
    }

    #[test]
    fn another_instance_that_falls_silent_is_missed_for_five_minutes() {
        let (pulse, start) = (Pulse::new(), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        assert!(pulse.hears_all(at(0)), "there is no other instance");
        pulse.hear_other(2, at(0));
        pulse.hear_other(3, at(0));
        pulse.hear_other(3, at(1000));
        assert!(pulse.hears_all(at(2200)));
        pulse.hear_other(3, at(2000));
        assert!(!pulse.hears_all(at(2201)));
        pulse.hear_other(2, at(2300));
        assert!(pulse.hears_all(at(2300)));
        assert!(!pulse.hears_all(at(301_900)));
        assert!(pulse.hears_all(at(302_300)), "both count as stopped");
    }

    #[test]
    fn a_message_that_is_not_understood_may_be_of_an_instance_that_is_not_heard() {
        let (pulse, start) = (Pulse::new(), Instant::now());
        pulse.miss(start);
        assert!(!pulse.hears_all(start + MISSED / 2));
        pulse.miss(start + MISSED / 2);
        assert!(!pulse.hears_all(start + MISSED));
        assert!(pulse.hears_all(start + MISSED + MISSED / 2));
    }

    #[test]
    fn probes_of_any_number_of_senders_take_bounded_memory() {
        let (pulse, start) = (Pulse::new(), Instant::now());
        pulse.hear_other(1, start);
        for sender in 2..20_000 {
            pulse.hear_other(sender, start + Duration::from_millis(sender));
            pulse.hear_other(sender, start + Duration::from_millis(sender));
        }
        let others = &lock(&pulse.state).others;
        assert_eq!(others.len(), OTHERS);
        assert!(others.contains_key(&19_999) && !others.contains_key(&1));
    }

    #[test]
    fn silence_is_counted_from_the_last_probe_or_the_connection() {
        let (pulse, start) = (Pulse::new(), Instant::now());
        pulse.begin(start);
        assert_eq!(pulse.silence(start + SILENT), SILENT);
        let number = pulse.send(start + SILENT);
        pulse.hear(number, start + SILENT);
        assert_eq!(pulse.silence(start + SILENT), Duration::ZERO);
        pulse.begin(start + SILENT * 2);
        assert_eq!(pulse.silence(start + SILENT * 2), Duration::ZERO);
    }
}
