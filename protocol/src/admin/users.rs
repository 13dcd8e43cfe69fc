//! Administration of accounts: list, make, change, unlock, sign out.

use crate::account::{GlobalRole, Plan};
use crate::examples::PASSWORD;
use crate::{Email, Secret, UserId, limits, optional::given};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Parameters of `admin.user.list`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListUsers {
    /// Only accounts whose name, username or e-mail address has this text in it, without case. A page looks through a
    /// bounded number of accounts: it may have fewer items than `limit`, or none, and still a `next_cursor`. Such pages
    /// have no `total`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::SEARCH))]
    pub q: Option<String>,
    /// Items of a page; 50 when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::PAGE))]
    #[schemars(example = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Parameters of `admin.user.get`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FindUser {
    /// The account.
    #[schemars(example = "{user}")]
    pub id: UserId,
}

/// Parameters of `admin.user.create`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateUser {
    /// The address, which counts as verified.
    #[schemars(length(max = limits::EMAIL))]
    #[schemars(example = "{new_email}")]
    pub email: Email,
    /// The display name.
    #[schemars(length(min = limits::NAME_MIN, max = limits::NAME))]
    #[schemars(example = &"Ada")]
    pub name: String,
    /// 8 to 128 characters. Without it, a mail lets the person set one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = limits::PASSWORD_MIN, max = limits::PASSWORD))]
    #[schemars(example = PASSWORD)]
    pub password: Option<Secret>,
    /// What the account may do on the whole server; `user` when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<GlobalRole>,
    /// The plan; `free` when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
}

/// Parameters of `admin.user.update`: only what changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateUser {
    /// The account.
    #[schemars(example = "{user}")]
    pub id: UserId,
    /// What the account may do on the whole server. It takes effect at once.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "GlobalRole")]
    pub role: Option<GlobalRole>,
    /// False signs the user out everywhere, and refuses sign-ins until it is true again.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    pub is_active: Option<bool>,
    /// The plan.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Plan")]
    #[schemars(example = Plan::Pro, example = Plan::Free)]
    pub plan: Option<Plan>,
    /// The display name.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(min = limits::NAME_MIN, max = limits::NAME))]
    pub name: Option<String>,
    /// The e-mail address, which counts as verified.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(max = limits::EMAIL))]
    pub email: Option<Email>,
}

/// Parameters of `admin.user.unlock`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnlockUser {
    /// The account whose failed sign-ins are forgotten.
    #[schemars(example = "{user}")]
    pub id: UserId,
}

/// Parameters of `admin.user.sign_out`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignOutUser {
    /// The account whose sessions end.
    #[schemars(example = "{user}")]
    pub id: UserId,
}

/// Parameters of `admin.user.delete`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteUser {
    /// The account to delete.
    #[schemars(example = "{user}")]
    pub id: UserId,
}
