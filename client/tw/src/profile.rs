//! `profile`: one's own account.

use crate::{
    account,
    args::{DeleteProfileArgs, ProfileAction, ProfileArgs, ProfileChanges, ToldArgs},
    ask,
    connect::Context,
    export,
    fault::Fault,
    output::Output,
    paging, photo, preferences,
    terminal::{self, note, plain},
    text::moment,
};
use taskwire_client::{
    Client,
    protocol::{
        Patch,
        account::{ChangeEmail, DeleteProfile, GetProfile, GlobalRole, Plan, UpdateProfile, User},
    },
};

pub(crate) async fn profile(context: &Context, output: &Output, args: ProfileArgs) -> Result<(), Fault> {
    match args.action {
        None => {
            let change = async |client: &Client| change(client, output, args.changes).await;
            context.calling(change).await
        }
        Some(ProfileAction::Email { new, password_stdin }) => {
            change_email(context, output, new, password_stdin).await
        }
        Some(ProfileAction::Photo { file, .. }) => {
            let user = photo::change(context, file.as_deref()).await?;
            if !output.json {
                note(match file {
                    Some(_) => "the photo is set",
                    None => "the photo is removed",
                });
            }
            show(output, &user)
        }
        Some(ProfileAction::Delete(args)) => delete(context, output, args).await,
        Some(ProfileAction::Export(args)) => export::export(context, output, args).await,
    }
}

/// Deletes the account, and forgets its session.
async fn delete(context: &Context, output: &Output, args: DeleteProfileArgs) -> Result<(), Fault> {
    if context.token.is_none() && context.session.is_none() {
        return Err(context.signed_out());
    }
    if !args.yes {
        let what =
            "Your account, your own workspace and all that is in it will be gone for good. Type yes to go on";
        let answer = ask::given_or_asked(None, what, "--yes")?;
        if !answer.eq_ignore_ascii_case("yes") {
            return Err(Fault::usage("your account was not deleted"));
        }
    }
    let params = DeleteProfile {
        password: ask::password(args.password_stdin, false)?.into(),
    };
    let done = context
        .calling(async |client| Ok(client.call(params).await?))
        .await?;
    if let (None, Some(session)) = (&context.token, &context.session) {
        account::forget(context, Some(session)).await?;
    }
    if output.json {
        return output.value(&done);
    }
    output.line("your account is deleted")
}

async fn change_email(context: &Context, output: &Output, new: String, stdin: bool) -> Result<(), Fault> {
    let params = ChangeEmail {
        new_email: new.as_str().into(),
        password: ask::password(stdin, false)?.into(),
    };
    let done = context
        .calling(async |client| Ok(client.call(params).await?))
        .await?;
    // `tw verify` tries this address first.
    let kept = context.session.as_ref().filter(|_| context.token.is_none());
    let stored = match kept {
        Some(kept) => {
            let changed = context
                .file
                .change(kept, |kept| kept.pending_email = Some(new.clone()));
            changed.await.is_ok()
        }
        None => false,
    };
    if output.json {
        return output.value(&done);
    }
    let which = if stored {
        String::new()
    } else {
        format!(" --email {}", plain(&new))
    };
    output.line(&format!(
        "a mail with a code is on its way to the new address; `tw verify CODE{which}` takes it"
    ))
}

/// Shows the account, after the changes if there are any.
async fn change(client: &Client, output: &Output, changes: ProfileChanges) -> Result<(), Fault> {
    let mut update = UpdateProfile {
        name: changes.name,
        username: changes.username,
        timezone: changes.timezone,
        ..UpdateProfile::default()
    };
    if changes.told != ToldArgs::default() {
        let user = paging::call(client, &GetProfile {}).await?;
        update.preferences = Patch::Set(preferences::changed(&user, &changes.told));
    }
    let user = if update == UpdateProfile::default() {
        paging::call(client, &GetProfile {}).await?
    } else {
        client.call(update).await?
    };
    show(output, &user)
}

/// Prints an account.
pub(crate) fn show(output: &Output, user: &User) -> Result<(), Fault> {
    if output.json {
        return output.value(user);
    }
    let verified = if user.is_verified { "" } else { "  (not verified)" };
    let mut fields = vec![
        ("name", plain(&user.name)),
        ("username", plain(&user.username)),
        ("e-mail", format!("{}{verified}", plain(&user.email))),
        ("time zone", plain(&user.timezone)),
        ("role", role(user.role).to_owned()),
        ("plan", plan(user.plan).to_owned()),
        ("id", user.id.to_string()),
        ("created", moment(user.created_at)),
        ("photo", user.photo_url.as_deref().map_or_else(none, plain)),
        ("preferences", others(user)?),
        ("notices", preferences::told(user)),
    ];
    if !user.is_active {
        fields.push(("state", "not active: it cannot sign in".to_owned()));
    }
    fields
        .iter()
        .try_for_each(|(name, value)| output.line(&format!("{name:<11} {value}")))
}

fn none() -> String {
    "none".to_owned()
}

/// The preferences of programs.
fn others(user: &User) -> Result<String, Fault> {
    let preferences = preferences::of_programs(user);
    if preferences.is_empty() {
        return Ok(none());
    }
    Ok(terminal::json(&preferences)?)
}

/// The role as a word of the contract.
pub(crate) fn role(role: GlobalRole) -> &'static str {
    match role {
        GlobalRole::User => "user",
        GlobalRole::Admin => "admin",
    }
}

/// The plan as a word of the contract.
pub(crate) fn plan(plan: Plan) -> &'static str {
    match plan {
        Plan::Free => "free",
        Plan::Pro => "pro",
    }
}
