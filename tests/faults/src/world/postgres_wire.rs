//! As much of PostgreSQL's protocol (version 3) as is needed to detect that a client commits.

use std::collections::HashSet;

/// What one client has sent, split into messages.
#[derive(Default)]
pub(crate) struct Requests {
    partial: Vec<u8>,
    /// Whether the startup message was seen. It has no type byte; nor has a request for TLS before it.
    started: bool,
    /// Whether a transaction is open.
    open: bool,
    /// The names of the statements that write.
    writes: HashSet<Vec<u8>>,
}

const STARTUP: [u8; 4] = 196_608_u32.to_be_bytes();

impl Requests {
    /// Takes bytes. Returns whether they complete a COMMIT, or a write outside a transaction, which commits by itself.
    pub(crate) fn commits(&mut self, bytes: &[u8]) -> bool {
        self.partial.extend_from_slice(bytes);
        let (mut commits, mut at) = (false, 0);
        loop {
            let rest = &self.partial[at..];
            let head = usize::from(self.started);
            let Some(length) = rest.get(head..head + 4) else {
                break;
            };
            let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]) as usize;
            let Some(message) = rest.get(..head + length.max(4)) else {
                break;
            };
            at += message.len();
            if self.started {
                let (kind, content) = (message[0], message[5..].to_vec());
                commits |= self.message(kind, &content);
            } else {
                self.started = message.get(4..8) == Some(&STARTUP);
            }
        }
        self.partial.drain(..at);
        commits
    }

    /// Whether this message commits something.
    fn message(&mut self, kind: u8, content: &[u8]) -> bool {
        // Parse has a statement's name and its text; Bind has a portal's name and a statement's name
        let mut parts = content.split(|byte| *byte == 0);
        let (first, second) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        match kind {
            b'Q' => self.text(first),
            b'P' => {
                if second.windows(12).any(|word| word == b"insert into ") {
                    self.writes.insert(first.to_vec());
                }
                self.text(second)
            }
            b'B' => !self.open && self.writes.contains(second),
            _ => false,
        }
    }

    /// Whether this text is a COMMIT.
    fn text(&mut self, text: &[u8]) -> bool {
        let is = |word: &[u8]| {
            text.get(..word.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(word))
        };
        self.open = (self.open || is(b"begin")) && !is(b"commit") && !is(b"rollback");
        is(b"commit")
    }
}

#[cfg(test)]
mod tests {
    use super::Requests;

    fn message(kind: u8, text: &[u8]) -> Vec<u8> {
        let length = (text.len() as u32 + 4).to_be_bytes();
        [&[kind], &length[..], text].concat()
    }

    #[test]
    fn a_commit_in_several_parts_is_detected() {
        let mut stream = [&8_u32.to_be_bytes()[..], &80_877_103_u32.to_be_bytes()].concat();
        stream.extend([&9_u32.to_be_bytes()[..], &196_608_u32.to_be_bytes(), b"\0"].concat());
        stream.extend(message(b'Q', b"begin\0"));
        stream.extend(message(b'P', b"s1\0select 'commit'\0\0\0"));
        let mut requests = Requests::default();
        assert!(!requests.commits(&stream));
        let commit = message(b'Q', b"COMMIT\0");
        assert!(!requests.commits(&commit[..4]));
        assert!(requests.commits(&commit[4..]));
        assert!(requests.commits(&message(b'P', b"\0commit\0\0\0")));
    }

    #[test]
    fn a_write_outside_a_transaction_commits() {
        let mut requests = Requests::default();
        let startup = [&9_u32.to_be_bytes()[..], &196_608_u32.to_be_bytes(), b"\0"].concat();
        assert!(!requests.commits(&startup));
        assert!(!requests.commits(&message(b'P', b"s1\0with v as () insert into t select\0\0\0")));
        assert!(!requests.commits(&message(b'P', b"s2\0select 1\0\0\0")));
        let (write, read) = (message(b'B', b"\0s1\0\0"), message(b'B', b"\0s2\0\0"));
        assert!(!requests.commits(&read));
        assert!(requests.commits(&write));
        assert!(!requests.commits(&message(b'Q', b"begin;\nexecute s()\0")));
        assert!(!requests.commits(&write));
        assert!(!requests.commits(&message(b'Q', b"rollback\0")));
        assert!(requests.commits(&write));
    }
}
