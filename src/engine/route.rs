//! The table of operations → what answers each. A row without a handler does not compile.

use super::prepare::DynPrepare;
use super::sign_in::DynSignIn;
use super::{Answering, Reply, Then};
use crate::ops::invites::{Accept, Revoke};
use crate::ops::{
    Ask, Caller, Command, Decide, Index, Load, Mutation, Query, Result, Target, Targeted, json,
};
use crate::store::task_list::ListIndexes;
use taskwire_protocol::batch::Batch;
use taskwire_protocol::{Access, Request, for_each_operation};

/// What answers a request.
pub(super) enum Route {
    /// The writer's lane.
    Mutation(Box<dyn Decide>),
    /// Work before the writer's lane.
    Prepare(Box<dyn DynPrepare>),
    /// Several mutations for the lane.
    Batch(Box<Batch>),
    /// A query or a command, which does not use the lane.
    Ask(Box<dyn DynAsk>),
    /// A sign-in: checks passwords and tokens, and then uses the lane.
    SignIn(Box<dyn DynSignIn>),
    /// The contract itself.
    Describe,
    /// An empty answer, which proves that the server answers.
    Ping,
    /// Only the socket on which it arrived can carry it out.
    Socket(&'static str),
}

/// A query or a command of any type.
pub(super) trait DynAsk: Send + Sync {
    fn access(&self) -> Access;
    fn target(&self, caller: &Caller) -> Target;
    fn reads_index(&self) -> Option<Index>;
    fn load(&self, caller: &Caller, indexes: &ListIndexes) -> Load;
    fn counts(&self) -> bool;
    fn answer(self: Box<Self>, ask: Ask) -> Answering;
}

impl<Q: Query + Clone> DynAsk for Q {
    fn access(&self) -> Access {
        Q::ACCESS
    }

    fn target(&self, caller: &Caller) -> Target {
        Targeted::target(self, caller)
    }

    fn reads_index(&self) -> Option<Index> {
        Query::reads_index(self)
    }

    fn load(&self, caller: &Caller, indexes: &ListIndexes) -> Load {
        Query::load(self, caller, indexes)
    }

    fn counts(&self) -> bool {
        Query::counts(self)
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

/// A command. Its own type distinguishes it from a query.
struct Commanded<C>(C);

impl<C: Command> DynAsk for Commanded<C> {
    fn access(&self) -> Access {
        C::ACCESS
    }

    fn target(&self, caller: &Caller) -> Target {
        self.0.target(caller)
    }

    fn reads_index(&self) -> Option<Index> {
        None
    }

    fn load(&self, _caller: &Caller, _indexes: &ListIndexes) -> Load {
        Load::Short
    }

    fn counts(&self) -> bool {
        false
    }

    fn answer(self: Box<Self>, ask: Ask) -> Answering {
        Box::pin(async move { Ok(Reply::data(json(&self.0.act(ask).await?)?)) })
    }
}

fn mutation<M: Mutation>(params: M) -> Result<Route> {
    Ok(Route::Mutation(Box::new(params.check()?)))
}

/// Chooses between two expressions for a row of the kind `session`: the first for operations that only a socket can
/// carry out, the second for signing up, in and out.
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
    // no path of its own: it needs no cookie, and goes over /v1/rpc as operations do
    (session CreateApiToken $name:literal) => {
        None
    };
    (session CreateCalendar $name:literal) => {
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
    (mutation CreateUser $params:ident $name:literal) => {
        Ok(Route::Prepare($params))
    };
    (mutation UnlockUser $params:ident $name:literal) => {
        Ok(Route::Prepare($params))
    };
    (mutation AcceptInvite $params:ident $name:literal) => {
        Ok(Route::Mutation(Box::new(Accept::check(*$params)?)))
    };
    (mutation RevokeInvite $params:ident $name:literal) => {
        Ok(Route::Mutation(Box::new(Revoke::of(*$params))))
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

        /// The wire names of the operations that sign up, in or out. `/v1/auth/` has a path for each.
        pub fn sign_ins() -> impl Iterator<Item = &'static str> {
            let names: [Option<&'static str>; _] = [ $( sign_in_name!($kind $params $name), )* ];
            names.into_iter().flatten().filter(|name| name.starts_with("auth."))
        }
    };
}

for_each_operation!(derive_route);

#[cfg(test)]
mod tests {
    use super::*;
    use taskwire_protocol::{examples::Examples, http::ROUTES, operations::CATALOG};

    #[test]
    fn the_example_of_every_operation_passes_its_checks() {
        let examples = Examples::new();
        for entry in CATALOG {
            let data = examples.of(entry.name).expect("an example").printed();
            let checked = Request::read(entry.name, &data).and_then(route);
            assert!(checked.is_ok(), "{} {data}: {:?}", entry.name, checked.err());
        }
    }
    #[test]
    fn every_sign_in_has_a_route_in_the_contract() {
        for name in sign_ins() {
            let path = name.trim_start_matches("auth.").replace('_', "-");
            let route = format!("POST /v1/auth/{path}");
            assert!(ROUTES.iter().any(|row| row.name == route), "{route}");
        }
    }
}
