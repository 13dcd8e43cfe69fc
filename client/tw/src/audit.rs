//! `audit`: what happened to one's own account, read from the log of one's own stream.

use crate::{
    args::AuditArgs,
    fault::Fault,
    output::Output,
    paging, profile,
    terminal::{note, plain},
    text::{moment, short},
};
use serde_json::Map;
use std::collections::VecDeque;
use taskwire_client::{
    Client,
    protocol::{
        UserId,
        account::{ApiToken, ApiTokenRevoked, GlobalRole, Plan, Session, SessionRevoked, User},
        events::Event,
        frames::{Actor, EventFrame},
        limits,
        notification::{Notification, NotificationType},
        stream::ReadHistory,
    },
};

/// The notifications about authentication and the account.
const ABOUT_THE_ACCOUNT: [NotificationType; 6] = [
    NotificationType::Login,
    NotificationType::Logout,
    NotificationType::Signup,
    NotificationType::PasswordChanged,
    NotificationType::Security,
    NotificationType::ProfileUpdated,
];

pub(crate) async fn audit(client: &Client, output: &Output, args: AuditArgs) -> Result<(), Fault> {
    let me = client.ready().await?.user.id;
    let newest = newest(client, me, args.limit as usize).await?;
    if output.json {
        let frames: Vec<&EventFrame> = newest.iter().map(|(frame, _)| frame).collect();
        return output.value(&frames);
    }
    if newest.is_empty() {
        note("nothing happened to your account since the log begins");
    }
    newest.iter().try_for_each(|(frame, what)| {
        let by = by(&frame.actor, me)
            .map(|by| format!("  ({by})"))
            .unwrap_or_default();
        output.line(&format!("{}  {what}{by}", moment(frame.at)))
    })
}

/// The newest entries about the account, oldest first, with their texts.
async fn newest(client: &Client, me: UserId, wanted: usize) -> Result<VecDeque<(EventFrame, String)>, Fault> {
    let (mut newest, mut known) = (VecDeque::new(), Known::default());
    let mut params = ReadHistory {
        stream: me.into(),
        after: 0,
        limit: Some(limits::HISTORY),
        task_id: None,
    };
    loop {
        let page = paging::call(client, &params).await?;
        for text in &page.events {
            let frame: EventFrame = serde_json::from_str(text.get())?;
            params.after = params.after.max(frame.seq);
            let event = Event::read(&frame.event, &frame.data)?;
            if let Some(what) = told(&event, &frame.event, &mut known) {
                newest.push_back((frame, what));
            }
            if newest.len() > wanted {
                newest.pop_front();
            }
        }
        if !page.has_more || page.events.is_empty() {
            return Ok(newest);
        }
    }
}

/// The account before an event, as far as the log tells.
#[derive(Default)]
struct Known {
    profile: Option<User>,
    /// Its owner signed up, so its first version had what every new account has.
    signed_up: bool,
}

impl Known {
    /// The account before this state of it, which is the newest from now on.
    fn before(&mut self, user: &User) -> Option<User> {
        let first = || {
            (self.signed_up && user.version == 2).then(|| User {
                role: GlobalRole::User,
                plan: Plan::Free,
                is_active: true,
                is_verified: false,
                timezone: "UTC".into(),
                preferences: Map::new(),
                photo_url: None,
                ..user.clone()
            })
        };
        let before = self.profile.take().or_else(first);
        self.profile = Some(user.clone());
        before
    }
}

/// What an event says about the account; `None` when it is about something else.
fn told(event: &Event, name: &str, known: &mut Known) -> Option<String> {
    Some(match event {
        Event::SessionCreated(session) => format!("signed in: {}", origin(session)),
        Event::SessionRevoked(revoked) => {
            let SessionRevoked { id } = **revoked;
            format!("session ended: {}", short(id))
        }
        Event::ApiTokenCreated(token) => {
            let ApiToken { id, name, .. } = &**token;
            format!("API token made: {} {}", short(*id), plain(name))
        }
        Event::ApiTokenRevoked(revoked) => {
            let ApiTokenRevoked { id } = **revoked;
            format!("API token revoked: {}", short(id))
        }
        Event::CalendarCreated(_) => "calendar feed made".to_owned(),
        Event::CalendarRevoked(_) => "calendar feed ended".to_owned(),
        Event::ProfileUpdated(user) => {
            let before = known.before(user);
            match before.map(|before| changed(&before, user)) {
                None => format!("account changed; now {}", standing(user)),
                // what is not known of an account at its sign-up
                Some(fields) if fields.is_empty() => "account changed: name, username or e-mail".to_owned(),
                Some(fields) => format!("account changed: {}", fields.join(", ")),
            }
        }
        Event::NotificationCreated(created) if ABOUT_THE_ACCOUNT.contains(&created.notification.r#type) => {
            let notification = &created.notification;
            known.signed_up |=
                notification.r#type == NotificationType::Signup && notification.actor.is_some();
            notice(notification)
        }
        // of a newer server
        Event::Unknown
            if name.starts_with("session.")
                || name.starts_with("api_token.")
                || name.starts_with("calendar.") =>
        {
            plain(name)
        }
        _ => return None,
    })
}

fn origin(session: &Session) -> String {
    let parts = [&session.device_name, &session.client, &session.address];
    let parts = parts.into_iter().flatten().map(|part| plain(part));
    let parts = std::iter::once(short(session.id)).chain(parts);
    parts.collect::<Vec<_>>().join("  ")
}

fn notice(notification: &Notification) -> String {
    let title = plain(&notification.title);
    if notification.message.is_empty() {
        return title;
    }
    format!("{title}: {}", plain(&notification.message))
}

/// The fields in which an account differs.
fn changed(before: &User, after: &User) -> Vec<&'static str> {
    let fields = [
        ("username", before.username != after.username),
        ("name", before.name != after.name),
        ("e-mail", before.email != after.email),
        ("role", before.role != after.role),
        ("plan", before.plan != after.plan),
        ("active", before.is_active != after.is_active),
        ("verified", before.is_verified != after.is_verified),
        ("time zone", before.timezone != after.timezone),
        ("preferences", before.preferences != after.preferences),
        ("photo", before.photo_url != after.photo_url),
    ];
    let differs = |(field, differs): (&'static str, bool)| differs.then_some(field);
    fields.into_iter().filter_map(differs).collect()
}

/// What matters most about an account, where the log does not tell what it was before.
fn standing(user: &User) -> String {
    let (role, plan) = (profile::role(user.role), profile::plan(user.plan));
    let verified = if user.is_verified {
        "verified"
    } else {
        "not verified"
    };
    let active = if user.is_active { "" } else { ", not active" };
    format!("role {role}, plan {plan}, {verified}{active}")
}

/// Who did it, when it was not oneself in a session of one's own.
fn by(actor: &Actor, me: UserId) -> Option<String> {
    match actor {
        Actor::User {
            token: Some(token), ..
        } => Some(format!("by the API token {}", plain(token))),
        Actor::User { id, .. } if *id == me => None,
        Actor::User { name, .. } => Some(format!("by {}", plain(name))),
        Actor::Server => Some("by the server".to_owned()),
        Actor::Operator => Some("by an operator".to_owned()),
    }
}
