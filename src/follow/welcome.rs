//! The first message to a new reader: the server, the session, the limits, and the streams with their positions.

use taskwire_protocol::account::User;
use taskwire_protocol::frames::{Limits, ServerInfo, SessionInfo, Welcome};
use taskwire_protocol::{PROTOCOL, REVISION, Timestamp};

use super::opening::OpenedStreams;
use super::shorten::shorten;
use crate::config::Settings;
use crate::engine::{Engine, Identity};

pub(super) fn welcome(
    settings: &Settings,
    engine: &Engine,
    identity: &Identity,
    user: &User,
    limit: usize,
    opened: &mut OpenedStreams,
) -> Welcome {
    // without rate limits a client does not need to slow down
    let pace = |limit: u32| {
        if settings.rate_limit_enabled {
            limit
        } else {
            u32::MAX
        }
    };
    let mut welcome = Welcome {
        protocol: PROTOCOL,
        revision: REVISION,
        server: ServerInfo {
            name: "taskwire".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            instance: settings.instance.clone(),
            time: Timestamp(engine.clock().now_ms()),
        },
        epoch: opened.epoch.to_string(),
        user: user.clone(),
        session: SessionInfo {
            id: identity.caller.session,
            expires_at: identity.expires_at,
        },
        heartbeat_ms: settings.heartbeat.as_millis() as u64,
        limits: Limits {
            frame_bytes: settings.frame_bytes as u64,
            in_flight: settings.in_flight as u32,
            batch: settings.batch_ops as u32,
            streams: limit as u32,
            ops_per_second: pace(settings.ops_per_second),
            burst: pace(settings.ops_burst),
        },
        streams: std::mem::take(&mut opened.listed),
        more: None,
    };
    shorten(&mut welcome, settings.frame_bytes, |stream| {
        opened.subscriptions.leave(stream);
    });
    welcome
}
