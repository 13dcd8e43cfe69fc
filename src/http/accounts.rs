//! `/v1/auth/…`: a path for each sign-in operation, and the parts that only HTTP has. The refresh token is sent in a
//! cookie that scripts cannot read, or in the body to clients that ask for it. Does not know how passwords and tokens
//! are checked.

use std::collections::HashSet;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router, routing};
use serde_json::{Map, Value};
use taskwire_protocol::account::{GetProfile, NextStep, VerifyFirst};
use taskwire_protocol::http::TokenDelivery;
use taskwire_protocol::{Access, ErrorCode, Failure, Request, json};
use tokio::time::Instant;

use super::body::{self, Media, Read};
use super::outer::RequestId;
use super::own_page::{check_body, check_page};
use super::{caller, cookie, toll};
use crate::engine::{self, Body, Caller, Delivery, Incoming, Refresh, Reply, Sender, Then};
use crate::ops::bug;
use crate::peer::{self, Peer};
use crate::reply::Refusal;
use crate::state::App;

/// The prefix of the paths.
const UNDER: &str = "/v1/auth/";

/// Adds the paths: `/v1/auth/logout` for `auth.logout`, and so on for each sign-in of the table of operations.
pub(super) fn routes(router: Router<Arc<App>>) -> Router<Arc<App>> {
    let router = engine::sign_ins().fold(router, |router, name| {
        let path = format!("{UNDER}{}", name.trim_start_matches("auth.").replace('_', "-"));
        let with_body = move |State(app): State<Arc<App>>,
                              Extension(peer): Extension<Peer>,
                              Extension(id): Extension<RequestId>,
                              headers: HeaderMap,
                              uri: Uri,
                              body: Read| async move {
            let object = parameters(name, &headers, body)?;
            sign_in(name, app, (peer, id), (headers, uri), object).await
        };
        let without_body =
            move |State(app): State<Arc<App>>,
                  Extension(peer): Extension<Peer>,
                  Extension(id): Extension<RequestId>,
                  headers: HeaderMap,
                  uri: Uri| async move { log_out(name, app, (peer, id), (headers, uri)).await };
        let method = match name {
            "auth.logout" | "auth.logout_all" => routing::post(without_body),
            _ => routing::post(with_body),
        };
        router.route(&path, method)
    });
    router
        .route("/v1/auth/refresh", routing::post(refresh))
        .route("/v1/auth/me", routing::get(me))
}

/// `POST /v1/auth/…` for an operation of the table.
async fn sign_in(
    name: &'static str,
    app: Arc<App>,
    from: (Peer, RequestId),
    (headers, uri): (HeaderMap, Uri),
    mut object: Map<String, Value>,
) -> Result<Response, Refusal> {
    let since = Instant::now();
    let has_body = !object.is_empty();
    let delivery = if gives_tokens(name) {
        delivery(&mut object)?.unwrap_or(Delivery::Cookie)
    } else {
        Delivery::Body
    };
    let is_ours = || {
        check_page(&app, &headers, &uri)?;
        if has_body { check_body(&headers) } else { Ok(()) }
    };
    if delivery == Delivery::Cookie {
        is_ours()?;
    }
    // with two of them nobody knows which is the browser's: then it is no device that the account knows
    if name == "auth.login"
        && !object.contains_key("refresh_token")
        && let Ok(Some(token)) = cookie::read(&headers, &app.settings)
        && (delivery == Delivery::Cookie || is_ours().is_ok())
    {
        // the account knows the browser by it
        object.insert("refresh_token".to_owned(), Value::String(token));
    }
    let request = Request::read(name, &serde_json::to_string(&object).unwrap_or_default())?;
    let caller = match request.access() {
        Access::Anyone => None,
        _ => Some(caller::required(&app, &headers).await?),
    };
    let reply = app.engine.dispatch(Incoming {
        request,
        op_id: None,
        sender: sender(&app, from, &headers, caller, delivery),
        since,
    });
    let status = match name {
        "auth.signup" => StatusCode::CREATED,
        _ => StatusCode::OK,
    };
    match reply.await {
        // where addresses must be verified first, this is what every sign-up is answered
        Err(failure) if (name, failure.code) == ("auth.signup", ErrorCode::EmailNotVerified) => {
            let status = NextStep::VerifyEmail;
            let output = serde_json::to_string(&VerifyFirst { status }).unwrap_or_default();
            answer(&app, StatusCode::ACCEPTED, Reply::data(output))
        }
        reply => answer(&app, status, reply?),
    }
}

/// Whether the answer has tokens.
fn gives_tokens(name: &str) -> bool {
    matches!(name, "auth.signup" | "auth.login" | "auth.change_password")
}

/// `POST /v1/auth/logout` and `/logout-all`: by the access token, or by the browser's cookie alone. They need no body, so
/// they do not wait for one. A browser forgets its cookie whether or not the session was still there.
async fn log_out(
    name: &'static str,
    app: Arc<App>,
    from: (Peer, RequestId),
    (headers, uri): (HeaderMap, Uri),
) -> Result<Response, Refusal> {
    let since = Instant::now();
    let caller = match caller::required(&app, &headers).await {
        Ok(caller) => caller,
        // a page that was loaded again has no access token, or one that has expired
        Err(_) if cookie::read(&headers, &app.settings) != Ok(None) => {
            let token = by_cookie(&app, &headers, &uri)?;
            let owner = app.engine.owner_of_refresh_token(&token).await;
            owner.map_err(|failure| forgetting(&app, failure))?
        }
        Err(failure) => return Err(failure.into()),
    };
    let reply = app.engine.dispatch(Incoming {
        request: Request::read(name, "{}")?,
        op_id: None,
        sender: sender(&app, from, &headers, Some(caller), Delivery::Cookie),
        since,
    });
    let mut reply = reply.await?;
    // a page that may not have the cookie signs out by its token, and leaves the browser's cookie alone
    if check_page(&app, &headers, &uri).is_err() {
        reply.then = Then::Nothing;
    }
    answer(&app, StatusCode::OK, reply)
}

/// A refusal after which the browser no longer sends its cookie, unless the cookie may still be good.
fn forgetting(app: &App, failure: Failure) -> Refusal {
    let retryable = failure.retryable;
    let mut refusal = Refusal::from(failure);
    if let (false, Some(cookie)) = (retryable, cookie::write(None, &app.settings)) {
        refusal.headers.insert(SET_COOKIE, cookie);
    }
    refusal
}

/// The parameters in the body. A login may send OAuth2's password form instead of JSON (RFC 6749, section 4.3.2).
fn parameters(name: &str, headers: &HeaderMap, body: Read) -> Result<Map<String, Value>, Refusal> {
    match name {
        "auth.login" => {
            let bytes = body::bytes(body)?;
            match body::media(headers)? {
                Media::Json => Ok(json::object(&bytes)?),
                Media::Form => Ok(form(&bytes)?),
            }
        }
        _ => Ok(json::object(&body::json(headers, body)?)?),
    }
}

/// `POST /v1/auth/refresh`, with the token in the body or in the browser's cookie.
async fn refresh(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    Extension(id): Extension<RequestId>,
    headers: HeaderMap,
    uri: Uri,
    body: Read,
) -> Result<Response, Refusal> {
    let since = Instant::now();
    let asked = exchange(&app, &headers, &uri, body);
    let token = asked.as_ref().map_or("", |(token, _)| token.as_str());
    let allowance = toll::exchange(&app, token, peer::address(peer, &headers, &app.settings)).await?;
    let (token, delivery) = asked?;
    let sender = sender(&app, (peer, id), &headers, None, delivery);
    let reply = app.engine.refresh(Refresh { token }, sender, since);
    let mut response = answer(&app, StatusCode::OK, reply.await?)?;
    if let Some(allowance) = allowance {
        response.extensions_mut().insert(allowance);
    }
    Ok(response)
}

/// The refresh token of a request, and where the next one goes.
fn exchange(app: &App, headers: &HeaderMap, uri: &Uri, body: Read) -> Result<(String, Delivery), Refusal> {
    let mut object = json::object(&body::json(headers, body)?)?;
    let has_body = !object.is_empty();
    let wished = delivery(&mut object)?;
    let given = match object.remove("refresh_token") {
        None | Some(Value::Null) => None,
        Some(Value::String(token)) => Some(token),
        Some(_) => return Err(Failure::invalid("refresh_token", "refresh_token must be a string").into()),
    };
    if let Some(field) = object.keys().next() {
        return Err(Failure::invalid(field.as_str(), format!("unknown field {field}")).into());
    }
    // a client that sends the token in the body does not need a cookie
    let (token, came_by) = match given {
        Some(token) => (token, Delivery::Body),
        None => (by_cookie(app, headers, uri)?, Delivery::Cookie),
    };
    let delivery = wished.unwrap_or(came_by);
    if delivery == Delivery::Cookie {
        check_page(app, headers, uri)?;
    }
    if has_body && (delivery == Delivery::Cookie || came_by == Delivery::Cookie) {
        check_body(headers)?;
    }
    Ok((token, delivery))
}

/// The token in the cookie.
fn by_cookie(app: &App, headers: &HeaderMap, uri: &Uri) -> Result<String, Failure> {
    check_page(app, headers, uri)?;
    let missing = || {
        Failure::new(
            ErrorCode::InvalidToken,
            "no refresh token: send refresh_token in the body, or the cookie",
        )
        .at("refresh_token")
    };
    let read = cookie::read(headers, &app.settings).map_err(|cookie::Several| {
        let message = "there are several cookies of this name, and one may be somebody else's: delete them";
        Failure::new(ErrorCode::InvalidToken, message).at("refresh_token")
    })?;
    read.filter(|token| !token.is_empty()).ok_or_else(missing)
}

/// `GET /v1/auth/me`
async fn me(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    Extension(id): Extension<RequestId>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let since = Instant::now();
    let caller = caller::known(&app, &headers).await?;
    let reply = app.engine.dispatch(Incoming {
        request: Request::GetProfile(Box::new(GetProfile {})),
        op_id: None,
        sender: sender(&app, (peer, id), &headers, Some(caller), Delivery::Body),
        since,
    });
    answer(&app, StatusCode::OK, reply.await?)
}

pub(super) fn sender(
    app: &App,
    (peer, RequestId(id)): (Peer, RequestId),
    headers: &HeaderMap,
    caller: Option<Arc<Caller>>,
    delivery: Delivery,
) -> Sender {
    Sender {
        caller,
        origin: peer::origin(peer, headers, &app.settings),
        delivery,
        request_id: Some(id),
    }
}

/// Removes `token_delivery` from the body, because the operations do not know this field.
pub(super) fn delivery(object: &mut Map<String, Value>) -> Result<Option<Delivery>, Failure> {
    let wish = object.remove("token_delivery").unwrap_or_default();
    let wish: Option<TokenDelivery> = serde_json::from_value(wish)
        .map_err(|_| Failure::invalid("token_delivery", "token_delivery must be cookie or body"))?;
    Ok(wish.map(|wish| match wish {
        TokenDelivery::Cookie => Delivery::Cookie,
        TokenDelivery::Body => Delivery::Body,
    }))
}

/// Converts OAuth2's form into our parameters. Its other fields are ignored. A field without a value counts as omitted, and
/// none may come twice (RFC 6749, section 3.2).
fn form(bytes: &[u8]) -> Result<Map<String, Value>, Failure> {
    let bad = |_| Failure::new(ErrorCode::BadFrame, "the body is not a valid form");
    let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(bytes).map_err(bad)?;
    let (mut object, mut seen) = (Map::new(), HashSet::new());
    for (name, value) in pairs.into_iter().filter(|(_, value)| !value.is_empty()) {
        let field = match name.as_str() {
            "username" | "email" => "email",
            other => other,
        };
        if !seen.insert(field.to_owned()) {
            return Err(Failure::invalid(field, format!("{field} is given twice")));
        }
        if matches!(field, "email" | "password" | "device_name" | "token_delivery") {
            object.insert(field.to_owned(), Value::String(value));
        }
    }
    Ok(object)
}

/// The output as the body, and the cookie that the reply asks for.
pub(super) fn answer(app: &App, status: StatusCode, reply: Reply) -> Result<Response, Refusal> {
    if let Some(caller) = &reply.by {
        caller::note(caller);
    }
    let Body::Data(output) = reply.body else {
        return Err(bug("a sign-in operation returned no output").into());
    };
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
    let mut response = (status, headers, output.to_string()).into_response();
    let cookie = match reply.then {
        Then::KeepRefreshToken(token) => cookie::write(Some(token.expose()), &app.settings),
        Then::EndSession => cookie::write(None, &app.settings),
        Then::Nothing | Then::Follow(..) | Then::ChangeSession(_) => None,
    };
    if let Some(cookie) = cookie {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    Ok(response)
}
