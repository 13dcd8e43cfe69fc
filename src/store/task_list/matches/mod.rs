//! What matches a search, and how well: tasks, and comments on them. A search costs about the same for a word that is
//! everywhere as for a rare one: it compares the newest matches, at most [`TASKS`] and [`COMMENTS`], and never counts the
//! others. The database finds candidates; the rank of each is computed here, so both databases rank alike.
//!
//! - `candidates`  what may match, from the database
//! - `places`      where a search looks

mod candidates;
mod places;

pub use places::Places;

use super::{Scope, of};
use crate::store::link::Dialect;
use crate::store::sql::Sql;
use crate::store::{Reader, Result};
use crate::unicode::{Term, score};
use candidates::{Search, TaskRow};
use foldhash::HashMap;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use taskwire_protocol::{CommentId, TaskId};
use uuid::Uuid;

/// The most tasks that are compared.
pub const TASKS: usize = 1000;
/// The most comments that are compared.
pub const COMMENTS: usize = 200;

/// Bytes of texts beyond ASCII that a search compares for the places of words. Others are compared by field.
const COMPARED: usize = 300_000;

/// The ranks of fields.
pub const TITLE: i64 = 0;
/// Of a tag.
pub const TAG: i64 = 1;
/// Of a description.
pub const DESCRIPTION: i64 = 2;
/// Of a comment.
pub const COMMENT: i64 = 3;
/// The score of what the index found and a comparison does not.
const UNKNOWN: i64 = 1 << 40;

/// Conditions on a task `t`, beginning with `and`.
type Narrow<'a> = &'a (dyn Fn(&mut Sql) + Send + Sync);

/// How well a task matches: the least is the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rank {
    /// How well its words match.
    pub score: i64,
    /// When it was created: new ones come first.
    pub created_at: Reverse<i64>,
    /// Its id.
    pub id: Reverse<Uuid>,
}

/// A comment that matches.
#[derive(Clone, Debug)]
pub struct CommentMatch {
    /// The comment.
    pub id: CommentId,
    /// What it says.
    pub body: String,
    /// The rank of its task by this comment alone.
    pub rank: Rank,
}

/// The tasks that match, the best first.
pub async fn tasks(
    reader: &mut Reader,
    (scope, places): (Scope<'_>, &Places),
    terms: &[Term],
    narrow: Narrow<'_>,
) -> Result<Vec<Rank>> {
    if places.all.is_empty() || terms.is_empty() {
        return Ok(Vec::new());
    }
    let search = Search {
        scope,
        places,
        terms,
        narrow,
    };
    let (mut rows, are_sure) = match reader.dialect() {
        Dialect::Sqlite => search.sqlite(reader).await?,
        Dialect::Postgres => search.postgres(reader).await?,
    };
    rows.sort_unstable_by_key(|(id, .., created_at)| Reverse((*created_at, *id)));
    rows.dedup_by_key(|(id, ..)| *id);
    let mut ranks = ranked(terms, &rows, are_sure);
    ranks.truncate(TASKS);
    ranks.sort_unstable();
    Ok(ranks)
}

fn ranked(terms: &[Term], rows: &[TaskRow], are_sure: bool) -> Vec<Rank> {
    let mut left = COMPARED;
    let of = |(id, title, description, tags, created_at): &TaskRow| {
        let tags: Vec<String> = serde_json::from_str(tags).unwrap_or_default();
        let tags = tags.iter().map(|tag| (TAG, tag.as_str()));
        let mut description = description.as_deref().map(|text| (DESCRIPTION, text));
        if let Some((_, text)) = description.filter(|(_, text)| !text.is_ascii() && are_sure) {
            match left.checked_sub(text.len()) {
                Some(less) => left = less,
                None => description = None,
            }
        }
        let fields = [(TITLE, title.as_str())]
            .into_iter()
            .chain(tags)
            .chain(description);
        let score = score(terms, fields).or(are_sure.then_some(UNKNOWN))?;
        Some(Rank {
            score,
            created_at: Reverse(*created_at),
            id: Reverse(*id),
        })
    };
    rows.iter().filter_map(of).collect()
}

/// The comments that match, by their tasks, the best of each first.
pub async fn comments(
    reader: &mut Reader,
    (scope, places): (Scope<'_>, &Places),
    terms: &[Term],
    narrow: Narrow<'_>,
) -> Result<HashMap<TaskId, Vec<CommentMatch>>> {
    if places.all.is_empty() || terms.is_empty() {
        return Ok(HashMap::default());
    }
    let search = Search {
        scope,
        places,
        terms,
        narrow,
    };
    let mut rows = match reader.dialect() {
        Dialect::Sqlite => search.sqlite_comments(reader).await?,
        Dialect::Postgres => search.postgres_comments(reader).await?,
    };
    rows.sort_unstable_by_key(|(id, ..)| Reverse(*id));
    rows.dedup_by_key(|(id, ..)| *id);
    rows.truncate(COMMENTS);
    let mut found: HashMap<TaskId, Vec<CommentMatch>> = HashMap::default();
    for (id, body, task, created_at) in rows {
        let Some(score) = score(terms, [(COMMENT, body.as_str())]) else {
            continue;
        };
        let rank = Rank {
            score,
            created_at: Reverse(created_at),
            id: Reverse(task),
        };
        let id = CommentId(id);
        found
            .entry(TaskId(task))
            .or_default()
            .push(CommentMatch { id, body, rank });
    }
    for comments in found.values_mut() {
        comments.sort_unstable_by_key(|comment| (comment.rank.score, Reverse(comment.id)));
    }
    Ok(found)
}
