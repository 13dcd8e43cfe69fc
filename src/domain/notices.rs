//! What a user's preferences say about notifications: whether one is made, and whether it is read from the start.

use serde_json::{Map, Value};
use taskwire_protocol::notification::NotificationType;

/// The types that nobody can turn off: they tell the owner of an account what somebody else may have done to it. For the
/// same reason `own_acts` leaves them alone.
const ALWAYS: [NotificationType; 2] = [NotificationType::Security, NotificationType::PasswordChanged];

/// What the preferences say, in a few bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// The types that are turned off: a bit each, in the order of `NotificationType::ALL`.
    off: u32,
    own_acts: OwnActs,
}

/// What becomes of notifications about one's own acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum OwnActs {
    #[default]
    Unread,
    Read,
    Off,
}

/// A notification that is to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made {
    /// Whether it counts as read from the start.
    pub is_read: bool,
}

const _: () = assert!(
    NotificationType::ALL.len() <= 32,
    "there are more types than bits"
);

fn bit(r#type: NotificationType) -> u32 {
    let place = NotificationType::ALL.iter().position(|other| *other == r#type);
    place.map_or(0, |place| 1 << place)
}

impl Wishes {
    /// Reads them from a user's preferences. What these do not say is as if nobody had said anything.
    pub fn of(preferences: &Map<String, Value>) -> Wishes {
        let Some(said) = preferences.get("notifications") else {
            return Wishes::default();
        };
        let types = said["types"].as_object().into_iter().flatten();
        let off = types.filter(|(_, wanted)| **wanted == false);
        let off = off.filter_map(|(name, _)| NotificationType::parse(name));
        Wishes {
            off: off.map(bit).fold(0, |all, bit| all | bit),
            own_acts: match said["own_acts"].as_str() {
                Some("read") => OwnActs::Read,
                Some("off") => OwnActs::Off,
                _ => OwnActs::Unread,
            },
        }
    }

    /// How to notify the user; `None` for not at all. `own`: it tells of what the user did.
    pub fn of_type(self, r#type: NotificationType, own: bool) -> Option<Made> {
        let unread = Made { is_read: false };
        if ALWAYS.contains(&r#type) {
            return Some(unread);
        }
        if self.off & bit(r#type) != 0 {
            return None;
        }
        match (own, self.own_acts) {
            (false, _) | (true, OwnActs::Unread) => Some(unread),
            (true, OwnActs::Read) => Some(Made { is_read: true }),
            (true, OwnActs::Off) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn wishes(notifications: &Value) -> Wishes {
        let preferences = json!({ "notifications": notifications });
        Wishes::of(preferences.as_object().expect("an object"))
    }

    const UNREAD: Option<Made> = Some(Made { is_read: false });
    const READ: Option<Made> = Some(Made { is_read: true });

    #[test]
    fn who_says_nothing_gets_everything_unread() {
        for wishes in [Wishes::default(), wishes(&json!({})), wishes(&json!(7))] {
            for r#type in NotificationType::ALL {
                assert_eq!(wishes.of_type(*r#type, true), UNREAD);
            }
        }
    }

    #[test]
    fn types_are_turned_off_one_by_one() {
        let wishes = wishes(&json!({ "types": { "MENTION": false, "LOGIN": true, "NEWER": false } }));
        assert_eq!(wishes.of_type(NotificationType::Mention, false), None);
        assert_eq!(wishes.of_type(NotificationType::Login, false), UNREAD);
        assert_eq!(wishes.of_type(NotificationType::CommentAdded, false), UNREAD);
    }

    #[test]
    fn ones_own_acts_are_read_or_not_told() {
        let (read, off) = (
            wishes(&json!({ "own_acts": "read" })),
            wishes(&json!({ "own_acts": "off" })),
        );
        let r#type = NotificationType::TaskCreated;
        assert_eq!(
            (read.of_type(r#type, true), read.of_type(r#type, false)),
            (READ, UNREAD)
        );
        assert_eq!(
            (off.of_type(r#type, true), off.of_type(r#type, false)),
            (None, UNREAD)
        );
    }

    #[test]
    fn nobody_turns_off_what_protects_the_account() {
        let types = json!({ "SECURITY": false, "PASSWORD_CHANGED": false });
        let wishes = wishes(&json!({ "types": types, "own_acts": "off" }));
        for r#type in ALWAYS {
            assert_eq!(wishes.of_type(r#type, true), UNREAD);
        }
    }
}
