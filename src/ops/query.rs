//! Queries: what they are asked with, and what they answer.

use super::{Caller, Result, Targeted, bug, node};
use crate::store::{Reader, Store};
use std::sync::Arc;
use taskwire_protocol::member::Role;
use taskwire_protocol::{StreamId, WorkspaceId};

/// A query: what it reads.
pub trait Query: Targeted {
    /// Reads the answer.
    fn answer(self, ask: Ask) -> impl Future<Output = Result<Self::Output>> + Send;

    /// Whether it looks for words: then the index of words is brought up to date before.
    fn searches(&self) -> bool {
        false
    }

    /// Of a first page of a snapshot: the stream it shows and its position.
    fn snapshot(&self, _output: &Self::Output) -> Option<(StreamId, u64)> {
        None
    }
}

/// What a query or a command is asked with.
pub struct Ask {
    /// Who.
    pub caller: Arc<Caller>,
    /// Where, and as what: of targets in a workspace.
    pub place: Option<(WorkspaceId, Role)>,
    /// Where to read.
    pub store: Store,
    /// The node itself.
    pub node: Arc<dyn node::Node>,
}

impl Ask {
    /// A connection for reading.
    pub async fn read(&self) -> Result<Reader> {
        Ok(self.store.read().await?)
    }

    /// A connection that shows a single moment.
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
