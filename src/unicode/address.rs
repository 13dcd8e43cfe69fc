//! The key of an e-mail address: two addresses with one key are one account's.
//!
//! - The part before the `@` belongs to the mail server. If it is ASCII, case does not count: no server in use tells
//!   `Ada@` from `ada@`. Any other is kept as it is, character by character, because a letter that looks or folds like
//!   another one may be another person's: `K` (KELVIN SIGN) is not `k`.
//! - The domain counts as DNS sees it: IDNA (UTS #46, non-transitional), so `bücher.example`, `BÜCHER.example` and
//!   `xn--bcher-kva.example` are one.

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

/// The bytes of a domain in UTF-8, at most: DNS has 253 characters.
const LONGEST: usize = 4 * 253;

const IDNA: Uts46 = Uts46::new();

/// The key of an address. What is no address has a key too, which no account has.
pub fn email_key(email: &str) -> String {
    let (local, domain) = email.rsplit_once('@').unwrap_or((email, ""));
    let mut key = if local.is_ascii() {
        local.to_ascii_lowercase()
    } else {
        local.to_owned()
    };
    key.push('@');
    key.push_str(&ascii(domain).unwrap_or_else(|| domain.to_owned()));
    key
}

/// Whether DNS can have this domain.
pub fn is_domain(domain: &str) -> bool {
    ascii(domain).is_some()
}

fn ascii(domain: &str) -> Option<String> {
    // no domain is so long; what a client sends may be
    if domain.len() > LONGEST {
        return None;
    }
    let hyphens = Hyphens::CheckFirstLast;
    let ascii = IDNA.to_ascii(domain.as_bytes(), AsciiDenyList::STD3, hyphens, DnsLength::Verify);
    ascii.ok().map(std::borrow::Cow::into_owned)
}
