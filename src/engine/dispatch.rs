//! The one way to an answer: sockets, `/v1/rpc` and `/v1/auth/…` hand in every request here, but for what only a socket
//! can do.

use super::job::{Batch, Job, Step, Work};
use super::measure::Measure;
use super::route::{Route, route};
use super::sign_in::{DynSignIn, Refresh};
use super::{Answering, Caller, Engine, Incoming, Reply, Sender};
use crate::ops::Result;
use std::sync::Arc;
use taskwire_protocol::{Access, Failure, OpId, Request};
use tokio::time::Instant;

impl Engine {
    /// Answers any request that is not the socket's own, and records it. A mutation takes its place in the queue at the
    /// first poll: polling several once, in order, keeps their order. After that it needs no polling. Once there is room
    /// for it in the queue, it is done even if the answer is dropped.
    pub fn dispatch(&self, incoming: Incoming) -> Answering {
        let Incoming {
            request,
            op_id,
            sender,
            since,
        } = incoming;
        let measure = Measure::begin(request.name(), since);
        let begun = self.clone().begin(request, op_id, sender, measure);
        begun.unwrap_or_else(|failure| measured(measure, std::future::ready(Err(failure))))
    }

    /// Answers a request of somebody who is signed in.
    pub fn call(&self, caller: &Arc<Caller>, request: Request, op_id: Option<OpId>) -> Answering {
        self.dispatch(Incoming::now(request, op_id, Sender::known(caller.clone())))
    }

    /// Answers `POST /v1/auth/refresh`, which is no row of the table, and records it.
    pub fn refresh(&self, refresh: Refresh, sender: Sender, since: Instant) -> Answering {
        let answering = Box::new(refresh).answer(self.clone(), sender);
        measured(Measure::begin(Refresh::NAME, since), answering)
    }

    /// The answer to a request that goes ahead of everything else; `None` for all others.
    pub fn answer_ahead(&self, request: &Request) -> Option<Reply> {
        matches!(request, Request::Ping(_)).then(Reply::pong)
    }

    /// The contract as JSON Schema: what `protocol.describe` and `GET /v1/protocol.json` answer.
    pub fn describe(&self) -> Arc<str> {
        self.0.describe.clone()
    }

    fn begin(
        self,
        request: Request,
        op_id: Option<OpId>,
        sender: Sender,
        measure: Measure,
    ) -> Result<Answering> {
        if request.access() != Access::Anyone {
            sender.caller()?;
        }
        Ok(match route(request)? {
            Route::Mutation(decide) => {
                let work = Work::One(Step::new(decide));
                measured(measure, self.submit(sender.caller()?, op_id, work))
            }
            Route::Batch(batch) => {
                let work = Work::Batch(Batch::read(*batch, op_id, self.0.batch_ops)?);
                measured(measure, self.submit(sender.caller()?, op_id, work))
            }
            Route::Ask(question) => measured(measure, self.ask(sender.caller()?, question)),
            Route::SignIn(sign_in) => measured(measure, sign_in.answer(self, sender)),
            Route::Describe => measured(measure, std::future::ready(Ok(Reply::data(self.describe())))),
            Route::Ping => measured(measure, std::future::ready(Ok(Reply::pong()))),
            Route::Socket(name) => return Err(of_a_socket(name)),
        })
    }

    async fn submit(self, caller: Arc<Caller>, op_id: Option<OpId>, work: Work) -> Result<Reply> {
        self.0.lane.submit(Box::new(Job::new(caller, op_id, work))).await
    }
}

/// A reply on its way, recorded when it is there.
fn measured(measure: Measure, answering: impl Future<Output = Result<Reply>> + Send + 'static) -> Answering {
    Box::pin(async move {
        let answer = answering.await;
        measure.end(&answer);
        answer
    })
}

fn of_a_socket(name: &str) -> Failure {
    let message = format!("{name} belongs to a socket; over HTTP each request brings its token");
    Failure::invalid("type", message)
}
