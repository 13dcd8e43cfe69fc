//! The photo of an account: the URL that users see, and what it names. Does not know where the picture is stored.

use taskwire_protocol::UserId;
use uuid::Uuid;

/// A photo that was uploaded. Each upload has its own id, so a photo never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Photo {
    /// Whose photo.
    pub user: UserId,
    /// The upload.
    pub id: Uuid,
}

impl Photo {
    /// The value of `photo_url`: a path on this server, because a node may be reached by several names. `v` changes
    /// with the photo, so that no cache shows the previous one.
    pub fn url(self) -> String {
        format!("{}{}", path(self.user), self.id)
    }

    /// The photo that a `photo_url` of a user names.
    pub fn of(user: UserId, url: &str) -> Option<Photo> {
        let id = url.strip_prefix(&path(user))?.parse().ok()?;
        Some(Photo { user, id })
    }
}

fn path(user: UserId) -> String {
    format!("/v1/users/{user}/photo?v=")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_its_photo_and_no_other_users_photo() {
        let (user, other) = (UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        let photo = Photo {
            user,
            id: Uuid::from_u128(3),
        };
        assert_eq!(Photo::of(user, &photo.url()), Some(photo));
        assert_eq!(Photo::of(other, &photo.url()), None);
        for url in ["", "https://example.com/ada.png", "/v1/users/1/photo?v=2"] {
            assert_eq!(Photo::of(user, url), None, "{url}");
        }
    }
}
