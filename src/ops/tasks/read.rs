//! Reading tasks: one, and lists that are filtered, searched and sorted.

use super::indexed;
use crate::ops::cursor::{List, Wanted};
use crate::ops::{Ask, Caller, Index, Load, Query, Result, Target, Targeted, cursor, not_found};
use crate::store::task_list::matches::Rank;
use crate::store::task_list::{self, ListIndexes, Scope};
use crate::store::tasks;
use taskwire_protocol::task::{GetTask, ListTasks, Sort, Task, Where};
use taskwire_protocol::{Page, limits};

impl Targeted for ListTasks {
    fn target(&self, caller: &Caller) -> Target {
        match self.workspace_id {
            None => Target::Workspace(caller.personal),
            Some(Where::One(id)) => Target::Workspace(id),
            Some(Where::Everywhere(_)) => Target::Own,
        }
    }
}

impl Query for GetTask {
    async fn answer(self, ask: Ask) -> Result<Task> {
        let found = tasks::find(&mut ask.read().await?, self.id).await?;
        found.ok_or_else(|| not_found("task"))
    }
}

impl Query for ListTasks {
    fn reads_index(&self) -> Option<Index> {
        match self.sort {
            // without `q` an index of the whole list may know the order; `list` has the keys made where it does not
            Some(Sort::Title | Sort::TitleDesc) if self.q.is_some() => Some(Index::Titles),
            _ => self.q.as_ref().map(|_| Index::Words),
        }
    }

    fn load(&self, caller: &Caller, indexes: &ListIndexes) -> Load {
        let (place, has_index) = match self.target(caller) {
            Target::Workspace(id) => (Scope::Workspace(id), indexes.has(id)),
            _ => (Scope::OfUser(caller.user.id), false),
        };
        let looks_through_rows = task_list::suits_index(place, self) && !has_index;
        if self.q.is_some() || looks_through_rows {
            Load::Long
        } else {
            Load::Short
        }
    }

    async fn answer(self, ask: Ask) -> Result<Page<Task>> {
        let list = List::of(&named(&self, &ask.caller), &ask.caller);
        let wanted: Wanted<task_list::PageEnd> = Wanted::read(list, self.limit, self.cursor.as_deref())?;
        if let Some(q) = &self.q {
            crate::domain::text::checked("q", q, 0, limits::SEARCH)?;
        }
        let after = wanted.after.as_ref();
        if after.is_some_and(|position| !task_list::fits(&self, position)) {
            return Err(cursor::refused());
        }
        let place = scope(&ask);
        let asked = indexed::Wanted {
            list: &self,
            after,
            limit: wanted.to_read(),
        };
        let indexed = indexed::page(&ask, place, asked).await?;
        if self.q.is_none() {
            let by = if indexed.is_some() { "index" } else { "rows" };
            metrics::counter!("taskwire_lists_total", "by" => by).increment(1);
        }
        if let Some((items, total)) = indexed {
            let position = |task: &Task| task_list::page_end(&self, task);
            return wanted.page(items, position, async { Ok(total) }).await;
        }
        if self.q.is_none() {
            indexed::key_titles(&ask, place, &self).await?;
        }
        // what was found and what is shown of it are of one moment
        let mut reader = match &self.q {
            Some(_) => ask.moment().await?,
            None => ask.read().await?,
        };
        if task_list::is_ranked(&self) {
            let found = task_list::best_matches(&mut reader, place, &self, after, wanted.to_read()).await?;
            let (found, total) = found;
            let position = |(rank, _): &(Rank, Task)| task_list::PageEnd::Rank(*rank);
            let page = wanted.page(found, position, async { Ok(total) }).await?;
            return Ok(Page {
                items: page.items.into_iter().map(|(_, task)| task).collect(),
                next_cursor: page.next_cursor,
                total: page.total,
            });
        }
        let list = (&self, &task_list::words(&mut reader, place, &self).await?);
        let items = task_list::list(&mut reader, place, list, after, wanted.to_read()).await?;
        let count = task_list::count(&mut reader, place, list);
        let position = |task: &Task| task_list::page_end(&self, task);
        wanted.page(items, position, count).await
    }
}

/// The workspaces that a query may read from: the one that it names, or all that the caller sees.
pub(super) fn scope(ask: &Ask) -> Scope<'_> {
    match (ask.place, ask.caller.only()) {
        (Some((workspace, _)), _) => Scope::Workspace(workspace),
        (None, None) => Scope::OfUser(ask.caller.user.id),
        (None, Some(only)) => Scope::Among(ask.caller.user.id, only),
    }
}

/// The list with its defaults filled in: what its cursors are made for.
fn named(asked: &ListTasks, caller: &Caller) -> ListTasks {
    let mut list = asked.clone();
    list.workspace_id.get_or_insert(Where::One(caller.personal));
    if list.q.is_none() {
        list.sort.get_or_insert_default();
    }
    list.include_deleted.get_or_insert(false);
    list
}
