//! Hashes and checks passwords with argon2id (RFC 9106), outside the async threads and a bounded number at a time. Has
//! the rule for new passwords. Does not know accounts: callers pass the stored hash, or `None`.

use std::borrow::Cow;
use std::collections::HashSet;
use std::hint::black_box;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use crate::unicode::{composed, is_visible, name_key};
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{self, PasswordHasher, PasswordVerifier};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Params, Version};
use metrics::counter;
use secrecy::{ExposeSecret, SecretString};
use taskwire_protocol::limits::{PASSWORD, PASSWORD_MIN};
use taskwire_protocol::{ErrorCode, Failure};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::{task, time};
use tracing::error;

/// Memory in KiB that each running hash takes: 19 MiB.
const MEMORY_KIB: u32 = 19_456;
/// Passes over that memory.
const PASSES: u32 = 2;
/// Threads of one hash.
const LANES: u32 = 1;
/// The salt for the password of an unknown account. It protects nothing: the hash is discarded.
const DUMMY_SALT: &[u8; 16] = b"no such account.";
/// How long a caller waits in the queue before it is refused.
const PATIENCE: Duration = Duration::from_secs(2);
/// When a refused caller should try again.
const RETRY_AFTER_MS: u64 = 1000;

/// Well-known weak passwords, in lower case. Attackers try these first.
static COMMON: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("common_passwords.txt").lines().collect());

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

/// Checks a new password. It must have 8 to 128 characters as it is [`prepared`], without trimming, and no control
/// character nor an invisible one. It must not be a common password, nor a text that others know about the person
/// (`personal`: e-mail address, username, name). These two comparisons ignore case and surrounding spaces.
///
/// The failure is a `VALIDATION_ERROR` of the field `password`; callers whose field has another name change it.
pub fn check_new(password: &str, personal: &[&str]) -> Result<(), Failure> {
    let refuse = |why: &str| Err(Failure::invalid("password", why));
    if password.contains('\0') {
        return refuse("password must not contain U+0000");
    }
    if is_endless(password) {
        return refuse("password must be 8 to 128 characters");
    }
    let password = prepared(password);
    if too_long(&password) || password.chars().count() < PASSWORD_MIN {
        return refuse("password must be 8 to 128 characters");
    }
    // the next keyboard may not be able to type them
    if password
        .chars()
        .any(|c| c != ' ' && !is_visible(c.encode_utf8(&mut [0; 4])))
    {
        return refuse("password must not contain control characters or invisible ones");
    }
    let folded = name_key(&password);
    if COMMON.contains(folded.trim()) || is_one_letter(&folded) {
        return refuse("password is too common; choose one that is harder to guess");
    }
    if personal
        .iter()
        .any(|known| name_key(known.trim()) == folded.trim())
    {
        return refuse("password must not be your e-mail address, username or name");
    }
    Ok(())
}

/// Catches `zzzzzzzz`: no list contains every letter in every length.
fn is_one_letter(password: &str) -> bool {
    let mut letters = password.chars();
    letters
        .next()
        .is_some_and(|first| letters.all(|letter| letter == first))
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
pub struct Passwords {
    /// One permit for each hash that may run.
    running: Arc<Semaphore>,
    /// One permit for each caller that may run or wait.
    places: Arc<Semaphore>,
    patience: Duration,
}

/// A caller's permits. They are released when the work is done, even if the caller left earlier.
struct Turn {
    _running: OwnedSemaphorePermit,
    _place: OwnedSemaphorePermit,
}

impl Passwords {
    /// At most `concurrency` hashes run at once. Pass the number of CPUs: each hash takes one CPU and 19 MiB. The queue
    /// has `4 × concurrency + 16` places, and a caller waits at most 2 s.
    pub fn new(concurrency: usize) -> Passwords {
        let concurrency = concurrency.clamp(1, 1024);
        Passwords::with_queue(concurrency, 4 * concurrency + 16, PATIENCE)
    }

    fn with_queue(concurrency: usize, waiting: usize, patience: Duration) -> Passwords {
        Passwords {
            running: Arc::new(Semaphore::new(concurrency)),
            places: Arc::new(Semaphore::new(concurrency + waiting)),
            patience,
        }
    }

    /// Hashes a password into a PHC string with a random salt. Does not check whether the password may be used: see
    /// [`check_new`].
    ///
    /// Fails with `UNAVAILABLE` and `retry_after_ms` when the queue is full or too slow.
    pub async fn hash(&self, password: SecretString) -> Result<String, Failure> {
        self.in_turn(move || {
            let password = SecretString::from(prepared(password.expose_secret()).into_owned());
            let hash: PasswordHash = argon2()?.hash_password(password.expose_secret().as_bytes())?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether the password matches the stored hash (PHC string). `None` means that the account does not exist: the
    /// answer is `false` after the same work, so that the duration does not reveal it. A password that is too long gets
    /// the same answer after the same work; it is not hashed itself.
    ///
    /// Fails with `UNAVAILABLE` and `retry_after_ms` when the queue is full or too slow, with `INTERNAL_ERROR` when
    /// the stored hash is damaged.
    pub async fn verify(&self, password: SecretString, stored: Option<&str>) -> Result<bool, Failure> {
        let stored = match stored {
            Some(text) => Some(PasswordHash::new(text).map_err(|cause| internal(&cause))?),
            None => None,
        };
        self.in_turn(move || {
            let given = password.expose_secret();
            if given.is_ascii() || is_endless(given) {
                return check_or_waste(given, stored.as_ref());
            }
            let prepared = SecretString::from(prepared(given).into_owned());
            if check_or_waste(prepared.expose_secret(), stored.as_ref())? {
                return Ok(true);
            }
            // hashes of older versions were made of the password as it came
            Ok(prepared.expose_secret() != given && check_or_waste(given, stored.as_ref())?)
        })
        .await
    }

    /// Runs `work` on a blocking thread as soon as a permit is free. The work keeps its permits until it ends, even if
    /// the caller leaves, because it uses the memory until then.
    async fn in_turn<T, W>(&self, work: W) -> Result<T, Failure>
    where
        T: Send + 'static,
        W: FnOnce() -> password_hash::Result<T> + Send + 'static,
    {
        let turn = self.turn().await?;
        let outcome = task::spawn_blocking(move || {
            let result = work();
            drop(turn);
            result
        })
        .await;
        match outcome {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(cause)) => Err(internal(&cause)),
            Err(cause) => Err(internal(&cause)),
        }
    }

    async fn turn(&self) -> Result<Turn, Failure> {
        let place = self
            .places
            .clone()
            .try_acquire_owned()
            .map_err(|_| busy("full"))?;
        let running = time::timeout(self.patience, self.running.clone().acquire_owned())
            .await
            .map_err(|_| busy("slow"))?
            .map_err(|closed| internal(&closed))?;
        Ok(Turn {
            _running: running,
            _place: place,
        })
    }
}

fn argon2() -> password_hash::Result<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Checks a password, or does the same work where there is no hash or the password is too long.
fn check_or_waste(password: &str, stored: Option<&PasswordHash>) -> password_hash::Result<bool> {
    match stored {
        Some(hash) if !too_long(password) => check(password, hash),
        _ => waste(password),
    }
}

/// Checks with the parameters that the hash was made with.
fn check(password: &str, hash: &PasswordHash) -> password_hash::Result<bool> {
    match argon2()?.verify_password(password.as_bytes(), hash) {
        Ok(()) => Ok(true),
        Err(password_hash::Error::PasswordInvalid) => Ok(false),
        Err(cause) => Err(cause),
    }
}

/// Does the same work as a check, without a stored hash.
fn waste(password: &str) -> password_hash::Result<bool> {
    let password = if too_long(password) { "" } else { password };
    let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
    argon2()?.hash_password_into(password.as_bytes(), DUMMY_SALT, &mut output)?;
    black_box(output);
    Ok(false)
}

fn busy(reason: &'static str) -> Failure {
    counter!("taskwire_passwords_refused_total", "reason" => reason).increment(1);
    Failure::new(
        ErrorCode::Unavailable,
        "too many sign-ins at once; try again shortly",
    )
    .after(RETRY_AFTER_MS)
}

/// Logs the cause, which contains neither the password nor the hash.
fn internal(cause: &(dyn std::error::Error + 'static)) -> Failure {
    error!(error = cause, "a password could not be hashed or checked");
    Failure::new(ErrorCode::InternalError, "internal server error")
}

#[cfg(test)]
mod tests;
