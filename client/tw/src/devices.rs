//! `sessions`: the sign-ins of one's own account, one for each device.

use crate::{
    account::forget,
    args::SessionsArgs,
    connect::Context,
    fault::Fault,
    output::Output,
    paging, resolve,
    table::{Cell, Row},
    terminal::note,
    text::{moment, short},
};
use taskwire_client::{
    CallError, Client, Stopped,
    protocol::account::{ListSessions, RevokeSession, Session},
};

pub(crate) async fn sessions(context: &Context, output: &Output, args: SessionsArgs) -> Result<(), Fault> {
    let ended = context
        .calling(async |client| {
            let sessions = paging::call(client, &ListSessions {}).await?.items;
            let ending: Vec<&Session> = match &args.revoke {
                Some(id) => vec![named(&sessions, id)?],
                None if args.revoke_others => sessions.iter().filter(|session| !session.current).collect(),
                None => {
                    list(output, &sessions)?;
                    return Ok(None);
                }
            };
            revoke(client, &ending).await?;
            Ok(Some(ending.into_iter().cloned().collect::<Vec<_>>()))
        })
        .await?;
    let Some(ended) = ended else { return Ok(()) };
    let signed_out = ended.iter().any(|session| session.current);
    if context.token.is_none() && signed_out {
        forget(context, context.session.as_ref()).await?;
    }
    if output.json {
        return output.value(&ended);
    }
    if ended.is_empty() {
        note("there are no other sessions");
    }
    ended
        .iter()
        .try_for_each(|session| output.line(&format!("{}  revoked", short(session.id))))?;
    if signed_out {
        note("this was the session of this device: you are now signed out here");
    }
    Ok(())
}

fn list(output: &Output, sessions: &[Session]) -> Result<(), Fault> {
    if output.json {
        return output.value(&sessions);
    }
    output.table(&sessions.iter().map(row).collect::<Vec<_>>(), 1)
}

/// The session with this id, or whose id ends or begins with this text.
fn named<'a>(sessions: &'a [Session], text: &str) -> Result<&'a Session, Fault> {
    let names = sessions.iter().map(|session| {
        let name = session.device_name.as_deref().unwrap_or_default();
        (session.id.0, name)
    });
    let id = resolve::one_of(&names.collect::<Vec<_>>(), text, "session", "`tw sessions`")?;
    let found = sessions.iter().find(|session| session.id.0 == id);
    found.ok_or_else(|| Fault::not_found("the session has ended"))
}

/// Ends the sessions; the current one last, because the connection ends with it.
async fn revoke(client: &Client, sessions: &[&Session]) -> Result<(), Fault> {
    for session in sessions {
        match client.call(RevokeSession { id: session.id }).await {
            Ok(_) => {}
            Err(CallError::Stopped(Stopped::Revoked(_) | Stopped::SignedOut(_))) if session.current => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn row(session: &Session) -> Row {
    let mark = if session.current { '*' } else { ' ' };
    let parts = [&session.device_name, &session.client, &session.address];
    let parts = parts.map(|part| Cell::from(part.as_deref().unwrap_or_default()));
    let mut row = vec![format!("{mark} {}", short(session.id)).into()];
    row.extend(parts);
    row.push(format!("last seen {}", moment(session.last_seen_at)).into());
    row
}
