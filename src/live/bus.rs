//! The seam to other instances: what a commit hands to them. What they hand to us enters by `Hub::receive`, and what
//! was lost on the way by `Hub::observe`, which compares heads. Does not know what carries it.

use super::Published;

/// Carries committed groups to the other instances.
///
/// It may lose, repeat and reorder: a receiver applies the next seq, ignores older ones, and reads the log for a gap.
pub trait Bus: Send + Sync + 'static {
    /// Hands a committed group on. Called on a writer's lane: it must neither wait nor fail.
    fn carry(&self, group: &[Published]);
}

/// There are no other instances.
pub struct Alone;

impl Bus for Alone {
    fn carry(&self, _: &[Published]) {}
}
