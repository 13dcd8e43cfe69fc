//! Hashes and checks passwords with argon2id (RFC 9106). Does not know accounts: callers pass the stored hash, or `None`.
//!
//! - `memory`   what a hash is computed in
//! - `rules`    which new passwords are accepted
//! - `threads`  where passwords are hashed; `queue` who waits, and whose turn is next; `pace` how long a hash takes

mod memory;
mod pace;
mod queue;
mod rules;
mod threads;

pub use queue::Asker;
pub use rules::check_new;

use std::borrow::Cow;
use std::hint::black_box;
use std::sync::Arc;

use crate::unicode::composed;
use argon2::password_hash;
use argon2::password_hash::phc::PasswordHash;
use argon2::{ARGON2ID_IDENT, Params, Version};
use memory::Memory;
use secrecy::{ExposeSecret, SecretString};
use taskwire_protocol::limits::PASSWORD;
use taskwire_protocol::{ErrorCode, Failure};
use threads::Threads;
use tracing::error;

/// Memory in KiB that each running hash takes: 19 MiB.
const MEMORY_KIB: u32 = 19_456;
/// Passes over that memory.
const PASSES: u32 = 2;
/// Threads of one hash.
const LANES: u32 = 1;
/// The salt for the password of an unknown account. It protects nothing: the hash is discarded.
const DUMMY_SALT: &[u8; 16] = b"no such account.";

/// A password in the form that is hashed and compared (RFC 8265, OpaqueString): accents are composed, and every space is
/// U+0020. Case and width count.
fn prepared(password: &str) -> Cow<'_, str> {
    if password.is_ascii() {
        return Cow::Borrowed(password);
    }
    let spaced: String = password
        .chars()
        .map(|c| if is_space(c) { ' ' } else { c })
        .collect();
    Cow::Owned(composed(&spaced).into_owned())
}

/// Unicode's category of spaces.
fn is_space(c: char) -> bool {
    c.is_whitespace() && !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}')
}

/// Whether it is too long however it is composed. Does not read the whole text, which may be as large as a frame.
fn is_endless(password: &str) -> bool {
    password.chars().nth(4 * PASSWORD).is_some()
}

/// Whether a prepared password is too long.
fn too_long(password: &str) -> bool {
    password.chars().nth(PASSWORD).is_some()
}

/// Whether a stored hash (PHC string) has other parameters than the current ones. It should then be replaced at the
/// next sign-in, when the password is known.
pub fn needs_rehash(stored: &str) -> bool {
    let Ok(hash) = PasswordHash::new(stored) else {
        return true;
    };
    let Ok(params) = Params::try_from(&hash) else {
        return true;
    };
    hash.algorithm != ARGON2ID_IDENT
        || hash.version != Some(Version::V0x13.into())
        || (params.m_cost(), params.t_cost(), params.p_cost()) != (MEMORY_KIB, PASSES, LANES)
}

/// Hashes and checks passwords, a bounded number at a time. Clones share the bound.
#[derive(Clone, Debug)]
pub struct Passwords(Arc<Threads<Memory>>);

impl Passwords {
    /// At most `concurrency` hashes run at once, each on a thread of its own with the lowest priority; each takes 19 MiB
    /// meanwhile. The caller leaves at least one CPU to the others. `bounds_networks`: of a network only a few wait.
    pub fn new(concurrency: usize, bounds_networks: bool) -> Passwords {
        let threads = Threads::start(concurrency.clamp(1, 1024), bounds_networks);
        Passwords(Arc::new(threads))
    }

    /// Hashes a password into a PHC string with a random salt. Does not check whether the password may be used: see
    /// [`check_new`].
    ///
    /// Fails with `UNAVAILABLE` and `retry_after_ms` when the queue is full or too slow, with `RATE_LIMITED` when too many
    /// of the asker's network wait.
    pub async fn hash(&self, password: SecretString, asker: Asker) -> Result<String, Failure> {
        self.in_turn(asker, move |memory| {
            let password = SecretString::from(prepared(password.expose_secret()).into_owned());
            memory.hash(password.expose_secret(), &current()?)
        })
        .await
    }

    /// Whether the password matches the stored hash (PHC string). `None` means that the account does not exist: the
    /// answer is `false` after the same work, so that the duration does not reveal it. A password that is too long gets
    /// the same answer after the same work; it is not hashed itself.
    ///
    /// Fails like [`Passwords::hash`], and with `INTERNAL_ERROR` when the stored hash is damaged.
    pub async fn verify(
        &self,
        password: SecretString,
        stored: Option<&str>,
        asker: Asker,
    ) -> Result<bool, Failure> {
        // an account without password has an empty text
        let stored = match stored.filter(|text| !text.is_empty()) {
            Some(text) => Some(PasswordHash::new(text).map_err(|cause| internal(&cause))?),
            None => None,
        };
        self.in_turn(asker, move |memory| {
            let given = password.expose_secret();
            if given.is_ascii() || is_endless(given) {
                return check_or_waste(memory, given, stored.as_ref());
            }
            let prepared = SecretString::from(prepared(given).into_owned());
            if check_or_waste(memory, prepared.expose_secret(), stored.as_ref())? {
                return Ok(true);
            }
            // hashes of older versions were made of the password as it came
            Ok(prepared.expose_secret() != given && check_or_waste(memory, given, stored.as_ref())?)
        })
        .await
    }

    /// Runs `work` when its turn comes.
    async fn in_turn<T, W>(&self, asker: Asker, work: W) -> Result<T, Failure>
    where
        T: Send + 'static,
        W: FnOnce(&mut Memory) -> password_hash::Result<T> + Send + 'static,
    {
        self.0.run(asker, work).await?.map_err(|cause| internal(&cause))
    }
}

/// The parameters of new hashes.
fn current() -> password_hash::Result<Params> {
    Ok(Params::new(MEMORY_KIB, PASSES, LANES, None)?)
}

/// Checks a password, or does the same work where there is no hash or the password is too long.
fn check_or_waste(
    memory: &mut Memory,
    password: &str,
    stored: Option<&PasswordHash>,
) -> password_hash::Result<bool> {
    match stored {
        Some(hash) if !too_long(password) => memory.check(password, hash),
        _ => waste(memory, password),
    }
}

/// Does the same work as a check, without a stored hash.
fn waste(memory: &mut Memory, password: &str) -> password_hash::Result<bool> {
    let password = if too_long(password) { "" } else { password };
    black_box(memory.hash_with(password, &current()?, DUMMY_SALT)?);
    Ok(false)
}

/// Logs the cause, which contains neither the password nor the hash.
fn internal(cause: &(dyn std::error::Error + 'static)) -> Failure {
    error!(error = cause, "a password could not be hashed or checked");
    Failure::new(ErrorCode::InternalError, "internal server error")
}

#[cfg(test)]
mod tests;
