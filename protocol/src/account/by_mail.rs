//! What mails prove: that an address is its owner's. The bodies of the routes below `/v1/auth` that use the code or link of
//! a mail, and the change of an address.

use crate::{Email, Secret, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The body of `POST /v1/auth/verify-email`: the address and the code of the mail, or the token of its link.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyEmail {
    /// The address to verify.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// The six digits. They work for 10 minutes after the mail was sent, once; five wrong ones void them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Secret>,
    /// The token of the link, which is what follows its `#`. It replaces both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
}

/// The body of `POST /v1/auth/resend-verification`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResendVerification {
    /// The address of the account.
    pub email: Email,
}

/// The body of `POST /v1/auth/forgot-password`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForgotPassword {
    /// The address of the account.
    pub email: Email,
}

/// The body of `POST /v1/auth/reset-password`: the address and the code of the mail, or the token of its link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetPassword {
    /// The address of the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// The six digits. They work for 30 minutes after the mail was sent, once; five wrong ones void them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Secret>,
    /// The token of the link, which is what follows its `#`. It replaces both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    /// The new password: 8 to 128 characters.
    #[schemars(length(min = limits::PASSWORD_MIN, max = limits::PASSWORD))]
    pub new_password: Secret,
}

/// Parameters of `profile.change_email`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeEmail {
    /// The new address. It becomes the account's when it is verified.
    #[schemars(length(max = limits::EMAIL))]
    #[schemars(example = "{new_email}")]
    pub new_email: Email,
    /// The account's password.
    #[schemars(example = "{password}")]
    pub password: Secret,
}

/// The answer to a sign-up where addresses must be verified first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VerifyFirst {
    /// What to do next.
    pub status: NextStep,
}

/// What to do after a sign-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NextStep {
    /// Verify the address with the code or link of the mail, then sign in.
    VerifyEmail,
}
