//! The accounts: users, their workspaces, and guests, whose membership is removed and added again.

use super::Shared;
use super::lease::Lease;
use super::session::{Keeper, PASSWORD, address_of};
use crate::Failed;
use crate::socket::{Pace, Socket};
use rand::RngExt as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use taskwire_protocol::account::Tokens;
use tokio::time::timeout;
use uuid::Uuid;

/// An account that is signed in.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: Uuid,
    pub(crate) username: String,
    pub(crate) session: Arc<Keeper>,
    /// Numbers of the workspaces that the user belongs to for the whole run.
    pub(crate) workspaces: Vec<usize>,
}

/// A workspace and its lasting members.
#[derive(Clone, Debug)]
pub(crate) struct Workspace {
    pub(crate) id: Uuid,
    /// Numbers of users, the owner first.
    pub(crate) members: Vec<usize>,
}

/// All accounts and workspaces of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Accounts {
    pub(crate) users: Vec<User>,
    pub(crate) workspaces: Vec<Workspace>,
    /// Each belongs to the workspace with its number, except while a fault has removed it.
    pub(crate) guests: Vec<User>,
    /// Two for each teammate, who alone uses them. They belong to none of the workspaces.
    pub(crate) newcomers: Vec<User>,
}

/// A socket for questions and answers, one at a time.
pub(crate) struct Caller(Socket);

impl Caller {
    /// A socket without an account.
    pub(crate) async fn stranger(address: &str) -> Result<Caller, Failed> {
        Ok(Caller(Socket::connect(address, Pace::default(), 0).await?))
    }

    /// A socket of this user that follows nothing.
    pub(crate) async fn of(shared: &Arc<Shared>, user: &User, address: &str) -> Result<Caller, Failed> {
        let how = (address, Pace::default(), 0);
        let (socket, ..) = Lease::open(shared, &user.session, how, &json!([]), None).await?;
        Ok(Caller(socket))
    }

    /// A socket with this token that follows nothing.
    pub(crate) async fn with(address: &str, token: &str) -> Result<Caller, Failed> {
        let (socket, _) = Socket::open(address, Pace::default(), 0, token, &json!([]), None).await?;
        Ok(Caller(socket))
    }

    /// Sends a request, and returns its whole answer: `ok` or `error`.
    pub(crate) async fn ask(
        &mut self,
        name: &str,
        op_id: Option<Uuid>,
        data: &Value,
    ) -> Result<Value, Failed> {
        let mut request = json!({"type": name, "id": 1, "data": data});
        if let Some(op_id) = op_id {
            request["op_id"] = json!(op_id);
        }
        self.0.send(request.to_string()).await?;
        loop {
            let text = timeout(Duration::from_secs(30), self.0.next()).await??;
            let answer: Value = serde_json::from_str(&text)?;
            if answer["id"] == 1 {
                return Ok(answer);
            }
        }
    }

    /// Sends a request, and returns the `data` of its answer; an error when it was refused.
    pub(crate) async fn call(&mut self, name: &str, data: &Value) -> Result<Value, Failed> {
        let mut answer = self.ask(name, None, data).await?;
        if answer["type"] == "error" {
            return Err(format!("{name}: {}", answer["error"]).into());
        }
        Ok(answer["data"].take())
    }
}

/// How many members a workspace has, its owner and guest included.
const MEMBERS: usize = 4;

impl Accounts {
    /// Makes all of them through one instance.
    pub(crate) async fn make(
        shared: &Arc<Shared>,
        workspaces: usize,
        newcomers: usize,
        random: &mut StdRng,
    ) -> Result<Accounts, Failed> {
        let mut accounts = Accounts::default();
        for number in 0..workspaces.clamp(6, 60) {
            let user = sign_up(shared, &format!("user{number}"), random).await?;
            accounts.users.push(user);
        }
        for number in 0..workspaces.clamp(1, 8) {
            let guest = sign_up(shared, &format!("guest{number}"), random).await?;
            accounts.guests.push(guest);
        }
        for number in 0..newcomers {
            let newcomer = sign_up(shared, &format!("newcomer{number}"), random).await?;
            accounts.newcomers.push(newcomer);
        }
        for number in 0..workspaces {
            accounts.found(shared, number, random).await?;
        }
        Ok(accounts)
    }

    async fn found(
        &mut self,
        shared: &Arc<Shared>,
        number: usize,
        random: &mut StdRng,
    ) -> Result<(), Failed> {
        let owner = number % self.users.len();
        let address = shared.world.instances[0].address();
        let mut caller = Caller::of(shared, &self.users[owner], &address).await?;
        let name = format!("workspace {number}");
        let made = caller.call("workspace.create", &json!({"name": name})).await?;
        let id: Uuid = serde_json::from_value(made["id"].clone())?;
        let mut members = vec![owner];
        while members.len() < MEMBERS.min(self.users.len()) {
            let next = random.random_range(0..self.users.len());
            if !members.contains(&next) {
                members.push(next);
            }
        }
        let names = members[1..].iter().map(|member| &self.users[*member].username);
        for name in names.chain(self.guests.get(number).map(|guest| &guest.username)) {
            let data = json!({"workspace_id": id, "username": name, "role": "member"});
            caller.call("member.add", &data).await?;
        }
        for member in &members {
            self.users[*member].workspaces.push(number);
        }
        self.workspaces.push(Workspace { id, members });
        Ok(())
    }
}

async fn sign_up(shared: &Arc<Shared>, name: &str, random: &mut StdRng) -> Result<User, Failed> {
    let mut caller = Caller::stranger(&shared.world.instances[0].address()).await?;
    let data = json!({"email": address_of(name), "password": PASSWORD, "name": name, "username": name});
    let tokens: Tokens = serde_json::from_value(caller.call("auth.signup", &data).await?)?;
    Ok(User {
        id: tokens.user.id.0,
        username: name.to_owned(),
        session: Keeper::start(shared.clone(), name, tokens, random.random()),
        workspaces: Vec::new(),
    })
}
