//! Who pays for a request over HTTP, and among whose requests it counts: the owner of its token, wherever they are, or the
//! network of somebody who is not signed in. So nobody is refused for what others at the same address send. Memory alone
//! tells whose a token is; the handler still checks it. Does not know what costs how much (`auth/limits/units`).

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use taskwire_protocol::Failure;

use super::health::Inside;
use super::{EVENTS, PROBES, RPC, SOCKET, cookie};
use crate::auth::limits::{Allowance, Doubt, Limit, Payer, Who, units};
use crate::engine::{Caller, Owner};
use crate::peer::{self, Peer};
use crate::reply::refusal::Waiting;
use crate::state::App;

/// Routes that end sessions or change the password: an empty purse of the user does not keep a session from it
/// (`engine::insists`).
const URGENT: [&str; 3] = [
    "/v1/auth/logout",
    "/v1/auth/logout-all",
    "/v1/auth/change-password",
];
/// Its token may be in the body, so its handler counts it: [`exchange`].
const REFRESH: &str = "/v1/auth/refresh";
/// Under it a browser shows who it is by a cookie.
const SIGN_INS: &str = "/v1/auth/";

/// Who asks.
#[derive(Clone, Default)]
pub(super) struct Asker {
    pub(super) payer: Payer,
    /// Among whose requests theirs count; `None`: nobody's.
    pub(super) counted: Option<Who<'static>>,
    /// Whether they are signed in.
    pub(super) is_known: bool,
}

impl Asker {
    /// Who brings this token, as far as memory tells.
    pub(super) fn with(app: &App, token: Option<&str>, address: Option<IpAddr>) -> Asker {
        match token.and_then(|token| app.engine.owner_at_hand(token)) {
            None => Asker::stranger(app, address),
            // anybody may have found it, and it is good for nothing any more
            Some(Owner { by, .. }) if matches!(by, Who::Expired(_)) => Asker {
                counted: Some(by),
                ..Asker::stranger(app, address)
            },
            Some(owner) => Asker::owner(app, owner),
        }
    }

    /// A caller that was checked, or a stranger.
    pub(super) fn of(app: &App, caller: Option<&Caller>, address: Option<IpAddr>) -> Asker {
        let Some(caller) = caller else {
            return Asker::stranger(app, address);
        };
        let by = match &caller.grant {
            Some(grant) => grant.token.into(),
            None => caller.session.into(),
        };
        let user = Some(caller.user.id);
        Asker::owner(app, Owner { user, by })
    }

    fn owner(app: &App, Owner { user, by }: Owner) -> Asker {
        let limits = app.engine.limits();
        Asker {
            payer: user.map(|user| limits.user(user)).unwrap_or_default(),
            counted: Some(by),
            is_known: true,
        }
    }

    fn stranger(app: &App, address: Option<IpAddr>) -> Asker {
        Asker {
            payer: app.engine.limits().network(address),
            counted: address.map(Who::from),
            is_known: false,
        }
    }

    /// Charges the bytes of an answer that is in memory. To a stranger a large one also counts as so many requests more, which
    /// this returns.
    pub(super) async fn charge_answer(&self, app: &App, bytes: usize) -> u32 {
        let (limits, units) = (app.engine.limits(), units::of_bytes(bytes));
        limits.owe(&self.payer, units);
        match self.counted {
            Some(by) if !self.is_known && units > 0 => {
                limits.charge(Limit::Requests, by, units).await;
                units
            }
            _ => 0,
        }
    }
}

/// What a request pays before it is answered, and after.
pub(super) struct Toll {
    asker: Asker,
    /// Before it is answered.
    units: u32,
    /// Whether an empty purse refuses it.
    refuses: bool,
    /// By what it may insist although the purse is empty.
    insists: Option<Who<'static>>,
    /// The handler charges its answers itself.
    is_rpc: bool,
    /// A token of which memory knows nothing, and whose it may be.
    unproven: Option<(Box<str>, Option<IpAddr>)>,
}

impl Toll {
    /// Preflights, probes and scrapers pay nothing. Pages are never refused: nobody can show who they are when they ask for
    /// one. Nor are sockets without a token: that comes in a frame. A stream of events counts as a socket.
    pub(super) fn of(app: &App, request: &Request, route: &str) -> Toll {
        let is_free = request.method() == Method::OPTIONS
            || PROBES.contains(&request.uri().path())
            || request.extensions().get::<Inside>().is_some()
            || !app.engine.limits().are_on();
        let peer = request.extensions().get::<Peer>().filter(|_| !is_free);
        let Some(peer) = peer else { return Toll::free() };
        let headers = request.headers();
        let address = Some(peer::address(*peer, headers, &app.settings));
        let token = peer::bearer(headers);
        let is_of_api = route.starts_with("/v1/");
        let mut asker = match route {
            REFRESH => Asker::default(),
            _ if !is_of_api => Asker::stranger(app, address),
            _ => Asker::with(app, token, address),
        };
        if let (false, Some(browser)) = (asker.is_known, by_cookie(app, route, headers)) {
            asker = browser;
        }
        let unproven = token.filter(|_| !asker.is_known);
        let (is_rpc, is_socket) = (route == RPC, route == SOCKET || route == EVENTS);
        let insists = asker.counted.filter(|by| match by {
            // its client is to learn that it has expired
            Who::Expired(_) => true,
            Who::ApiToken(_) => asker.is_known && is_socket,
            _ => asker.is_known && (is_socket || URGENT.contains(&route)),
        });
        asker.counted = asker.counted.filter(|_| is_of_api && !is_socket);
        if is_socket {
            // its user pays once the token was looked at: a handshake that fails proves nothing
            asker.payer = app.engine.limits().network(address);
        }
        Toll {
            units: match (asker.is_known, unproven) {
                (true, _) if is_rpc => 0, // its frames pay
                (_, None) => 1,
                (_, Some(_)) => 1 + units::TOKEN,
            },
            refuses: if asker.is_known {
                !is_rpc
            } else {
                is_of_api && !(is_socket && unproven.is_none())
            },
            insists,
            is_rpc,
            unproven: unproven.map(|token| (token.into(), address)),
            asker,
        }
    }

    fn free() -> Toll {
        Toll {
            asker: Asker::default(),
            units: 0,
            refuses: false,
            insists: None,
            is_rpc: false,
            unproven: None,
        }
    }

    /// Counts and charges the request, or refuses it. What the window refuses costs nothing.
    pub(super) async fn admit(&self, app: &App) -> (Option<Failure>, Option<Allowance>) {
        let (limits, asker) = (app.engine.limits(), &self.asker);
        let allowance = match asker.counted {
            Some(by) => limits.count(Limit::Requests, by).await,
            None => None,
        };
        let refusal = allowance.and_then(|allowance| allowance.refusal(Limit::Requests));
        if refusal.is_some() {
            return (refusal, allowance);
        }
        let paid = match self.insists {
            Some(by) => limits.insist(&asker.payer, self.units, by),
            None if self.refuses => limits.spend(&asker.payer, self.units),
            None => {
                limits.owe(&asker.payer, self.units);
                Ok(())
            }
        };
        (paid.err(), allowance)
    }

    /// The token while the handler looks at it. `/v1/rpc` does so for each frame.
    pub(super) fn doubt(&self, app: &App) -> Doubt {
        match &self.unproven {
            Some((token, _)) if !self.is_rpc => app.engine.doubt(token, self.asker.payer.clone()),
            _ => Doubt::new(app.engine.limits(), Payer::default()),
        }
    }

    /// A token that is none of ours costs as much as several that are. `/v1/rpc` charges it for each frame.
    pub(super) fn charge_wrong_token(&self, app: &App, response: &Response) {
        let refused = response.extensions().get::<Waiting>();
        if self.unproven.is_some()
            && !self.is_rpc
            && refused.is_some_and(|Waiting(failure)| units::is_none_of_ours(failure.code))
        {
            app.engine.limits().owe(&self.asker.payer, units::WRONG_TOKEN);
        }
    }

    /// Charges the bytes of an answer; returns how many requests it counts as besides.
    pub(super) async fn charge_answer(&self, app: &App, bytes: u64) -> u32 {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        if self.is_rpc || units::of_bytes(bytes) == 0 {
            return 0;
        }
        match &self.unproven {
            // the handler may know whose it is by now
            Some((token, address)) => {
                let asker = Asker::with(app, Some(&**token), *address);
                asker.charge_answer(app, bytes).await
            }
            None => self.asker.charge_answer(app, bytes).await,
        }
    }
}

/// A browser that has the cookie, at a route where it sends it.
fn by_cookie(app: &App, route: &str, headers: &HeaderMap) -> Option<Asker> {
    if !route.starts_with(SIGN_INS) || route == REFRESH {
        return None;
    }
    let token = cookie::read(headers, &app.settings).ok()??;
    let owner = app.engine.session_at_hand(&token)?;
    Some(Asker::owner(app, owner))
}

/// Counts an exchange of a refresh token: for its session if we made it, else for the network. `None`: limits are off.
pub(super) async fn exchange(app: &App, token: &str, address: IpAddr) -> Result<Option<Allowance>, Failure> {
    let limits = app.engine.limits();
    let owner = app.engine.session_at_hand(token);
    let asker = owner.map_or_else(
        || Asker::stranger(app, Some(address)),
        |owner| Asker::owner(app, owner),
    );
    let Some(by) = asker.counted else { return Ok(None) };
    let allowance = limits.count(Limit::Requests, by).await;
    if let Some(failure) = allowance.and_then(|allowance| allowance.refusal(Limit::Requests)) {
        return Err(failure);
    }
    limits.spend(&asker.payer, 1 + units::TOKEN)?;
    Ok(allowance)
}
