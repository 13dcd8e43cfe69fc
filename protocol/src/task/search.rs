//! `task.search`: where the words of a search are, in tasks and in their comments.

use super::{Status, Task, Where};
use crate::{CommentId, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Parameters of `task.search`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchTasks {
    /// Plain words in any language, without operators; case and accents are ignored. All of them must be found in a task's
    /// title, description and tags together, or in one comment. The last word matches as a prefix; text that is written
    /// without spaces (Chinese, Japanese, Thai, …) and Korean match by any part.
    #[schemars(length(max = limits::SEARCH))]
    #[schemars(example = "buy milk", example = "oat mi", example = &"milk")]
    pub q: String,
    /// `"all"` when omitted: every workspace that the user belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = "{workspace}")]
    pub workspace_id: Option<Where>,
    /// Pending and completed tasks when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Items of a page; 50 when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::PAGE))]
    #[schemars(example = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A page of what a search found, best first: words in titles before tags, descriptions and comments, whole words before
/// beginnings, earlier ones before later ones, then new tasks before old ones. Where more than 1,000 tasks match, the
/// newest of them are compared, and the others are left out; where more than 200 comments match, the newest of these. The
/// first 16 words count. In places with very many tasks a prefix of one or two letters is looked for among the newest tasks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FoundTasks {
    /// The tasks.
    pub items: Vec<FoundTask>,
    /// Send it as `cursor` for the next page; `null` on the last page.
    pub next_cursor: Option<String>,
}

/// A task that a search found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FoundTask {
    /// The task.
    pub task: Task,
    /// Where the words are, best first. Of the comments that match, at most three.
    pub matches: Vec<FoundText>,
}

/// A part of a text, with the words that a search found there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FoundText {
    /// What the text is.
    pub r#in: FoundIn,
    /// The comment, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment_id: Option<CommentId>,
    /// About 160 characters of the text. Where something before or after them is left out, there is `…`.
    pub snippet: String,
    /// What was found: pairs of where it begins and where it ends, in Unicode scalar values of the snippet. They are in
    /// order, and do not overlap.
    pub marks: Vec<[u32; 2]>,
}

/// The texts that are searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FoundIn {
    /// The title of a task.
    Title,
    /// One of its tags.
    Tag,
    /// Its description.
    Description,
    /// One of its comments.
    Comment,
}
