//! What may match a search, from the database. SQLite's index gives the newest matches of whole words first, and stops when
//! there are enough. All words with a beginning have to be put together before the first of them is known, so in a large place
//! the newest tasks are looked at first. PostgreSQL's index gives matches in no order, and all of them, so the newest rows are
//! looked at first for each search; the index is asked only if these have few matches, and then it has few too, or only some
//! of its matches are taken.
//!
//! Of a word that is everywhere, few or none of these may be what a list's filters leave. Then those that the filters leave are
//! looked at, the newest first (`filtered`).

use super::comparison::{Comparison, TaskRow};
use super::places::Places;
use super::{Narrow, Scope, TASKS, of};
use crate::store::link::Dialect;
use crate::store::sql::Sql;
use crate::store::task_list::filter::{narrows, newest_by_index};
use crate::store::words::{fts5, tsquery};
use crate::store::{Reader, Result};
use crate::unicode::Term;
use taskwire_protocol::task::ListTasks;

/// The most matches of an index that are looked at: some of them are left out by other conditions.
pub(super) const LOOKED_AT: i64 = 2000;
/// The newest tasks, or comments, that PostgreSQL looks at before its index.
pub(super) const NEWEST: i64 = 4096;
/// The newest tasks that SQLite looks at before it puts together all words with a beginning.
const NEWEST_OF_SQLITE: i64 = 1024;
/// A place with more tasks than this is large.
pub(super) const LARGE: i64 = 20_000;
/// So many matches among the newest tasks are enough.
const ENOUGH: usize = 200;
/// In a large place, the beginning of a word that is shorter than this is looked for among the newest tasks only.
const SHORT: usize = 3;

/// The tasks that filters leave of which a search looks at the newest.
const FILTERED: i64 = 2000;

const TASK: &str = "select t.id, t.title, t.description, t.tags, t.created_at from ";

/// A search, as its parts are sent to the database.
pub(super) struct Search<'a> {
    pub(super) scope: Scope<'a>,
    pub(super) places: &'a Places,
    pub(super) terms: &'a [Term],
    /// The conditions on its tasks, and what these were made of.
    pub(super) narrow: Narrow<'a>,
    pub(super) wanted: &'a ListTasks,
}

impl Search<'_> {
    /// The terms, the last one as a whole word.
    pub(super) fn whole(&self) -> Vec<Term> {
        let mut terms = self.terms.to_vec();
        if let Some(last) = terms.last_mut().filter(|term| !term.is_part) {
            last.is_prefix = false;
        }
        terms
    }

    pub(super) fn has_prefix(&self) -> bool {
        self.terms.last().is_some_and(|term| term.is_prefix)
    }

    /// Whether the beginning that is looked for is one of very many words.
    pub(super) fn is_short(&self) -> bool {
        let last = self.terms.last().filter(|term| term.is_prefix && !term.is_part);
        last.is_some_and(|term| term.text().chars().count() < SHORT)
    }

    /// Appends the conditions on a task.
    pub(super) fn narrow<'s>(&self, sql: &'s mut Sql) -> &'s mut Sql {
        sql.push(" and ");
        of(sql, self.scope);
        (self.narrow)(sql);
        sql
    }

    /// Candidates, and whether each of them is a match.
    pub(super) async fn tasks(&self, reader: &mut Reader) -> Result<(Vec<TaskRow>, bool)> {
        let dialect = reader.dialect();
        let ((mut rows, are_sure), most) = match dialect {
            Dialect::Sqlite => (self.sqlite(reader).await?, 2 * LOOKED_AT),
            Dialect::Postgres => (self.postgres(reader).await?, LOOKED_AT),
        };
        let may_miss = narrows(self.wanted) && rows.len() < ENOUGH && self.places.tasks() > most;
        if may_miss && self.is_everywhere(reader, most).await? {
            rows.extend(self.filtered(reader).await?);
        }
        Ok((rows, are_sure))
    }

    /// Whether an index has so many matches, as far as it is asked for them all.
    async fn is_everywhere(&self, reader: &mut Reader, most: i64) -> Result<bool> {
        if self.is_short() || (self.has_prefix() && self.places.tasks() > LARGE) {
            return Ok(true);
        }
        let ids = self.places.ids();
        let sql = match reader.dialect() {
            Dialect::Sqlite => {
                let mut sql =
                    Sql::new("select count(*) from (select 1 from task_search where task_search match ");
                sql.bind(fts5(&ids, self.terms).query).limit(most).push(")");
                sql
            }
            Dialect::Postgres => {
                let mut sql = Sql::new("select count(*) from taskwire_tasks_with(");
                sql.bind(tsquery(&ids, self.terms).query).push("::tsquery, ");
                sql.bind(most).push(")");
                sql
            }
        };
        Ok(reader.count(sql).await? >= most.unsigned_abs())
    }

    /// Those of the newest tasks that the filters leave which match. A filter without an index is used where all tasks can be
    /// looked at.
    async fn filtered(&self, reader: &mut Reader) -> Result<Vec<TaskRow>> {
        let dialect = reader.dialect();
        let mut sql = Sql::new(TASK);
        sql.push("(");
        if newest_by_index(&mut sql, self.scope, self.wanted, FILTERED) {
            sql.push(") i cross join tasks t where t.id = i.id");
        } else if self.places.tasks() <= LARGE {
            sql = Sql::new(TASK);
            sql.push("tasks_by_workspace t where true");
        } else {
            return Ok(Vec::new());
        }
        if dialect == Dialect::Postgres {
            let lookup = tsquery(&self.places.ids(), self.terms);
            sql.push(" and t.search @@ ").bind(lookup.query).push("::tsquery");
        }
        self.narrow(&mut sql)
            .push(" order by t.created_at desc, t.id desc")
            .limit(FILTERED);
        let mut rows: Vec<TaskRow> = reader.fetch(sql).await?;
        if dialect == Dialect::Sqlite {
            rows = Comparison::of(self.terms).those(rows).await;
        }
        rows.truncate(TASKS);
        Ok(rows)
    }

    async fn sqlite(&self, reader: &mut Reader) -> Result<(Vec<TaskRow>, bool)> {
        let is_large = self.places.tasks() > LARGE;
        if !is_large || !self.has_prefix() {
            return self.sqlite_index(reader, self.terms).await;
        }
        let (mut rows, mut are_sure) = self.sqlite_index(reader, &self.whole()).await?;
        if rows.len() >= TASKS {
            return Ok((rows, are_sure));
        }
        let newest = self.sqlite_newest(reader).await?;
        let has_few = newest.len() < ENOUGH;
        rows.extend(newest);
        if has_few && !self.is_short() {
            let (found, all_sure) = self.sqlite_index(reader, self.terms).await?;
            rows.extend(found);
            are_sure &= all_sure;
        }
        Ok((rows, are_sure))
    }

    async fn sqlite_index(&self, reader: &mut Reader, terms: &[Term]) -> Result<(Vec<TaskRow>, bool)> {
        let lookup = fts5(&self.places.ids(), terms);
        let mut sql = Sql::new(TASK);
        sql.push("(select rowid as number from task_search where task_search match ")
            .bind(lookup.query)
            .push(" order by rowid desc")
            .limit(2 * LOOKED_AT)
            .push(") s cross join tasks t on t.number = s.number where true");
        self.narrow(&mut sql).limit(TASKS as i64);
        Ok((reader.fetch(sql).await?, lookup.is_whole))
    }

    /// Those of the newest tasks that match.
    async fn sqlite_newest(&self, reader: &mut Reader) -> Result<Vec<TaskRow>> {
        let (each, mut rows) = (self.places.share(NEWEST_OF_SQLITE), Vec::new());
        let mut comparison = Comparison::of(self.terms);
        for (workspace, _) in self.places.all.iter().filter(|(_, tasks)| *tasks > 0) {
            let mut sql = Sql::new(TASK);
            sql.push("(select * from tasks_by_workspace t where t.workspace_id = ")
                .bind(workspace.0)
                .push(" order by t.created_at desc, t.id desc")
                .limit(each)
                .push(") t where true");
            self.narrow(&mut sql);
            let found = reader.fetch(sql).await?;
            rows.append(&mut comparison.those(found).await);
        }
        Ok(rows)
    }

    async fn postgres(&self, reader: &mut Reader) -> Result<(Vec<TaskRow>, bool)> {
        let (each, lookup) = (self.places.share(NEWEST), tsquery(&self.places.ids(), self.terms));
        let mut sql = Sql::new(TASK);
        self.newest(&mut sql, "tasks", "created_at desc, n.id desc", each);
        sql.push(" t where t.search @@ ").bind(lookup.query.as_str());
        sql.push("::tsquery");
        self.narrow(&mut sql)
            .push(" order by t.created_at desc, t.id desc")
            .limit(TASKS as i64);
        let mut rows: Vec<TaskRow> = reader.fetch(sql).await?;
        if rows.len() >= ENOUGH || self.places.are_within(each) {
            return Ok((rows, lookup.is_whole));
        }
        let lookup = tsquery(&self.places.ids(), &self.for_index());
        let mut sql = Sql::new(TASK);
        sql.push("taskwire_tasks_with(").bind(lookup.query);
        sql.push("::tsquery, ").bind(LOOKED_AT).push(") t where true");
        self.narrow(&mut sql);
        let found: Vec<TaskRow> = reader.fetch(sql).await?;
        rows.extend(found);
        Ok((rows, lookup.is_whole))
    }

    /// The terms for an index that has all words with a beginning to put together.
    pub(super) fn for_index(&self) -> Vec<Term> {
        if self.is_short() {
            self.whole()
        } else {
            self.terms.to_vec()
        }
    }

    /// Appends the newest rows of each workspace, as a table.
    pub(super) fn newest(&self, sql: &mut Sql, table: &str, order: &str, each: i64) {
        match self.scope {
            Scope::Workspace(id) => {
                sql.push(&format!("(select n.* from {table} n where n.workspace_id = "));
                sql.bind(id.0).push(" order by n.").push(order).limit(each);
                sql.push(")");
            }
            Scope::OfUser(_) | Scope::Among(..) => {
                sql.push("(select n.* from unnest(");
                let ids: Vec<String> = self.places.ids().iter().map(ToString::to_string).collect();
                sql.bind(format!("{{{}}}", ids.join(",")));
                sql.push(&format!(
                    "::text::uuid[]) w (id) cross join lateral (select * from {table} n where n.workspace_id = w.id order by n.{order}"
                ));
                sql.limit(each).push(") n)");
            }
        }
    }
}
