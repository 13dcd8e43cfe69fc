//! The streams of a new reader: which of them it follows, from which position, and why not from the position that the
//! client sent. The list is part of the welcome.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use taskwire_protocol::account::{Resume, Streams};
use taskwire_protocol::frames::{StreamState, StreamWorkspace};
use taskwire_protocol::member::Role;
use taskwire_protocol::stream::Reason;
use taskwire_protocol::workspace::Workspace;
use taskwire_protocol::{Failure, StreamId};

use super::log_unavailable;
use crate::config::Settings;
use crate::engine::{Engine, Home, Identity};
use crate::live::{LogUnavailable, Mode, Start, Subscriptions};

/// A client may name this many times the streams that its reader may follow: those past the limit are only listed.
const NAMED_TIMES: usize = 4;
/// A client may always name this many: a frame of 64 KiB holds fewer real names.
const NAMED_AT_LEAST: usize = 2048;

/// Refuses a request that names more streams than a `welcome` may list.
pub fn check_streams(streams: &Streams, settings: &Settings) -> Result<(), Failure> {
    let most = (NAMED_TIMES * settings.streams_per_socket).max(NAMED_AT_LEAST);
    match streams {
        Streams::These(names) if names.len() > most => {
            let message = format!("streams may have at most {most} names; it has {}", names.len());
            Err(Failure::invalid("streams", message))
        }
        Streams::These(_) | Streams::All(_) => Ok(()),
    }
}

/// A reader's subscriptions while it is being welcomed.
pub(super) struct Opening<'a> {
    engine: &'a Engine,
    subscriptions: Subscriptions,
    /// The client's positions, as it sent them.
    resume: Option<&'a Resume>,
    epoch: Arc<str>,
    limit: usize,
    listed: Vec<StreamState>,
    own: bool,
}

/// The streams that a reader was opened with.
pub(super) struct OpenedStreams {
    pub(super) subscriptions: Subscriptions,
    /// The streams that it follows, and those that it asked for but does not follow.
    pub(super) listed: Vec<StreamState>,
    /// Positions are valid within this epoch.
    pub(super) epoch: Arc<str>,
    /// The user's own stream is delivered, not only watched.
    pub(super) own: bool,
}

impl<'a> Opening<'a> {
    /// Subscriptions of this user, without a stream yet.
    pub(super) fn new(
        engine: &'a Engine,
        identity: &Identity,
        resume: Option<&'a Resume>,
        limit: usize,
    ) -> Opening<'a> {
        Opening {
            engine,
            subscriptions: Subscriptions::new(engine.hub().clone(), identity.caller.user.id),
            resume,
            epoch: engine.epoch(),
            limit,
            listed: Vec::new(),
            own: false,
        }
    }

    /// Returns the streams, after all were joined.
    pub(super) fn done(self) -> OpenedStreams {
        OpenedStreams {
            subscriptions: self.subscriptions,
            listed: self.listed,
            epoch: self.epoch,
            own: self.own,
        }
    }

    /// Joins the streams asked for that the user may read, and lists all that were asked for.
    ///
    /// The user's own stream is joined first, and is watched even when it was not asked for. It has the changes of
    /// memberships after it was joined; the engine's answer, which is read later, has those from before.
    pub(super) async fn follow_all(
        &mut self,
        identity: &mut Identity,
        streams: &Streams,
    ) -> Result<Home, Failure> {
        let own = StreamId::from(identity.caller.user.id);
        let asks = match streams {
            Streams::All(_) => true,
            Streams::These(names) => names.iter().any(|name| name.parse() == Ok(own)),
        };
        self.own = asks && identity.caller.reaches_own();
        let mut own_state = None;
        let head = if self.own {
            let state = self.follow(own, None, 0).await?;
            own_state.insert(state).seq
        } else {
            let joined = self.subscriptions.join(own, Start::Now, Mode::Watch).await;
            joined.map_err(|LogUnavailable| log_unavailable())?.seq
        };
        let home = self.engine.home(&identity.caller, head).await?;
        // the token may have been checked against a session that was cached before the stream was joined
        identity.caller = home.caller();
        let asked: Vec<String> = match streams {
            Streams::All(_) => {
                // past the limit, the oldest are left out; but nobody can displace the user's own workspaces by adding the
                // user to many others
                let newest = || home.workspaces().iter().rev();
                let owns = |workspace: &&Workspace| workspace.role == Some(Role::Owner);
                let all = newest().filter(owns).chain(newest().filter(|each| !owns(each)));
                let all = all.map(|workspace| StreamId::from(workspace.id));
                let own = Some(own).filter(|_| self.own);
                own.into_iter()
                    .chain(all)
                    .map(|stream| stream.to_string())
                    .collect()
            }
            Streams::These(names) => names.clone(),
        };
        self.list(asked, own, own_state, &home).await?;
        let now = self.subscriptions.head(own);
        if now > head {
            self.check_again(identity, now).await?;
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
            // a name that cannot be read is answered like a stream without access
            self.listed.push(state.unwrap_or_else(|| no_access(name)));
        }
        Ok(())
    }

    /// Leaves workspaces that were lost between the engine's answer and their join. Access to a stream must be checked
    /// after joining it; here one check covers all of them.
    async fn check_again(&mut self, identity: &Identity, seen: u64) -> Result<(), Failure> {
        let home = self.engine.home(&identity.caller, seen).await?;
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

    /// Joins a stream that the user may read, from the client's position in it. Past the limit, only lists the stream
    /// with `head`, its head when the memberships were read.
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
        let (start, other_epoch) = self.start(&name);
        let joined = self.subscriptions.join(stream, start, Mode::Deliver).await;
        let joined = joined.map_err(|LogUnavailable| log_unavailable())?;
        let reason = if other_epoch {
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

    /// Where to join a stream, and whether the client's position is from another epoch and therefore invalid.
    fn start(&self, stream: &str) -> (Start, bool) {
        let Some(resume) = self.resume else {
            return (Start::Now, false);
        };
        match resume.positions.get(stream) {
            Some(seq) if *resume.epoch == *self.epoch => (Start::After(*seq), false),
            position => (Start::Now, position.is_some()),
        }
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
