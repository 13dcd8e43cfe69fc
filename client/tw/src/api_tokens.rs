//! `tokens`: API tokens, for programs.

use crate::{
    args::{NewTokenArgs, TokenAction},
    clock::now_ms,
    due::Due,
    fault::Fault,
    output::Output,
    paging, resolve,
    table::{self, Cell, Row},
    terminal::{note, plain},
    text::{moment, short},
};
use jiff::{ToSpan as _, tz::TimeZone};
use taskwire_client::{
    Client,
    protocol::{
        Timestamp,
        account::{ApiToken, ApiTokenScope, CreateApiToken, ListApiTokens, RevokeApiToken},
    },
};

pub(crate) async fn tokens(
    client: &Client,
    output: &Output,
    action: Option<TokenAction>,
) -> Result<(), Fault> {
    match action {
        None => list(client, output).await,
        Some(TokenAction::New(args)) => make(client, output, args).await,
        Some(TokenAction::Revoke { id }) => revoke(client, output, &id).await,
    }
}

async fn list(client: &Client, output: &Output) -> Result<(), Fault> {
    let tokens = paging::call(client, &ListApiTokens {}).await?.items;
    if output.json {
        return output.value(&tokens);
    }
    if tokens.is_empty() {
        note("you have no API token; `tw tokens new NAME` makes one");
    }
    output.table(&tokens.iter().map(row).collect::<Vec<_>>(), 1)
}

async fn make(client: &Client, output: &Output, args: NewTokenArgs) -> Result<(), Fault> {
    let mut workspaces = Vec::with_capacity(args.workspaces.len());
    for name in &args.workspaces {
        workspaces.push(resolve::workspace(client, name).await?);
    }
    let params = CreateApiToken {
        name: args.name,
        expires_at: args.expires.map(end),
        scope: if args.read {
            ApiTokenScope::Read
        } else {
            ApiTokenScope::Write
        },
        workspace_ids: (!workspaces.is_empty()).then_some(workspaces),
    };
    let token = client.call(params).await?;
    if output.json {
        return output.value(&token);
    }
    note(&format!("made {}", table::line(&row(&token))));
    note("the token is shown only now; keep it where the program finds it, for example in TASKWIRE_TOKEN");
    let secret = token.token.as_ref();
    let secret = secret.ok_or_else(|| Fault::other("the server did not return the token"))?;
    output.line(&plain(secret.expose()))
}

async fn revoke(client: &Client, output: &Output, id: &str) -> Result<(), Fault> {
    let tokens = paging::call(client, &ListApiTokens {}).await?.items;
    let named: Vec<_> = tokens
        .iter()
        .map(|token| (token.id.0, token.name.as_str()))
        .collect();
    let id = resolve::one_of(&named, id, "API token", "`tw tokens`")?;
    let done = paging::call(client, &RevokeApiToken { id: id.into() }).await?;
    if output.json {
        return output.value(&done);
    }
    output.line(&format!("{}  revoked", short(id)))
}

fn row(token: &ApiToken) -> Row {
    let scope = match token.scope {
        ApiTokenScope::Read => "read",
        ApiTokenScope::Write => "write",
    };
    let workspaces = match token.workspace_ids.as_deref() {
        None => "all workspaces".to_owned(),
        Some([one]) => format!("workspace {}", short(*one)),
        Some(several) => format!("{} workspaces", several.len()),
    };
    let expires = match token.expires_at {
        None => "never expires".to_owned(),
        Some(at) if at.0 <= now_ms() => format!("EXPIRED {}", moment(at)),
        Some(at) => format!("expires {}", moment(at)),
    };
    let used = match token.last_used_at {
        None => "never used".to_owned(),
        Some(at) => format!("last used {}", moment(at)),
    };
    vec![
        short(token.id).into(),
        Cell::from(&*token.name),
        scope.into(),
        workspaces.into(),
        expires.into(),
        used.into(),
    ]
}

/// The moment, or the end of the day in the person's time zone.
fn end(due: Due) -> Timestamp {
    let day = due.day();
    let end = day.and_then(|day| day.checked_add(1.day()).ok()?.to_zoned(TimeZone::system()).ok());
    end.map_or(due.at, |end| Timestamp(end.timestamp().as_millisecond()))
}
