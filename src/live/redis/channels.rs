//! The names of channels in Redis.

use taskwire_protocol::StreamId;

const NOTES: &str = "notes";
const PROBES: &str = "probes";

/// What a channel is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Stream(StreamId),
    Notes,
    Probes,
}

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

    /// What a channel is for. `None` for one that is not ours.
    pub(super) fn place(&self, channel: &str) -> Option<Place> {
        match channel.strip_prefix(&self.prefix)? {
            NOTES => Some(Place::Notes),
            PROBES => Some(Place::Probes),
            stream => stream.parse().ok().map(Place::Stream),
        }
    }

    /// The channel that every instance listens to.
    pub(super) fn notes(&self) -> String {
        format!("{}{NOTES}", self.prefix)
    }

    /// The channel of all probes. When they are no longer heard, other messages may be lost too.
    pub(super) fn probes(&self) -> String {
        format!("{}{PROBES}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_names_its_stream_and_another_prefix_does_not_match() {
        let channels = Channels::new("taskwire");
        let stream = StreamId::User(taskwire_protocol::UserId(uuid::Uuid::from_u128(5)));
        assert_eq!(channels.place(&channels.of(stream)), Some(Place::Stream(stream)));
        assert_eq!(Channels::new("other").place(&channels.of(stream)), None);
        assert_eq!(channels.place(&channels.notes()), Some(Place::Notes));
        assert_eq!(channels.place(&channels.probes()), Some(Place::Probes));
        assert_eq!(channels.place("taskwire:anything"), None);
    }
}
