//! SQLite's statements that wait for one another: they travel as one text. Every call costs two switches of threads, so
//! begin and writes wait for the next read or the commit. Does not know what they do.

use super::bind;
use super::statement::{Batch, Statement, Texts};
use foldhash::HashMap;
use sqlx::Arguments;
use sqlx::sqlite::SqliteArguments;
use std::sync::Arc;

/// Joined texts kept; they are few when rows are padded, and this bounds what odd groups leave behind.
const JOINED: usize = 512;

/// The only writer takes its lock at once.
const BEGIN: &str = "begin immediate";

/// Parameters that travel at once, well below SQLite's 32,766.
const PARAMETERS: usize = 30_000;

/// What waits, its arguments in order, and the texts of what waited before.
#[derive(Default)]
pub(super) struct Waiting {
    key: Vec<(&'static str, usize)>,
    parts: Vec<Arc<str>>,
    arguments: SqliteArguments,
    texts: Texts,
    joined: HashMap<Vec<(&'static str, usize)>, Arc<str>>,
}

impl Waiting {
    /// Lets the transaction's beginning wait.
    pub(super) fn begin(&mut self) {
        self.word(BEGIN);
    }

    /// Lets a text without arguments wait.
    pub(super) fn word(&mut self, sql: &'static str) {
        self.key.push((sql, 0));
        self.parts.push(sql.into());
    }

    /// Lets a statement wait, its rows filled up.
    pub(super) fn push(&mut self, statement: &'static Statement, mut batch: Batch) {
        let rows = batch.pad(statement);
        self.key.push((statement.body, rows));
        self.parts.push(self.texts.get(statement, rows));
        bind::sqlite(&mut self.arguments, batch.cells.iter());
    }

    /// Whether a batch has room beside what waits.
    pub(super) fn admits(&self, batch: &Batch) -> bool {
        self.arguments.len() + batch.cells.len() <= PARAMETERS
    }

    /// What waits, as one text.
    pub(super) fn take(&mut self) -> Option<(Arc<str>, SqliteArguments)> {
        if self.key.is_empty() {
            return None;
        }
        let (key, parts) = (std::mem::take(&mut self.key), std::mem::take(&mut self.parts));
        if self.joined.len() >= JOINED && !self.joined.contains_key(&key) {
            self.joined.clear();
        }
        let joined = self.joined.entry(key).or_insert_with(|| parts.join(";\n").into());
        Some((joined.clone(), std::mem::take(&mut self.arguments)))
    }

    /// Nothing waits any more; true if the transaction's beginning did.
    pub(super) fn clear(&mut self) -> bool {
        let begins = self.key.first().is_some_and(|(sql, _)| *sql == BEGIN);
        self.key.clear();
        self.parts.clear();
        self.arguments = SqliteArguments::default();
        begins
    }
}
