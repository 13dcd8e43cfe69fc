//! A refresh token's successor, sealed for the holder of the token: a client whose answer was lost asks again with the
//! same token, and gets the same successor. The key is derived from the token itself (`derive`), whose hash is all that is
//! stored: a copy of the database does not open it. Does not know how long it is kept.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecretMut, SecretBox};

use super::derive;
use super::refresh::{RefreshToken, SECRET_BYTES};

/// Seals the successor of a token: AES-256-GCM with a random nonce, bound to the session. `None` if the library fails.
pub fn seal(token: &RefreshToken, successor: &RefreshToken) -> Option<String> {
    let mut sealed = successor.secret().to_vec();
    let session = Aad::from(token.session().0.into_bytes());
    let nonce = key(token)?.seal_in_place_append_tag(session, &mut sealed).ok()?;
    let text = [nonce.as_ref().as_slice(), &sealed].concat();
    Some(URL_SAFE_NO_PAD.encode(text))
}

/// The secret of the successor that was sealed for this token; `None` for what was not.
pub fn open(token: &RefreshToken, sealed: &str) -> Option<SecretBox<[u8; SECRET_BYTES]>> {
    let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
    let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>()?;
    let mut sealed = Zeroizing::new(sealed.to_vec());
    let session = Aad::from(token.session().0.into_bytes());
    let opened = key(token)?
        .open_in_place(Nonce::from(nonce), session, &mut sealed)
        .ok()?;
    let opened: &[u8; SECRET_BYTES] = (&*opened).try_into().ok()?;
    let mut secret = SecretBox::<[u8; SECRET_BYTES]>::default();
    secret.expose_secret_mut().copy_from_slice(opened);
    Some(secret)
}

fn key(token: &RefreshToken) -> Option<RandomizedNonceKey> {
    let session = token.session();
    let key = derive::key(
        token.secret(),
        "the successor of a refresh token",
        session.0.as_bytes(),
    )?;
    RandomizedNonceKey::new(&AES_256_GCM, key.as_slice()).ok()
}

#[cfg(test)]
mod tests {
    use super::{open, seal};
    use crate::auth::refresh::{RefreshToken, RefreshTokens};
    use rand::SeedableRng;
    use rand::rngs::StdRng;
    use secrecy::ExposeSecret;
    use taskwire_protocol::SessionId;
    use uuid::Uuid;

    fn token(session: u128, seed: u64) -> RefreshToken {
        let session = SessionId(Uuid::from_u128(session));
        RefreshTokens::new(&"a secret".into(), None).issue(session, &mut StdRng::seed_from_u64(seed))
    }

    #[test]
    fn only_the_token_before_it_opens_a_successor() {
        let (before, after) = (token(1, 1), token(1, 2));
        let sealed = seal(&before, &after).expect("sealed");
        let opened = open(&before, &sealed).expect("opened");
        assert_eq!(opened.expose_secret(), after.secret());
        for other in [token(1, 3), token(2, 1), after] {
            assert!(open(&other, &sealed).is_none(), "{other:?}");
        }
    }

    #[test]
    fn what_was_changed_or_cut_does_not_open() {
        let (before, after) = (token(1, 1), token(1, 2));
        let sealed = seal(&before, &after).expect("sealed");
        assert_ne!(
            sealed,
            seal(&before, &after).expect("sealed"),
            "each has its own nonce"
        );
        for index in 0..sealed.len() {
            let mut bytes = sealed.clone().into_bytes();
            bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).expect("text");
            assert!(open(&before, &changed).is_none(), "character {index}");
            assert!(open(&before, &sealed[..index]).is_none(), "{index} characters");
        }
    }
}
