//! Rules for e-mail addresses, usernames and names; usernames made from addresses; addresses masked for logs.

use super::{Result, text};
use crate::unicode::{is_domain, is_visible, is_word_part};
use chrono_tz::Tz;
use taskwire_protocol::{Email, Failure, limits};

/// What everybody reads in the place of a deleted user's name.
pub const DELETED: &str = "Deleted user";

/// A username and an address for what is left of a deleted account, so that its own ones are free. Both are made of a
/// random number, so nobody can take them before; and the domain exists nowhere (RFC 2606).
pub fn placeholders(random: u128) -> (String, String) {
    let username = format!("deleted-{:024x}", random & ((1 << 96) - 1));
    let email = format!("{username}@deleted.invalid");
    (username, email)
}

/// Checks the form of an e-mail address (RFC 5321, section 4.1.2, without quoted parts and literals; RFC 6531). The
/// address stays as it was written: composing it could make another person's address of it.
pub fn email(given: &str) -> Result<String> {
    text::checked("email", given, 3, limits::EMAIL)?;
    let email = given.trim().to_owned();
    let fine = email.split_once('@').is_some_and(|(local, domain)| {
        let of_local = |c: char| is_letter(c) || "!#$%&'*+-/=?^_`{|}~.".contains(c);
        !local.is_empty()
            && local.len() <= 64
            && local.chars().all(of_local)
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..")
            && is_host(domain)
    });
    if fine {
        Ok(email)
    } else {
        Err(Failure::invalid(
            "email",
            "email must be an address like ada@example.com",
        ))
    }
}

/// A letter, digit or mark that can be seen.
fn is_letter(c: char) -> bool {
    is_word_part(c) && is_visible(c.encode_utf8(&mut [0; 4]))
}

/// A domain of two labels or more, without characters that DNS does not see.
fn is_host(domain: &str) -> bool {
    let of_domain = |c: char| is_letter(c) || c == '-' || c == '.';
    domain.contains('.') && domain.chars().all(of_domain) && is_domain(domain)
}

pub fn username(given: &str) -> Result<String> {
    let username = text::checked("username", given, limits::USERNAME_MIN, limits::USERNAME)?;
    if username.chars().all(may_stand_in_username) {
        return Ok(username);
    }
    Err(Failure::invalid(
        "username",
        "username must be 3 to 32 characters of a-z 0-9 _ . -",
    ))
}

/// Upper case is allowed, but does not make a username different from another.
fn may_stand_in_username(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_.-".contains(c)
}

/// A username made from an e-mail address. If it is taken, [`username_with`] makes others.
pub fn username_from(email: &str) -> String {
    let local = email.split('@').next().unwrap_or_default().to_ascii_lowercase();
    let mut made: String = local
        .chars()
        .filter(|c| may_stand_in_username(*c))
        .take(limits::USERNAME)
        .collect();
    while made.len() < limits::USERNAME_MIN {
        made.push('_');
    }
    made
}

/// A username with a number at its end, shortened to the longest length.
pub fn username_with(base: &str, number: u32) -> String {
    let suffix = format!("-{number}");
    let kept: String = base.chars().take(limits::USERNAME - suffix.len()).collect();
    kept + &suffix
}

/// Makes a person's name from an e-mail address: the part before the @, or the whole address if that part is not a valid
/// name.
pub fn name_from(email: &str) -> String {
    let email = email.trim();
    let local = email.split('@').next().unwrap_or_default();
    let fitting = [local, email].into_iter().find_map(|made| name(made).ok());
    fitting.unwrap_or_else(|| "Account".to_owned())
}

pub fn name(given: &str) -> Result<String> {
    text::name("name", given, limits::NAME_MIN, limits::NAME)
}

/// A name of the IANA time zone database, in the case in which it stands there.
pub fn timezone(given: &str) -> Result<String> {
    let known: Option<Tz> = given.trim().parse().ok();
    known.map(|zone| zone.name().to_owned()).ok_or_else(|| {
        Failure::invalid(
            "timezone",
            "timezone must be a name of the IANA time zone database, like Europe/Paris",
        )
    })
}

/// An e-mail address as logs may show it: `a***@example.com`.
pub fn masked(email: &str) -> String {
    Email::mask(email)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_needs_a_valid_form() {
        for good in [
            "ada@example.com",
            " a.b+c@x.co ",
            "ü@bücher.example",
            "संपर्क@डाटामेल.भारत",
            "\u{212a}ate@example.com",
            "a@ab--cd.example",
        ] {
            assert!(email(good).is_ok(), "{good}");
        }
        for bad in [
            "ada",
            "@x.y",
            "a@b",
            "a b@x.y",
            "a@x..y",
            ".a@x.y",
            "a@-x.y",
            "a@@x.y",
            "a@x.y.",
            "a@x_y.example",
            "a@exa\u{ad}mple.com",
            "a\u{200b}@x.y",
            "a\u{fe0f}@x.y",
            "\u{3164}@x.y",
            "a@xn--a.example",
        ] {
            assert!(email(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn placeholders_have_the_form_of_what_they_replace() {
        for random in [0, 7, u128::MAX] {
            let (made, address) = placeholders(random);
            assert!(
                username(&made).is_ok() && email(&address).is_ok(),
                "{made} {address}"
            );
        }
    }

    #[test]
    fn a_time_zone_is_known_by_its_name() {
        assert_eq!(timezone(" Europe/Paris ").ok().as_deref(), Some("Europe/Paris"));
        assert_eq!(timezone("UTC").ok().as_deref(), Some("UTC"));
        for bad in ["", "europe/paris", "Mars/Olympus", "+02:00", "Europe/Paris\0"] {
            assert!(timezone(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_address_gives_a_name() {
        assert_eq!(name_from(" ada@example.com "), "ada");
        assert_eq!(name_from("c@b.cd"), "c@b.cd");
        let long = format!("{}@{}.cd", "a".repeat(64), "b".repeat(63));
        for email in ["c@b.cd", "é@b.cd", &long, "", "@"] {
            assert!(name(&name_from(email)).is_ok(), "{email}");
        }
    }

    #[test]
    fn a_username_is_made_from_an_address() {
        assert_eq!(username_from("Ada.Lovelace+x@example.com"), "ada.lovelacex");
        assert_eq!(username_from("é@example.com"), "___");
        assert_eq!(username_with(&"a".repeat(32), 1234).len(), 32);
        assert!(username("has space").is_err());
    }
}
