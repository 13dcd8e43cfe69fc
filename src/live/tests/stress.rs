//! Everything at once, on several threads: each socket receives 1 to n, in order, despite all races.

use super::*;

const STREAMS: u128 = 3;

/// A cheap, seeded random number generator.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

async fn write(world: Arc<World>, stream: StreamId, n: usize, mut dice: Dice) {
    let mut held: Vec<Published> = Vec::new();
    for i in 0..n {
        let entry = world.append(stream);
        match dice.roll(20) {
            0 if i + 1 < n => {} // lost
            1 => held.push(entry),
            2 => world.hub.publish(vec![entry.clone(), entry]),
            _ => world.hub.publish(vec![entry]),
        }
        if dice.roll(3) == 0 && !held.is_empty() {
            let which = dice.roll(held.len() as u64) as usize;
            world.hub.publish(vec![held.swap_remove(which)]);
        }
        if dice.roll(8) == 0 {
            tokio::task::yield_now().await;
        }
        if dice.roll(200) == 0 {
            world.hub.forget(stream, i as u64);
        }
    }
    world.hub.publish(held);
    let range = world.log.range(stream).await.expect("a range");
    world.hub.hear_of(stream, range.head);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn joins_race_publishes_and_every_socket_gets_all_in_order() {
    for round in 1..6_u64 {
        let world = Arc::new(World::with(RingLimits {
            bytes_per_topic: 3_000 * round as usize,
            budget: 20_000,
        }));
        let n = 2_000;
        let writers: Vec<_> = (0..STREAMS)
            .map(|s| {
                tokio::spawn(write(
                    world.clone(),
                    workspace(s),
                    n,
                    Dice(round * 77 + s as u64 + 1),
                ))
            })
            .collect();
        let mut dice = Dice(round);
        let mut running = Vec::new();
        for k in 0..60_u128 {
            let mut socket = world.socket(user(k));
            for s in 0..STREAMS {
                socket.join(workspace(s), Start::After(0)).await;
            }
            if dice.roll(4) == 0 {
                drop(socket); // so that topics are dropped and made again
            } else {
                running.push(socket.run());
            }
            tokio::time::sleep(Duration::from_micros(dice.roll(500))).await;
        }
        for writer in writers {
            writer.await.expect("a writer");
        }
        for socket in &running {
            for s in 0..STREAMS {
                // only its wakeup makes the socket's task run
                wait_until("a socket got all", || seqs(&socket.got, workspace(s)).len() >= n).await;
                assert_eq!(
                    seqs(&socket.got, workspace(s)),
                    (1..=n as u64).collect::<Vec<_>>()
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_wake_up_is_missed() {
    let world = Arc::new(World::new());
    let mut sockets = Vec::new();
    for k in 0..300_u128 {
        let mut socket = world.socket(user(k));
        socket.join(workspace(1), Start::Now).await;
        sockets.push(socket.run());
    }
    // one at a time: each commit must wake every idle socket by itself
    for n in 1..=300 {
        world.commit(workspace(1), 1);
        wait_until("every socket got the last one", || {
            sockets.iter().all(|s| lock(&s.got).len() == n)
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn removals_race_reads_and_stay_exact() {
    for round in 0..200_u128 {
        let world = Arc::new(World::with(RingLimits {
            bytes_per_topic: 800,
            budget: 1 << 20,
        }));
        let mut running = Vec::new();
        for _ in 0..4 {
            let mut socket = world.socket(user(1));
            socket.join(workspace(1), Start::Now).await;
            running.push(socket.run());
        }
        let before = (round % 40) as usize;
        let writer = {
            let world = world.clone();
            tokio::spawn(async move {
                world.commit(workspace(1), before);
                let removal = world.append_removal(workspace(1), user(1));
                let after = world.append(workspace(1));
                if round % 3 == 0 {
                    world.hub.publish(vec![after]); // the removal is lost
                } else {
                    world.hub.publish(vec![removal, after]);
                }
                world.commit(workspace(1), 20);
            })
        };
        writer.await.expect("a writer");
        for socket in &running {
            wait_until("all entries before the removal arrived", || {
                lock(&socket.got).len() >= before
            })
            .await;
        }
        wait_until("all cursors ended", || world.topics() == 0).await;
        for socket in &running {
            assert_eq!(
                seqs(&socket.got, workspace(1)),
                (1..=before as u64).collect::<Vec<_>>()
            );
        }
    }
}

#[test]
fn an_idle_socket_is_small() {
    use crate::live::{Wakeup, cursor::Cursor, topic::Topic};
    let sizes = [
        size_of::<Wakeup>(),
        size_of::<Subscriptions>(),
        size_of::<Cursor>(),
        size_of::<Topic>(),
    ];
    println!("bytes of wakeup, subscriptions, cursor, topic: {sizes:?}");
    // two streams, one of which only this socket watches, and the places among the watchers of both
    let idle = sizes[0] + sizes[1] + 2 * sizes[2] + sizes[3] + 2 * 16 + 64;
    assert!(idle < 768, "{idle} bytes");
}
