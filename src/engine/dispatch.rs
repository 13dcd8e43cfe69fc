//! The single entry for requests: sockets, `/v1/rpc` and `/v1/auth/…` hand in every request here, except those that
//! only a socket can carry out.

use super::audit::Events;
use super::measure::Measure;
use super::outlive::Outliving;
use super::route::{Route, route};
use super::sender::unknown;
use super::sign_in::{ByDevice, ByMail, DynSignIn, Refresh, first_admin};
use super::submission::{Batch, Step, Submission, Work};
use super::trace::{Trace, UnderWay};
use super::{Answering, Caller, Engine, Incoming, Reply, Sender, spawned};
use crate::auth::limits::Limit;
use crate::ops::{Decide, Result, asked};
use crate::store::ops;
use std::sync::Arc;
use taskwire_protocol::account::BecomeFirstAdmin;
use taskwire_protocol::{Access, Failure, OpId, Request};
use tokio::time::Instant;
use tracing::{Instrument, Span};

impl Engine {
    /// Answers any request that is not the socket's own, and records metrics. A mutation takes its place in the queue
    /// at the first poll, so polling several mutations once, in order, keeps their order. After that it needs no
    /// polling. Once it is among the first of its user in the queue, it is carried out even if the answer is dropped.
    pub fn dispatch(&self, mut incoming: Incoming) -> Answering {
        incoming.sender.request_id = Trace::identified(incoming.sender.request_id);
        let trace = Trace::of(&incoming);
        let span = trace.span();
        within(span, self.answering(incoming, trace))
    }

    fn answering(&self, incoming: Incoming, trace: Trace) -> Answering {
        let Incoming {
            request,
            op_id,
            sender,
            since,
        } = incoming;
        let measure = Measure::begin(request.name(), since);
        let events = Events::of(&request, &sender, since);
        let watch = Watch {
            measure,
            trace,
            events,
        };
        let begun = self.clone().begin(request, op_id, sender, &watch);
        begun.unwrap_or_else(|failure| watch.over(std::future::ready(Err(failure))))
    }

    /// Answers a request of a caller who is signed in.
    pub fn call(&self, caller: &Arc<Caller>, request: Request, op_id: Option<OpId>) -> Answering {
        self.dispatch(Incoming::now(request, op_id, Sender::known(caller.clone())))
    }

    /// Answers `POST /v1/auth/refresh`, which is not in the table of operations, and records metrics.
    pub fn refresh(&self, refresh: Refresh, sender: Sender, since: Instant) -> Answering {
        self.beside(Refresh::NAME, Box::new(refresh), sender, since)
    }

    /// Answers a request about the mail of an account, which is not in the table of operations, and records metrics.
    pub fn by_mail(&self, request: ByMail, sender: Sender, since: Instant) -> Answering {
        let (name, request) = request.parts();
        self.beside(name, request, sender, since)
    }

    /// Answers a request about a sign-in that another device completes, and records metrics.
    pub fn by_device(&self, request: ByDevice, sender: Sender, since: Instant) -> Answering {
        let (name, request) = request.parts();
        self.beside(name, request, sender, since)
    }

    /// Answers a request to become the first administrator, and records metrics.
    pub fn become_first_admin(&self, request: BecomeFirstAdmin, sender: Sender, since: Instant) -> Answering {
        self.beside(first_admin::NAME, Box::new(request), sender, since)
    }

    fn beside(
        &self,
        name: &'static str,
        request: Box<dyn DynSignIn>,
        sender: Sender,
        since: Instant,
    ) -> Answering {
        let trace = Trace {
            operation: name,
            request_id: sender.request_id.clone(),
            caller: sender.caller.clone(),
        };
        let answering = request.answer(name, self.clone(), sender, since);
        let (span, measure) = (trace.span(), Measure::begin(name, since));
        let events = None;
        let watch = Watch {
            measure,
            trace,
            events,
        };
        within(span, watch.named_over(answering))
    }

    /// The answer to a `ping`, which waits for no other request; `None` for all other requests.
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
        watch: &Watch,
    ) -> Result<Answering> {
        if request.access() != Access::Anyone {
            let caller = sender.caller.as_ref().ok_or_else(unknown)?;
            caller.may(request.name(), request.kind(), request.access())?;
            self.note_use(caller);
        }
        let (name, since) = (request.name(), watch.measure.since());
        Ok(match route(request)? {
            Route::Mutation(decide) if decide.makes_token() => {
                let engine = self.clone();
                let answer = self.submit_one(sender.caller()?, op_id, decide, sender.request_id);
                watch.over(async move { Ok(engine.with_token(answer.await?)) })
            }
            Route::Mutation(decide) => {
                watch.over(self.submit_one(sender.caller()?, op_id, decide, sender.request_id))
            }
            Route::Prepare(prepare) => {
                watch.named_over(self.prepare_and_submit(sender.caller()?, op_id, prepare, sender.request_id))
            }
            Route::Batch(batch) => {
                let caller = sender.caller()?;
                let work = Work::Batch(Batch::read(*batch, op_id, self.0.batch_ops, &caller)?);
                watch.over(self.submit(caller, op_id, work, sender.request_id))
            }
            Route::Ask(question) => watch.named_over(self.ask(sender.caller()?, question)),
            Route::SignIn(sign_in) => watch.named_over(sign_in.answer(name, self, sender, since)),
            Route::Describe => watch.over(std::future::ready(Ok(Reply::data(self.describe())))),
            Route::Ping => watch.over(std::future::ready(Ok(Reply::pong()))),
            Route::Socket(name) => return Err(of_a_socket(name)),
        })
    }

    pub(super) async fn submit_one(
        self,
        caller: Arc<Caller>,
        op_id: Option<OpId>,
        decide: Box<dyn Decide>,
        request_id: Option<Arc<str>>,
    ) -> Result<Reply> {
        let work = Work::One(Step::new(decide));
        self.submit(caller, op_id, work, request_id).await
    }

    async fn submit(
        self,
        caller: Arc<Caller>,
        op_id: Option<OpId>,
        mut work: Work,
        request_id: Option<Arc<str>>,
    ) -> Result<Reply> {
        let mut queued = None;
        if work.decides().any(is_to_be_prepared) {
            let began = std::time::Instant::now();
            queued = Some(began);
            let request_id = request_id.as_ref();
            // apart, so that the future of every mutation is not as large as this one
            Box::pin(self.prepare_submission(&caller, op_id, &mut work, request_id, began)).await?;
        }
        let mut submission = Box::new(Submission::new(caller, op_id, work));
        // its time to be answered has begun before it was prepared
        submission.queued = queued.unwrap_or(submission.queued);
        submission.request_id = request_id;
        self.0.lane.submit(submission).await
    }

    /// Does what must not wait in the lane.
    async fn prepare_submission(
        &self,
        caller: &Arc<Caller>,
        op_id: Option<OpId>,
        work: &mut Work,
        request_id: Option<&Arc<str>>,
        began: std::time::Instant,
    ) -> Result<()> {
        if let Work::One(step) = work
            && let Some(project) = step.decide.empties()
            && !self.was_done(caller, op_id).await?
        {
            return self
                .empty(caller, &*step.decide, project, request_id, began)
                .await;
        }
        self.find_invites(work).await?;
        if work.decides().any(|decide| decide.mails().is_some()) && !self.was_done(caller, op_id).await? {
            self.count_invitations(caller, work).await?;
        }
        let changes = work.profile_changes();
        if changes > 0 && !self.was_done(caller, op_id).await? {
            for _ in 0..changes {
                self.0.limits.take(Limit::Profile, caller.user.id).await?;
            }
        }
        Ok(())
    }
}

/// Whether [`Engine::prepare_submission`] has something to do for it.
fn is_to_be_prepared(decide: &dyn Decide) -> bool {
    decide.invitation().is_some()
        || decide.mails().is_some()
        || decide.changes_profile()
        || decide.empties().is_some()
}

impl Engine {
    /// Whether a request with this op_id was carried out before: a repetition is answered, and changes nothing.
    async fn was_done(&self, caller: &Caller, op_id: Option<OpId>) -> Result<bool> {
        let Some(op_id) = op_id else { return Ok(false) };
        let (store, user) = (self.0.store.clone(), caller.user.id);
        spawned(async move { ops::is_known(&mut store.read().await?, user, op_id).await }).await
    }
}

/// What is recorded about a request when it has its answer.
#[derive(Clone)]
struct Watch {
    measure: Measure,
    trace: Trace,
    /// What the log tells if it is done.
    events: Option<Arc<Events>>,
}

impl Watch {
    /// Like [`Watch::over`], for work outside of the writers' lane: log lines about its failures name the request.
    fn named_over(&self, answering: impl Future<Output = Result<Reply>> + Send + 'static) -> Answering {
        let request = UnderWay::of(self.trace.clone());
        let (watch, acting) = (self.clone(), request.acting().clone());
        let work = Box::pin(async move {
            if watch.events.is_some() {
                request.acting().begin();
            }
            let answer = asked::on_behalf(Some(request.clone()), answering).await;
            let trace = request.trace();
            Watch { trace, ..watch }.end(answer)
        });
        Box::pin(Outliving::new(work, acting))
    }

    fn over(&self, answering: impl Future<Output = Result<Reply>> + Send + 'static) -> Answering {
        if self.events.is_some() {
            return self.named_over(answering);
        }
        let watch = self.clone();
        Box::pin(async move { watch.end(answering.await) })
    }

    fn end(self, mut answer: Result<Reply>) -> Result<Reply> {
        match (&mut answer, &self.events) {
            (Err(failure), _) => self.trace.report(failure, self.measure.since().elapsed()),
            (Ok(reply), Some(events)) => events.write(reply),
            (Ok(_), None) => {}
        }
        if answer.is_ok() {
            let since = self.measure.since();
            tracing::debug!(
                duration_ms = since.elapsed().as_millis() as u64,
                "a request was carried out"
            );
        }
        self.measure.end(&answer);
        answer
    }
}

fn within(span: Span, answering: Answering) -> Answering {
    if span.is_disabled() {
        return answering;
    }
    Box::pin(answering.instrument(span))
}

fn of_a_socket(name: &str) -> Failure {
    let message = format!("{name} works only on a WebSocket; over HTTP, send the token with each request");
    Failure::invalid("type", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size_of_answer<A, B, C, D, E, F: Future>(_: impl FnOnce(A, B, C, D, E) -> F) -> usize {
        size_of::<F>()
    }

    /// Each mutation's future is allocated and moved: what few of them need must not make all of them large.
    #[test]
    fn the_future_of_a_mutation_is_small() {
        let bytes = size_of_answer(Engine::submit_one);
        assert!(bytes <= 1024, "{bytes} bytes");
    }
}
