//! The rule for new passwords: long enough, not common, not made of what others know about the person. There are no
//! rules of composition. Does not know accounts.

use std::collections::HashSet;
use std::sync::LazyLock;

use taskwire_protocol::Failure;
use taskwire_protocol::limits::PASSWORD_MIN;

use super::{is_endless, prepared, too_long};
use crate::unicode::{is_visible, name_key};

/// A text about the person that is shorter may occur in a password by chance.
const TELLING: usize = 4;

/// The most common passwords, in lower case. Attackers try these first. `common_passwords.md` says where
/// they come from.
static COMMON: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("../common_passwords.txt").lines().collect());

/// Checks a new password. It must have 8 to 128 characters as it is [`prepared`], without trimming, and no control
/// character nor an invisible one. It must not be a common password, nor contain a text of at least four characters that
/// others know about the person (`personal`: e-mail address, of which the part before the `@` counts, username, name).
/// Both comparisons ignore case.
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
    if personal.iter().any(|known| tells_of(&folded, known)) {
        return refuse("password must not contain your e-mail address, username or name");
    }
    Ok(())
}

/// Whether a folded password contains what is known about the person, as it is or without its spaces.
fn tells_of(password: &str, known: &str) -> bool {
    let known = name_key(known.trim());
    let name = known.rsplit_once('@').map_or(&*known, |(local, _)| local);
    let joined = name.split_whitespace().collect::<String>();
    [name, &joined]
        .into_iter()
        .any(|text| text.chars().count() >= TELLING && password.contains(text))
        || password.trim() == known
}

/// Catches `zzzzzzzz`: no list contains every letter in every length.
fn is_one_letter(password: &str) -> bool {
    let mut letters = password.chars();
    letters
        .next()
        .is_some_and(|first| letters.all(|letter| letter == first))
}
