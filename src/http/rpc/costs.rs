//! What the frames of a body cost whom. Does not know what they mean.

use std::sync::atomic::Ordering;

use taskwire_protocol::{Failure, Request};

use super::Call;
use crate::auth::limits::{Doubt, Limit, Payer, units};
use crate::engine::{Caller, insists};
use crate::http::toll::Asker;

impl Call {
    /// Counts one more frame as a request. A stranger pays for it; the owner of the token does when it is known what it asks.
    pub(super) async fn count(&self) -> Result<(), Failure> {
        let limits = self.app.engine.limits();
        let asker = Asker::with(&self.app, self.token.as_deref(), self.origin.address);
        if let Some(by) = asker.counted {
            limits.take(Limit::Requests, by).await?;
        }
        if asker.is_known {
            return Ok(());
        }
        let token = if self.token.is_some() { units::TOKEN } else { 0 };
        limits.spend(&asker.payer, 1 + token)
    }

    /// Charges what is no request, which is told whatever the token is: as an operation, with its bytes. The token is looked at
    /// first, as for any other frame, so that one that has ended elsewhere costs its user nothing.
    pub(super) async fn charge_refused(&self, bytes: usize) -> Result<(), Failure> {
        let caller = self.caller().await.unwrap_or_default();
        self.charge(None, bytes, caller.as_deref()).await
    }

    /// A token that is none of ours costs as much as several that are.
    pub(super) fn charge_wrong_token(&self, failure: &Failure) {
        if units::is_none_of_ours(failure.code) {
            let limits = self.app.engine.limits();
            limits.owe(&limits.network(self.origin.address), units::WRONG_TOKEN);
        }
    }

    /// Charges what a frame of so many bytes asks, also if it is refused. A batch also counts as so many requests, of which the
    /// frame was counted as one. What is too long for a batch is refused and costs as much as the longest one.
    pub(super) async fn charge(
        &self,
        request: Option<&Request>,
        bytes: usize,
        caller: Option<&Caller>,
    ) -> Result<(), Failure> {
        let limits = self.app.engine.limits();
        let asker = Asker::of(&self.app, caller, self.origin.address);
        let more = match request {
            Some(Request::Batch(batch)) => batch.ops.len().min(self.app.settings.batch_ops).saturating_sub(1),
            _ => 0,
        };
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        // a stranger paid for the operation when it was counted
        let units = units::of_bytes(bytes)
            .saturating_add(more)
            .saturating_add(u32::from(asker.is_known));
        let by = request
            .zip(caller)
            .and_then(|(request, caller)| insists(request, caller));
        match by {
            Some(by) => limits.insist(&asker.payer, units, by)?,
            None => limits.spend(&asker.payer, units)?,
        }
        if let (1.., Some(by)) = (more, asker.counted) {
            self.charged.fetch_add(more, Ordering::Relaxed);
            limits.charge(Limit::Requests, by, more).await;
        }
        Ok(())
    }

    pub(super) async fn charge_answer(&self, bytes: usize, caller: Option<&Caller>) {
        if units::of_bytes(bytes) > 0 {
            let asker = Asker::of(&self.app, caller, self.origin.address);
            let more = asker.charge_answer(&self.app, bytes).await;
            self.charged.fetch_add(more, Ordering::Relaxed);
        }
    }

    /// The token while it is looked at.
    pub(super) fn doubt(&self) -> Doubt {
        let engine = &self.app.engine;
        match &self.token {
            Some(token) => engine.doubt(token, engine.limits().network(self.origin.address)),
            None => Doubt::new(engine.limits(), Payer::default()),
        }
    }
}
