//! `GET /v1/socket`: the HTTP request that becomes a socket (RFC 6455, section 4.2), and the reasons to refuse it. A
//! bad origin is refused before the upgrade. A bad token is refused after it, because pages cannot read the status of a
//! failed handshake. Does not write WebSocket frames itself.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL};
use axum::http::header::{SEC_WEBSOCKET_VERSION, UPGRADE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::value::RawValue;
use taskwire_protocol::account::Authenticate;
use taskwire_protocol::{ErrorCode, Failure, Operation as _, Request as Parsed, SUBPROTOCOL, UserId};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use uuid::Uuid;

use super::connection::Connection;
use super::long::{ANSWERED, SHORT};
use super::requests::Asked;
use super::session::Stage;
use super::transport::Transport;
use crate::config::Settings;
use crate::follow::{Close, NotAdmitted, check_streams};
use crate::live::Wakeup;
use crate::peer::{self, Peer};
use crate::reply::{HttpStream, Refusal};
use crate::state::App;

/// Answers the upgrade and starts the socket's task.
///
/// # Errors
/// The request must not become a socket.
pub async fn upgrade(app: Arc<App>, mut request: Request) -> Result<Response, Refusal> {
    let Some(peer) = request.extensions().get::<Peer>().copied() else {
        return Err(Failure::new(
            ErrorCode::InternalError,
            "the request has no address of its connection",
        )
        .into());
    };
    let headers = request.headers();
    let protocol = negotiate(headers)?;
    if !peer::may_come_from(headers, request.uri(), &app.settings) {
        app.strangers.refused(headers, request.uri(), &app.settings);
        return Err(Failure::new(
            ErrorCode::Forbidden,
            "pages of this origin are not allowed to connect; see allowed_origins",
        )
        .into());
    }
    if app.is_draining() {
        return Err(Failure::new(ErrorCode::Unavailable, "the node is about to stop")
            .after(1000)
            .into());
    }
    let params = peer::bearer(headers)
        .map(|token| by_header(token, request.uri().query().unwrap_or(""), &app.settings))
        .transpose()?;
    let key = headers
        .get(SEC_WEBSOCKET_KEY)
        .map_or(&b""[..], HeaderValue::as_bytes);
    let accept = derive_accept_key(key);
    let from = peer::origin(peer, headers, &app.settings);

    let upgraded = hyper::upgrade::on(&mut request);
    let tasks = app.sockets.tasks().clone();
    tasks.spawn(async move {
        let Ok(upgraded) = upgraded.await else { return };
        let Ok(parts) = upgraded.downcast::<HttpStream>() else {
            tracing::error!("an upgraded connection is not a TCP stream");
            return;
        };
        // copied: a slice would keep the whole buffer in memory as long as the socket
        let part = parts.read_buf.to_vec();
        let Some(tcp) = parts.io.into_inner() else { return };
        let network = app.admission.network(from.address);
        match app.admission.admit(&app.sockets, network, app.elapsed_ms()) {
            Ok(()) => connect(app, tcp, part, from, params).spawn(),
            Err(NotAdmitted::Politely(_turn)) => refuse(&app.settings, tcp, part).await,
            Err(NotAdmitted::Silently) => {}
        }
    });

    let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
    let answer = response.headers_mut();
    answer.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    answer.insert(UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(&accept) {
        answer.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    if protocol {
        answer.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    }
    Ok(response)
}

/// Checks the handshake; true when the client offered our subprotocol.
pub(super) fn negotiate(headers: &HeaderMap) -> Result<bool, Refusal> {
    let refused = |message: &str| Refusal::from(Failure::new(ErrorCode::BadFrame, message));
    if !has_token(headers, &CONNECTION, "upgrade") || !has_token(headers, &UPGRADE, "websocket") {
        let mut refusal = refused("this path is a WebSocket: send an upgrade request")
            .with_status(StatusCode::UPGRADE_REQUIRED);
        refusal
            .headers
            .insert(UPGRADE, HeaderValue::from_static("websocket"));
        return Err(refusal);
    }
    if headers
        .get(SEC_WEBSOCKET_VERSION)
        .is_none_or(|version| version != "13")
    {
        let mut refusal =
            refused("Sec-WebSocket-Version must be 13").with_status(StatusCode::UPGRADE_REQUIRED);
        refusal
            .headers
            .insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        return Err(refusal);
    }
    let key = headers
        .get(SEC_WEBSOCKET_KEY)
        .and_then(|key| STANDARD.decode(key.as_bytes()).ok());
    if key.is_none_or(|key| key.len() != 16) {
        return Err(refused("Sec-WebSocket-Key must be 16 bytes in base64"));
    }
    let offered = headers.contains_key(SEC_WEBSOCKET_PROTOCOL);
    let ours = has_token(headers, &SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL);
    if offered && !ours {
        return Err(refused(
            "Sec-WebSocket-Protocol must include taskwire.v1, or be absent",
        ));
    }
    Ok(ours)
}

/// Whether a header, read as a comma-separated list, has this word in any case.
fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let mut values = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok());
    values.any(|value| {
        value
            .split(',')
            .any(|word| word.trim().eq_ignore_ascii_case(token))
    })
}

/// The parameters of `auth`, from the header and the query instead of a frame.
pub(super) fn by_header(token: &str, query: &str, settings: &Settings) -> Result<Authenticate, Refusal> {
    let mut data = format!("{{\"token\":{}", serde_json::Value::from(token));
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        if let Some((name @ ("streams" | "resume"), value)) = pair.split_once('=') {
            let value = decode(name, value)?;
            data.extend([",\"", name, "\":", &value]);
        }
    }
    data.push('}');
    let Parsed::Authenticate(params) = Parsed::read(Authenticate::NAME, &data)? else {
        return Err(Failure::new(ErrorCode::InternalError, "auth is another operation").into());
    };
    check_streams(&params.streams, settings)?;
    Ok(*params)
}

/// The JSON of a query parameter.
fn decode(field: &str, value: &str) -> Result<String, Refusal> {
    let value = value.replace("%3D", "=").replace("%3d", "=");
    let bytes = URL_SAFE_NO_PAD
        .decode(&value)
        .or_else(|_| URL_SAFE.decode(&value))
        .ok();
    bytes
        .and_then(|bytes| serde_json::from_slice::<Box<RawValue>>(&bytes).ok())
        .map(|json| json.get().to_owned())
        .ok_or_else(|| {
            Failure::invalid(
                field,
                format!("{field} must be JSON as in an auth frame, encoded as base64url"),
            )
            .into()
        })
}

/// Tells a socket that is not admitted to reconnect later. It gets a close frame, because pages can read the code of a
/// close but not the status of a handshake.
async fn refuse(settings: &Settings, tcp: TcpStream, part: Vec<u8>) {
    let Close { code, reason } = Close::TOO_MANY;
    metrics::counter!("taskwire_sockets_closed_total", "code" => code.code().to_string()).increment(1);
    let wakeup = Arc::new(Wakeup::new(UserId(Uuid::nil())));
    let most = ANSWERED * settings.frame_bytes;
    let wire = Transport::socket(tcp, part, wakeup.into(), most, settings.socket_queue_bytes);
    wire.close(code, reason).await;
}

/// The socket after the upgrade. With a token in the header it starts as if an `auth` frame had arrived.
fn connect(
    app: Arc<App>,
    tcp: TcpStream,
    part: Vec<u8>,
    from: crate::engine::Origin,
    params: Option<Authenticate>,
) -> Connection {
    // no user yet
    let wakeup = Arc::new(Wakeup::new(UserId(Uuid::nil())));
    let settings = &app.settings;
    let mut wire = Transport::socket(
        tcp,
        part,
        wakeup.clone().into(),
        ANSWERED * settings.frame_bytes,
        settings.socket_queue_bytes,
    );
    wire.allow(SHORT);
    let network = app.admission.network(from.address);
    let registration = app.sockets.enter(wakeup.clone(), network);
    let mut connection = Connection::new(app, wire, wakeup, registration, Stage::stranger(from));
    if let Some(params) = params {
        let asked = Asked {
            id: None,
            name: "auth",
            since: Instant::now(),
            paused: None,
        };
        connection.authenticate_by_header(asked, params);
    }
    connection
}
