//! Searches tasks by their texts and the comments on them. What matches, and how well, is in `store/task_list/matches`; here
//! tasks and comments come together, and what was found is shown.

use super::read::scope;
use crate::ops::cursor::{self, List};
use crate::ops::{Ask, Caller, Index, Load, Query, Result, Target, Targeted};
use crate::store::task_list::matches::{CommentMatch, Rank};
use crate::store::task_list::{self, ListIndexes, PageEnd};
use crate::unicode::{Found, Snippet, Term, find, snippet};
use foldhash::HashMap;
use taskwire_protocol::task::{
    Everywhere, FoundIn, FoundTask, FoundTasks, FoundText, ListTasks, SearchTasks, Task, Where,
};
use taskwire_protocol::{CommentId, TaskId, limits};
use tokio::task::yield_now;

/// The comments that are shown for a task.
const COMMENTS: usize = 3;

/// Bytes of a page whose tasks show all that was found in them. Behind these, each shows one text.
const MARKED: usize = 300_000;

impl Targeted for SearchTasks {
    fn target(&self, _caller: &Caller) -> Target {
        match self.workspace_id {
            Some(Where::One(id)) => Target::Workspace(id),
            None | Some(Where::Everywhere(_)) => Target::Own,
        }
    }
}

impl Query for SearchTasks {
    fn reads_index(&self) -> Option<Index> {
        Some(Index::Words)
    }

    fn load(&self, _caller: &Caller, _indexes: &ListIndexes) -> Load {
        Load::Long
    }

    async fn answer(self, ask: Ask) -> Result<FoundTasks> {
        let list = List::of(&named(&self), &ask.caller);
        let limit = cursor::limit(self.limit)?;
        let after: Option<PageEnd> = list.position(self.cursor.as_deref())?;
        if after
            .as_ref()
            .is_some_and(|after| !matches!(after, PageEnd::Rank(_)))
        {
            return Err(cursor::refused());
        }
        crate::domain::text::checked("q", &self.q, 0, limits::SEARCH)?;
        let terms = task_list::looked_for(Some(&self.q)).unwrap_or_default();
        let wanted = ListTasks {
            q: Some(self.q.clone()),
            status: self.status,
            ..ListTasks::default()
        };
        // one moment: a caller who leaves a workspace meanwhile sees all of the page or nothing
        let mut reader = ask.moment().await?;
        let place = scope(&ask);
        let (tasks, mut comments) = task_list::matching(&mut reader, place, &wanted).await?;
        let ranks = together(tasks, &comments);
        let mut page = task_list::page_of(&mut reader, ranks, after.as_ref(), limit + 1).await?;
        drop(reader);
        let next_cursor = cursor::cut(&mut page, limit, |(rank, _)| list.cursor(&PageEnd::Rank(*rank)));
        let (mut items, mut marked) = (Vec::with_capacity(page.len()), 0);
        for (_, task) in page {
            let on_task = comments.remove(&task.id).unwrap_or_default();
            let matches = shown(&terms, &task, &on_task, &mut marked);
            items.push(FoundTask { task, matches });
            // a long text takes a millisecond
            yield_now().await;
        }
        Ok(FoundTasks { items, next_cursor })
    }
}

/// The search with its defaults filled in: what its cursors are made for.
fn named(asked: &SearchTasks) -> SearchTasks {
    let mut search = asked.clone();
    search
        .workspace_id
        .get_or_insert(Where::Everywhere(Everywhere::All));
    search
}

/// The ranks of all tasks that match by themselves or by a comment, each once.
fn together(tasks: Vec<Rank>, comments: &HashMap<TaskId, Vec<CommentMatch>>) -> Vec<Rank> {
    let mut best: HashMap<_, Rank> = tasks.into_iter().map(|rank| (rank.id, rank)).collect();
    for comment in comments.values().filter_map(|comments| comments.first()) {
        let rank = best.entry(comment.rank.id).or_insert(comment.rank);
        *rank = comment.rank.min(*rank);
    }
    let mut ranks: Vec<Rank> = best.into_values().collect();
    ranks.sort_unstable();
    ranks
}

/// What to show of a task and its comments: all that was found, or of a page with very much text the first of it. `marked`
/// counts the bytes of the page that were searched.
fn shown(terms: &[Term], task: &Task, comments: &[CommentMatch], marked: &mut usize) -> Vec<FoundText> {
    let tags = task.tags.iter().map(|tag| (FoundIn::Tag, &**tag, None));
    let description = task.description.as_deref();
    let description = description.map(|text| (FoundIn::Description, text, None));
    let comments = comments
        .iter()
        .take(COMMENTS)
        .map(|comment| (FoundIn::Comment, &*comment.body, Some(comment.id)));
    let texts = [(FoundIn::Title, &*task.title, None)]
        .into_iter()
        .chain(tags)
        .chain(description)
        .chain(comments);
    let mut shown = Vec::new();
    for (part, text, comment) in texts {
        if *marked > MARKED && !shown.is_empty() {
            break;
        }
        *marked += text.len();
        shown.extend(found_text(terms, part, text, comment));
    }
    shown
}

fn found_text(terms: &[Term], part: FoundIn, text: &str, comment_id: Option<CommentId>) -> Option<FoundText> {
    let found: Vec<Found> = find(text, terms);
    if found.is_empty() {
        return None;
    }
    let Snippet { text, marks } = snippet(text, &found);
    Some(FoundText {
        r#in: part,
        comment_id,
        snippet: text,
        marks,
    })
}
