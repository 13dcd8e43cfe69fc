//! Redis pub/sub as a bus: a fast hint, while the log has the truth. Holds the address and the names of channels. What
//! the hub sends is put into a bounded queue or a set, so that no caller waits. Has two connections, one to publish and
//! one to listen, and reconnects them for ever.
//!
//! - `channels`    the names of channels
//! - `message`     the messages, in bytes
//! - `seal`        proves that an instance of this deployment wrote a message
//! - `gate`        which messages are taken; `replays` which ones came before
//! - `outbox`      a bounded queue of what must be published
//! - `publisher`   the connection that publishes
//! - `subscriber`  the connection that listens, and the streams that it subscribes to
//! - `pulse`       checks with probes whether published messages arrive
//! - `backoff`     the pauses before a reconnect

mod backoff;
mod channels;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod gate;
mod message;
mod outbox;
mod publisher;
mod pulse;
mod replays;
mod seal;
mod subscriber;

use super::{Bus, BusHealth, Frame, Hub, Note, Published};
use crate::clock::Clock;
use ::redis::aio::MultiplexedConnection;
use ::redis::io::tcp::TcpSettings;
use ::redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, IntoConnectionInfo, ProtocolVersion, RedisResult,
};
use aws_lc_rs::hmac;
use channels::Channels;
use gate::Gate;
use message::Stamp;
use outbox::{Outbox, Outgoing};
use publisher::Publisher;
use pulse::Pulse;
use seal::Seals;
use secrecy::{ExposeSecret, SecretString};
use socket2::TcpKeepalive;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use subscriber::{Ear, Subscriber, Wanted};
use taskwire_protocol::StreamId;

/// An attempt to connect that takes longer fails; another follows later.
const CONNECT: Duration = Duration::from_secs(3);
/// When the answer to a command takes longer, the connection is closed.
const ANSWER: Duration = Duration::from_secs(3);
/// An idle connection is probed after this time, so that no firewall forgets it.
const PROBED_AFTER: Duration = Duration::from_secs(15);
/// The time between two probes that are not answered, and how many end the connection.
const PROBED_EVERY: Duration = Duration::from_secs(5);
const PROBES: u32 = 3;
/// A connection whose bytes Redis' host does not acknowledge for this long ends.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(15);

/// Why the address cannot be used. The message does not show the address, which may have a password.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadAddress(String);

/// The address of Redis, and the names that this instance uses there.
#[derive(Debug)]
pub struct RedisOptions {
    /// `redis://` or `rediss://`, with user, password and database number if needed.
    pub url: SecretString,
    /// The prefix of all channels. Deployments that share a Redis need different prefixes.
    pub prefix: String,
    /// Positions in the log are valid within one epoch; instances in another epoch are ignored.
    pub epoch: Arc<str>,
    /// A number that is new at each start of an instance.
    pub instance: u64,
    /// The key that seals messages, then others that are accepted. They are of the same epoch.
    pub keys: Vec<hmac::Key>,
    /// Tells when a message was sent.
    pub clock: Clock,
}

/// Redis as a bus.
pub struct Redis {
    info: ConnectionInfo,
    stamp: Stamp,
    channels: Arc<Channels>,
    seals: Arc<Seals>,
    clock: Clock,
    outbox: Arc<Outbox>,
    wanted: Arc<Wanted>,
    pulse: Arc<Pulse>,
}

impl Redis {
    /// A bus that is not connected yet: see [`Redis::start`].
    ///
    /// # Errors
    /// The address cannot be used.
    pub fn new(options: &RedisOptions) -> Result<Redis, BadAddress> {
        let info = address(options.url.expose_secret())?;
        Ok(Redis {
            info,
            stamp: Stamp::new(options.instance, &options.epoch),
            channels: Arc::new(Channels::new(&options.prefix)),
            seals: Arc::new(Seals::new(options.keys.clone())),
            clock: options.clock.clone(),
            outbox: Arc::default(),
            wanted: Arc::default(),
            pulse: Arc::new(Pulse::new()),
        })
    }

    /// Returns a function that starts the tasks which connect and run for ever. Call it once the hub is made.
    ///
    /// # Errors
    /// The address cannot be used.
    pub fn start(&self) -> Result<impl FnOnce(Arc<Hub>) + use<>, BadAddress> {
        let client = Client::open(self.info.clone()).map_err(|error| bad(&error))?;
        let publisher = Publisher {
            outbox: self.outbox.clone(),
            channels: self.channels.clone(),
            pulse: self.pulse.clone(),
            stamp: self.stamp,
            seals: self.seals.clone(),
            clock: self.clock.clone(),
            numbers: AtomicU64::new(0),
        };
        let (wanted, outbox) = (self.wanted.clone(), self.outbox.clone());
        let (channels, pulse) = (self.channels.clone(), self.pulse.clone());
        let gate = Gate::new(
            self.stamp,
            channels.clone(),
            self.seals.clone(),
            self.clock.clone(),
        );
        Ok(move |hub| {
            let subscriber = Subscriber {
                hub,
                wanted,
                outbox,
                channels,
                pulse,
                gate: Arc::new(gate),
            };
            let publishing = client.clone();
            tokio::spawn(publisher.run(move || connect(publishing.clone(), None)));
            tokio::spawn(subscriber.run(move |ear| connect(client.clone(), Some(ear))));
        })
    }
}

/// A client of this Redis, for parts that count there. It does not connect by itself.
///
/// # Errors
/// The address cannot be used.
pub fn client(url: &SecretString) -> Result<Client, BadAddress> {
    Client::open(address(url.expose_secret())?).map_err(|error| bad(&error))
}

fn address(url: &str) -> Result<ConnectionInfo, BadAddress> {
    let info = url.into_connection_info().map_err(|error| bad(&error))?;
    // RESP3: messages and answers share one connection
    let settings = info
        .redis_settings()
        .clone()
        .set_protocol(ProtocolVersion::RESP3)
        .set_lib_name("taskwire", env!("CARGO_PKG_VERSION"));
    Ok(info.set_redis_settings(settings).set_tcp_settings(tcp_settings()))
}

/// How a dead connection is found out below Redis' protocol, and a living one kept.
fn tcp_settings() -> TcpSettings {
    let keepalive = TcpKeepalive::new()
        .with_time(PROBED_AFTER)
        .with_interval(PROBED_EVERY)
        .with_retries(PROBES);
    // a small message must not wait until Redis acknowledges the previous one
    let settings = TcpSettings::default().set_nodelay(true).set_keepalive(keepalive);
    #[cfg(target_os = "linux")]
    let settings = settings.set_user_timeout(UNACKNOWLEDGED);
    settings
}

fn bad(error: &::redis::RedisError) -> BadAddress {
    BadAddress(error.to_string())
}

async fn connect(client: Client, ear: Option<Arc<Ear>>) -> RedisResult<MultiplexedConnection> {
    let mut config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT))
        .set_response_timeout(Some(ANSWER));
    if let Some(ear) = ear {
        config = config.set_push_sender(move |push| {
            ear.hear(&push);
            Ok::<(), Infallible>(())
        });
    }
    client.get_multiplexed_async_connection_with_config(&config).await
}

impl Bus for Redis {
    fn carry(&self, group: &[Published]) {
        if !group.is_empty() {
            self.outbox.put_group(group);
        }
    }

    fn signal(&self, stream: StreamId, frame: &Frame) {
        self.outbox.put(Outgoing::Signal(stream, frame.clone()));
    }

    fn tell(&self, note: &Note) {
        match serde_json::to_vec(note) {
            Ok(note) => self.outbox.put(Outgoing::Note(note)),
            Err(error) => tracing::error!(error.message = %error, "a note cannot be encoded"),
        }
    }

    fn forget(&self, stream: StreamId, last: u64) {
        self.outbox.put(Outgoing::Forget(stream, last));
    }

    fn join(&self, stream: StreamId) {
        self.wanted.join(stream);
    }

    fn leave(&self, stream: StreamId) {
        self.wanted.leave(stream);
    }

    fn health(&self) -> BusHealth {
        self.pulse.health(tokio::time::Instant::now())
    }

    fn hears_all(&self) -> bool {
        self.pulse.hears_all(tokio::time::Instant::now())
    }

    fn is_busy(&self) -> bool {
        self.outbox.is_busy()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_may_have_a_password_a_database_and_tls() {
        for good in [
            "redis://localhost",
            "redis://127.0.0.1:6380/3",
            "redis://:word@localhost:6379/0",
            "rediss://user:word@redis.example.com:6380/15",
        ] {
            let info = address(good).expect(good);
            assert!(info.tcp_settings().keepalive().is_some(), "{good} is not probed");
        }
        let info = address("redis://ada:word@localhost:6380/3").expect("an address");
        let settings = info.redis_settings();
        assert_eq!(
            (settings.username(), settings.password(), settings.db()),
            (Some("ada"), Some("word"), 3)
        );
        for bad in ["redis://localhost/three", "redis://", "http://localhost"] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }
}
