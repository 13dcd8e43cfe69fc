//! Which roles a member may grant, change or remove.

use super::Result;
use taskwire_protocol::member::Role;
use taskwire_protocol::workspace::WorkspaceKind;
use taskwire_protocol::{ErrorCode, Failure};

/// Checks a change of a member's role by a member with role `by`: from `from` (`None`: a new member) to `to` (`None`:
/// removal). `owners` is the number of owners before the change.
pub fn change(
    kind: WorkspaceKind,
    by: Role,
    from: Option<Role>,
    to: Option<Role>,
    owners: usize,
) -> Result<()> {
    if kind == WorkspaceKind::Personal {
        return Err(Failure::new(
            ErrorCode::Conflict,
            "a personal workspace cannot be shared; make one for a team",
        ));
    }
    if from.is_some_and(|role| role > by) || to.is_some_and(|role| role > by) {
        return Err(Failure::new(
            ErrorCode::Forbidden,
            "you cannot grant or revoke a role above your own",
        ));
    }
    if from == Some(Role::Owner) && to != Some(Role::Owner) && owners < 2 {
        return Err(Failure::new(
            ErrorCode::Conflict,
            "a workspace needs an owner; make another member an owner first",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use Role::{Admin, Member, Owner, Viewer};

    fn code(by: Role, from: Option<Role>, to: Option<Role>, owners: usize) -> Option<ErrorCode> {
        change(WorkspaceKind::Team, by, from, to, owners)
            .err()
            .map(|failure| failure.code)
    }

    #[test]
    fn a_member_cannot_grant_a_role_above_their_own_and_the_last_owner_stays() {
        assert_eq!(code(Admin, None, Some(Member), 1), None);
        assert_eq!(code(Admin, None, Some(Owner), 1), Some(ErrorCode::Forbidden));
        assert_eq!(
            code(Admin, Some(Owner), Some(Viewer), 2),
            Some(ErrorCode::Forbidden)
        );
        assert_eq!(code(Owner, Some(Owner), None, 1), Some(ErrorCode::Conflict));
        assert_eq!(code(Owner, Some(Owner), Some(Admin), 2), None);
    }
}
