//! The names of channels in Redis.

use taskwire_protocol::StreamId;

/// The names of channels.
pub(super) struct Channels {
    prefix: String,
}

impl Channels {
    pub(super) fn new(prefix: &str) -> Channels {
        Channels {
            prefix: format!("{prefix}:"),
        }
    }

    /// The channel of a stream.
    pub(super) fn of(&self, stream: StreamId) -> String {
        format!("{}{stream}", self.prefix)
    }

    /// The stream of a channel.
    pub(super) fn stream(&self, channel: &str) -> Option<StreamId> {
        channel.strip_prefix(&self.prefix)?.parse().ok()
    }

    /// The channel that every instance listens to.
    pub(super) fn notes(&self) -> String {
        format!("{}notes", self.prefix)
    }

    /// The channel of all probes. When they are no longer heard, other messages may be lost too.
    pub(super) fn probes(&self) -> String {
        format!("{}probes", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_names_its_stream_and_another_prefix_does_not_match() {
        let channels = Channels::new("taskwire");
        let stream = StreamId::User(taskwire_protocol::UserId(uuid::Uuid::from_u128(5)));
        assert_eq!(channels.stream(&channels.of(stream)), Some(stream));
        assert_eq!(Channels::new("other").stream(&channels.of(stream)), None);
        assert_eq!(channels.stream(&channels.notes()), None);
        assert_eq!(channels.stream(&channels.probes()), None);
    }
}
