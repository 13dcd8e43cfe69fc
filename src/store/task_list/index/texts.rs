//! Many short strings, one behind the other in one allocation: a million of their own would double the memory. Does not know
//! what they mean.

/// The bytes of changed strings that may stay behind before all are moved together.
const SLACK: usize = 1 << 16;

/// Strings by their number.
#[derive(Default)]
pub(super) struct Texts {
    bytes: Vec<u8>,
    /// Where each begins, and how long it is. The bound of an index's memory is below 4 GiB.
    spans: Vec<(u32, u32)>,
    unused: usize,
}

impl Texts {
    /// The string with the next number.
    pub(super) fn push(&mut self, text: &[u8]) {
        let span = self.append(text);
        push(&mut self.spans, span);
    }

    /// Another string under a number.
    pub(super) fn set(&mut self, number: u32, text: &[u8]) {
        if self.get(number) == text {
            return;
        }
        self.unused += self.get(number).len();
        let span = self.append(text);
        self.spans[number as usize] = span;
        if self.unused > self.bytes.len() / 2 + SLACK {
            self.move_together();
        }
    }

    pub(super) fn get(&self, number: u32) -> &[u8] {
        let (begin, length) = self.spans[number as usize];
        &self.bytes[begin as usize..][..length as usize]
    }

    /// The memory that they take.
    pub(super) fn size(&self) -> usize {
        self.bytes.capacity() + self.spans.capacity() * size_of::<(u32, u32)>()
    }

    fn append(&mut self, text: &[u8]) -> (u32, u32) {
        let begin = self.bytes.len();
        if self.bytes.capacity() - begin < text.len() {
            self.bytes.reserve_exact(text.len() + begin / 8);
        }
        self.bytes.extend_from_slice(text);
        (begin as u32, text.len() as u32)
    }

    fn move_together(&mut self) {
        let mut bytes = Vec::with_capacity(self.bytes.len() - self.unused);
        for span in &mut self.spans {
            let begin = bytes.len() as u32;
            bytes.extend_from_slice(&self.bytes[span.0 as usize..][..span.1 as usize]);
            span.0 = begin;
        }
        self.bytes = bytes;
        self.unused = 0;
    }
}

/// Adds to a list that may be large: one that doubles would have much unused memory.
pub(super) fn push<T>(list: &mut Vec<T>, value: T) {
    if list.len() == list.capacity() {
        list.reserve_exact(list.len() / 8 + 64);
    }
    list.push(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_stay_what_they_are_while_others_change() {
        let mut texts = Texts::default();
        for number in 0..100_u32 {
            texts.push(number.to_string().as_bytes());
        }
        for round in 0..2_000_u32 {
            texts.set(round % 50, "x".repeat(round as usize % 90).as_bytes());
        }
        for number in 50..100_u32 {
            assert_eq!(texts.get(number), number.to_string().as_bytes());
        }
        assert_eq!(texts.get(49).len(), 1_999 % 90);
        assert!(texts.size() < 4 * SLACK, "what is unused goes");
    }
}
