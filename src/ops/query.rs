//! Queries: the context in which they run, and what they answer.

use super::{Caller, Result, Targeted, bug, node};
use crate::store::task_list::ListIndexes;
use crate::store::{Reader, Store};
use std::sync::Arc;
use taskwire_protocol::member::Role;
use taskwire_protocol::{StreamId, WorkspaceId};

/// A query: it reads, and changes nothing.
pub trait Query: Targeted {
    /// Reads the answer.
    fn answer(self, ask: Ask) -> impl Future<Output = Result<Self::Output>> + Send;

    /// What of the index of texts it reads. The index is brought up to date before such a query.
    fn reads_index(&self) -> Option<Index> {
        None
    }

    /// How much it reads. `indexes`: what lists may be read from.
    fn load(&self, _caller: &Caller, _indexes: &ListIndexes) -> Load {
        Load::Short
    }

    /// Whether it reads how many tasks its workspace has. They are counted before such a query.
    fn counts(&self) -> bool {
        false
    }

    /// The snapshot's stream and position, if the output is the first page of a snapshot.
    fn snapshot(&self, _output: &Self::Output) -> Option<(StreamId, u64)> {
        None
    }
}

/// How much a query reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// Few rows, which an index of the database or of this node finds.
    Short,
    /// It looks at many rows, or answers with many.
    Long,
}

/// An index of texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Index {
    /// The words, for searches.
    Words,
    /// The keys that order titles.
    Titles,
}

/// The context of a query or a command.
pub struct Ask {
    /// The account that asks.
    pub caller: Arc<Caller>,
    /// The workspace of the target and the caller's role there; `None` for targets outside workspaces.
    pub place: Option<(WorkspaceId, Role)>,
    /// The store to read from.
    pub store: Store,
    /// The node itself.
    pub node: Arc<dyn node::Node>,
}

impl Ask {
    /// A connection for reading.
    pub async fn read(&self) -> Result<Reader> {
        Ok(self.store.read().await?)
    }

    /// A connection whose reads all see one consistent snapshot.
    pub async fn moment(&self) -> Result<Reader> {
        Ok(self.store.moment().await?)
    }

    /// The workspace of the target.
    pub fn workspace(&self) -> Result<WorkspaceId> {
        self.place
            .map(|(workspace, _)| workspace)
            .ok_or_else(|| bug("the target is in no workspace"))
    }
}
