//! What matches a search, and how well: tasks, and comments on them. A search costs about the same for a word that is
//! everywhere as for a rare one: it compares the newest matches, at most [`TASKS`] and [`COMMENTS`], and never counts the
//! others. The database finds candidates; the rank of each is computed here, so both databases rank alike.
//!
//! - `candidates`  what may match, from the database; `comments` of comments
//! - `comparison`  how well each of them matches
//! - `places`      where a search looks

mod candidates;
mod comments;
mod comparison;
mod places;

pub use places::Places;

use super::{Scope, of};
use crate::store::sql::Sql;
use crate::store::{Reader, Result};
use crate::unicode::Term;
use candidates::Search;
use comparison::Comparison;
use foldhash::HashMap;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use taskwire_protocol::task::ListTasks;
use taskwire_protocol::{CommentId, TaskId};
use uuid::Uuid;

/// The most tasks that are compared.
pub const TASKS: usize = 1000;
/// The most comments that are compared.
pub const COMMENTS: usize = 200;

/// Of one task, if its comments would leave no room for those on others.
const COMMENTS_OF_ONE: i64 = 3;

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
    (narrow, wanted): (Narrow<'_>, &ListTasks),
) -> Result<Vec<Rank>> {
    if places.all.is_empty() || terms.is_empty() {
        return Ok(Vec::new());
    }
    let search = Search {
        scope,
        places,
        terms,
        narrow,
        wanted,
    };
    let (mut rows, are_sure) = search.tasks(reader).await?;
    rows.sort_unstable_by_key(|(id, .., created_at)| Reverse((*created_at, *id)));
    rows.dedup_by_key(|(id, ..)| *id);
    let mut ranks = Comparison::of(terms).tasks(&rows, are_sure).await;
    ranks.truncate(TASKS);
    ranks.sort_unstable();
    Ok(ranks)
}

/// The comments that match, by their tasks, the best of each first.
pub async fn comments(
    reader: &mut Reader,
    (scope, places): (Scope<'_>, &Places),
    terms: &[Term],
    (narrow, wanted): (Narrow<'_>, &ListTasks),
) -> Result<HashMap<TaskId, Vec<CommentMatch>>> {
    if places.all.is_empty() || terms.is_empty() {
        return Ok(HashMap::default());
    }
    let search = Search {
        scope,
        places,
        terms,
        narrow,
        wanted,
    };
    let (mut rows, are_sure) = search.comments(reader).await?;
    rows.sort_unstable_by_key(|(id, ..)| Reverse(*id));
    rows.dedup_by_key(|(id, ..)| *id);
    if rows.len() > COMMENTS {
        let mut on: HashMap<Uuid, i64> = HashMap::default();
        rows.retain(|(_, _, task, _)| {
            let number = on.entry(*task).or_default();
            *number += 1;
            *number <= COMMENTS_OF_ONE
        });
    }
    rows.truncate(COMMENTS);
    let mut comparison = Comparison::of(terms);
    let mut found: HashMap<TaskId, Vec<CommentMatch>> = HashMap::default();
    for (id, body, task, created_at) in rows {
        let Some(score) = comparison.comment(&body, are_sure).await else {
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
