//! The seal of a message: it proves that an instance of this deployment wrote the message for this channel. HMAC-SHA-256,
//! cut to 128 bits (RFC 4868). Does not know what a message says, nor whether it came before: see `gate`.

use aws_lc_rs::{constant_time, hmac};

/// The length of a seal. It is the end of a message.
pub(super) const SEAL: usize = 16;

/// Seals messages, and checks the seals of others.
pub(super) struct Seals {
    /// The key of the secret, then that of the secret before it. Without a key every message is refused.
    keys: Vec<hmac::Key>,
}

impl Seals {
    pub(super) fn new(keys: Vec<hmac::Key>) -> Seals {
        Seals { keys }
    }

    /// Appends the seal.
    pub(super) fn close(&self, channel: &str, message: &mut Vec<u8>) {
        let seal = self.keys.first().map(|key| seal(key, channel, message));
        message.extend(seal.unwrap_or_default());
    }

    /// The message, if its seal is right.
    pub(super) fn open<'a>(&self, channel: &str, sealed: &'a [u8]) -> Option<&'a [u8]> {
        let (message, given) = sealed.split_last_chunk::<SEAL>()?;
        let fits = |key: &hmac::Key| {
            constant_time::verify_slices_are_equal(&seal(key, channel, message), given).is_ok()
        };
        self.keys.iter().any(fits).then_some(message)
    }
}

fn seal(key: &hmac::Key, channel: &str, message: &[u8]) -> [u8; SEAL] {
    let mut context = hmac::Context::with_key(key);
    // the length comes first, so no other pair of channel and message has the same bytes
    context.update(&(channel.len() as u64).to_be_bytes());
    context.update(channel.as_bytes());
    context.update(message);
    let whole = context.sign();
    // HMAC-SHA-256 has 32 bytes
    whole.as_ref().first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;
    use std::time::Instant;

    fn key(name: &str) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, name.as_bytes())
    }

    fn sealed(keys: Vec<hmac::Key>, channel: &str) -> Vec<u8> {
        let mut message = b"a message".to_vec();
        Seals::new(keys).close(channel, &mut message);
        message
    }

    #[test]
    fn a_message_is_opened_as_it_was_sealed_and_no_changed_bit_of_it_is() {
        let seals = Seals::new(vec![key("one")]);
        let sealed = sealed(vec![key("one")], "taskwire:a");
        assert_eq!(seals.open("taskwire:a", &sealed), Some(&b"a message"[..]));
        for bit in 0..sealed.len() * 8 {
            let mut forged = sealed.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(seals.open("taskwire:a", &forged), None, "bit {bit}");
        }
        for end in 0..sealed.len() {
            assert_eq!(seals.open("taskwire:a", &sealed[..end]), None, "{end} bytes");
        }
    }

    #[test]
    fn a_message_for_another_channel_is_not_opened() {
        let seals = Seals::new(vec![key("one")]);
        let sealed = sealed(vec![key("one")], "taskwire:a");
        for channel in ["taskwire:b", "other:a", "taskwire:", "taskwire:aa", ""] {
            assert_eq!(seals.open(channel, &sealed), None, "{channel}");
        }
        // a byte that moves from the message to its channel
        let moved = [&sealed[1..]].concat();
        assert_eq!(seals.open("taskwire:aa", &moved), None);
    }

    #[test]
    fn after_a_rotation_the_previous_key_is_accepted_and_a_third_is_not() {
        let seals = Seals::new(vec![key("new"), key("old")]);
        for (name, accepted) in [("new", true), ("old", true), ("older", false)] {
            let sealed = sealed(vec![key(name)], "c");
            assert_eq!(seals.open("c", &sealed).is_some(), accepted, "{name}");
        }
        let by_the_new_one = sealed(vec![key("new"), key("old")], "c");
        assert!(
            Seals::new(vec![key("old")]).open("c", &by_the_new_one).is_none(),
            "an instance that knows only the old secret"
        );
    }

    #[test]
    fn without_a_key_nothing_is_accepted() {
        let seals = Seals::new(Vec::new());
        assert_eq!(seals.open("c", &sealed(Vec::new(), "c")), None);
        assert_eq!(seals.open("c", &sealed(vec![key("one")], "c")), None);
    }

    /// Prints what a seal costs: `cargo test --lib what_a_seal_costs -- --nocapture`. The work is in aws-lc, which is
    /// optimized in every build.
    #[test]
    fn what_a_seal_costs() {
        const TIMES: u32 = 2_000;
        let seals = Seals::new(vec![key("one")]);
        let channel = "taskwire:workspace:019a0000-0000-7000-8000-000000000000";
        for bytes in [300, 1024] {
            let mut sealed = vec![b'x'; bytes];
            let begun = Instant::now();
            for _ in 0..TIMES {
                sealed.truncate(bytes);
                seals.close(black_box(channel), &mut sealed);
            }
            let closing = begun.elapsed() / TIMES;
            let begun = Instant::now();
            for _ in 0..TIMES {
                assert!(seals.open(black_box(channel), &sealed).is_some());
            }
            let opening = begun.elapsed() / TIMES;
            println!(
                "{bytes} bytes: {} ns to seal, {} ns to open",
                closing.as_nanos(),
                opening.as_nanos()
            );
        }
    }
}
