//! Whom a limit counts, and the key under which it does. A key is a keyed hash: neither memory nor Redis has an address
//! in the clear, and nobody without the secret can find one by trying all of them.

use std::net::{IpAddr, Ipv6Addr};

use sha2::{Digest as _, Sha256};
use taskwire_protocol::{ApiTokenId, SessionId, UserId};

use crate::unicode::email_key;

/// The unit by which requests are counted: an IPv4 address, or the /64 of an IPv6 address, because even a single
/// customer has a whole /64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network(IpAddr);

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Network {
        // A dual-stack socket sees IPv4 addresses as ::ffff:a.b.c.d, and these all share one /64.
        Network(match address.to_canonical() {
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
            v4 @ IpAddr::V4(_) => v4,
        })
    }
}

/// Whom a limit counts.
#[derive(Clone, Copy, Debug)]
pub enum Who<'a> {
    /// Everybody in a network.
    Network(Network),
    /// An account.
    User(UserId),
    /// A session of an account.
    Session(SessionId),
    /// Whoever brings access tokens of a session that have expired: it need not be the session's user.
    Expired(SessionId),
    /// An API token of an account.
    ApiToken(ApiTokenId),
    /// An e-mail address, whether or not it has an account; its spellings count as one.
    Email(&'a str),
}

impl From<IpAddr> for Who<'_> {
    fn from(address: IpAddr) -> Self {
        Who::Network(address.into())
    }
}

impl From<UserId> for Who<'_> {
    fn from(user: UserId) -> Self {
        Who::User(user)
    }
}

impl From<SessionId> for Who<'_> {
    fn from(session: SessionId) -> Self {
        Who::Session(session)
    }
}

impl From<ApiTokenId> for Who<'_> {
    fn from(token: ApiTokenId) -> Self {
        Who::ApiToken(token)
    }
}

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key(pub(super) u128);

/// Makes keys.
pub(super) struct Keys([u8; 32]);

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

impl Keys {
    /// Instances with the same secret make the same keys.
    pub(super) fn new(secret: &[u8]) -> Keys {
        let hash = Sha256::new_with_prefix(b"taskwire limits\0").chain_update(secret);
        Keys(hash.finalize().into())
    }

    /// The key of somebody for one purpose.
    pub(super) fn of(&self, purpose: &str, who: &Who<'_>) -> Key {
        // the seed has a fixed length and comes first, and the result is a part of the hash: nobody can extend it
        let hash = Sha256::new_with_prefix(self.0)
            .chain_update(purpose.as_bytes())
            .chain_update([0]);
        let hash = match who {
            Who::Network(Network(IpAddr::V4(v4))) => hash.chain_update([4]).chain_update(v4.octets()),
            Who::Network(Network(IpAddr::V6(v6))) => hash.chain_update([6]).chain_update(v6.octets()),
            Who::User(id) => hash.chain_update(b"u").chain_update(id.0.as_bytes()),
            Who::Session(id) => hash.chain_update(b"s").chain_update(id.0.as_bytes()),
            Who::Expired(id) => hash.chain_update(b"x").chain_update(id.0.as_bytes()),
            Who::ApiToken(id) => hash.chain_update(b"t").chain_update(id.0.as_bytes()),
            Who::Email(text) => hash
                .chain_update(b"e")
                .chain_update(email_key(text.trim()).as_bytes()),
        };
        let hash: [u8; 32] = hash.finalize().into();
        let [first, _] = hash.as_chunks::<16>().0 else {
            return Key(0); // two halves of 16 bytes are 32
        };
        Key(u128::from_be_bytes(*first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_network_counts_as_one_and_mapped_ipv4_as_ipv4() {
        let network = |text: &str| Network::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.7"), network("192.0.2.7"));
        assert_ne!(network("192.0.2.7"), network("192.0.2.8"));
    }

    #[test]
    fn keys_differ_by_secret_purpose_and_person_and_not_by_spelling() {
        let (keys, others) = (Keys::new(b"one"), Keys::new(b"two"));
        let ada = Who::Email("ada@example.com");
        assert_eq!(keys.of("a", &ada), keys.of("a", &Who::Email(" ADA@Example.COM ")));
        assert_ne!(keys.of("a", &ada), keys.of("b", &ada));
        assert_ne!(keys.of("a", &ada), others.of("a", &ada));
        assert_ne!(keys.of("a", &ada), keys.of("a", &Who::Email("bob@example.com")));
    }
}
