//! The photos of accounts: the picture becomes two squares in the store of files, and the account's row names them. New
//! files are written first, then the row is committed, then the previous files are removed. So the row always names whole
//! files; what an interruption leaves is removed later ([`Engine::clear_photos`]).

use super::{Body, Caller, Engine, Incoming, Sender, finished, spawned};
use crate::domain::photo::Photo;
use crate::files::{self, File, Listed, Name};
use crate::ops::photos::{Changed, SetPhoto, Uploaded};
use crate::ops::{bug, not_found};
use crate::pictures::{self, Kind};
use crate::store::users;
use futures_util::StreamExt as _;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;
use taskwire_protocol::account::{GetUser, PublicUser, User};
use taskwire_protocol::{ErrorCode, Failure, Request, UserId};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// The first part of the names of photos.
const PHOTOS: &str = "photos";
/// The age from which a file that no account has is removed. An upload takes less than a minute; the rest is for clocks
/// that jump by an hour.
const ORPHANED: Duration = Duration::from_hours(2);
/// The most files that are looked up in one statement.
const STEP: usize = 500;
/// The longest time that an upload waits until a thread is free to decode it.
const PATIENCE: Duration = Duration::from_secs(8);
const RETRY_AFTER_MS: u64 = 2000;

/// The size of a photo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// 64 pixels a side.
    Small,
    /// 256 pixels a side.
    Large,
}

impl Size {
    pub(super) const ALL: [Size; 2] = [Size::Small, Size::Large];

    /// The size with this number of pixels a side, as a text.
    pub fn of(text: &str) -> Option<Size> {
        Size::ALL
            .into_iter()
            .find(|size| size.pixels().to_string() == text)
    }

    pub(super) fn pixels(self) -> u32 {
        match self {
            Size::Small => 64,
            Size::Large => 256,
        }
    }
}

/// The photo of a user in one size.
#[derive(Clone, Copy, Debug)]
pub struct Picture {
    photo: Photo,
    size: Size,
}

impl Picture {
    /// Tells the picture apart from every other one, of any user.
    pub fn tag(&self) -> String {
        format!("{}-{}", self.photo.id, self.size.pixels())
    }

    /// Whether this is what a `photo_url` with this `v` names.
    pub fn is_version(&self, v: &str) -> bool {
        self.photo.id.to_string() == v
    }

    fn name(&self) -> Name {
        let (user, id) = (self.photo.user.to_string(), self.photo.id.to_string());
        Name::of([PHOTOS, &user, &id, &self.size.pixels().to_string()])
    }
}

/// The photo whose file has this name.
fn photo_of(name: &Name) -> Option<Photo> {
    match name.parts().as_slice() {
        [first, user, id, _size] if first == PHOTOS => Some(Photo {
            user: user.parse().ok()?,
            id: id.parse().ok()?,
        }),
        _ => None,
    }
}

/// Decodes pictures, a few at a time: each may need 200 MiB and a second of a CPU.
pub(super) struct Decoding(Arc<Semaphore>);

impl Decoding {
    pub(super) fn new() -> Decoding {
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        Decoding(Arc::new(Semaphore::new((cpus / 4).clamp(1, 4))))
    }

    /// The photo in every size.
    async fn squares(&self, kind: Kind, bytes: Vec<u8>, keep: impl Send + 'static) -> Squares {
        let Ok(Ok(place)) = timeout(PATIENCE, self.0.clone().acquire_owned()).await else {
            let message = "too many pictures at once; try again shortly";
            return Err(Failure::new(ErrorCode::Unavailable, message).after(RETRY_AFTER_MS));
        };
        let span = tracing::Span::current();
        let decoded = tokio::task::spawn_blocking(move || {
            let _held = (keep, place);
            span.in_scope(|| pictures::squares(&bytes, kind, Size::ALL.map(Size::pixels)))
        });
        // a decoder that panics has met a picture that nobody tried on it
        decoded.await.unwrap_or_else(|panic| {
            tracing::error!(error = %panic, "a decoder of pictures panicked");
            Err(Failure::invalid("photo", "the picture cannot be decoded"))
        })
    }
}

type Squares = Result<[Vec<u8>; 2], Failure>;

impl Engine {
    /// Gives the caller another photo. `keep` is dropped when the picture is no longer in memory. Runs to its end, also
    /// when nobody waits for the answer.
    pub async fn set_photo(
        &self,
        caller: Arc<Caller>,
        kind: Kind,
        picture: Vec<u8>,
        keep: impl Send + 'static,
    ) -> Result<User, Failure> {
        let engine = self.clone();
        finished(async move {
            let squares = engine.0.decoding.squares(kind, picture, keep).await?;
            let (user, id) = (caller.user.id, engine.0.ids.next());
            let photo = Photo { user, id };
            let bytes = squares.iter().map(|square| square.len() as u64).sum();
            for (size, square) in Size::ALL.into_iter().zip(squares) {
                let name = Picture { photo, size }.name();
                if let Err(error) = engine.0.files.put(&name, square).await {
                    engine.remove(photo).await;
                    return Err(error.into());
                }
            }
            engine.change_photo(caller, Some(Uploaded { photo, bytes })).await
        })
        .await
    }

    /// Removes the caller's photo, if there is one.
    pub async fn remove_photo(&self, caller: Arc<Caller>) -> Result<User, Failure> {
        let engine = self.clone();
        finished(async move { engine.change_photo(caller, None).await }).await
    }

    async fn change_photo(&self, caller: Arc<Caller>, upload: Option<Uploaded>) -> Result<User, Failure> {
        match self.act::<Changed>(caller, SetPhoto(upload)).await {
            Ok(Changed { user, replaced }) => {
                if let Some(before) = replaced.and_then(|url| Photo::of(user.id, &url)) {
                    self.remove(before).await;
                }
                Ok(user)
            }
            Err(failure) => {
                // after a retryable failure the outcome may be unknown, and the row may name the new files
                if let (Some(Uploaded { photo, .. }), false) = (upload, failure.retryable) {
                    self.remove(photo).await;
                }
                Err(failure)
            }
        }
    }

    /// Removes the files of a photo that no account has. What cannot be removed now is removed later.
    async fn remove(&self, photo: Photo) {
        for size in Size::ALL {
            if let Err(error) = self.0.files.delete(&Picture { photo, size }.name()).await {
                tracing::warn!(
                    error = error.in_full(),
                    "a photo was not removed; a job removes it later"
                );
            }
        }
    }

    /// Removes all files of photos of a user whose account is gone.
    pub async fn forget_photos(&self, user: UserId) -> Result<(), Failure> {
        let mut listed = self.0.files.list(&Name::of([PHOTOS, &user.to_string()]));
        while let Some(file) = listed.next().await {
            self.0.files.delete(&file?.name).await?;
        }
        Ok(())
    }

    /// The photo of a user whom the sender may see.
    pub async fn photo(&self, sender: Sender, user: UserId, size: Size) -> Result<Picture, Failure> {
        let asked = Request::GetUser(Box::new(GetUser { id: user }));
        let reply = self.dispatch(Incoming::now(asked, None, sender)).await?;
        let Body::Data(output) = &reply.body else {
            return Err(bug("user.get returned no output"));
        };
        let found: PublicUser =
            serde_json::from_str(output).map_err(|_| bug("the output of user.get cannot be read"))?;
        let photo = found.photo_url.and_then(|url| Photo::of(user, &url));
        let photo = photo.ok_or_else(|| not_found("photo"))?;
        Ok(Picture { photo, size })
    }

    /// The file of a picture.
    pub async fn file_of(&self, picture: &Picture) -> Result<File, Failure> {
        let found = self.0.files.find(&picture.name()).await?;
        found.ok_or_else(|| {
            // it was replaced meanwhile, or somebody removed files
            tracing::warn!(file = %picture.name(), "a photo is not in the store of files");
            not_found("photo")
        })
    }

    /// The whole file that a `photo_url` of a user names, in one size; `None` when the store of files has none.
    pub(super) async fn photo_file(
        &self,
        user: UserId,
        url: &str,
        size: Size,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let Some(photo) = Photo::of(user, url) else {
            return Ok(None);
        };
        let Some(mut file) = self.0.files.find(&Picture { photo, size }.name()).await? else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        while let Some(piece) = file.content.next().await {
            bytes.extend_from_slice(&piece?);
        }
        Ok(Some(bytes))
    }

    /// Removes old files that no account has, and returns their number. Reads a page of names at a time.
    pub async fn clear_photos(&self) -> Result<usize, Failure> {
        let before = self.0.clock.now_ms() - ORPHANED.as_millis() as i64;
        let mut pages = self.0.files.list(&Name::of([PHOTOS])).chunks(STEP);
        let mut cleared = 0;
        while let Some(page) = pages.next().await {
            let page = page.into_iter().collect::<files::Result<Vec<Listed>>>()?;
            let old = page.into_iter().filter(|file| file.written_at < before);
            let old = old.filter_map(|file| Some((photo_of(&file.name)?, file.name)));
            let old: Vec<(Photo, Name)> = old.collect();
            let used = self
                .photos_in_use(old.iter().map(|(photo, _)| photo.user).collect())
                .await?;
            for (_, name) in old.iter().filter(|(photo, _)| !used.contains(photo)) {
                self.0.files.delete(name).await?;
                cleared += 1;
            }
        }
        Ok(cleared + self.0.files.clear_drafts(ORPHANED).await?)
    }

    async fn photos_in_use(&self, users: BTreeSet<UserId>) -> Result<HashSet<Photo>, Failure> {
        if users.is_empty() {
            return Ok(HashSet::new());
        }
        let store = self.0.store.clone();
        let found = spawned(async move { users::photos(&mut store.read().await?, users).await }).await?;
        let photos = found.iter().filter_map(|(user, url)| Photo::of(*user, url));
        Ok(photos.collect())
    }
}
