//! Chooses which fault comes when: the same seed gives the same choices. Faults of the same server or instance wait for
//! each other; all others run at the same time.

use super::Kind;
use crate::stage::Stage;
use clap::ValueEnum;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt as _, SeedableRng};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// A fault that will be injected.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Planned {
    /// When: a fraction of the run's time, from 0 to 1.
    pub(crate) at: f64,
    pub(crate) kind: Kind,
    pub(crate) seed: u64,
}

/// Draws `count` faults. Every kind comes once before any comes twice.
pub(crate) fn draw(kinds: &[Kind], count: usize, seed: u64) -> Vec<Planned> {
    let mut random = StdRng::seed_from_u64(seed);
    let (mut drawn, mut round) = (Vec::new(), Vec::new());
    for number in 0..count {
        if round.is_empty() {
            round = kinds.to_vec();
            round.shuffle(&mut random);
        }
        let Some(kind) = round.pop() else { break };
        let jitter: f64 = random.random();
        drawn.push(Planned {
            at: (number as f64 + jitter) / count as f64,
            kind,
            seed: random.random(),
        });
    }
    drawn
}

/// How often `KillAtPoint` comes in each round of all kinds: it has many points.
const POINTS: usize = 4;

/// The kinds that were asked for; by default all, with `KillAtPoint` several times.
pub(crate) fn kinds(only: &[Kind]) -> Vec<Kind> {
    if !only.is_empty() {
        return only.to_vec();
    }
    let again = std::iter::repeat_n(Kind::KillAtPoint, POINTS - 1);
    again.chain(Kind::value_variants().iter().copied()).collect()
}

/// The outcome of the faults: for each kind, how many there were and how many could not be injected.
#[derive(Default)]
pub(crate) struct Diary {
    pub(crate) done: Mutex<BTreeMap<Kind, (u64, u64)>>,
    pub(crate) trouble: Mutex<Vec<String>>,
}

impl Diary {
    /// Injects a fault and records the outcome.
    pub(crate) async fn inject(&self, stage: &Stage, fault: &Planned) {
        let mut random = StdRng::seed_from_u64(fault.seed);
        let began = stage.shared.now();
        let outcome = fault.kind.inject(stage, &mut random).await;
        let (from, to) = (began as f64 / 1e9, stage.shared.now() as f64 / 1e9);
        let failed = outcome.is_err();
        let words = outcome.unwrap_or_else(|error| format!("COULD NOT BE INJECTED: {error}"));
        println!("  {from:7.1} s to {to:.1} s  {:<18} {words}", fault.kind.name());
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        let (times, failures) = done.entry(fault.kind).or_default();
        *times += 1;
        *failures += u64::from(failed);
        if failed {
            let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
            trouble.push(format!("{}: {words}", fault.kind.name()));
        }
    }

    /// Injects the faults of a plan over `length`, and waits until all are repaired.
    pub(crate) async fn carry_out(
        self: &Arc<Self>,
        stage: &Arc<Stage>,
        plan: Vec<Planned>,
        length: Duration,
    ) {
        let began = Instant::now();
        let mut under_way = Vec::new();
        for fault in plan {
            sleep_until(began + length.mul_f64(fault.at)).await;
            let (diary, stage) = (self.clone(), stage.clone());
            under_way.push(tokio::spawn(async move { diary.inject(&stage, &fault).await }));
        }
        for fault in under_way {
            let _ = fault.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_choices_and_no_kind_comes_twice_before_all_came() {
        let kinds = kinds(&[]);
        let plan = draw(&kinds, kinds.len() + 3, 42);
        assert_eq!(plan, draw(&kinds, kinds.len() + 3, 42));
        assert_ne!(plan, draw(&kinds, kinds.len() + 3, 43));
        let mut first: Vec<Kind> = plan[..kinds.len()].iter().map(|fault| fault.kind).collect();
        first.sort_unstable();
        let mut expected = kinds.clone();
        expected.sort_unstable();
        assert_eq!(first, expected);
        assert!(plan.windows(2).all(|pair| pair[0].at <= pair[1].at));
    }
}
