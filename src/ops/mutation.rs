//! Mutations: what they need, what they decide, and the proof that they logged the change.

use super::world::{Logged, World};
use super::{Act, Caller, Needs, Place, Result, Target, Targeted, json};
use std::sync::Arc;
use taskwire_protocol::{Access, InviteId, ProjectId, WorkspaceId};

/// The result of a mutation. A change without a log entry does not compile: only [`World::emit`] makes a [`Logged`].
pub struct Change<T>(Output<T>);

enum Output<T> {
    Value(T),
    Encoded(Arc<str>),
}

impl<T> Change<T> {
    /// State changed and was logged; the answer is `output`.
    pub fn logged<P>(_: Logged<P>, output: T) -> Change<T> {
        Change(Output::Value(output))
    }

    /// State changed, and the answer is the logged payload. It is not encoded again.
    pub fn as_logged(logged: Logged<T>) -> Change<T> {
        Change(Output::Encoded(logged.encoded()))
    }

    /// Nothing changed; the answer shows the current state.
    pub fn nothing(output: T) -> Change<T> {
        Change(Output::Value(output))
    }
}

/// How a mutation names an invitation.
#[derive(Clone, Copy)]
pub enum InviteName<'a> {
    /// By its id.
    Id(InviteId),
    /// By the token of its link or mail.
    Token(&'a str),
}

/// A mutation: what it needs, and the rule by which it changes the world.
pub trait Mutation: Targeted {
    /// Trims and checks the parameters, before anything is read.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` with the field.
    fn check(self) -> Result<Self> {
        Ok(self)
    }

    /// Adds what the mutation needs besides its target.
    fn needs(&self, _caller: &Caller, _needs: &mut Needs) {}

    /// Refuses what the rows that the mutation names decide already, and drops needs that they make needless. Memory has
    /// these rows, and does not have what lookups bring. It may leave to [`Mutation::decide`] whatever it does not know:
    /// another mutation of the group may make a task first ([`World::expected`]).
    fn narrow(&self, _place: Place, _world: &World, _needs: &mut Needs) -> Result<()> {
        Ok(())
    }

    /// The login of a person who shares no workspace with the caller, if the mutation tries one, whether or not it is
    /// of an account. The engine limits how many a caller may try.
    fn reaches(&self, _caller: &Caller, _world: &World) -> Option<String> {
        None
    }

    /// The key of an address to which it mails an invitation. The engine limits how many mails go to one.
    fn mails(&self) -> Option<String> {
        None
    }

    /// Whether the engine adds a token to the answer, which no op_id must remember. It cannot be part of a batch then.
    fn makes_token(&self) -> bool {
        false
    }

    /// Whether it may change very many tasks. A batch has at most one such mutation.
    fn cascades(&self) -> bool {
        false
    }

    /// The project from which the engine takes tasks first, while they are too many for one transaction.
    fn empties(&self) -> Option<ProjectId> {
        None
    }

    /// Whether it counts as a change of the caller's own profile, of which an hour allows only some.
    const CHANGES_PROFILE: bool = false;

    /// Decides: either refuses and leaves the world unchanged, or changes it. All checks come before the first change.
    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Self::Output>>;
}

/// A mutation of any kind, as the engine holds it.
pub trait Decide: Send + Sync {
    /// The wire name.
    fn name(&self) -> &'static str;
    /// Who may do it.
    fn access(&self) -> Access;
    /// Whether it counts as a change of the caller's own profile.
    fn changes_profile(&self) -> bool {
        false
    }
    /// What the mutation is about.
    fn target(&self, caller: &Caller) -> Target;
    /// Adds what the mutation needs besides its target.
    fn needs(&self, caller: &Caller, needs: &mut Needs);
    /// Refuses what the rows that it names decide already, and drops needs that they make needless.
    fn narrow(&self, _place: Place, _world: &World, _needs: &mut Needs) -> Result<()> {
        Ok(())
    }
    /// The login of a stranger that the mutation tries.
    fn reaches(&self, _caller: &Caller, _world: &World) -> Option<String> {
        None
    }
    /// The key of an address to which it mails an invitation.
    fn mails(&self) -> Option<String> {
        None
    }
    /// Whether the engine adds a token to the answer.
    fn makes_token(&self) -> bool {
        false
    }
    /// Whether it may change very many tasks.
    fn cascades(&self) -> bool {
        false
    }
    /// The project from which the engine takes tasks first.
    fn empties(&self) -> Option<ProjectId> {
        None
    }
    /// The invitation that it names, whose workspace the engine must find first.
    fn invitation(&self) -> Option<InviteName<'_>> {
        None
    }
    /// Tells it the invitation and its workspace.
    fn found(&mut self, _id: InviteId, _workspace: WorkspaceId) {}
    /// Decides, and returns the output as JSON.
    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>>;
    /// The request as text, independent of key order and white space. Comparing it tells whether a repeated `op_id`
    /// carries the same request.
    fn canonical(&self) -> String;
}

impl<M: Mutation> Decide for M {
    fn name(&self) -> &'static str {
        M::NAME
    }

    fn access(&self) -> Access {
        M::ACCESS
    }

    fn changes_profile(&self) -> bool {
        M::CHANGES_PROFILE
    }

    fn target(&self, caller: &Caller) -> Target {
        Targeted::target(self, caller)
    }

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        Mutation::needs(self, caller, needs);
    }

    fn narrow(&self, place: Place, world: &World, needs: &mut Needs) -> Result<()> {
        Mutation::narrow(self, place, world, needs)
    }

    fn reaches(&self, caller: &Caller, world: &World) -> Option<String> {
        Mutation::reaches(self, caller, world)
    }

    fn mails(&self) -> Option<String> {
        Mutation::mails(self)
    }

    fn makes_token(&self) -> bool {
        Mutation::makes_token(self)
    }

    fn cascades(&self) -> bool {
        Mutation::cascades(self)
    }

    fn empties(&self) -> Option<ProjectId> {
        Mutation::empties(self)
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        match Mutation::decide(self, act, world)?.0 {
            Output::Value(value) => Ok(json(&value)?.into()),
            Output::Encoded(json) => Ok(json),
        }
    }

    fn canonical(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
