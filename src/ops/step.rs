//! The server's own mutations: the part of signing up, in and out, of an operator's commands and of jobs that changes
//! rows.

use super::world::World;
use super::{Act, Caller, Needs, Result, Target};
use std::sync::Arc;

/// A mutation that is not in the table of operations. It is the part of a sign-in operation, of an operator's command or
/// of a job that runs in a group, after passwords were hashed and tokens checked.
pub(super) trait Step: Send + Sync {
    const NAME: &'static str;

    /// What it is about: the caller's own account, or a workspace of theirs.
    fn target(&self) -> Target {
        Target::Own
    }

    fn needs(&self, _caller: &Caller, _needs: &mut Needs) {}

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>>;
}

macro_rules! decided_as_steps {
    ($($step:ty),*) => { $(
        impl $crate::ops::Decide for $step {
            fn name(&self) -> &'static str {
                Self::NAME
            }

            fn access(&self) -> taskwire_protocol::Access {
                taskwire_protocol::Access::User
            }

            fn target(&self, _: &$crate::ops::Caller) -> $crate::ops::Target {
                $crate::ops::step::Step::target(self)
            }

            fn needs(&self, caller: &$crate::ops::Caller, needs: &mut $crate::ops::Needs) {
                $crate::ops::step::Step::needs(self, caller, needs);
            }

            fn decide(
                &self,
                act: &$crate::ops::Act<'_>,
                world: &mut $crate::ops::world::World,
            ) -> $crate::ops::Result<std::sync::Arc<str>> {
                $crate::ops::step::Step::decide(self, act, world)
            }

            /// Steps have no `op_id`, so nothing compares this.
            fn canonical(&self) -> String {
                String::new()
            }
        }
    )* };
}

pub(super) use decided_as_steps;
