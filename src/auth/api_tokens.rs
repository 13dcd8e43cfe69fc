//! API tokens as texts: `tw_pat_`, 43 random digits in base 62, and a checksum of 6 digits; the secrets of calendar feeds are
//! made alike and begin with `tw_cal_`. The checksum lets us refuse a mistyped token without a look into the database, and
//! lets scanners find leaked tokens without false alarms. Does not know whether a token exists; only hashes are stored.

use std::fmt;

use rand::{CryptoRng, RngExt as _};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use taskwire_protocol::{ErrorCode, Failure};

/// How every API token begins. No access token does: a JWT begins with `eyJ`.
const PREFIX: &str = "tw_pat_";
/// How every secret of a calendar feed begins.
const CALENDAR: &str = "tw_cal_";
/// Digits in base 62 that hold at least 256 bits.
const RANDOM: usize = 43;
/// Digits in base 62 that hold a CRC of 32 bits.
const CHECKSUM: usize = 6;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The SHA-256 of a token, by which it is found.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

/// Not shown: in a log it would tell which row of the database is meant.
impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

impl TokenHash {
    fn of(text: &str) -> TokenHash {
        TokenHash(Sha256::digest(text).into())
    }

    /// As it is stored: in hexadecimal.
    pub fn hex(&self) -> String {
        self.0.iter().fold(String::with_capacity(64), |mut text, byte| {
            text.push(hexadecimal(byte >> 4));
            text.push(hexadecimal(byte & 15));
            text
        })
    }
}

fn hexadecimal(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or_default()
}

/// A new token, which is shown once.
pub struct NewToken(SecretString);

impl fmt::Debug for NewToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewToken(…)")
    }
}

impl NewToken {
    /// A random token.
    pub fn new(rng: &mut impl CryptoRng) -> NewToken {
        NewToken::beginning_with(PREFIX, rng)
    }

    /// The random secret of a calendar feed.
    pub fn of_calendar(rng: &mut impl CryptoRng) -> NewToken {
        NewToken::beginning_with(CALENDAR, rng)
    }

    fn beginning_with(prefix: &str, rng: &mut impl CryptoRng) -> NewToken {
        let random: Zeroizing<String> = Zeroizing::new(
            (0..RANDOM)
                .map(|_| digit(rng.random_range(0..DIGITS.len() as u32)))
                .collect(),
        );
        let mut text = String::with_capacity(prefix.len() + RANDOM + CHECKSUM);
        text.push_str(prefix);
        text.push_str(&random);
        text.push_str(&checksum(&random));
        NewToken(text.into())
    }

    /// The text for its owner.
    pub fn reveal(&self) -> String {
        self.0.expose_secret().to_owned()
    }

    /// What is stored of it.
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(self.0.expose_secret())
    }
}

/// Reads a bearer token: `None` if it is of another kind, else the hash by which it is found.
///
/// # Errors
/// `INVALID_TOKEN`: it begins like an API token, and is none.
pub fn read(text: &str) -> Result<Option<TokenHash>, Failure> {
    let Some(rest) = text.strip_prefix(PREFIX) else {
        return Ok(None);
    };
    if is_whole(rest) {
        return Ok(Some(TokenHash::of(text)));
    }
    Err(Failure::new(
        ErrorCode::InvalidToken,
        "the API token is incomplete or mistyped: its checksum is wrong",
    ))
}

/// Reads the secret of a calendar feed: the hash by which the feed is found.
pub fn read_calendar(text: &str) -> Option<TokenHash> {
    let rest = text.strip_prefix(CALENDAR)?;
    is_whole(rest).then(|| TokenHash::of(text))
}

/// Whether the checksum at the end is that of the digits before it.
fn is_whole(rest: &str) -> bool {
    if rest.len() != RANDOM + CHECKSUM || !rest.bytes().all(|byte| DIGITS.contains(&byte)) {
        return false;
    }
    let (random, check) = rest.split_at(RANDOM);
    checksum(random) == check
}

fn digit(value: u32) -> char {
    let digit = DIGITS.get(value as usize).copied().unwrap_or(b'0');
    char::from(digit)
}

/// The CRC of a text in base 62, the first digit the most significant.
fn checksum(text: &str) -> String {
    let mut rest = crc32(text.as_bytes());
    let mut digits = [' '; CHECKSUM];
    for place in digits.iter_mut().rev() {
        *place = digit(rest % 62);
        rest /= 62;
    }
    digits.iter().collect()
}

/// CRC-32 (ISO-HDLC), as in zip and PNG.
fn crc32(bytes: &[u8]) -> u32 {
    let sum = bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            let reduced = if sum & 1 == 1 { 0xEDB8_8320 } else { 0 };
            (sum >> 1) ^ reduced
        })
    });
    !sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Option<ErrorCode> {
        read(text).err().map(|failure| failure.code)
    }

    #[test]
    fn the_checksum_is_the_crc_that_everybody_knows() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn a_new_token_is_read_back() {
        let token = NewToken::new(&mut rand::rng());
        let text = token.reveal();
        assert_eq!(text.len(), 56);
        assert_eq!(read(&text), Ok(Some(token.hash())));
        assert_ne!(NewToken::new(&mut rand::rng()).reveal(), text);
        assert_eq!(token.hash().hex().len(), 64);
        assert_eq!(
            format!("{token:?} {:?}", token.hash()),
            "NewToken(…) TokenHash(…)"
        );
    }

    #[test]
    fn a_secret_of_a_calendar_is_no_api_token() {
        let secret = NewToken::of_calendar(&mut rand::rng());
        let text = secret.reveal();
        assert_eq!(read_calendar(&text), Some(secret.hash()));
        assert_eq!(read(&text), Ok(None));
        assert_eq!(read_calendar(&NewToken::new(&mut rand::rng()).reveal()), None);
        assert_eq!(read_calendar(&format!("{text}0")), None);
        assert_eq!(read_calendar("tw_cal_"), None);
    }

    #[test]
    fn any_wrong_digit_is_noticed() {
        let text = NewToken::new(&mut rand::rng()).reveal();
        for at in PREFIX.len()..text.len() {
            let wrong = if &text[at..=at] == "a" { "b" } else { "a" };
            let typo = format!("{}{wrong}{}", &text[..at], &text[at + 1..]);
            assert_eq!(code(&typo), Some(ErrorCode::InvalidToken), "{at}");
        }
    }

    #[test]
    fn what_only_begins_like_one_is_refused() {
        let text = NewToken::new(&mut rand::rng()).reveal();
        for broken in [
            PREFIX,
            &text[..text.len() - 1],
            &format!("{text}0"),
            "tw_pat_é",
            "tw_pat_../..",
        ] {
            assert_eq!(code(broken), Some(ErrorCode::InvalidToken), "{broken}");
        }
        assert_eq!(read("eyJhbGciOiJIUzI1NiJ9.e30.x"), Ok(None));
        assert_eq!(read(""), Ok(None));
    }
}
