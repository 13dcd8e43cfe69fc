//! Answers a query or a command: within a time limit, in a separate task, after the caller was authorized.

use super::authorize::authorize;
use super::route::DynAsk;
use super::{Caller, Engine, Reply};
use crate::ops::{Ask, Target, asked, bug};
use crate::store::task_list::Scope;
use std::sync::Arc;
use taskwire_protocol::{ErrorCode, Failure};
use tracing::Instrument;

impl Engine {
    /// Answers, or refuses with `TIMEOUT` when the answer takes too long.
    pub(super) async fn ask(self, caller: Arc<Caller>, question: Box<dyn DynAsk>) -> Result<Reply, Failure> {
        let (within, answer) = (self.0.query, self.answer(caller, question));
        let late = |_| {
            let message = "the query took too long; use a smaller limit or a narrower filter";
            Failure::new(ErrorCode::Timeout, message)
        };
        tokio::time::timeout(within, answer).await.map_err(late)?
    }

    async fn answer(self, caller: Arc<Caller>, question: Box<dyn DynAsk>) -> Result<Reply, Failure> {
        if let Some(index) = question.reads_index() {
            let scope = match question.target(&caller) {
                Target::Workspace(id) => Scope::Workspace(id),
                Target::Own
                | Target::User(_)
                | Target::Task(_)
                | Target::Comment(_)
                | Target::Attachment(_)
                | Target::Project(_)
                | Target::Tag(_)
                | Target::Outside(_) => Scope::OfUser(caller.user.id),
            };
            self.index_before(index, scope).await?;
        }
        let store = self.0.store.clone();
        // a query that is dropped halfway could leave an open transaction in the pool; a task always runs to its end
        let reading = async move {
            let place = authorize(&store, &caller, question.access(), question.target(&caller)).await?;
            let node = Arc::new(self);
            let ask = Ask {
                caller,
                place,
                store,
                node,
            };
            question.answer(ask).await
        };
        let reading = asked::on_behalf(asked::current(), reading);
        let task = tokio::spawn(reading.in_current_span());
        let broke = |_| bug("the query failed; the server's log has the reason");
        task.await.map_err(broke)?
    }
}
