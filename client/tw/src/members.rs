//! `members` and `member`: the people of a workspace, and what each may do.

use crate::{
    args::{MemberAction, MembersArgs},
    fault::Fault,
    output::Output,
    paging, resolve,
    table::{self, Cell, Row},
    terminal::plain,
    text::moment,
};
use taskwire_client::{
    Client,
    protocol::{
        UserId, WorkspaceId,
        member::{AddMember, ListMembers, Member, RemoveMember, Role, UpdateMember},
    },
};

/// The column of the names.
const NAME: usize = 1;

pub(crate) async fn members(client: &Client, output: &Output, args: MembersArgs) -> Result<(), Fault> {
    let workspace_id = resolve::workspace_or_personal(client, args.workspace.as_deref()).await?;
    let params = ListMembers {
        workspace_id,
        limit: None,
        cursor: None,
    };
    let mut members = Vec::new();
    paging::read(client, params, paging::ALL, |page| members.extend(page.items)).await?;
    if output.json {
        return output.value(&members);
    }
    let rows: Vec<Row> = members.iter().map(row).collect();
    output.table(&rows, NAME)
}

pub(crate) async fn member(client: &Client, output: &Output, action: MemberAction) -> Result<(), Fault> {
    match action {
        MemberAction::Add { workspace, who, role } => {
            let workspace_id = resolve::workspace(client, &workspace).await?;
            let params = added(workspace_id, &who, role.unwrap_or(Role::Member));
            show(output, &paging::call(client, &params).await?)
        }
        MemberAction::Role {
            workspace,
            member,
            role,
        } => {
            let (workspace_id, user_id) = named(client, &workspace, &member).await?;
            let params = UpdateMember {
                workspace_id,
                user_id,
                role,
            };
            show(output, &paging::call(client, &params).await?)
        }
        MemberAction::Remove { workspace, member } => {
            let (workspace_id, user_id) = named(client, &workspace, &member).await?;
            let params = RemoveMember {
                workspace_id,
                user_id,
            };
            let done = paging::call(client, &params).await?;
            if output.json {
                return output.value(&done);
            }
            output.line(&format!("{}  removed from the workspace", plain(&member)))
        }
    }
}

/// An e-mail address has an @ inside; one in front of a username is only an ornament.
fn added(workspace_id: WorkspaceId, who: &str, role: Role) -> AddMember {
    let who = who.strip_prefix('@').unwrap_or(who);
    let (username, email) = if who.contains('@') {
        (None, Some(who.to_owned()))
    } else {
        (Some(who.to_owned()), None)
    };
    AddMember {
        workspace_id,
        username,
        email: email.map(Into::into),
        role,
    }
}

async fn named(client: &Client, workspace: &str, member: &str) -> Result<(WorkspaceId, UserId), Fault> {
    let workspace_id = resolve::workspace(client, workspace).await?;
    let people = resolve::people(client, workspace_id, &[member.to_owned()]).await?;
    let id = people.first().copied();
    Ok((workspace_id, id.ok_or_else(|| Fault::usage("name a member"))?))
}

fn show(output: &Output, member: &Member) -> Result<(), Fault> {
    if output.json {
        return output.value(member);
    }
    output.line(&table::line(&row(member)))
}

fn row(member: &Member) -> Row {
    vec![
        format!("@{}", member.user.username).into(),
        Cell::from(&*member.user.name),
        word(member.role).into(),
        format!("since {}", moment(member.joined_at)).into(),
    ]
}

/// The role as a word of the contract.
pub(crate) fn word(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Member => "member",
        Role::Admin => "admin",
        Role::Owner => "owner",
    }
}
