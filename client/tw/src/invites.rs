//! `invite`, `invites`, `join`: invitations to workspaces.

use crate::{
    args::{InviteArgs, InvitesArgs},
    fault::Fault,
    members::word,
    output::Output,
    paging, resolve,
    table::{self, Cell, Row},
    terminal::{note, plain},
    text::{moment, short},
};
use taskwire_client::{
    Client,
    protocol::{
        InviteId, WorkspaceId,
        account::SyncUser,
        invite::{AcceptInvite, CreateInvite, Invite, ListInvites, RevokeInvite, SentInvite},
        member::Role,
    },
};
use uuid::Uuid;

/// The column that tells who is invited, or whereto.
const WHAT: usize = 1;

pub(crate) async fn invite(client: &Client, output: &Output, args: InviteArgs) -> Result<(), Fault> {
    let workspace_id = resolve::workspace(client, &args.workspace).await?;
    let params = |email: Option<String>| CreateInvite {
        workspace_id,
        role: args.role.unwrap_or(Role::Member),
        email: email.map(Into::into),
        max_uses: args.max_uses,
    };
    if args.emails.is_empty() {
        return link(client, output, params(None)).await;
    }
    let (mut sent, mut done) = (Vec::new(), Ok(()));
    for email in args.emails {
        // a limit of an hour is not waited for
        match client.call(params(Some(email))).await {
            Ok(invite) => sent.push(invite),
            Err(error) => {
                done = Err(error.into());
                break;
            }
        }
    }
    if output.json {
        if !sent.is_empty() {
            output.value(&sent)?;
        }
    } else {
        output.table(&sent.iter().map(row).collect::<Vec<_>>(), WHAT)?;
    }
    done
}

/// Makes a link for anybody. Standard output gets its token alone.
async fn link(client: &Client, output: &Output, params: CreateInvite) -> Result<(), Fault> {
    let invite = client.call(params).await?;
    if output.json {
        return output.value(&invite);
    }
    note(&format!("made {}", table::line(&row(&invite))));
    note("whoever runs `tw join` with this token becomes a member; it is shown only now");
    let token = invite.token.as_ref();
    let token = token.ok_or_else(|| Fault::other("the server did not return the token"))?;
    output.line(&plain(token.expose()))
}

/// Lists the invitations that the person got, or those to a workspace; or takes one back.
pub(crate) async fn invites(client: &Client, output: &Output, args: InvitesArgs) -> Result<(), Fault> {
    let Some(workspace) = args.workspace else {
        return received(client, output).await;
    };
    let workspace_id = resolve::workspace(client, &workspace).await?;
    let invites = all(client, workspace_id).await?;
    if let Some(id) = args.revoke {
        return revoke(client, output, &invites, &id).await;
    }
    if output.json {
        return output.value(&invites);
    }
    if invites.is_empty() {
        note("nobody is invited; `tw invite WORKSPACE EMAIL` invites somebody");
    }
    output.table(&invites.iter().map(row).collect::<Vec<_>>(), WHAT)
}

async fn all(client: &Client, workspace_id: WorkspaceId) -> Result<Vec<SentInvite>, Fault> {
    let params = ListInvites {
        workspace_id,
        limit: None,
        cursor: None,
    };
    let mut invites = Vec::new();
    paging::read(client, params, paging::ALL, |page| invites.extend(page.items)).await?;
    Ok(invites)
}

async fn revoke(client: &Client, output: &Output, invites: &[SentInvite], id: &str) -> Result<(), Fault> {
    let named: Vec<(Uuid, &str)> = invites
        .iter()
        .map(|invite| (invite.id.0, invite.email.as_deref().unwrap_or("link")))
        .collect();
    let id = resolve::one_of(&named, id, "invitation", "`tw invites WORKSPACE`")?;
    let done = paging::call(client, &RevokeInvite { id: InviteId(id) }).await?;
    if output.json {
        return output.value(&done);
    }
    output.line(&format!("{}  revoked", short(id)))
}

async fn received(client: &Client, output: &Output) -> Result<(), Fault> {
    let invites = paging::call(client, &SyncUser {}).await?.invites;
    if output.json {
        return output.value(&invites);
    }
    if invites.is_empty() {
        note("you have no invitation; one by mail is here once your address is verified (`tw verify`)");
    }
    let rows = invites.iter().map(|invite| {
        vec![
            short(invite.id).into(),
            Cell::from(&*invite.workspace.name),
            word(invite.role).into(),
            format!("by {}", invite.invited_by.name).into(),
            format!("expires {}", moment(invite.expires_at)).into(),
        ]
    });
    output.table(&rows.collect::<Vec<Row>>(), WHAT)
}

/// Accepts an invitation: a token, a link, or one that `tw invites` lists.
pub(crate) async fn join(client: &Client, output: &Output, text: &str) -> Result<(), Fault> {
    let token = text.rsplit_once('#').map_or(text, |(_, token)| token);
    let params = match named(client, text).await? {
        Some(id) => AcceptInvite {
            token: None,
            id: Some(InviteId(id)),
        },
        None => AcceptInvite {
            token: Some(token.into()),
            id: None,
        },
    };
    let workspace = paging::call(client, &params).await?;
    if output.json {
        return output.value(&workspace);
    }
    let role = workspace.role.map_or("", word);
    let name = plain(&workspace.name);
    output.line(&format!("{}  {name}  {role}  joined", short(workspace.id)))
}

/// The invitation of the person's that this text names: by the workspace, or by its id.
async fn named(client: &Client, text: &str) -> Result<Option<Uuid>, Fault> {
    // no id and few names are as long as a token
    if text.len() >= TOKEN || text.contains('#') {
        return Ok(None);
    }
    let invites = paging::call(client, &SyncUser {}).await?.invites;
    let is_named = |invite: &&Invite| invite.workspace.name.to_lowercase() == text.to_lowercase();
    let mut by_name = invites.iter().filter(is_named);
    if let (Some(one), None) = (by_name.next(), by_name.next()) {
        return Ok(Some(one.id));
    }
    let ids: Vec<(Uuid, &str)> = invites
        .iter()
        .map(|invite| (invite.id, &*invite.workspace.name))
        .collect();
    let missing = || {
        Fault::not_found(format!(
            "{:?} is neither a token nor an invitation of yours; `tw invites` lists those",
            plain(text)
        ))
    };
    resolve::one_of(&ids, text, "invitation", "`tw invites`")
        .map(Some)
        .map_err(|_| missing())
}

/// The length of a token.
const TOKEN: usize = 64;

fn row(invite: &SentInvite) -> Row {
    let whom = match (&invite.email, invite.max_uses) {
        (Some(email), _) => email.to_string(),
        (None, Some(most)) => format!("link, {} of {most} uses", invite.uses),
        (None, None) => format!("link, {} uses", invite.uses),
    };
    vec![
        short(invite.id).into(),
        whom.into(),
        word(invite.role).into(),
        format!("by {}", invite.invited_by.name).into(),
        format!("expires {}", moment(invite.expires_at)).into(),
    ]
}
