//! `admin`: the accounts and connections of the whole server, for administrators.

use crate::{
    args::{AdminCommand, CreateArgs, UpdateArgs},
    ask,
    fault::Fault,
    output::Output,
    paging,
    profile::{self, plan, role},
    table::{self, Cell, Row},
    terminal::{note, plain},
    text::moment,
};
use taskwire_client::{
    CallError, Client,
    protocol::{
        ErrorCode, Operation, SessionId, UserId,
        account::{Done, GlobalRole, User},
        admin::{
            Connection, CreateUser, DeleteUser, FindUser, Instance, Kick, ListConnections, ListInstances,
            ListUsers, SignOutUser, UnlockUser, UpdateUser,
        },
        limits,
    },
};

/// The column of the names of accounts.
const NAME: usize = 3;

pub(crate) async fn admin(client: &Client, output: &Output, command: AdminCommand) -> Result<(), Fault> {
    match command {
        AdminCommand::Users { query, limit } => users(client, output, query, limit).await,
        AdminCommand::Show { account } => {
            let id = named(client, &account).await?;
            profile::show(output, &call(client, &FindUser { id }).await?)
        }
        AdminCommand::Create(args) => create(client, output, args).await,
        AdminCommand::Update(args) => update(client, output, args).await,
        AdminCommand::Unlock { account } => {
            let id = named(client, &account).await?;
            said(output, call(client, &UnlockUser { id }).await?, "unlocked")
        }
        AdminCommand::SignOut { account } => {
            let id = named(client, &account).await?;
            let done = call(client, &SignOutUser { id }).await?;
            said(output, done, "signed out everywhere")
        }
        AdminCommand::Delete { account, yes } => delete(client, output, &account, yes).await,
        AdminCommand::Instances => instances(client, output).await,
        AdminCommand::Connections { user, limit } => connections(client, output, user, limit).await,
        AdminCommand::Kick { account, session } => kick(client, output, account, session).await,
    }
}

/// Makes a call about an account.
async fn call<O: Operation + Clone>(client: &Client, params: &O) -> Result<O::Output, Fault> {
    paging::call(client, params).await.map_err(|error| match error {
        CallError::Refused(failure) if failure.code == ErrorCode::NotFound => {
            Fault::not_found(format!("{}; `tw admin users` lists accounts", failure.message))
        }
        error => error.into(),
    })
}

/// The account with this id, e-mail address or username. An id is returned without a look-up.
async fn named(client: &Client, text: &str) -> Result<UserId, Fault> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let is = |name: &str| name.to_lowercase() == text.to_lowercase();
    let params = ListUsers {
        // more of it is not searched for; whether it is the whole name is compared here
        q: Some(text.chars().take(limits::SEARCH).collect()),
        ..ListUsers::default()
    };
    let mut found = Vec::new();
    let read = paging::read(client, params, paging::ALL, |page| {
        let users = page.items.into_iter();
        found.extend(users.filter(|user| is(&user.email) || is(&user.username)));
    });
    read.await?;
    match found.as_slice() {
        [user] => Ok(user.id),
        [] => Err(Fault::not_found(format!(
            "no account has the e-mail address or username {text:?}; `tw admin users` lists accounts"
        ))),
        several => {
            let ids: Vec<String> = several.iter().map(|user| user.id.to_string()).collect();
            Err(Fault::usage(format!(
                "{text:?} names several accounts; write the id: {}",
                ids.join(", ")
            )))
        }
    }
}

async fn users(client: &Client, output: &Output, q: Option<String>, limit: u32) -> Result<(), Fault> {
    let params = ListUsers {
        q,
        ..ListUsers::default()
    };
    let mut users = Vec::new();
    let more = paging::read(client, params, limit as usize, |page| users.extend(page.items)).await?;
    if output.json {
        return output.value(&users);
    }
    if users.is_empty() {
        note("no account has this in its name, username or e-mail address");
    }
    output.table(&users.iter().map(row).collect::<Vec<_>>(), NAME)?;
    if more {
        note("there are more accounts; --limit shows more");
    }
    Ok(())
}

async fn create(client: &Client, output: &Output, args: CreateArgs) -> Result<(), Fault> {
    let password = if args.password || args.password_stdin {
        Some(ask::password_of_another(args.password_stdin)?.into())
    } else {
        None
    };
    let mails = password.is_none();
    let params = CreateUser {
        email: args.email.into(),
        name: args.name,
        password,
        role: args.admin.then_some(GlobalRole::Admin),
        plan: args.plan,
    };
    let user = client.call(params).await?;
    if mails && !output.json {
        note("a mail lets its owner set a password");
    }
    changed(output, &user)
}

async fn update(client: &Client, output: &Output, args: UpdateArgs) -> Result<(), Fault> {
    let changes = args.changes;
    let update = UpdateUser {
        id: named(client, &args.account).await?,
        role: changes.role,
        is_active: (changes.active || changes.inactive).then_some(changes.active),
        plan: changes.plan,
        name: changes.name,
        email: changes.email.map(Into::into),
    };
    changed(output, &call(client, &update).await?)
}

async fn delete(client: &Client, output: &Output, account: &str, yes: bool) -> Result<(), Fault> {
    let id = named(client, account).await?;
    if !yes {
        let user = call(client, &FindUser { id }).await?;
        let what = format!(
            "{}\nThis account and its own workspace will be gone for good. Type yes to go on",
            table::line(&row(&user))
        );
        let answer = ask::given_or_asked(None, &what, "--yes")?;
        if !answer.eq_ignore_ascii_case("yes") {
            return Err(Fault::usage("the account was not deleted"));
        }
    }
    said(output, call(client, &DeleteUser { id }).await?, "deleted")
}

async fn instances(client: &Client, output: &Output) -> Result<(), Fault> {
    let instances = paging::call(client, &ListInstances {}).await?.items;
    if output.json {
        return output.value(&instances);
    }
    let row = |instance: &Instance| {
        let mark = if instance.current { '*' } else { ' ' };
        vec![
            format!("{mark} {}", instance.name).into(),
            Cell::from(&*instance.version),
            format!("started {}", moment(instance.started_at)).into(),
            format!("connections: {}", instance.sockets).into(),
        ]
    };
    output.table(&instances.iter().map(row).collect::<Vec<_>>(), 1)
}

async fn connections(
    client: &Client,
    output: &Output,
    user: Option<String>,
    limit: u32,
) -> Result<(), Fault> {
    let params = ListConnections {
        user_id: of(client, user).await?,
        ..ListConnections::default()
    };
    let (mut items, mut unanswered) = (Vec::new(), Vec::new());
    let more = paging::read(client, params, limit as usize, |page| {
        items.extend(page.items);
        unanswered = page.unanswered;
    });
    let more = more.await?;
    for instance in &unanswered {
        let name = plain(&instance.name);
        note(&format!(
            "the instance {name} did not answer; its connections are missing"
        ));
    }
    if output.json {
        return output.value(&items);
    }
    let row = |connection: &Connection| {
        let or_empty = |text: &Option<String>| Cell::from(text.as_deref().unwrap_or_default());
        vec![
            connection.session_id.to_string().into(),
            Cell::from(&*connection.user.username),
            Cell::from(&*connection.instance.name),
            or_empty(&connection.client),
            or_empty(&connection.address),
            format!("since {}", moment(connection.connected_at)).into(),
        ]
    };
    if items.is_empty() && unanswered.is_empty() {
        note("nobody is connected");
    }
    output.table(&items.iter().map(row).collect::<Vec<_>>(), 1)?;
    if more {
        note("there are more connections; --limit shows more");
    }
    Ok(())
}

async fn kick(
    client: &Client,
    output: &Output,
    account: Option<String>,
    session_id: Option<SessionId>,
) -> Result<(), Fault> {
    let user_id = of(client, account).await?;
    let done = call(client, &Kick { user_id, session_id }).await?;
    said(output, done, "the connections are closed")
}

/// The account that is named, if one is.
async fn of(client: &Client, account: Option<String>) -> Result<Option<UserId>, Fault> {
    match account {
        Some(account) => named(client, &account).await.map(Some),
        None => Ok(None),
    }
}

fn row(user: &User) -> Row {
    let state = match (user.is_active, user.is_verified) {
        (false, _) => "not active",
        (true, false) => "not verified",
        (true, true) => "",
    };
    vec![
        user.id.to_string().into(),
        Cell::from(&*user.username),
        Cell::from(&*user.email),
        Cell::from(&*user.name),
        role(user.role).into(),
        plan(user.plan).into(),
        state.into(),
    ]
}

fn changed(output: &Output, user: &User) -> Result<(), Fault> {
    if output.json {
        return output.value(user);
    }
    output.line(&table::line(&row(user)))
}

fn said(output: &Output, done: Done, text: &str) -> Result<(), Fault> {
    if output.json {
        return output.value(&done);
    }
    output.line(text)
}
