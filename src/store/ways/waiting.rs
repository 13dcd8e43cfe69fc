//! The queue of SQLite's statements, which are sent as one text. A call costs two thread switches, so `begin` and
//! writes wait for the next read or for the commit. Does not know what the statements do.

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

/// The most parameters of one text, well below SQLite's limit of 32,766.
const PARAMETERS: usize = 30_000;

/// The queued statements, their arguments in order, and the texts of earlier queues.
#[derive(Default)]
pub(in crate::store) struct Waiting {
    key: Vec<(&'static str, usize)>,
    parts: Vec<Arc<str>>,
    arguments: SqliteArguments,
    texts: Texts,
    joined: HashMap<Vec<(&'static str, usize)>, Arc<str>>,
}

impl Waiting {
    /// Queues `begin`.
    pub(in crate::store) fn begin(&mut self) {
        self.word(BEGIN);
    }

    /// Queues a text without arguments.
    pub(in crate::store) fn word(&mut self, sql: &'static str) {
        self.key.push((sql, 0));
        self.parts.push(sql.into());
    }

    /// Queues a statement. Pads its rows.
    pub(in crate::store) fn push(&mut self, statement: &'static Statement, mut batch: Batch) {
        let rows = batch.pad(statement);
        self.key.push((statement.body, rows));
        self.parts.push(self.texts.get(statement, rows));
        bind::sqlite(&mut self.arguments, batch.cells.iter());
    }

    /// Whether a batch has room in the queue.
    pub(in crate::store) fn admits(&self, batch: &Batch) -> bool {
        self.arguments.len() + batch.cells.len() <= PARAMETERS
    }

    /// Takes the queued statements, as one text.
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

    /// Empties the queue. Returns whether `begin` was still in it.
    pub(in crate::store) fn clear(&mut self) -> bool {
        let begins = self.key.first().is_some_and(|(sql, _)| *sql == BEGIN);
        self.key.clear();
        self.parts.clear();
        self.arguments = SqliteArguments::default();
        begins
    }
}
