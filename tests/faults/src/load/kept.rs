//! What acknowledged work must leave behind: the records of teammates, for the checker. Knows neither sockets nor the
//! database.

use super::accounts::User;
use std::collections::HashMap;
use uuid::Uuid;

/// Everything that must be there at the end.
#[derive(Default)]
pub(crate) struct Kept {
    /// By comment.
    pub(crate) comments: HashMap<Uuid, KeptComment>,
    /// By attachment.
    pub(crate) files: HashMap<Uuid, KeptFile>,
    /// Uploads that broke off.
    pub(crate) broken: u64,
    pub(crate) notices: Vec<Notice>,
    /// Titles, and how many tasks must have each: one for a row of an import; two for a task that repeats and was completed,
    /// opened and completed again, which must have one next task.
    pub(crate) titles: Vec<(String, usize)>,
}

/// A comment that was acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeptComment {
    pub(crate) task: Uuid,
    /// The hash of its body.
    pub(crate) body: u64,
    pub(crate) is_deleted: bool,
}

/// A file whose upload was acknowledged.
#[derive(Clone, Debug)]
pub(crate) struct KeptFile {
    pub(crate) task: Uuid,
    /// Who uploaded it.
    pub(crate) user: User,
    pub(crate) size: u64,
    /// The hash of its bytes.
    pub(crate) content: u64,
    pub(crate) fate: Fate,
}

/// How far the end of something is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Nobody has asked to delete it.
    Stays,
    /// Somebody has, and no answer came: it may be there or not.
    Unknown,
    /// The deletion was acknowledged.
    Gone,
}

/// Somebody must be told of something about a task exactly once.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    pub(crate) user: Uuid,
    pub(crate) task: Uuid,
    pub(crate) kind: &'static str,
    /// When, in milliseconds since 1970 by the server's clock; until then it may be missing.
    pub(crate) at: i64,
}
