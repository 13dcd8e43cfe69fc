//! Keys that are derived from another secret (HKDF with SHA-256, RFC 5869). Each purpose has its own key, so what is made
//! with one says nothing about the others.

use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::hmac;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

/// Separates our keys from those that another program derives from the same secret.
const SALT: &[u8] = b"taskwire";

/// The length of a key, in bytes.
const KEY: usize = 32;

/// The key for a purpose, and within it for a context. `None` for an empty secret.
pub(super) fn key(secret: &[u8], purpose: &str, context: &[u8]) -> Option<Zeroizing<[u8; KEY]>> {
    if secret.is_empty() {
        return None;
    }
    let mut key = Zeroizing::new([0; KEY]);
    let info = [purpose.as_bytes(), &[0], context];
    let extracted = Salt::new(HKDF_SHA256, SALT).extract(secret);
    let expanded = extracted.expand(&info, HKDF_SHA256).ok()?;
    expanded.fill(key.as_mut_slice()).ok()?;
    Some(key)
}

/// The keys of HMAC-SHA-256 for a purpose: that of `secret`, then that of `previous`, the secret before the last rotation.
/// None of an empty secret.
pub(super) fn hmac_keys(
    secret: &SecretString,
    previous: Option<&SecretString>,
    purpose: &str,
) -> Vec<hmac::Key> {
    hmac_keys_in(secret, previous, purpose, &[])
}

/// As [`hmac_keys`], within a purpose for a context.
pub(super) fn hmac_keys_in(
    secret: &SecretString,
    previous: Option<&SecretString>,
    purpose: &str,
    context: &[u8],
) -> Vec<hmac::Key> {
    let key = |secret: &SecretString| {
        let key = key(secret.expose_secret().as_bytes(), purpose, context)?;
        Some(hmac::Key::new(hmac::HMAC_SHA256, key.as_slice()))
    };
    std::iter::once(secret).chain(previous).filter_map(key).collect()
}

#[cfg(test)]
mod tests {
    use super::key;

    #[test]
    fn each_purpose_and_context_has_its_own_key() {
        let keys = [
            key(b"secret", "one", &[]),
            key(b"secret", "two", &[]),
            key(b"secret", "one", &[1]),
            key(b"secret", "on", b"e"),
            key(b"another", "one", &[]),
        ];
        let keys: Vec<[u8; 32]> = keys.map(|key| *key.expect("a key")).to_vec();
        let mut different = keys.clone();
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), keys.len());
        assert_eq!(key(b"secret", "one", &[]).as_deref(), Some(&keys[0]));
        assert!(key(b"", "one", &[]).is_none());
    }
}
