//! SQLite's statements that wait for one another and travel as one text. A call costs two switches of threads, so `begin`
//! and writes wait for the next read or for the commit. Does not know what they do.

use crate::store::bind;
use crate::store::statement::{Batch, Statement, Texts};
use foldhash::HashMap;
use sqlx::Arguments;
use sqlx::sqlite::SqliteArguments;
use std::sync::Arc;

/// How many joined texts are kept. Padding keeps them few; this bounds what unusual groups leave behind.
const JOINED: usize = 512;

/// Takes the write lock at once: a deferred `begin` would ignore `busy_timeout`.
const BEGIN: &str = "begin immediate";

/// How many parameters travel at once, well below SQLite's limit of 32,766.
const PARAMETERS: usize = 30_000;

/// What waits, its arguments in order, and the texts of what waited before.
#[derive(Default)]
pub(in crate::store) struct Waiting {
    key: Vec<(&'static str, usize)>,
    parts: Vec<Arc<str>>,
    arguments: SqliteArguments,
    texts: Texts,
    joined: HashMap<Vec<(&'static str, usize)>, Arc<str>>,
}

impl Waiting {
    /// Lets `begin` wait.
    pub(in crate::store) fn begin(&mut self) {
        self.word(BEGIN);
    }

    /// Lets a text without arguments wait.
    pub(in crate::store) fn word(&mut self, sql: &'static str) {
        self.key.push((sql, 0));
        self.parts.push(sql.into());
    }

    /// Lets a statement wait. Pads its rows.
    pub(in crate::store) fn push(&mut self, statement: &'static Statement, mut batch: Batch) {
        let rows = batch.pad(statement);
        self.key.push((statement.body, rows));
        self.parts.push(self.texts.get(statement, rows));
        bind::sqlite(&mut self.arguments, batch.cells.iter());
    }

    /// Whether a batch has room beside what waits.
    pub(in crate::store) fn admits(&self, batch: &Batch) -> bool {
        self.arguments.len() + batch.cells.len() <= PARAMETERS
    }

    /// What waits, as one text.
    pub(in crate::store) fn take(&mut self) -> Option<(Arc<str>, SqliteArguments)> {
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

    /// Forgets what waits. Whether `begin` was still waiting.
    pub(in crate::store) fn clear(&mut self) -> bool {
        let begins = self.key.first().is_some_and(|(sql, _)| *sql == BEGIN);
        self.key.clear();
        self.parts.clear();
        self.arguments = SqliteArguments::default();
        begins
    }
}
