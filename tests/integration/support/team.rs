//! A team workspace with a user in each role.

use super::follower::text;
use super::{Client, Server};
use serde_json::json;

/// The workspace and its members.
pub struct Team {
    pub workspace: String,
    pub owner: Client,
    pub admin: Client,
    pub member: Client,
    pub viewer: Client,
}

impl Team {
    /// Makes the accounts and the workspace; `owner` and so on are also their usernames.
    pub async fn gather(server: &Server) -> Team {
        let mut owner = Client::sign_up(server, "owner").await;
        let made = owner.ok("workspace.create", json!({ "name": "Team" })).await;
        let workspace = text(&made["id"]);
        let mut others = Vec::new();
        for role in ["admin", "member", "viewer"] {
            others.push(Client::sign_up(server, role).await);
            let added = json!({ "workspace_id": workspace, "username": role, "role": role });
            owner.ok("member.add", added).await;
        }
        let [admin, member, viewer] = <[Client; 3]>::try_from(others).unwrap_or_else(|_| unreachable!());
        Team {
            workspace,
            owner,
            admin,
            member,
            viewer,
        }
    }

    /// The name of its stream.
    pub fn stream(&self) -> String {
        format!("workspace:{}", self.workspace)
    }
}
