//! Answers a query or a command: within a time limit, in a separate task, after the caller was authorized. When the time is
//! over, the database ends what it still reads for it.

use super::authorize::authorize;
use super::item::Whose;
use super::route::DynAsk;
use super::{Caller, Engine, Reply};
use crate::ops::{Ask, Load, Target, asked, bug, overdue};
use crate::store::task_list::Scope;
use std::sync::Arc;
use taskwire_protocol::Failure;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

impl Engine {
    /// Answers, or refuses with `TIMEOUT` when the answer takes too long.
    pub(super) async fn ask(self, caller: Arc<Caller>, question: Box<dyn DynAsk>) -> Result<Reply, Failure> {
        let until = Instant::now() + self.0.query;
        let answer = self.answer(caller, question, until);
        timeout_at(until, answer).await.map_err(|_| overdue())?
    }

    async fn answer(
        self,
        caller: Arc<Caller>,
        question: Box<dyn DynAsk>,
        until: Instant,
    ) -> Result<Reply, Failure> {
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
            self.index_before(Whose::of(&caller), index, scope).await?;
        }
        let load = question.load(&caller, &self.0.list_indexes);
        // what waits for the counting of tasks has no place meanwhile
        let first = if question.counts() { Load::Short } else { load };
        let mut turn = self.0.readers.enter(caller.user.id, first).await;
        let store = self.0.store.until(until.into_std());
        // a query that is dropped halfway could leave an open transaction in the pool; a task always runs to its end
        let reading = async move {
            let place = authorize(&store, &caller, question.access(), question.target(&caller)).await?;
            if let (true, Some((workspace, _))) = (question.counts(), place) {
                drop(turn);
                self.count_up(Whose::of(&caller), workspace).await?;
                let entering = self.0.readers.enter(caller.user.id, load);
                turn = timeout_at(until, entering).await.map_err(|_| overdue())?;
            }
            let node = Arc::new(self);
            let ask = Ask {
                caller,
                place,
                store,
                node,
            };
            let answer = question.answer(ask).await;
            drop(turn);
            answer
        };
        let reading = asked::on_behalf(asked::current(), reading);
        let task = tokio::spawn(reading.in_current_span());
        let broke = |_| bug("the query failed; the server's log has the reason");
        task.await.map_err(broke)?
    }
}
