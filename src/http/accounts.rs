//! Signing in and out over HTTP. The refresh token goes into a cookie that scripts cannot read, or into the body
//! for programs that ask for it. Does not know how passwords and tokens are checked.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::{Map, Value};
use taskwire_protocol::account::{Tokens, User};
use taskwire_protocol::operations::Nothing;
use taskwire_protocol::{ErrorCode, Failure, Request};

use super::body::{self, Media, Read};
use super::{Refusal, caller, cookie};
use crate::peer::{self, Peer};
use crate::state::App;

/// How the refresh token reaches the client.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Delivery {
    Cookie,
    Body,
}

/// `POST /v1/auth/signup`: 201 with tokens.
pub(super) async fn sign_up(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Read,
) -> Result<Response, Refusal> {
    let mut object = body::object(&body::json(&headers, body)?)?;
    let delivery = delivery(&mut object)?.unwrap_or(Delivery::Cookie);
    let Request::SignUp(params) = Request::read("auth.signup", &text(&object))? else {
        return Err(Failure::new(ErrorCode::InternalError, "signup was read as something else").into());
    };
    let tokens = app
        .engine
        .sign_up(*params, peer::origin(peer, &headers, &app.settings))
        .await?;
    Ok(deliver(&app, StatusCode::CREATED, tokens, delivery))
}

/// `POST /v1/auth/login`: JSON, or OAuth2's password form (RFC 6749, section 4.3.2).
pub(super) async fn log_in(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Read,
) -> Result<Response, Refusal> {
    let bytes = body::bytes(body)?;
    let mut object = match body::media(&headers)? {
        Media::Json => body::object(&bytes)?,
        Media::Form => form(&bytes)?,
    };
    let delivery = delivery(&mut object)?.unwrap_or(Delivery::Cookie);
    let Request::LogIn(params) = Request::read("auth.login", &text(&object))? else {
        return Err(Failure::new(ErrorCode::InternalError, "login was read as something else").into());
    };
    let tokens = app
        .engine
        .log_in(*params, peer::origin(peer, &headers, &app.settings))
        .await?;
    Ok(deliver(&app, StatusCode::OK, tokens, delivery))
}

/// `POST /v1/auth/refresh`: with the token in the body, or the browser's cookie.
pub(super) async fn refresh(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    uri: Uri,
    body: Read,
) -> Result<Response, Refusal> {
    let mut object = body::object(&body::json(&headers, body)?)?;
    let wished = delivery(&mut object)?;
    let given = match object.remove("refresh_token") {
        None | Some(Value::Null) => None,
        Some(Value::String(token)) => Some(token),
        Some(_) => return Err(Failure::invalid("refresh_token", "refresh_token is text").into()),
    };
    if let Some(field) = object.keys().next() {
        return Err(Failure::invalid(field.as_str(), format!("unknown field {field}")).into());
    }
    // whoever brought the token in the body has no use for a cookie
    let came_by = if given.is_some() {
        Delivery::Body
    } else {
        Delivery::Cookie
    };
    let token = match given {
        Some(token) => token,
        None => by_cookie(&app, &headers, &uri)?,
    };
    let tokens = app
        .engine
        .refresh(&token, peer::origin(peer, &headers, &app.settings))
        .await?;
    Ok(deliver(&app, StatusCode::OK, tokens, wished.unwrap_or(came_by)))
}

/// A cookie comes along whoever makes the browser send it: the page must be one of ours.
fn by_cookie(app: &App, headers: &HeaderMap, uri: &Uri) -> Result<String, Failure> {
    let site = headers
        .get("sec-fetch-site")
        .map_or("none", |site| site.to_str().unwrap_or(""));
    if !peer::may_come_from(headers, uri, &app.settings) || site == "cross-site" {
        return Err(Failure::new(
            ErrorCode::Forbidden,
            "pages of this origin may not use the cookie",
        ));
    }
    let missing = || Failure::new(ErrorCode::InvalidToken, "there is no refresh token").at("refresh_token");
    cookie::read(headers)
        .filter(|token| !token.is_empty())
        .ok_or_else(missing)
}

/// `POST /v1/auth/logout`: ends the token's session.
pub(super) async fn log_out(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Refusal> {
    let caller = caller::must(&app, &headers).await?;
    app.engine.log_out(&caller).await?;
    let mut response = Json(Nothing {}).into_response();
    if let Some(forget) = cookie::write(None, &app.settings) {
        response.headers_mut().insert(SET_COOKIE, forget);
    }
    Ok(response)
}

/// `GET /v1/auth/me`
pub(super) async fn me(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Json<User>, Refusal> {
    let caller = caller::must(&app, &headers).await?;
    Ok(Json(app.engine.home(&caller, 0).await?.user().clone()))
}

/// Takes `token_delivery` out of a body: the operations do not know it.
fn delivery(object: &mut Map<String, Value>) -> Result<Option<Delivery>, Failure> {
    match object.remove("token_delivery").as_ref().map(Value::as_str) {
        None => Ok(None),
        Some(Some("cookie")) => Ok(Some(Delivery::Cookie)),
        Some(Some("body")) => Ok(Some(Delivery::Body)),
        Some(_) => Err(Failure::invalid(
            "token_delivery",
            "token_delivery is cookie or body",
        )),
    }
}

/// OAuth2's form as our object; what it has besides means nothing to us.
fn form(bytes: &[u8]) -> Result<Map<String, Value>, Failure> {
    let bad = |_| Failure::new(ErrorCode::BadFrame, "the body is no form");
    let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(bytes).map_err(bad)?;
    let mut object = Map::new();
    for (name, value) in pairs {
        let name = match name.as_str() {
            "username" | "email" => "email",
            "password" | "device_name" | "token_delivery" => name.as_str(),
            _ => continue,
        };
        object.insert(name.to_owned(), Value::String(value));
    }
    Ok(object)
}

fn text(object: &Map<String, Value>) -> String {
    serde_json::to_string(object).unwrap_or_default()
}

fn deliver(app: &App, status: StatusCode, mut tokens: Tokens, delivery: Delivery) -> Response {
    let kept = match delivery {
        Delivery::Cookie => tokens
            .refresh_token
            .take()
            .and_then(|token| cookie::write(Some(&token), &app.settings)),
        Delivery::Body => None,
    };
    let mut response = (status, [(CACHE_CONTROL, "no-store")], Json(tokens)).into_response();
    if let Some(kept) = kept {
        response.headers_mut().insert(SET_COOKIE, kept);
    }
    response
}
