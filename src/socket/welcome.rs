//! The first answer to somebody who authenticated: which streams the socket follows, from where, and why not from
//! where it was asked to.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use taskwire_protocol::account::{Authenticate, Resume, Streams, User};
use taskwire_protocol::frames::{Limits, ServerInfo, SessionInfo, StreamState, StreamWorkspace, Welcome};
use taskwire_protocol::stream::Reason;
use taskwire_protocol::workspace::Workspace;
use taskwire_protocol::{CloseCode, Failure, PROTOCOL, StreamId, Timestamp};

use super::connection::{Connection, End};
use super::following::log_unavailable;
use super::registry::Owner;
use super::requests::Asked;
use super::session::{Session, Stage, moment};
use crate::config::Settings;
use crate::engine::{Engine, Home, Identity};
use crate::live::{LogUnavailable, Mode, Start, Subscriptions};
use crate::reply::frames;

/// A client may name so many times the streams that its socket may follow: what is past those is listed only.
const NAMED_TIMES: usize = 4;
/// And so many at least: more than a frame of 64 KiB holds of real names.
const NAMED_AT_LEAST: usize = 2048;

/// Whether a `welcome` that lists all of these is one for which a socket's queue is made.
pub(super) fn check_streams(streams: &Streams, settings: &Settings) -> Result<(), Failure> {
    let most = (NAMED_TIMES * settings.streams_per_socket).max(NAMED_AT_LEAST);
    match streams {
        Streams::These(names) if names.len() > most => {
            let message = format!("streams has at most {most} names, this has {}", names.len());
            Err(Failure::invalid("streams", message))
        }
        Streams::These(_) | Streams::All(_) => Ok(()),
    }
}

impl Connection {
    /// Welcomes somebody. The inner failure leaves the socket as it was.
    pub(super) async fn welcome(
        &mut self,
        asked: &Asked,
        mut identity: Identity,
        params: Authenticate,
    ) -> Result<Result<(), Failure>, End> {
        let settings = self.app.settings.clone();
        let caller = identity.caller.clone();
        let most = if settings.rate_limit_enabled {
            settings.sockets_per_user
        } else {
            usize::MAX
        };
        let address = match &self.stage {
            Stage::Stranger(stranger) => stranger.from.address,
            Stage::Member(_) => None, // welcomed already
        };
        let now = Timestamp(self.app.engine.clock().now_ms());
        let owner = Owner::new(caller.clone(), params.client.as_ref(), address, now);
        if self.seat.belongs_to(owner, most).is_err() {
            return Err(End::Close(CloseCode::RateIgnored, "too many sockets of one user"));
        }
        let app = self.app.clone();
        let Some(_turn) = app.turn().await else {
            return Err(End::Close(CloseCode::TryAgain, "too many sockets at once"));
        };
        let mut opening = Opening {
            subscriptions: Subscriptions::new(app.engine.hub().clone(), caller.user.id),
            resume: params.resume,
            epoch: app.engine.epoch(),
            limit: settings.streams_per_socket,
            listed: Vec::new(),
            own: false,
        };
        let home = match opening
            .follow_all(&app.engine, &mut identity, &params.streams)
            .await
        {
            Ok(home) => home,
            Err(failure) => return Ok(Err(failure)),
        };
        let welcome = self.describe(&settings, &identity, home.user().clone(), &mut opening);
        self.wire.text(&frames::welcome(asked.id.as_ref(), &welcome));
        self.settle_in(identity, opening, &params.streams);
        Ok(Ok(()))
    }

    fn settle_in(&mut self, identity: Identity, opening: Opening, streams: &Streams) {
        let wakeup = opening.subscriptions.wakeup().clone();
        self.wire.wake_on_input(wakeup.clone().into());
        self.seat.nudge_by(wakeup.clone());
        self.wakeup = wakeup;
        (self.input, self.timer) = (true, true);
        self.pulse.authenticated(moment(&self.app, identity.expires_at));
        self.stage = Stage::Member(Box::new(Session {
            caller: identity.caller,
            expires_at: identity.expires_at,
            subscriptions: opening.subscriptions,
            all: matches!(streams, Streams::All(_)),
            own: opening.own,
            presence: None,
        }));
    }

    fn describe(
        &self,
        settings: &Settings,
        identity: &Identity,
        user: User,
        opening: &mut Opening,
    ) -> Welcome {
        // without limits a client need not slow down
        let pace = |limit: u32| {
            if settings.rate_limit_enabled {
                limit
            } else {
                u32::MAX
            }
        };
        Welcome {
            protocol: PROTOCOL,
            server: ServerInfo {
                name: "taskwire".to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                instance: settings.instance.clone(),
                time: Timestamp(self.app.engine.clock().now_ms()),
            },
            epoch: opening.epoch.to_string(),
            user,
            session: SessionInfo {
                id: identity.caller.session,
                expires_at: identity.expires_at,
            },
            heartbeat_ms: settings.heartbeat.as_millis() as u64,
            limits: Limits {
                frame_bytes: settings.frame_bytes as u64,
                in_flight: settings.in_flight as u32,
                batch: settings.batch_ops as u32,
                streams: settings.streams_per_socket as u32,
                ops_per_second: pace(settings.ops_per_second),
                burst: pace(settings.ops_burst),
            },
            streams: std::mem::take(&mut opening.listed),
        }
    }
}

/// A socket's subscriptions while it is being welcomed.
struct Opening {
    subscriptions: Subscriptions,
    resume: Option<Resume>,
    epoch: Arc<str>,
    limit: usize,
    listed: Vec<StreamState>,
    own: bool,
}

impl Opening {
    /// Joins the streams asked for that the user may read, and lists all that were asked for.
    ///
    /// The user's own stream comes first, and is watched even when it was not asked for: what happens to their
    /// memberships after it was joined is told there, and what happened before is in what the engine says then.
    async fn follow_all(
        &mut self,
        engine: &Engine,
        identity: &mut Identity,
        streams: &Streams,
    ) -> Result<Home, Failure> {
        let own = StreamId::from(identity.caller.user.id);
        self.own = match streams {
            Streams::All(_) => true,
            Streams::These(names) => names.iter().any(|name| name.parse() == Ok(own)),
        };
        let mut own_state = None;
        let head = if self.own {
            let state = self.follow(own, None, 0).await?;
            own_state.insert(state).seq
        } else {
            let joined = self.subscriptions.join(own, Start::Now, Mode::Watch).await;
            joined.map_err(|LogUnavailable| log_unavailable())?.seq
        };
        let home = engine.home(&identity.caller, head).await?;
        // the token may have been checked against what was known before the stream was joined
        identity.caller = home.caller();
        let asked: Vec<String> = match streams {
            Streams::All(_) => {
                let all = home
                    .workspaces()
                    .iter()
                    .map(|workspace| StreamId::from(workspace.id));
                std::iter::once(own)
                    .chain(all)
                    .map(|stream| stream.to_string())
                    .collect()
            }
            Streams::These(names) => names.clone(),
        };
        self.list(asked, own, own_state, &home).await?;
        let now = self.subscriptions.head(own);
        if now > head {
            self.check_again(engine, identity, now).await?;
        }
        Ok(home)
    }

    /// Follows and lists each stream asked for, once.
    async fn list(
        &mut self,
        asked: Vec<String>,
        own: StreamId,
        mut own_state: Option<StreamState>,
        home: &Home,
    ) -> Result<(), Failure> {
        let mut workspaces: HashMap<StreamId, &Workspace> = home
            .workspaces()
            .iter()
            .map(|workspace| (workspace.id.into(), workspace))
            .collect();
        let mut seen = HashSet::new();
        for name in asked {
            if !seen.insert(name.clone()) {
                continue;
            }
            let state = match name.parse::<StreamId>() {
                Ok(stream) if stream == own => own_state.take(),
                Ok(stream) => match workspaces.remove(&stream) {
                    Some(workspace) => {
                        let head = home.head(stream);
                        let state = self.follow(stream, Some(workspace.clone()), head).await?;
                        self.subscriptions.let_in(stream, head);
                        Some(state)
                    }
                    None => None,
                },
                Err(_) => None,
            };
            // what cannot be read as a stream is as little to be had as one without access
            self.listed.push(state.unwrap_or_else(|| no_access(name)));
        }
        Ok(())
    }

    /// A workspace that was lost between the engine's answer and the join must not be followed: who may read a
    /// stream is asked after joining it, once for all of them.
    async fn check_again(&mut self, engine: &Engine, identity: &Identity, seen: u64) -> Result<(), Failure> {
        let home = engine.home(&identity.caller, seen).await?;
        let still: HashSet<_> = home.workspaces().iter().map(|workspace| workspace.id).collect();
        for state in &mut self.listed {
            let Some(workspace) = &state.workspace else {
                continue;
            };
            if !still.contains(&workspace.id) {
                self.subscriptions.leave(workspace.id.into());
                *state = no_access(std::mem::take(&mut state.stream));
            }
        }
        Ok(())
    }

    /// Joins a stream that the user may read, from where the client stands in it. When there are too many already,
    /// `head` is told: where the stream stood when the memberships were read.
    async fn follow(
        &mut self,
        stream: StreamId,
        workspace: Option<Workspace>,
        head: u64,
    ) -> Result<StreamState, Failure> {
        let name = stream.to_string();
        let workspace = workspace.and_then(|workspace| {
            let role = workspace.role?;
            Some(StreamWorkspace {
                id: workspace.id,
                name: workspace.name,
                kind: workspace.kind,
                role,
            })
        });
        let follows = self.subscriptions.count() - usize::from(!self.own && self.subscriptions.count() > 0);
        if follows >= self.limit {
            let (seq, resumed, reason) = (head, false, Some(Reason::Limit));
            return Ok(StreamState {
                stream: name,
                seq,
                resumed,
                reason,
                workspace,
            });
        }
        let position = self.position(&name);
        let same_epoch = self
            .resume
            .as_ref()
            .is_some_and(|resume| *resume.epoch == *self.epoch);
        let start = position.filter(|_| same_epoch).map_or(Start::Now, Start::After);
        let joined = self.subscriptions.join(stream, start, Mode::Deliver).await;
        let joined = joined.map_err(|LogUnavailable| log_unavailable())?;
        let reason = if position.is_some() && !same_epoch {
            Some(Reason::Epoch)
        } else {
            joined.reason
        };
        Ok(StreamState {
            stream: name,
            seq: joined.seq,
            resumed: joined.resumed,
            reason,
            workspace,
        })
    }

    /// Where the client stands in a stream, by its own word.
    fn position(&self, stream: &str) -> Option<u64> {
        self.resume.as_ref()?.positions.get(stream).copied()
    }
}

fn no_access(stream: String) -> StreamState {
    StreamState {
        stream,
        seq: 0,
        resumed: false,
        reason: Some(Reason::NoAccess),
        workspace: None,
    }
}
