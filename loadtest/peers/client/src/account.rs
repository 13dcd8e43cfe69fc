//! Who loads a server: accounts of Taskwire, made over its socket, or tokens that the peers accept. Everybody is in
//! one workspace; with Taskwire each has one of their own too.

use crate::hear::Heard;
use crate::join::{Role, join};
use crate::link::Link;
use crate::peer::{Peer, Target};
use crate::trouble::Trouble;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Somebody who may use the server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) token: String,
    /// The workspace that all share.
    pub(crate) workspace: String,
}

/// The end of a token's life, in seconds since 1970: no run lasts so long.
const EXPIRES: u64 = 4_102_444_800;

/// Makes so many accounts and the workspace that they share.
pub(crate) async fn make(target: &Target, count: usize) -> Result<Vec<Account>, Trouble> {
    if target.peer == Peer::Taskwire {
        return sign_up(target, count).await;
    }
    let workspace = Uuid::new_v4().to_string();
    let account = |n| {
        let id = Uuid::new_v4().to_string();
        let token = match target.peer {
            Peer::Fastapi | Peer::Socketio => {
                let claims = json!({
                    "sub": id, "name": format!("Load {n}"), "workspaces": [workspace], "exp": EXPIRES,
                });
                signed(&claims.to_string(), target.secret.as_bytes())
            }
            // One shared token: all that these know without help from another service.
            _ => target.secret.clone(),
        };
        Account {
            id,
            token,
            workspace: workspace.clone(),
        }
    };
    Ok((0..count).map(account).collect())
}

/// A JSON Web Token signed by HS256.
fn signed(claims: &str, key: &[u8]) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let text = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(authentication_code(key, text.as_bytes()));
    format!("{text}.{signature}")
}

/// HMAC-SHA-256 (RFC 2104).
fn authentication_code(key: &[u8], text: &[u8]) -> [u8; 32] {
    const BLOCK: usize = 64;
    let mut block = [0; BLOCK];
    if key.len() > BLOCK {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let padded = |pad: u8| block.map(|byte| byte ^ pad);
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(text);
    let outer = Sha256::new()
        .chain_update(padded(0x5c))
        .chain_update(inner.finalize());
    outer.finalize().into()
}

#[derive(Deserialize)]
struct Answer<T> {
    data: T,
}

#[derive(Deserialize)]
struct Tokens {
    access_token: String,
    user: Named,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

/// Accounts of Taskwire, one after the other: hashing a password keeps the server busy anyway.
async fn sign_up(target: &Target, count: usize) -> Result<Vec<Account>, Trouble> {
    // A server may have been loaded before.
    let run = Uuid::new_v4().simple().to_string();
    let name = |n| format!("load-{}-{n}", &run[..12]);
    let mut accounts = Vec::with_capacity(count);
    for n in 0..count {
        let mut link = Link::upgrade(target.address, target.peer, "/v1/socket", "").await?;
        let request = json!({
            "email": format!("{}@example.com", name(n)), "password": format!("{run} is no common password"),
            "name": format!("Load {n}"), "username": name(n),
        });
        let tokens: Tokens = call(&mut link, "auth.signup", &request).await?;
        accounts.push(Account {
            id: tokens.user.id,
            token: tokens.access_token,
            workspace: String::new(),
        });
    }
    let Some(owner) = accounts.first() else {
        return Ok(accounts);
    };
    let (mut link, _) = join(target, owner, Role::Write, &None).await?;
    let Named { id } = call(&mut link, "workspace.create", &json!({"name": "Load"})).await?;
    for n in 1..count {
        let request = json!({"workspace_id": id, "username": name(n), "role": "member"});
        call::<serde_json::Value>(&mut link, "member.add", &request).await?;
    }
    for account in &mut accounts {
        account.workspace.clone_from(&id);
    }
    Ok(accounts)
}

/// Asks Taskwire for something and reads its answer.
async fn call<T: for<'a> Deserialize<'a>>(
    link: &mut Link,
    operation: &str,
    data: &serde_json::Value,
) -> Result<T, Trouble> {
    link.say(&json!({"type": operation, "id": 1, "data": data}).to_string())
        .await?;
    link.wait("an answer", |heard| match heard {
        Heard::Ok(text) => Some(
            serde_json::from_slice::<Answer<T>>(text)
                .map(|answer| answer.data)
                .map_err(Trouble::from),
        ),
        Heard::Refused(why) => Some(Err(Trouble::Refused(String::from_utf8_lossy(why).into_owned()))),
        _ => None,
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_that_of_the_standard() {
        // RFC 4231, test cases 2 and 6.
        let hex = |code: [u8; 32]| code.map(|byte| format!("{byte:02x}")).concat();
        assert_eq!(
            hex(authentication_code(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            hex(authentication_code(
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First"
            )),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }
}
