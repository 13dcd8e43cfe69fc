//! The comments that may match a search, from the database: the newest, as with tasks.

use super::candidates::{LARGE, LOOKED_AT, NEWEST, Search};
use super::{COMMENTS, COMMENTS_OF_ONE};
use crate::store::link::Dialect;
use crate::store::sql::Sql;
use crate::store::words::{fts5, tsquery};
use crate::store::{Reader, Result};
use crate::unicode::Term;
use std::collections::BTreeSet;
use uuid::Uuid;

/// A comment that may match: its id, its text, its task, and when that was created.
pub(super) type CommentRow = (Uuid, String, Uuid, i64);

const ON_TASK: &str = "select c.id, c.body, t.id, t.created_at from ";

/// If the newest comments that match are on fewer tasks than this, those on others are looked for.
const FEW_TASKS: usize = COMMENTS / 4;

impl Search<'_> {
    /// Candidates, and whether each of them is a match.
    pub(super) async fn comments(&self, reader: &mut Reader) -> Result<(Vec<CommentRow>, bool)> {
        match reader.dialect() {
            Dialect::Sqlite => self.sqlite_comments(reader).await,
            Dialect::Postgres => self.postgres_comments(reader).await,
        }
    }

    async fn sqlite_comments(&self, reader: &mut Reader) -> Result<(Vec<CommentRow>, bool)> {
        let found = self.sqlite_comments_with(reader, &self.whole()).await?;
        if found.0.len() >= COMMENTS || !self.has_prefix() {
            return Ok(found);
        }
        // the numbers of all comments tell how many this workspace may have
        let last: Option<i64> = reader
            .scalar(Sql::new("select max(number) from comment_numbers"))
            .await?;
        if self.is_short() && last.unwrap_or_default() > LARGE {
            return Ok(found);
        }
        self.sqlite_comments_with(reader, self.terms).await
    }

    async fn sqlite_comments_with(
        &self,
        reader: &mut Reader,
        terms: &[Term],
    ) -> Result<(Vec<CommentRow>, bool)> {
        const BY_NUMBER: &str =
            " cross join comment_numbers n on n.number = s.number cross join comments c on c.id = n.id";
        let lookup = fts5(&self.places.ids(), terms);
        let newest = |sql: &mut Sql| {
            sql.push("(select rowid as number from comment_search where comment_search match ")
                .bind(lookup.query.as_str())
                .push(" order by rowid desc")
                .limit(LOOKED_AT)
                .push(") s");
        };
        let mut sql = Sql::new(ON_TASK);
        newest(&mut sql);
        sql.push(BY_NUMBER)
            .push(" cross join tasks t on t.id = c.task_id where true");
        self.narrow(&mut sql).limit(COMMENTS as i64);
        let mut rows: Vec<CommentRow> = reader.fetch(sql).await?;
        if crowd(&rows) {
            let mut sql = Sql::new(ON_TASK);
            sql.push("(select n.id, s.number, row_number() over (partition by c.task_id order by s.number desc) as place from ");
            newest(&mut sql);
            sql.push(BY_NUMBER)
                .push(") s cross join comments c on c.id = s.id cross join tasks t on t.id = c.task_id where s.place <= ");
            sql.bind(COMMENTS_OF_ONE);
            self.narrow(&mut sql)
                .push(" order by s.number desc")
                .limit(COMMENTS as i64);
            rows = reader.fetch(sql).await?;
        }
        Ok((rows, lookup.is_whole))
    }

    async fn postgres_comments(&self, reader: &mut Reader) -> Result<(Vec<CommentRow>, bool)> {
        let lookup = tsquery(&self.places.ids(), self.terms);
        let newest = |sql: &mut Sql| self.newest(sql, "comments", "id desc", self.places.share(NEWEST / 2));
        let mut sql = Sql::new(ON_TASK);
        newest(&mut sql);
        sql.push(" c join tasks t on t.id = c.task_id where c.search @@ ")
            .bind(lookup.query.as_str())
            .push("::tsquery");
        self.narrow(&mut sql)
            .push(" order by c.id desc")
            .limit(COMMENTS as i64);
        let mut rows: Vec<CommentRow> = reader.fetch(sql).await?;
        if crowd(&rows) {
            let mut sql = Sql::new(ON_TASK);
            sql.push("(select c.id, c.body, c.task_id, row_number() over (partition by c.task_id order by c.id desc) as place from ");
            newest(&mut sql);
            sql.push(" c where c.search @@ ").bind(lookup.query.as_str());
            sql.push("::tsquery) c join tasks t on t.id = c.task_id where c.place <= ")
                .bind(COMMENTS_OF_ONE);
            self.narrow(&mut sql)
                .push(" order by c.id desc")
                .limit(COMMENTS as i64);
            rows = reader.fetch(sql).await?;
        }
        let is_whole = lookup.is_whole;
        if rows.len() >= COMMENTS {
            return Ok((rows, is_whole));
        }
        let lookup = tsquery(&self.places.ids(), &self.for_index());
        let mut sql = Sql::new(ON_TASK);
        sql.push("taskwire_comments_with(").bind(lookup.query);
        sql.push("::tsquery, ").bind(LOOKED_AT / 2);
        sql.push(") c join tasks t on t.id = c.task_id where true");
        self.narrow(&mut sql);
        let found: Vec<CommentRow> = reader.fetch(sql).await?;
        rows.extend(found);
        Ok((rows, is_whole))
    }
}

/// Whether so many comments on few tasks leave no room for those on others.
fn crowd(rows: &[CommentRow]) -> bool {
    let tasks: BTreeSet<Uuid> = rows.iter().map(|(_, _, task, _)| *task).collect();
    rows.len() >= COMMENTS && tasks.len() < FEW_TASKS
}
