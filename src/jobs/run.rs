//! One run of a job: a sequence of transactions on the writer. Each transaction locks the row of the run's claim, so a
//! run that lost its claim changes nothing more. The last one also completes the job, so its work and the completion
//! are one commit.

use crate::config::Settings;
use crate::engine::{Chore, Engine};
use crate::store::jobs::{self, Claim};
use crate::store::{StoreError, Transaction};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use taskwire_protocol::{ErrorCode, Failure};

/// A run in progress.
pub struct Run {
    pub(super) engine: Engine,
    pub(super) settings: Arc<Settings>,
    pub(super) claim: Claim,
    /// A recurring job is due again after this.
    pub(super) again: Option<Duration>,
    /// Set when a transaction finds that the claim is gone.
    pub(super) lost: Arc<AtomicBool>,
}

/// The proof that a job was completed.
#[derive(Debug)]
pub struct Ended(());

/// Takes steps on the writer, each in its own transaction: a run does, and the engine outside of jobs.
pub trait Steps: Sync {
    /// The engine.
    fn engine(&self) -> &Engine;

    /// Takes a step.
    fn step<C: Chore>(&self, chore: C) -> impl Future<Output = Result<C::Output, Failure>> + Send;
}

impl Steps for Engine {
    fn engine(&self) -> &Engine {
        self
    }

    fn step<C: Chore>(&self, chore: C) -> impl Future<Output = Result<C::Output, Failure>> + Send {
        self.chore(chore)
    }
}

impl Steps for Run {
    fn engine(&self) -> &Engine {
        &self.engine
    }

    async fn step<C: Chore>(&self, chore: C) -> Result<C::Output, Failure> {
        self.transaction(chore, |_| false).await.map(|(output, _)| output)
    }
}

impl Run {
    /// The settings of this instance.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Takes a step. It also completes the job if `is_last` is true for its result.
    pub async fn step_or_end<C: Chore>(
        &self,
        chore: C,
        is_last: fn(&C::Output) -> bool,
    ) -> Result<(C::Output, Option<Ended>), Failure> {
        let (output, ends) = self.transaction(chore, is_last).await?;
        Ok((output, ends.then_some(Ended(()))))
    }

    /// Completes the job.
    pub async fn end(&self) -> Result<Ended, Failure> {
        self.transaction(Nothing, |()| true).await.map(|_| Ended(()))
    }

    /// Ends this run well; the job runs again after a pause.
    pub async fn rest(&self, pause: Duration) -> Result<Ended, Failure> {
        let rested = self.held(Nothing, |()| true, Some(pause)).await;
        rested.map(|_| Ended(()))
    }

    async fn transaction<C: Chore>(
        &self,
        chore: C,
        is_last: fn(&C::Output) -> bool,
    ) -> Result<(C::Output, bool), Failure> {
        self.held(chore, is_last, self.again).await
    }

    async fn held<C: Chore>(
        &self,
        chore: C,
        is_last: fn(&C::Output) -> bool,
        again: Option<Duration>,
    ) -> Result<(C::Output, bool), Failure> {
        let held = Held {
            claim: self.claim.clone(),
            term: self.settings.lease,
            again,
            chore,
            is_last,
        };
        let done = self.engine.chore(held).await?;
        done.ok_or_else(|| {
            self.lost.store(true, Ordering::Relaxed);
            Failure::new(ErrorCode::Conflict, "the run lost its claim on the job")
        })
    }
}

/// A chore that runs only while the claim is held; `None` if it is lost.
struct Held<C: Chore> {
    claim: Claim,
    term: Duration,
    again: Option<Duration>,
    chore: C,
    is_last: fn(&C::Output) -> bool,
}

impl<C: Chore> Chore for Held<C> {
    type Output = Option<(C::Output, bool)>;
    const FREES: bool = C::FREES;

    async fn run(self, tx: &mut Transaction) -> Result<Self::Output, StoreError> {
        if !jobs::hold(tx, &self.claim, self.term).await? {
            return Ok(None);
        }
        let output = self.chore.run(tx).await?;
        let is_last = (self.is_last)(&output);
        if is_last && !jobs::complete(tx, &self.claim, self.again).await? {
            return Err(StoreError::corrupt(
                "the claim of a job vanished inside its transaction",
            ));
        }
        Ok(Some((output, is_last)))
    }
}

struct Nothing;

impl Chore for Nothing {
    type Output = ();
    const FREES: bool = true;
    async fn run(self, _: &mut Transaction) -> Result<(), StoreError> {
        Ok(())
    }
}
