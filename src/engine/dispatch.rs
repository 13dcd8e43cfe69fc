//! The table of operations → what answers each. A row without a handler does not compile.

use super::Reply;
use crate::ops::{Ask, Caller, Decide, Mutation, Query, Result, Target, Targeted, json};
use std::pin::Pin;
use taskwire_protocol::batch::Batch;
use taskwire_protocol::{Access, Request, for_each_operation};

/// What answers a request.
pub(super) enum Route {
    /// The writer's lane.
    Mutation(Box<dyn Decide>),
    /// Several mutations for the lane.
    Batch(Box<Batch>),
    /// A reader.
    Query(Box<dyn Answer>),
    /// The contract itself.
    Describe,
    /// The socket or the sign-in, not the engine.
    Session(&'static str),
}

/// A query of any kind.
pub(super) trait Answer: Send + Sync {
    fn access(&self) -> Access;
    fn target(&self, caller: &Caller) -> Target;
    fn searches(&self) -> bool;
    fn answer(self: Box<Self>, ask: Ask) -> Pin<Box<dyn Future<Output = Result<Reply>> + Send>>;
}

impl<Q: Query + Clone> Answer for Q {
    fn access(&self) -> Access {
        Q::ACCESS
    }

    fn target(&self, caller: &Caller) -> Target {
        Targeted::target(self, caller)
    }

    fn searches(&self) -> bool {
        Query::searches(self)
    }

    fn answer(self: Box<Self>, ask: Ask) -> Pin<Box<dyn Future<Output = Result<Reply>> + Send>> {
        Box::pin(async move {
            let query = (*self).clone();
            let output = (*self).answer(ask).await?;
            let subscribe = query.snapshot(&output);
            Ok(Reply {
                body: format!("\"data\":{}", json(&output)?).into(),
                replayed: false,
                subscribe,
            })
        })
    }
}

fn mutation<M: Mutation>(params: M) -> Result<Route> {
    Ok(Route::Mutation(Box::new(params.check()?)))
}

macro_rules! by_kind {
    (mutation Batch $params:ident $name:literal) => {
        Ok(Route::Batch($params))
    };
    (query Describe $params:ident $name:literal) => {{
        let _ = $params;
        Ok(Route::Describe)
    }};
    (mutation $type:ident $params:ident $name:literal) => {
        mutation(*$params)
    };
    (query $type:ident $params:ident $name:literal) => {
        Ok(Route::Query($params))
    };
    (command $type:ident $params:ident $name:literal) => {
        Ok(Route::Query($params))
    };
    (session $type:ident $params:ident $name:literal) => {{
        let _ = $params;
        Ok(Route::Session($name))
    }};
}

macro_rules! derive_route {
    ($( #[doc = $doc:literal] $name:literal $kind:ident $access:ident: $module:ident :: $params:ident => $output:ty; )*) => {
        /// Finds what answers a request, and checks its parameters.
        pub(super) fn route(request: Request) -> Result<Route> {
            match request { $( Request::$params(params) => by_kind!($kind $params params $name), )* }
        }
    };
}

for_each_operation!(derive_route);
