//! Charges users for their part of a group once its cost is known: rows that lookups brought, entries that were written,
//! sockets that get them.
//! Its users owe it, so their next operations may have to wait. What each mutation costs in any case was paid before. Steps
//! of the server cost nobody anything.

use super::Engine;
use super::answer::Verdict;
use super::shared::Shared;
use super::submission::Submission;
use super::write::Placed;
use crate::auth::limits::{Limits, units};
use std::collections::BTreeSet;
use std::ops::Range;
use taskwire_protocol::{UserId, WorkspaceId};

/// Charges the rows that a group loaded to those who may have asked for many, in equal parts: nobody knows whose they are. So it
/// does not pay to keep another account in the group; and what a group shares is bounded (`crowds`), so an innocent neighbour
/// pays little. The server is one of them if a step of its own may have: nobody pays its part.
pub(super) fn loaded(limits: &Limits, submissions: &[Submission], rows: u64) {
    if !limits.are_on() {
        return;
    }
    let mutations: usize = submissions.iter().map(Submission::weight).sum();
    let units = units::of_rows_loaded(rows, mutations);
    if units == 0 {
        return;
    }
    let asked = submissions
        .iter()
        .filter(|submission| submission.needs.look_far());
    let payers: BTreeSet<Option<UserId>> = asked.map(payer).collect();
    let part = units.div_ceil(u32::try_from(payers.len().max(1)).unwrap_or(u32::MAX));
    for user in payers.into_iter().flatten() {
        limits.owe(&limits.user(user), part);
    }
}

/// Of each submission, which of the group's entries are its own; none if limits are off.
pub(super) fn entries(limits: &Limits, verdicts: &[Verdict]) -> Vec<Range<usize>> {
    if limits.are_on() {
        verdicts.iter().map(Verdict::entries).collect()
    } else {
        Vec::new()
    }
}

/// Charges what a group wrote, and the sockets of this instance that get it.
pub(super) fn written(
    shared: &Shared,
    submissions: &[Submission],
    entries: &[Range<usize>],
    placed: &[Placed],
) {
    for (submission, own) in submissions.iter().zip(entries) {
        let told: u32 = placed
            .get(own.clone())
            .unwrap_or_default()
            .iter()
            .map(|entry| units::of_watchers(shared.hub.watchers(entry.stream)))
            .fold(0, u32::saturating_add);
        let units = units::of_entries(own.len(), submission.weight()).saturating_add(told);
        if units > 0 {
            owe(&shared.limits, submission, units.min(units::WRITTEN));
        }
    }
}

impl Engine {
    /// Charges a signal that the sockets of a workspace get.
    pub(super) fn charge_signal(&self, workspace: WorkspaceId, user: UserId) {
        let (limits, watchers) = (&self.0.limits, self.0.hub.watchers(workspace.into()));
        let units = units::of_watchers(watchers);
        if units > 0 {
            limits.owe(&limits.user(user), units);
        }
    }
}

/// `None`: the server's own step.
fn payer(submission: &Submission) -> Option<UserId> {
    let caller = &submission.caller;
    (!submission.is_own() && caller.actor.is_user()).then_some(caller.user.id)
}

fn owe(limits: &Limits, submission: &Submission, units: u32) {
    if let Some(user) = payer(submission) {
        limits.owe(&limits.user(user), units);
    }
}
