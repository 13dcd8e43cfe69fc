//! `calendar`: the feed that calendar programs read.

use crate::{
    args::CalendarAction,
    connect::Context,
    fault::Fault,
    output::Output,
    paging,
    terminal::{note, plain},
};
use serde_json::json;
use taskwire_client::{
    Client,
    protocol::calendar::{CreateCalendar, RevokeCalendar},
};

pub(crate) async fn calendar(
    context: &Context,
    output: &Output,
    action: CalendarAction,
) -> Result<(), Fault> {
    let call = async |client: &Client| match action {
        CalendarAction::Create => create(context, client, output).await,
        CalendarAction::Revoke => revoke(client, output).await,
    };
    context.calling(call).await
}

async fn create(context: &Context, client: &Client, output: &Output) -> Result<(), Fault> {
    let made = client.call(CreateCalendar {}).await?;
    let mut url = plain(made.url.expose());
    // a server that does not know its address gives the path
    if url.starts_with('/') {
        url.insert_str(0, context.url.trim_end_matches('/'));
    }
    if output.json {
        return output.value(&json!({ "url": url, "secret": made.secret.expose() }));
    }
    note("whoever has this address reads your pending tasks with a due date; it is shown only now");
    note("for a program that shows no to-dos, like Google Calendar, add ?as=events to it");
    output.line(&url)
}

async fn revoke(client: &Client, output: &Output) -> Result<(), Fault> {
    let done = paging::call(client, &RevokeCalendar {}).await?;
    if output.json {
        return output.value(&done);
    }
    output.line("the calendar feed has ended")
}
