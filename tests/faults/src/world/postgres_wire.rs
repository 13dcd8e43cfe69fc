//! As much of PostgreSQL's protocol (version 3) as it takes to see that a client commits.

/// What one client has sent, cut into messages.
#[derive(Default)]
pub(crate) struct Requests {
    partial: Vec<u8>,
    /// The startup message has no type byte, and neither has a request for TLS before it.
    started: bool,
}

const STARTUP: [u8; 4] = 196_608_u32.to_be_bytes();

impl Requests {
    /// Takes bytes; says whether a COMMIT was among the messages that they complete.
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
            if self.started {
                let text = match message[0] {
                    b'Q' => &message[5..],
                    // the statement's name comes before its text
                    b'P' => message[5..]
                        .splitn(2, |byte| *byte == 0)
                        .nth(1)
                        .unwrap_or_default(),
                    _ => &[],
                };
                commits |= text
                    .get(..6)
                    .is_some_and(|word| word.eq_ignore_ascii_case(b"commit"));
            } else {
                self.started = message.get(4..8) == Some(&STARTUP);
            }
            at += message.len();
        }
        self.partial.drain(..at);
        commits
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
    fn a_commit_is_seen_however_it_is_cut() {
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
}
