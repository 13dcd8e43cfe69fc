//! The photo of an account: which one it has. The engine has stored the picture before, and removes the previous one
//! afterwards.

use super::bounds::Stored;
use super::notices::{Notice, tell};
use super::profiles;
use super::step::{Step, decided_as_steps};
use super::world::World;
use super::{Act, Caller, Needs, Result, json, not_found};
use crate::domain::photo::Photo;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use taskwire_protocol::account::User;
use taskwire_protocol::notification::NotificationType;

decided_as_steps!(SetPhoto);

/// Gives the caller's account another photo, or none. Of two at once, the later one wins, and each learns exactly which
/// photo it replaced.
pub struct SetPhoto(pub Option<Uploaded>);

/// A photo whose files are written.
#[derive(Clone, Copy, Debug)]
pub struct Uploaded {
    /// The photo.
    pub photo: Photo,
    /// The size of all its files.
    pub bytes: u64,
}

/// What [`SetPhoto`] changed.
#[derive(Debug, Serialize, Deserialize)]
pub struct Changed {
    /// The account afterwards.
    pub user: User,
    /// The `photo_url` before, if it was replaced.
    pub replaced: Option<Arc<str>>,
}

impl Step for SetPhoto {
    const NAME: &'static str = "profile.photo";

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        needs.accounts.insert(caller.user.id);
        needs.stored.insert(caller.user.id);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        let account = world.accounts.get(act.caller.user.id).cloned();
        let account = account.ok_or_else(|| not_found("account"))?;
        if let Some(Uploaded { bytes, .. }) = self.0 {
            let stored = Stored {
                photo: bytes,
                attachments: world.stored(account.user.id).unwrap_or(0),
            };
            act.bounds.stores(stored, account.user.plan)?;
        }
        let replaced = account.user.photo_url.clone();
        let photo_url: Option<Arc<str>> = self.0.map(|uploaded| uploaded.photo.url().into());
        if photo_url == replaced {
            let (user, replaced) = (account.user, None);
            return Ok(json(&Changed { user, replaced })?.into());
        }
        let user = User {
            photo_url,
            ..account.user.clone()
        };
        profiles::put(act, world, account, user)?;
        let message = match self.0 {
            Some(_) => "Your photo was changed",
            None => "Your photo was removed",
        };
        let notice = Notice::of_account(NotificationType::ProfileUpdated, message.to_owned());
        tell(act, world, act.caller.user.id, notice)?;
        let changed = world.accounts.get(act.caller.user.id).cloned();
        let user = changed.ok_or_else(|| not_found("account"))?.user;
        Ok(json(&Changed { user, replaced })?.into())
    }
}
