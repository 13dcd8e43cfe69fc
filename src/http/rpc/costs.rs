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

    /// Charges what is refused before the token was looked at: as an operation, with its bytes.
    pub(super) fn charge_refused(&self, bytes: usize) -> Result<(), Failure> {
        let asker = Asker::with(&self.app, self.token.as_deref(), self.origin.address);
        let units = of_frame(&asker, bytes);
        self.app.engine.limits().spend(&asker.payer, units)
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
        let units = more.saturating_add(of_frame(&asker, bytes));
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

/// What a frame of so many bytes costs as one operation. A stranger paid for that when it was counted, and pays for the bytes.
fn of_frame(asker: &Asker, bytes: usize) -> u32 {
    u32::from(asker.is_known).saturating_add(units::of_bytes(bytes))
}
