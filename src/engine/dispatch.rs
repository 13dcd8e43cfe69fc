//! The one way to an answer: sockets, `/v1/rpc` and `/v1/auth/…` hand every request in here, but for what only a socket
//! can do. The table of operations says what answers each. A row without a handler does not compile.

use super::job::{Batch, Job, Step, Work};
use super::measure::Measure;
use super::sign_in::{DynSignIn, Refresh};
use super::{Answering, Engine, Incoming, Reply, Sender, Then};
use crate::ops::{Ask, Caller, Command, Decide, Mutation, Query, Result, Target, Targeted, json};
use std::sync::Arc;
use taskwire_protocol::batch::Batch as BatchParams;
use taskwire_protocol::{Access, Failure, OpId, Request, for_each_operation};
use tokio::time::Instant;

/// What answers a request.
pub(super) enum Route {
    /// The writer's lane.
    Mutation(Box<dyn Decide>),
    /// Several mutations for the lane.
    Batch(Box<BatchParams>),
    /// A query or a command, beside the lane.
    Ask(Box<dyn DynAsk>),
    /// The passwords and tokens, and then the lane.
    SignIn(Box<dyn DynSignIn>),
    /// The contract itself.
    Describe,
    /// Nothing but the proof that somebody answers.
    Ping,
    /// The socket that it came on, and nobody else.
    Socket(&'static str),
}

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

/// A query or a command of any type.
pub(super) trait DynAsk: Send + Sync {
    fn access(&self) -> Access;
    fn target(&self, caller: &Caller) -> Target;
    fn searches(&self) -> bool;
    fn answer(self: Box<Self>, ask: Ask) -> Answering;
}

impl<Q: Query + Clone> DynAsk for Q {
    fn access(&self) -> Access {
        Q::ACCESS
    }

    fn target(&self, caller: &Caller) -> Target {
        Targeted::target(self, caller)
    }

    fn searches(&self) -> bool {
        Query::searches(self)
    }

    fn answer(self: Box<Self>, ask: Ask) -> Answering {
        Box::pin(async move {
            let query = (*self).clone();
            let output = (*self).answer(ask).await?;
            let snapshot = query.snapshot(&output);
            let mut reply = Reply::data(json(&output)?);
            if let Some((stream, seq)) = snapshot {
                reply.then = Then::Follow(stream, seq);
            }
            Ok(reply)
        })
    }
}

/// A command, told from a query by its type.
struct Commanded<C>(C);

impl<C: Command> DynAsk for Commanded<C> {
    fn access(&self) -> Access {
        C::ACCESS
    }

    fn target(&self, caller: &Caller) -> Target {
        self.0.target(caller)
    }

    fn searches(&self) -> bool {
        false
    }

    fn answer(self: Box<Self>, ask: Ask) -> Answering {
        Box::pin(async move { Ok(Reply::data(json(&self.0.act(ask).await?)?)) })
    }
}

fn mutation<M: Mutation>(params: M) -> Result<Route> {
    Ok(Route::Mutation(Box::new(params.check()?)))
}

/// Of a row of the kind `session`: the one for what only a socket can do, the other for signing in.
macro_rules! socket_or {
    (Authenticate, $socket:expr, $sign_in:expr) => {
        $socket
    };
    (RenewAuth, $socket:expr, $sign_in:expr) => {
        $socket
    };
    (Subscribe, $socket:expr, $sign_in:expr) => {
        $socket
    };
    (Unsubscribe, $socket:expr, $sign_in:expr) => {
        $socket
    };
    (SetPresence, $socket:expr, $sign_in:expr) => {
        $socket
    };
    ($type:ident, $socket:expr, $sign_in:expr) => {
        $sign_in
    };
}

macro_rules! sign_in_name {
    (session Ping $name:literal) => {
        None
    };
    (session $type:ident $name:literal) => {
        socket_or!($type, None, Some($name))
    };
    ($kind:ident $type:ident $name:literal) => {
        None
    };
}

macro_rules! by_kind {
    (mutation Batch $params:ident $name:literal) => {
        Ok(Route::Batch($params))
    };
    (mutation $type:ident $params:ident $name:literal) => {
        mutation(*$params)
    };
    (query Describe $params:ident $name:literal) => {{
        drop($params);
        Ok(Route::Describe)
    }};
    (query $type:ident $params:ident $name:literal) => {
        Ok(Route::Ask($params))
    };
    (command $type:ident $params:ident $name:literal) => {
        Ok(Route::Ask(Box::new(Commanded(*$params))))
    };
    (session Ping $params:ident $name:literal) => {{
        drop($params);
        Ok(Route::Ping)
    }};
    (session $type:ident $params:ident $name:literal) => {
        socket_or!(
            $type,
            {
                drop($params);
                Ok(Route::Socket($name))
            },
            Ok(Route::SignIn($params))
        )
    };
}

macro_rules! derive_route {
    ($( #[doc = $doc:literal] $name:literal $kind:ident $access:ident: $module:ident :: $params:ident => $output:ty; )*) => {
        /// Finds what answers a request, and checks its parameters.
        pub(super) fn route(request: Request) -> Result<Route> {
            match request { $( Request::$params(params) => by_kind!($kind $params params $name), )* }
        }

        /// The wire names of what signs up, in or out: `/v1/auth/` has a path for each.
        pub fn sign_ins() -> impl Iterator<Item = &'static str> {
            let names: [Option<&'static str>; _] = [ $( sign_in_name!($kind $params $name), )* ];
            names.into_iter().flatten()
        }
    };
}

for_each_operation!(derive_route);

#[cfg(test)]
mod tests {
    use super::*;
    use taskwire_protocol::{examples::Examples, operations::CATALOG};

    #[test]
    fn the_example_of_every_operation_passes_its_checks() {
        let examples = Examples::new();
        for entry in CATALOG {
            let data = examples.of(entry.name).expect("an example").printed();
            let checked = Request::read(entry.name, &data).and_then(route);
            assert!(checked.is_ok(), "{} {data}: {:?}", entry.name, checked.err());
        }
    }
}
