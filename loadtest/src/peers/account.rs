//! The accounts that load a server: they sign up at Taskwire, or have tokens that the peers accept. All share one
//! workspace. On Taskwire, each also has a personal workspace.

use super::peer::{Peer, Target};
use crate::accounts;
use crate::trouble::Trouble;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A user of the server.
#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    /// Only for peers; the requests to Taskwire do not need it.
    pub(super) id: String,
    pub(super) token: String,
    /// The workspace that all share.
    pub(super) workspace: String,
}

/// When the tokens expire, in seconds since 1970: the year 2100.
const EXPIRES: u64 = 4_102_444_800;

/// Makes `count` accounts and the workspace that they share.
pub(super) async fn make(target: &Target, count: usize) -> Result<Vec<Account>, Trouble> {
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
            // These know one shared token. Other tokens would need another service.
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

/// Accounts of Taskwire, all of them members of one workspace.
async fn sign_up(target: &Target, count: usize) -> Result<Vec<Account>, Trouble> {
    let made = accounts::sign_up(target.address, count).await?;
    let workspace = accounts::share(target.address, &made).await?;
    let account = |made: accounts::Account| Account {
        id: String::new(),
        token: made.token,
        workspace: workspace.to_string(),
    };
    Ok(made.into_iter().map(account).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authentication_code_follows_the_standard() {
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
