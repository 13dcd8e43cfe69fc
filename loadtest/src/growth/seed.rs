//! Makes a large database quickly: while the server is stopped, SQL writes the rows that the operations would have
//! written. Unlike in real data, tasks differ by their number, one person made them a millisecond apart, and entries that
//! are made without tasks name tasks that do not exist.

use crate::rows::{self, Database, Whose};
use crate::trouble::Trouble;
use crate::{progress, stop};
use uuid::Uuid;

/// Operations in one transaction.
const CHUNK: i64 = 10_000;

/// A person and the workspace that is filled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Home {
    pub(super) workspace: Uuid,
    pub(super) user: Uuid,
    /// The moment of operation 0, in ms since 1970.
    pub(super) base_ms: i64,
}

/// The rows to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    /// All rows of a `task.create`.
    Tasks,
    /// Only entries of the workspace's log.
    Entries,
}

impl Home {
    /// Fills the workspace until its log has `entries` entries.
    pub(super) async fn fill(&self, url: &str, made: Made, entries: usize) -> Result<(), Trouble> {
        let mut database = Database::open(url).await?;
        let (workspace, user) = (database.value(self.workspace), database.value(self.user));
        let head = format!("select seq from streams where id = {workspace}");
        let head = database.number(&head).await?;
        let own = database
            .number(&format!("select seq from streams where id = {user}"))
            .await?;
        let whose = Whose::one(self.workspace, self.user, own - head);
        let tag = rows::tag(self.workspace);
        database.prepare().await?;
        let mut statements = vec![database.forget(), database.make(&whose, self.base_ms)];
        match made {
            Made::Tasks => statements.extend(database.operations(&tag)),
            Made::Entries => statements.push(database.entries()),
        }
        statements.push(database.grow(&workspace, "seq"));
        if made == Made::Tasks {
            statements.push(database.grow(&workspace, "pending"));
            statements.push(database.grow(&user, "seq"));
            statements.push(database.grow(&user, "unread"));
            statements.extend(database.vary(&workspace, &user, &tag));
        }
        let (mut first, last) = (head + 1, entries as i64);
        while first <= last && !stop::is_asked() {
            let until = (first + CHUNK - 1).min(last);
            database.commit(&statements, first, until).await?;
            database.move_keys().await?;
            database.index(&tag).await?;
            first = until + 1;
            progress::show(until as f64 / last as f64, &format!("seeding: {until} of {last}"));
            tokio::task::yield_now().await;
        }
        progress::done();
        database.settle().await?;
        Ok(())
    }
}
