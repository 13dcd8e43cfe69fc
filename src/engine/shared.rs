//! What the writers of a node share.

use super::homes::Homes;
use super::known::Sessions;
use super::members::MemberCache;
use super::wishes::WishCache;
use super::words::WordsJob;
use crate::auth::limits::Limits;
use crate::clock::Clock;
use crate::ids::Ids;
use crate::live::{Hub, Presences, StatsSignals};
use crate::ops::bounds::Bounds;
use crate::store::Store;
use std::sync::Arc;
use tokio::sync::Notify;

/// What the writers of a node share. Clones share it too.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) store: Store,
    pub(super) cache: Arc<MemberCache>,
    pub(super) homes: Arc<Homes>,
    pub(super) hub: Arc<Hub>,
    pub(super) presences: Arc<Presences>,
    pub(super) stats: Arc<StatsSignals>,
    pub(super) sessions: Arc<Sessions>,
    pub(super) clock: Clock,
    pub(super) ids: Arc<Ids>,
    pub(super) limits: Arc<Limits>,
    pub(super) bounds: Bounds,
    pub(super) words: Arc<WordsJob>,
    pub(super) wishes: Arc<WishCache>,
    /// Wakes the runner of jobs.
    pub(super) enqueued: Arc<Notify>,
}
