//! The faults: what breaks, for how long, and how it is repaired. After each fault everything works again.
//!
//! - `infrastructure`   PostgreSQL, Redis and the links to them
//! - `instances`        processes that are killed, stopped, restarted, or whose clock jumps
//! - `clients`          sockets that are abandoned, read slowly or reconnect at once; what clients do to each other
//! - `plan`             which fault comes when
//! - `restore`          the last fault: an older backup is restored

mod clients;
mod infrastructure;
mod instances;
pub(crate) mod plan;
pub(crate) mod restore;

pub(crate) use instances::POINTS;

use crate::Failed;
use crate::stage::Stage;
use clap::ValueEnum;
use rand::rngs::StdRng;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Kind {
    /// An instance dies by kill -9 at a chosen point: around row, log, commit, publish, answer
    KillAtPoint,
    /// An instance dies by kill -9 at a random time
    Kill,
    /// An instance is stopped (SIGSTOP) for 5 s
    Stop,
    /// All instances restart one after the other, draining
    RollingRestart,
    /// An instance's clock jumps by an hour
    ClockStep,
    /// Retention cuts logs that are being read
    Retention,
    /// Redis is killed, and restarted after 1 s
    RedisKilled1s,
    /// Redis is killed, and restarted after 30 s
    RedisKilled30s,
    /// Redis is killed, and restarted after 3 min
    RedisKilled3min,
    /// Redis is stopped (SIGSTOP) for 20 s
    RedisStopped,
    /// The connections of Redis' subscribers are cut
    SubscriberCut,
    /// 30% of Redis' messages are lost, 10% come twice, and they are shuffled, for 10 s
    RedisNoise,
    /// Nothing passes between Redis and the instances for 6 s, but connections stay open
    RedisStalled,
    /// PostgreSQL is restarted at once
    PostgresRestart,
    /// PostgreSQL is killed by kill -9
    PostgresKilled,
    /// All connections to PostgreSQL are cut
    PostgresCut,
    /// Nothing passes between PostgreSQL and the instances for 3 s, but connections stay open
    PostgresStalled,
    /// All open connections to PostgreSQL die without a word; new ones work
    PostgresForgotten,
    /// PostgreSQL's answers to a few COMMITs are lost
    CommitSwallowed,
    /// Clients stop reading without a close frame: their sockets are half-open
    HalfOpen,
    /// Readers slow down to 1 KiB/s for 8 s
    SlowReaders,
    /// Readers with small receive buffers take 1 to 8 KiB/s for a minute
    SmallWindows,
    /// All readers drop their sockets and reconnect at once
    Storm,
    /// One op_id is sent 50 times, to all instances at once
    SameOp,
    /// A membership is revoked in the middle of a fan-out
    Revoke,
}

impl Kind {
    /// Injects the fault and repairs it. Returns what was done, in words.
    pub(crate) async fn inject(self, stage: &Stage, random: &mut StdRng) -> Result<String, Failed> {
        match self {
            Kind::KillAtPoint => instances::kill_at_point(stage, random).await,
            Kind::Kill => instances::kill(stage, random).await,
            Kind::Stop => instances::stop(stage, random).await,
            Kind::RollingRestart => instances::rolling_restart(stage).await,
            Kind::ClockStep => instances::clock_step(stage, random).await,
            Kind::Retention => instances::retention(stage, random).await,
            Kind::RedisKilled1s => infrastructure::redis_killed(stage, 1.0).await,
            Kind::RedisKilled30s => infrastructure::redis_killed(stage, 30.0).await,
            Kind::RedisKilled3min => infrastructure::redis_killed(stage, 180.0).await,
            Kind::RedisStopped => infrastructure::redis_stopped(stage).await,
            Kind::SubscriberCut => Ok(infrastructure::subscriber_cut(stage)),
            Kind::RedisNoise => infrastructure::redis_noise(stage).await,
            Kind::RedisStalled => infrastructure::redis_stalled(stage).await,
            Kind::PostgresRestart => {
                infrastructure::postgres_ended(stage, rustix::process::Signal::INT).await
            }
            Kind::PostgresKilled => {
                infrastructure::postgres_ended(stage, rustix::process::Signal::KILL).await
            }
            Kind::PostgresCut => Ok(infrastructure::postgres_cut(stage)),
            Kind::PostgresStalled => infrastructure::postgres_stalled(stage).await,
            Kind::PostgresForgotten => infrastructure::postgres_forgotten(stage).await,
            Kind::CommitSwallowed => infrastructure::commit_swallowed(stage, random).await,
            Kind::HalfOpen => Ok(clients::half_open(stage, random)),
            Kind::SlowReaders => clients::slow_readers(stage, random).await,
            Kind::SmallWindows => clients::small_windows(stage, random).await,
            Kind::Storm => Ok(clients::storm(stage)),
            Kind::SameOp => clients::same_op(stage, random).await,
            Kind::Revoke => clients::revoke(stage, random).await,
        }
    }

    /// The name on the command line.
    pub(crate) fn name(self) -> String {
        self.to_possible_value()
            .map_or_else(String::new, |value| value.get_name().to_owned())
    }
}
