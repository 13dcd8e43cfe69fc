//! The keys with which the instances of a deployment seal what they tell each other. Does not know what they say, or how
//! it travels.

use super::derive;
use aws_lc_rs::hmac;
use secrecy::SecretString;

/// What the keys are derived for.
const PURPOSE: &str = "messages between instances";

/// The key under which messages are sealed, and after a rotation also the one before it, which is accepted. A database
/// that was restored is in another epoch, and has other keys. None of an empty secret.
pub fn keys(secret: &SecretString, previous: Option<&SecretString>, epoch: &str) -> Vec<hmac::Key> {
    derive::hmac_keys_in(secret, previous, PURPOSE, epoch.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_share_keys_if_they_share_secret_and_epoch() {
        let sealed = |secret: &str, epoch: &str| {
            let keys = keys(&secret.into(), None, epoch);
            hmac::sign(&keys[0], b"words").as_ref().to_vec()
        };
        assert_eq!(sealed("a secret", "one"), sealed("a secret", "one"));
        assert_ne!(sealed("a secret", "one"), sealed("another", "one"));
        assert_ne!(sealed("a secret", "one"), sealed("a secret", "two"));
        let both = keys(&"new".into(), Some(&"a secret".into()), "one");
        assert_eq!(hmac::sign(&both[1], b"words").as_ref(), sealed("a secret", "one"));
        assert!(keys(&"".into(), None, "one").is_empty());
    }
}
