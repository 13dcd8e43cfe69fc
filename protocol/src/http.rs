//! What HTTP has beside the operations: its routes, the bodies that differ from an operation's parameters, and its
//! errors. Does not know how a server routes.

use crate::export::WorkspaceExport;
use crate::frames::Welcome;
use crate::{ErrorCode, Failure, Secret, account, account::Done, attachment, import, task, workspace};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where a sign-in over HTTP puts the refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenDelivery {
    /// In a cookie that scripts cannot read.
    Cookie,
    /// In the field `refresh_token` of the answer.
    Body,
}

/// The body of `POST /v1/auth/refresh`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshTokens {
    /// The refresh token; the one in the cookie when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret>,
    /// Where the answer puts the next refresh token; where this one came from when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_delivery: Option<TokenDelivery>,
}

/// The body of an error on every route except `/v1/rpc`, which answers with an error frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HttpError {
    /// Always false.
    #[schemars(extend("const" = false))]
    pub success: bool,
    /// The error.
    pub error: HttpFailure,
    /// Identifies this answer in the server's log; also in the header `X-Request-ID`.
    pub request_id: String,
}

/// An error over HTTP.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HttpFailure {
    /// The error code.
    pub code: ErrorCode,
    /// A text for people; it may change.
    pub message: String,
    /// The parameter at fault, like `title`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// More data for programs, like the current entity of a `VERSION_CONFLICT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Value>,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// How many milliseconds to wait before the next try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl HttpError {
    /// The body for a failure.
    #[must_use]
    pub fn new(failure: &Failure, request_id: &str) -> HttpError {
        HttpError {
            success: false,
            error: HttpFailure {
                code: failure.code,
                message: failure.message.clone(),
                field: failure.field.clone(),
                context: failure.context.clone(),
                retryable: failure.retryable,
                retry_after_ms: failure.retry_after_ms,
            },
            request_id: request_id.to_owned(),
        }
    }
}

/// The last message of `GET /v1/events`, before the server ends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventsEnd {
    /// The code with which a socket would be closed.
    pub code: u16,
    /// A text for people; it may change.
    pub reason: String,
}

/// A row of the table of routes, for programs.
pub struct Route {
    /// The method and the path, like `GET /v1/auth/me`.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub doc: &'static str,
    /// What the request's body holds.
    pub body: Body,
    /// The status of a success.
    pub status: u16,
    /// What the body of a success holds.
    pub answer: Answer,
}

type Type = fn(&mut SchemaGenerator) -> Schema;

/// What a request's body holds.
pub enum Body {
    /// Nothing: a body is ignored.
    Nothing,
    /// An object of this type.
    Object(Type),
    /// The parameters of this sign-in operation, and `token_delivery`.
    SignIn(Type),
    /// The same for a sign-in that only HTTP has.
    OwnSignIn(Type),
    /// A request frame, or an array of them.
    Frames,
    /// A picture, as it is, with its media type.
    Picture,
    /// `multipart/form-data` (RFC 7578) with one field, `file`.
    Form,
    /// A file, as it is, of any media type.
    File,
}

/// What the body of a success holds.
pub enum Answer {
    /// An object of this type.
    Object(Type),
    /// An object of the first type; with the other status, one of the other type.
    ObjectOr(Type, u16, Type),
    /// A picture.
    Picture,
    /// A ZIP archive.
    Archive,
    /// A file, as it was uploaded.
    File,
    /// NDJSON: the first line is of the first type, every other line of the second.
    Lines(Type, Type),
    /// A workspace as a file: an object of this type, or a text.
    Workspace(Type),
    /// A calendar (RFC 5545).
    Calendar,
    /// An answer frame, or an array of them.
    Frames,
    /// Server-sent events: an object of the first type, events and signals, at the end an object of the second type.
    Events(Type, Type),
    /// The contract as JSON Schema.
    Contract,
    /// A page for people, as HTML.
    Page,
}

/// The routes of the contract. Those for operators of the server (health, metrics) are not part of it.
pub const ROUTES: &[Route] = &[
    Route {
        name: "POST /v1/auth/signup",
        doc: "Creates an account with a personal workspace, and signs in. Where addresses must be verified first: 202.",
        body: Body::SignIn(SchemaGenerator::subschema_for::<account::SignUp>),
        status: 201,
        answer: Answer::ObjectOr(
            SchemaGenerator::subschema_for::<account::Tokens>,
            202,
            SchemaGenerator::subschema_for::<account::VerifyFirst>,
        ),
    },
    Route {
        name: "POST /v1/auth/login",
        doc: "Signs in. An OAuth2 password form (`username`, `password`) is also accepted.",
        body: Body::SignIn(SchemaGenerator::subschema_for::<account::LogIn>),
        status: 200,
        answer: Answer::Object(SchemaGenerator::subschema_for::<account::Tokens>),
    },
    Route {
        name: "POST /v1/auth/refresh",
        doc: "Exchanges a refresh token for new tokens. A repetition within 30 s gives the same next refresh token; an \
              older one ends the session.",
        body: Body::Object(SchemaGenerator::subschema_for::<RefreshTokens>),
        status: 200,
        answer: Answer::Object(SchemaGenerator::subschema_for::<account::Tokens>),
    },
    Route {
        name: "POST /v1/auth/logout",
        doc: "Ends the session.",
        body: Body::Nothing,
        status: 200,
        answer: Answer::Object(SchemaGenerator::subschema_for::<Done>),
    },
    Route {
        name: "POST /v1/auth/logout-all",
        doc: "Ends all sessions of the caller.",
        body: Body::Nothing,
        status: 200,
        answer: Answer::Object(SchemaGenerator::subschema_for::<Done>),
    },
    Route {
        name: "POST /v1/auth/change-password",
        doc: "Changes the password. The answer has the tokens of a new session; all other sessions end.",
        body: Body::SignIn(SchemaGenerator::subschema_for::<account::ChangePassword>),
        status: 200,
        answer: Answer::Object(SchemaGenerator::subschema_for::<account::Tokens>),
    },
    Route {
        name: "POST /v1/auth/sessions",
        doc: "Lists the caller's sessions that have not ended, newest first.",
        body: Body::Object(SchemaGenerator::subschema_for::<account::ListSessions>),
        status: 200,
        answer: Answer::Object(SchemaGenerator::subschema_for::<account::SessionList>),
    },
    Route {
        name: "POST /v1/auth/revoke-session",
        doc: "Ends one of the caller's sessions.",
        body: Body::Object(SchemaGenerator::subschema_for::<account::RevokeSession>),
        status: 200,
        answer: Answer::Object(SchemaGenerator::subschema_for::<Done>),
    },
    Route {
        name: "POST /v1/auth/verify-email",
        doc: "Verifies an address with the code or link of a mail: that of a sign-up, or of `profile.change_email`.",
        body: Body::Object(SchemaGenerator::subschema_for::<account::VerifyEmail>),
        status: 200,
        answer: Answer::Object(SchemaGenerator::subschema_for::<Done>),
    },
    Route {
        name: "POST /v1/auth/resend-verification",
        doc: "Mails a new code to an address that is not verified. The answer does not tell whether it has an account.",
        body: Body::Object(SchemaGenerator::subschema_for::<account::ResendVerification>),
        status: 202,
        answer: Answer::Object(SchemaGenerator::subschema_for::<Done>),
    },
    Route {
        name: "POST /v1/auth/forgot-password",
        doc: "Mails a code for a new password. The answer does not tell whether the address has an account.",
        body: Body::Object(SchemaGenerator::subschema_for::<account::ForgotPassword>),
        status: 202,
        answer: Answer::Object(SchemaGenerator::subschema_for::<Done>),
    },
    Route {
        name: "POST /v1/auth/reset-password",
        doc: "Sets a new password with the code or link of a mail. Every session of the account ends.",
        body: Body::Object(SchemaGenerator::subschema_for::<account::ResetPassword>),
        status: 200,
        answer: Answer::Object(SchemaGenerator::subschema_for::<Done>),
    },
    Route {
        name: "POST /v1/auth/device",
        doc: "Begins the sign-in of a program that its person approves on another device (RFC 8628).",
        body: Body::Object(SchemaGenerator::subschema_for::<account::StartDevice>),
        status: 200,
        answer: Answer::Object(SchemaGenerator::subschema_for::<account::DeviceCode>),
    },
    Route {
        name: "POST /v1/auth/device/approve",
        doc: "Lets the program that shows this code sign in as the caller, or refuses it.",
        body: Body::Object(SchemaGenerator::subschema_for::<account::ApproveDevice>),
        status: 200,
        answer: Answer::Object(SchemaGenerator::subschema_for::<Done>),
    },
    Route {
        name: "POST /v1/auth/device/token",
        doc: "Exchanges a device code for tokens. 202: nobody has approved it yet. `FORBIDDEN`: it was refused.",
        body: Body::Object(SchemaGenerator::subschema_for::<account::RedeemDeviceCode>),
        status: 200,
        answer: Answer::ObjectOr(
            SchemaGenerator::subschema_for::<account::Tokens>,
            202,
            SchemaGenerator::subschema_for::<account::DevicePending>,
        ),
    },
    Route {
        name: "POST /v1/auth/first-admin",
        doc: "Makes the first administrator of the server with the link that a node without one makes at its start, and \
              signs in. `INVALID_TOKEN`: wrong, or there is an administrator.",
        body: Body::OwnSignIn(SchemaGenerator::subschema_for::<account::BecomeFirstAdmin>),
        status: 201,
        answer: Answer::Object(SchemaGenerator::subschema_for::<account::Tokens>),
    },
    Route {
        name: "GET /v1/auth/me",
        doc: "The caller's account.",
        body: Body::Nothing,
        status: 200,
        answer: Answer::Object(SchemaGenerator::subschema_for::<account::User>),
    },
    Route {
        name: "PUT /v1/profile/photo",
        doc: "Gives the caller's account a photo: a JPEG, PNG, WebP or GIF of at most 5 MB.",
        body: Body::Picture,
        status: 200,
        answer: Answer::Object(SchemaGenerator::subschema_for::<account::User>),
    },
    Route {
        name: "DELETE /v1/profile/photo",
        doc: "Removes the photo of the caller's account.",
        body: Body::Nothing,
        status: 200,
        answer: Answer::Object(SchemaGenerator::subschema_for::<account::User>),
    },
    Route {
        name: "GET /v1/profile/export",
        doc: "A ZIP archive of the caller's own data.",
        body: Body::Nothing,
        status: 200,
        answer: Answer::Archive,
    },
    Route {
        name: "GET /v1/export",
        doc: "A workspace as a file: `?workspace_id=`, the caller's personal one when omitted; `?format=` `json` (all of it, \
              for an import; when omitted), `csv` (a row for each task, for spreadsheets) or `ics` (a VTODO for each task \
              that is not deleted). Compressed as `Accept-Encoding` allows. A body that ends early is not whole.",
        body: Body::Nothing,
        status: 200,
        answer: Answer::Workspace(SchemaGenerator::subschema_for::<WorkspaceExport>),
    },
    Route {
        name: "GET /v1/users/{id}/photo",
        doc: "The photo of a user that the caller may see, as a square of `size` pixels: 64 or 256.",
        body: Body::Nothing,
        status: 200,
        answer: Answer::Picture,
    },
    Route {
        name: "GET /v1/workspaces/{id}/snapshot",
        doc: "The state of a workspace as NDJSON: its opening, then a task on each line, by id; deleted tasks included, \
              or with `?open_only=true` neither deleted nor completed ones. Compressed as `Accept-Encoding` allows \
              (`zstd`, `br`, `gzip`). Then subscribe to its stream since `seq`. A body that ends early is not whole: \
              ask again.",
        body: Body::Nothing,
        status: 200,
        answer: Answer::Lines(
            SchemaGenerator::subschema_for::<workspace::SnapshotOpening>,
            SchemaGenerator::subschema_for::<task::Task>,
        ),
    },
    Route {
        name: "POST /v1/tasks/{id}/attachments",
        doc: "Uploads a file to a task: `multipart/form-data` with one field, `file`, which has a file name. By members. \
              `?op_id=` makes it exactly-once: a repetition answers the first attachment again.",
        body: Body::Form,
        status: 201,
        answer: Answer::Object(SchemaGenerator::subschema_for::<attachment::Attachment>),
    },
    Route {
        name: "GET /v1/attachments/{id}",
        doc: "The file of an attachment, as it was uploaded. A `Range` of bytes answers 206 (RFC 9110, section 14); \
              `ETag` with `If-None-Match` and `If-Range`.",
        body: Body::Nothing,
        status: 200,
        answer: Answer::File,
    },
    Route {
        name: "GET /v1/calendar/{secret}.ics",
        doc: "The calendar feed of the person who got this secret from `calendar.create`: their pending tasks with a due \
              date, those assigned to them, and those that they created and nobody is assigned to. Each is a VTODO, or with \
              `?as=events` a VEVENT. `ETag` with `If-None-Match`. `NOT_FOUND`: no such feed, or it has ended.",
        body: Body::Nothing,
        status: 200,
        answer: Answer::Calendar,
    },
    Route {
        name: "POST /v1/import",
        doc: "Makes projects, tasks and comments of a file, which is the body. By members; only admins add missing stages. \
              `?format=json|csv|todoist|trello|vikunja|taskwarrior`, `workspace_id` (the personal one when omitted), \
              `project` (its name, for tasks that have none), `dry_run=true` (says what would happen), `op_id` (a \
              repetition answers the first answer again, or goes on where the first one broke off). All or nothing up \
              to 10,000 rows, in steps above. `VALIDATION_ERROR` names lines: `context.errors`.",
        body: Body::File,
        status: 200,
        answer: Answer::Object(SchemaGenerator::subschema_for::<import::Imported>),
    },
    Route {
        name: "GET /v1/unsubscribe",
        doc: "The page to which the link in a reminder by mail leads; it changes nothing.",
        body: Body::Nothing,
        status: 200,
        answer: Answer::Page,
    },
    Route {
        name: "POST /v1/unsubscribe",
        doc: "Ends reminders by mail for the account whose link this is (RFC 8058): sets `preferences.notifications.email` \
              to false. The query has the link's `token`. `INVALID_TOKEN`: no link of this server.",
        body: Body::Nothing,
        status: 200,
        answer: Answer::Page,
    },
    Route {
        name: "POST /v1/rpc",
        doc: "Carries out request frames. The answer to an array is an array in the same order, always with 200.",
        body: Body::Frames,
        status: 200,
        answer: Answer::Frames,
    },
    Route {
        name: "GET /v1/events",
        doc: "Server-sent events: `welcome`, then `event` and `signal`, before the end `close`. `?streams=` (names with commas \
              between them; all when omitted); `Last-Event-ID`, or `?position=`, continues after that event.",
        body: Body::Nothing,
        status: 200,
        answer: Answer::Events(
            SchemaGenerator::subschema_for::<Welcome>,
            SchemaGenerator::subschema_for::<EventsEnd>,
        ),
    },
    Route {
        name: "GET /v1/protocol.json",
        doc: "This contract as JSON Schema.",
        body: Body::Nothing,
        status: 200,
        answer: Answer::Contract,
    },
];
