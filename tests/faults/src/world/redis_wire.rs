//! As much of Redis' protocol as is needed to tell published messages from answers, and to lose, repeat or delay them.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Redis' answers and messages to one client. It can lose, repeat and delay the messages.
pub(crate) struct Noise {
    partial: Vec<u8>,
    held: Option<Vec<u8>>,
    random: StdRng,
}

impl Noise {
    pub(crate) fn new(seed: u64) -> Noise {
        Noise {
            partial: Vec::new(),
            held: None,
            random: StdRng::seed_from_u64(seed),
        }
    }

    /// The bytes to pass on. With noise 30% of the messages are lost, 10% come twice, and up to 20% are held back until
    /// after the next message.
    pub(crate) fn pass(&mut self, bytes: &[u8], noisy: bool, counts: &[AtomicU64; 3]) -> Vec<u8> {
        self.partial.extend_from_slice(bytes);
        let mut out = Vec::with_capacity(self.partial.len());
        let mut at = 0;
        while let Some(length) = length(&self.partial[at..]) {
            let value = &self.partial[at..at + length];
            at += length;
            if !noisy || !is_message(value) {
                out.extend_from_slice(value);
                continue;
            }
            let chance: f64 = self.random.random();
            if chance < 0.3 {
                counts[0].fetch_add(1, Relaxed);
                continue;
            }
            if chance < 0.5 && self.held.is_none() {
                counts[2].fetch_add(1, Relaxed);
                self.held = Some(value.to_vec());
                continue;
            }
            out.extend_from_slice(value);
            if chance > 0.9 {
                counts[1].fetch_add(1, Relaxed);
                out.extend_from_slice(value);
            }
            out.extend(self.held.take().unwrap_or_default());
        }
        if !noisy {
            out.extend(self.held.take().unwrap_or_default());
        }
        self.partial.drain(..at);
        out
    }
}

/// The length of the first value; `None` while it is incomplete.
fn length(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n")? + 2;
    let number = || std::str::from_utf8(&bytes[1..end - 2]).ok()?.parse::<i64>().ok();
    match bytes[0] {
        b'$' | b'!' | b'=' => {
            let whole = match usize::try_from(number()?) {
                Ok(text) => end + text + 2,
                Err(_) => end,
            };
            (bytes.len() >= whole).then_some(whole)
        }
        kind @ (b'*' | b'>' | b'~' | b'%') => {
            let items = number()?.max(0) * if kind == b'%' { 2 } else { 1 };
            let mut at = end;
            for _ in 0..items {
                at += length(bytes.get(at..)?)?;
            }
            Some(at)
        }
        _ => Some(end),
    }
}

fn is_message(value: &[u8]) -> bool {
    [
        &b"*3\r\n$7\r\nmessage\r\n"[..],
        b">3\r\n$7\r\nmessage\r\n",
        b"*3\r\n$8\r\nsmessage\r\n",
    ]
    .iter()
    .any(|start| value.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(number: usize) -> Vec<u8> {
        format!("*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$4\r\n{number:04}\r\n").into_bytes()
    }

    #[test]
    fn without_noise_every_byte_passes_in_parts_of_any_size() {
        let mut noise = Noise::new(1);
        let stream = [
            b"+OK\r\n".to_vec(),
            message(1),
            b"%1\r\n$1\r\na\r\n:1\r\n$-1\r\n".to_vec(),
        ]
        .concat();
        let counts = [const { AtomicU64::new(0) }; 3];
        let out: Vec<u8> = stream
            .chunks(3)
            .flat_map(|part| noise.pass(part, false, &counts))
            .collect();
        assert_eq!(out, stream);
    }

    #[test]
    fn with_noise_messages_are_lost_doubled_and_shuffled_and_answers_are_not() {
        let mut noise = Noise::new(7);
        let counts = [const { AtomicU64::new(0) }; 3];
        let mut out = Vec::new();
        for number in 0..1000 {
            out.extend(noise.pass(&message(number), true, &counts));
            out.extend(noise.pass(b"+PONG\r\n", true, &counts));
        }
        let text = String::from_utf8(out).expect("text");
        assert_eq!(text.matches("+PONG").count(), 1000);
        let [lost, doubled, shuffled] = counts.map(AtomicU64::into_inner);
        assert!((200..400).contains(&lost), "{lost}");
        assert!((40..160).contains(&doubled), "{doubled}");
        assert!((100..300).contains(&shuffled), "{shuffled}");
        let arrived = text.matches("message").count() as u64;
        assert!(arrived.abs_diff(1000 - lost + doubled) <= 1);
    }
}
