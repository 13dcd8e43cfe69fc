//! The bounds of the contract, each once: validation, the schema and the reference all read them here.
//! Lengths are counted in Unicode scalar values after trimming.

/// A task's title: 1 to this many.
pub const TITLE: usize = 200;
/// A task's description.
pub const DESCRIPTION: usize = 1000;
/// Tags of one task.
pub const TAGS: usize = 20;
/// A tag's name: 1 to this many.
pub const TAG: usize = 50;
/// Assignees of one task.
pub const ASSIGNEES: usize = 50;
/// A recurrence rule (RFC 5545, section 3.3.10).
pub const RECURRENCE: usize = 500;
/// A search text.
pub const SEARCH: usize = 200;
/// A workspace's name: 1 to this many.
pub const WORKSPACE_NAME: usize = 100;
/// A person's name, at least.
pub const NAME_MIN: usize = 2;
/// A person's name, at most.
pub const NAME: usize = 100;
/// A username, at least.
pub const USERNAME_MIN: usize = 3;
/// A username, at most.
pub const USERNAME: usize = 32;
/// An e-mail address (RFC 5321, section 4.5.3.1.3).
pub const EMAIL: usize = 254;
/// A password, at least.
pub const PASSWORD_MIN: usize = 8;
/// A password, at most.
pub const PASSWORD: usize = 128;
/// The name that a device gives itself.
pub const DEVICE_NAME: usize = 100;
/// A request's `id` when it is a string.
pub const REQUEST_ID: usize = 64;
/// The largest whole number that every JSON reader keeps exact (RFC 8259, section 6): 2^53 - 1.
pub const INTEGER: i64 = (1 << 53) - 1;
/// Items of one page, at most.
pub const PAGE: u32 = 100;
/// Items of one page when the request does not say.
pub const PAGE_DEFAULT: u32 = 50;
/// Events of one page of `stream.history`, at most.
pub const HISTORY: u32 = 500;
/// Events of one page of `stream.history` when the request does not say.
pub const HISTORY_DEFAULT: u32 = 100;
/// Operations of one `batch`, and frames of one `/v1/rpc` array.
pub const BATCH: usize = 100;
/// Ids of one `notification.delete_many`.
pub const DELETE_MANY: usize = 100;
/// Levels of JSON nesting in a frame.
pub const DEPTH: usize = 32;
/// Notifications in `user.sync`.
pub const SYNC_NOTIFICATIONS: u32 = 100;
/// Tasks that one cascade changes with an event each; beyond it a single `stream.reset` stands for all.
pub const CASCADE: usize = 1000;
