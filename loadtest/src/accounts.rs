//! The accounts that load the server: new ones that sign up over the socket, or those of given tokens. Also the
//! workspaces that they share.

use crate::link::Link;
use crate::target::Server;
use crate::trouble::Trouble;
use std::net::SocketAddr;
use std::time::Duration;
use taskwire_protocol::account::{SignUp, Streams};
use taskwire_protocol::member::{AddMember, Role};
use taskwire_protocol::workspace::CreateWorkspace;
use taskwire_protocol::{StreamId, WorkspaceId};
use uuid::Uuid;

/// The path of the socket.
pub(crate) const SOCKET: &str = "/v1/socket";
/// The most attempts of a request whose errors are retryable.
const ATTEMPTS: usize = 20;

/// About the length of an access token.
const TOKEN_BYTES: usize = 300;

/// A user of the server.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) token: String,
    username: String,
}

impl Account {
    /// For a server that accepts any token. The token has the length of a real one.
    pub(crate) fn placeholder() -> Account {
        Account {
            token: "x".repeat(TOKEN_BYTES),
            username: String::new(),
        }
    }
}

/// Makes `count` accounts, or takes those of the tokens that were given.
pub(crate) async fn make(server: &Server, count: usize) -> Result<Vec<Account>, Trouble> {
    if server.tokens.is_empty() {
        return sign_up(server.address, count).await;
    }
    let mut accounts = Vec::with_capacity(count);
    for token in server.tokens.iter().take(count) {
        let mut link = Link::open(server.address, SOCKET, 0).await?;
        let welcome = link.authenticate(token, Streams::These(Vec::new()), None).await?;
        accounts.push(Account {
            token: token.clone(),
            username: welcome.user.username.to_string(),
        });
    }
    Ok(accounts)
}

/// Makes `count` accounts, one after the other: for each, the server needs some 20 ms to hash the password.
pub(crate) async fn sign_up(server: SocketAddr, count: usize) -> Result<Vec<Account>, Trouble> {
    let mut accounts = Vec::with_capacity(count);
    // Names must differ from those of an earlier run on the same server.
    let run = Uuid::new_v4().simple().to_string();
    for n in 0..count {
        // The server closes a socket that has not authenticated for 10 s, so each account has its own.
        let mut link = Link::open(server, SOCKET, 0).await?;
        let tokens = repeat(&mut link, &request(&run[..12], n)).await?;
        accounts.push(Account {
            token: tokens.access_token.into_exposed(),
            username: tokens.user.username.to_string(),
        });
    }
    Ok(accounts)
}

/// Makes an account with this password. Returns its address.
pub(crate) async fn sign_up_with(server: SocketAddr, password: &str) -> Result<String, Trouble> {
    let mut link = Link::open(server, SOCKET, 0).await?;
    let run = Uuid::new_v4().simple().to_string();
    let request = SignUp {
        password: password.into(),
        ..request(&run[..12], 0)
    };
    repeat(&mut link, &request).await?;
    Ok(request.email.to_string())
}

fn request(run: &str, n: usize) -> SignUp {
    SignUp {
        email: format!("load-{run}-{n}@example.com").into(),
        password: format!("{run}-and-{n}-is-no-common-password").into(),
        name: format!("Load {n}"),
        username: Some(format!("load-{run}-{n}")),
        device_name: None,
    }
}

/// Makes a call, and repeats it while the server's error is retryable.
async fn repeat<O: taskwire_protocol::Operation>(link: &mut Link, request: &O) -> Result<O::Output, Trouble> {
    let mut attempt = 1;
    loop {
        match link.call(request).await {
            Err(Trouble::Refused(_, failure)) if failure.retryable && attempt < ATTEMPTS => {
                let pause = failure.retry_after_ms.unwrap_or(100);
                tokio::time::sleep(Duration::from_millis(pause)).await;
                attempt += 1;
            }
            answer => return answer,
        }
    }
}

/// Makes a workspace of the first account, and adds the others as members.
pub(crate) async fn share(server: SocketAddr, accounts: &[Account]) -> Result<WorkspaceId, Trouble> {
    let (owner, members) = accounts
        .split_first()
        .ok_or_else(|| Trouble::setup("a workspace needs an account"))?;
    let mut link = Link::open(server, SOCKET, 0).await?;
    link.authenticate(&owner.token, Streams::These(Vec::new()), None)
        .await?;
    let name = "Load".to_owned();
    let workspace = repeat(&mut link, &CreateWorkspace { name }).await?.id;
    for member in members {
        let request = AddMember {
            workspace_id: workspace,
            username: Some(member.username.clone()),
            email: None,
            role: Role::Member,
        };
        repeat(&mut link, &request).await?;
    }
    Ok(workspace)
}

/// The `streams` of an `auth` that follows only this stream.
pub(crate) fn only(stream: impl Into<StreamId>) -> Streams {
    Streams::These(vec![stream.into().to_string()])
}
