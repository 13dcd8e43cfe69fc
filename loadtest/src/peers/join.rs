//! Opens sockets: connect, upgrade, authenticate, subscribe, for each peer in its own protocol. Does not know what the
//! socket is used for.

use super::account::Account;
use super::hear::Heard;
use super::link::{Framing, Link};
use super::peer::{Peer, Target};
use crate::connection::PATIENCE;
use crate::trouble::Trouble;
use serde::Deserialize;
use std::collections::BTreeMap;
use tokio::time::timeout;

/// How a socket is used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Role {
    /// Receives all streams of its account.
    Watch,
    /// Writes, and receives answers only.
    Write,
}

/// The positions from which a socket of Taskwire resumes, as JSON. The peers have no resume.
pub(super) type Resume = Option<String>;

/// Opens a socket, authenticates and subscribes. Also returns the positions from which it could resume after a cut.
pub(super) async fn join(
    target: &Target,
    account: &Account,
    role: Role,
    resume: &Resume,
) -> Result<(Link, Resume), Trouble> {
    let (to, peer) = (target.address, target.peer);
    let joining = async {
        match peer {
            Peer::Taskwire => {
                let link = Link::upgrade(to, peer, "/v1/socket", SUBPROTOCOL).await?;
                authenticate(link, account, role, resume).await
            }
            Peer::Fastapi => {
                let link = Link::upgrade(to, peer, "/socket", "").await?;
                authenticate(link, account, role, &None).await
            }
            Peer::Socketio => namespace(target, account, role).await.map(without_resume),
            Peer::Nchan if role == Role::Write => Link::connect(to, peer, Framing::Http(Vec::new()))
                .await
                .map(without_resume),
            Peer::Nchan => {
                let path = format!("/watch/{}?token={}", account.workspace, account.token);
                Link::upgrade(to, peer, &path, "").await.map(without_resume)
            }
            Peer::Nats => subject(target, account, role).await.map(without_resume),
            Peer::Limit => {
                let path = if role == Role::Write { "/publish" } else { "/" };
                Link::upgrade(to, peer, path, "").await.map(without_resume)
            }
        }
    };
    timeout(PATIENCE, joining)
        .await
        .map_err(|_| Trouble::TooLate("the opening of a socket", PATIENCE))?
}

const SUBPROTOCOL: &str = "Sec-WebSocket-Protocol: taskwire.v1\r\n";

fn without_resume(link: Link) -> (Link, Resume) {
    (link, None)
}

fn streams(role: Role) -> &'static str {
    match role {
        Role::Watch => r#""all""#,
        Role::Write => "[]",
    }
}

/// The fields of a `welcome` that are needed here.
#[derive(Deserialize)]
struct Welcome<'a> {
    r#type: &'a str,
    #[serde(borrow)]
    data: Greeting<'a>,
}

#[derive(Deserialize)]
struct Greeting<'a> {
    #[serde(default)]
    epoch: &'a str,
    #[serde(borrow, default)]
    streams: Vec<State<'a>>,
}

#[derive(Deserialize)]
struct State<'a> {
    stream: &'a str,
    seq: u64,
    resumed: bool,
}

/// Authenticates at Taskwire, or at the FastAPI service, which accepts the same message.
async fn authenticate(
    mut link: Link,
    account: &Account,
    role: Role,
    resume: &Resume,
) -> Result<(Link, Resume), Trouble> {
    let from = resume
        .as_ref()
        .map_or(String::new(), |resume| format!(r#","resume":{resume}"#));
    let text = format!(
        r#"{{"type":"auth","id":1,"data":{{"token":"{}","streams":{}{from}}}}}"#,
        account.token,
        streams(role)
    );
    link.say(&text).await?;
    let next = link
        .wait("auth", |heard| match heard {
            Heard::Other(text) => welcome(text, resume.is_some()).transpose(),
            heard => heard.refusal("auth").map(Err),
        })
        .await?;
    Ok((link, Some(next)))
}

/// Reads the positions of a `welcome`, from which the socket could resume; `None` for any other text.
fn welcome(text: &[u8], resumes: bool) -> Result<Option<String>, Trouble> {
    if !text.starts_with(br#"{"type":"welcome""#) {
        return Ok(None);
    }
    let Welcome { r#type, data } = serde_json::from_slice(text)?;
    if let Some(lost) = data.streams.iter().find(|state| resumes && !state.resumed) {
        return Err(Trouble::setup(format!("{type}: {} is not resumed", lost.stream)));
    }
    let positions: BTreeMap<_, _> = data
        .streams
        .iter()
        .map(|state| (state.stream, state.seq))
        .collect();
    let positions = serde_json::to_string(&positions)?;
    Ok(Some(format!(
        r#"{{"epoch":"{}","positions":{positions}}}"#,
        data.epoch
    )))
}

/// Waits for a text that begins with `begins`.
async fn greeting(link: &mut Link, what: &'static str, begins: &str) -> Result<(), Trouble> {
    link.wait(what, |heard| match heard {
        Heard::Other(text) if text.starts_with(begins.as_bytes()) => Some(Ok(())),
        heard => heard.refusal(what).map(Err),
    })
    .await
}

/// Engine.IO's open packet, then Socket.IO's connect packet with the token.
async fn namespace(target: &Target, account: &Account, role: Role) -> Result<Link, Trouble> {
    let path = "/socket.io/?EIO=4&transport=websocket";
    let mut link = Link::upgrade(target.address, target.peer, path, "").await?;
    greeting(&mut link, "the open packet", "0{").await?;
    let auth = format!(r#"40{{"token":"{}","streams":{}}}"#, account.token, streams(role));
    link.say(&auth).await?;
    greeting(&mut link, "the connect packet", "40{").await?;
    Ok(link)
}

/// Subscribes at NATS. Its `PONG` proves that it has handled everything that was sent before.
async fn subject(target: &Target, account: &Account, role: Role) -> Result<Link, Trouble> {
    let mut link = Link::connect(target.address, target.peer, Framing::Nats(Vec::new())).await?;
    greeting(&mut link, "INFO", "INFO ").await?;
    let subscribe = match role {
        Role::Watch => format!(
            "SUB user.{} 1\r\nSUB workspace.{} 2\r\n",
            account.id, account.workspace
        ),
        Role::Write => String::new(),
    };
    let text = format!(
        "CONNECT {{\"verbose\":false,\"pedantic\":false,\"lang\":\"rust\",\"version\":\"1\",\"auth_token\":\"{}\"}}\r\n\
         {subscribe}PING\r\n",
        account.token
    );
    link.send(text.as_bytes()).await?;
    let ready = |heard: &Heard<'_>| match heard {
        Heard::Ok(_) => Some(Ok(())),
        heard => heard.refusal("CONNECT").map(Err),
    };
    link.wait("PONG", ready).await?;
    Ok(link)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_welcome_gives_the_positions_to_resume_from() {
        let text = br#"{"type":"welcome","id":1,"data":{"epoch":"e","streams":[{"stream":"user:1","seq":3,"resumed":false}]}}"#;
        let next = welcome(text, false).expect("a welcome");
        assert_eq!(next.as_deref(), Some(r#"{"epoch":"e","positions":{"user:1":3}}"#));
        assert!(welcome(text, true).is_err(), "a failed resume is an error");
        assert!(welcome(b"{}", false).expect("something else").is_none());
        assert!(welcome(br#"{"type":"welcome","id":1,"data":{}}"#, false).is_ok());
    }
}
