//! The limits of the contract, each once: validation, the schema and the reference read them here.
//! Lengths are counted in Unicode scalar values after trimming.

/// A bound, for programs.
pub struct Bound {
    /// The name in the schema and in `taskwire.ts`.
    pub name: &'static str,
    /// What it limits.
    pub doc: &'static str,
    /// The number of characters, items, levels or events, or the number itself.
    pub value: i64,
}

macro_rules! bounds {
    ($( #[doc = $doc:literal] $constant:ident $name:literal: $type:ty = $value:expr; )*) => {
        $( #[doc = $doc] pub const $constant: $type = $value; )*

        /// Every bound.
        pub const BOUNDS: &[Bound] = &[ $( Bound {
            name: $name,
            doc: $doc.trim_ascii(),
            value: $constant as i64,
        }, )* ];
    };
}

bounds! {
    /// A task's title: 1 to this many characters.
    TITLE "title": usize = 200;
    /// Characters of a task's description.
    DESCRIPTION "description": usize = 1000;
    /// Tags of one task.
    TAGS "tags": usize = 20;
    /// A tag's name: 1 to this many characters.
    TAG "tag": usize = 50;
    /// Assignees of one task.
    ASSIGNEES "assignees": usize = 50;
    /// A comment's body: 1 to this many characters.
    COMMENT "comment": usize = 5000;
    /// Characters of an attachment's name, at most.
    ATTACHMENT_NAME "attachment_name": usize = 200;
    /// People that one comment mentions.
    MENTIONS "mentions": usize = 50;
    /// Characters of a recurrence rule (RFC 5545, section 3.3.10).
    RECURRENCE "recurrence": usize = 500;
    /// Characters of a search text.
    SEARCH "search": usize = 200;
    /// A project's name: 1 to this many characters.
    PROJECT_NAME "project_name": usize = 100;
    /// A workspace's name: 1 to this many characters.
    WORKSPACE_NAME "workspace_name": usize = 100;
    /// Stages of one workspace, at least.
    STAGES_MIN "stages_min": usize = 2;
    /// Stages of one workspace, at most.
    STAGES "stages": usize = 20;
    /// Characters of a stage's key, at most.
    STAGE_KEY "stage_key": usize = 32;
    /// A stage's name: 1 to this many characters.
    STAGE_NAME "stage_name": usize = 50;
    /// Tasks that carry a tag which is renamed, merged or deleted, at most.
    RETAGGED "retagged": usize = 20_000;
    /// Tasks that a change of stages moves, completes or reopens, at most.
    RESTAGED "restaged": usize = 20_000;
    /// Tasks that block one task, at most.
    BLOCKERS "blockers": usize = 20;
    /// Tasks that come before one task, at most: those that block it, those that block these, and so on.
    BLOCKED_AFTER "blocked_after": usize = 1000;
    /// How many may accept a link of an invitation, at most.
    INVITE_USES "invite_uses": u32 = 1000;
    /// Characters of a person's name, at least.
    NAME_MIN "name_min": usize = 2;
    /// Characters of a person's name, at most.
    NAME "name": usize = 100;
    /// Characters of a username, at least.
    USERNAME_MIN "username_min": usize = 3;
    /// Characters of a username, at most.
    USERNAME "username": usize = 32;
    /// Characters of an e-mail address (RFC 5321, section 4.5.3.1.3).
    EMAIL "email": usize = 254;
    /// Characters of a password, at least.
    PASSWORD_MIN "password_min": usize = 8;
    /// Characters of a password, at most.
    PASSWORD "password": usize = 128;
    /// Bytes of a user's preferences, as JSON.
    PREFERENCES "preferences": usize = 16_384;
    /// Levels of nesting in a user's preferences.
    PREFERENCES_DEPTH "preferences_depth": usize = 8;
    /// Minutes before `due_at` at which `TASK_DUE` may come, at most.
    DUE_LEAD "due_lead": i64 = 10_080;
    /// Characters of a device's name.
    DEVICE_NAME "device_name": usize = 100;
    /// An API token's name: 1 to this many characters.
    API_TOKEN_NAME "api_token_name": usize = 100;
    /// Workspaces that one API token names.
    API_TOKEN_WORKSPACES "api_token_workspaces": usize = 100;
    /// Tasks of a calendar feed, at most: those that are due first.
    CALENDAR "calendar": usize = 2000;
    /// Characters of a request's `id` when it is a string.
    REQUEST_ID "request_id": usize = 64;
    /// The largest integer that every JSON reader keeps exact (RFC 8259, section 6).
    INTEGER "integer": i64 = (1 << 53) - 1;
    /// Items of one page, at most.
    PAGE "page": u32 = 100;
    /// Items of one page when `limit` is omitted.
    PAGE_DEFAULT "page_default": u32 = 50;
    /// Events of one page of `stream.history`, at most.
    HISTORY "history": u32 = 500;
    /// Events of one page of `stream.history` when `limit` is omitted.
    HISTORY_DEFAULT "history_default": u32 = 100;
    /// Days of `stats.get`, at most.
    STATS_DAYS "stats_days": u32 = 366;
    /// Days of `stats.get` when `days` is omitted.
    STATS_DAYS_DEFAULT "stats_days_default": u32 = 30;
    /// Operations of one `batch`, and frames of one `/v1/rpc` array.
    BATCH "batch": usize = 100;
    /// Ids of one `notification.delete_many`.
    DELETE_MANY "delete_many": usize = 100;
    /// Levels of JSON nesting in a frame.
    DEPTH "depth": usize = 32;
    /// Notifications in `user.sync`.
    SYNC_NOTIFICATIONS "sync_notifications": u32 = 100;
    /// Users in one answer of `presence.list`, at most.
    PRESENCES "presences": usize = 1000;
    /// Tasks that one cascade changes with an event each. Above it, one `stream.reset` replaces these events.
    CASCADE "cascade": usize = 1000;
}
