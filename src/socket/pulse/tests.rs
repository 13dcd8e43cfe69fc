use super::*;

const BEAT: Duration = Duration::from_secs(25);
const HOUR: Duration = Duration::from_hours(1);

fn times(heartbeat: Duration) -> Times {
    Times {
        authenticate: Duration::from_secs(10),
        heartbeat,
        grace: Duration::from_secs(25),
        age: None,
    }
}

/// What is due first, and how many seconds after `begun`. Checks that the timer is set to that moment and none before.
fn next(pulse: &mut Pulse, begun: Instant) -> (Due, u64) {
    loop {
        let at = pulse.timer.deadline();
        if let Some(due) = pulse.due(at) {
            assert_eq!(
                pulse
                    .due(at - Duration::from_millis(1))
                    .filter(|_| due != Due::Expiring),
                None
            );
            return (due, (at - begun).as_secs());
        }
        pulse.arm();
        assert_ne!(pulse.timer.deadline(), at, "the timer would spin");
    }
}

#[tokio::test]
async fn a_socket_that_does_not_authenticate_in_time_is_late() {
    let begun = Instant::now();
    let mut pulse = Pulse::new(begun, times(BEAT));
    assert_eq!(next(&mut pulse, begun), (Due::Late, 10));
}

#[tokio::test]
async fn each_token_restarts_the_time_to_authenticate_until_one_is_accepted() {
    let begun = Instant::now();
    let mut pulse = Pulse::new(begun, times(BEAT));
    pulse.wait_for_token(begun + Duration::from_secs(11));
    assert_eq!(next(&mut pulse, begun), (Due::Late, 11));
    pulse.authenticated(begun + HOUR, Duration::ZERO);
    pulse.wait_for_token(begun + Duration::from_secs(11));
    assert_eq!(next(&mut pulse, begun).0, Due::Ping);
}

#[tokio::test]
async fn a_socket_whose_session_ended_is_late_soon() {
    let begun = Instant::now();
    let mut pulse = Pulse::new(begun, times(BEAT));
    pulse.authenticated(begun + HOUR, Duration::ZERO);
    pulse.revoked(begun + Duration::from_secs(1));
    assert_eq!(next(&mut pulse, begun), (Due::Late, 1));
}

#[tokio::test]
async fn a_peer_that_answers_is_asked_again_and_one_that_does_not_is_dead() {
    let begun = Instant::now();
    let mut pulse = Pulse::new(begun, times(BEAT));
    pulse.authenticated(begun + HOUR, Duration::ZERO);
    let (due, seconds) = next(&mut pulse, begun);
    assert!(
        due == Due::Ping && (12..=25).contains(&seconds),
        "{due:?} after {seconds} s"
    );
    let asked = begun + BEAT;
    pulse.asked(asked, 5);
    pulse.heard(6);
    assert_eq!(next(&mut pulse, asked), (Due::Ping, 25));
    pulse.asked(asked, 6);
    pulse.heard(6);
    assert_eq!(next(&mut pulse, asked), (Due::Silent, 1));
    // it has the ping, and takes nothing more
    assert!(pulse.looked(asked + Duration::from_secs(1), uptake(70, 0)));
    assert_eq!(next(&mut pulse, asked), (Due::Silent, 8));
    assert!(!pulse.looked(asked + Duration::from_secs(8), uptake(70, 0)));
}

fn uptake(taken: u32, left: u32) -> Uptake {
    Uptake { taken, left }
}

#[tokio::test]
async fn a_peer_that_takes_bytes_is_alive_until_it_takes_none_for_eight_seconds() {
    let begun = Instant::now();
    let mut pulse = Pulse::new(begun, times(BEAT));
    pulse.authenticated(begun + HOUR, Duration::ZERO);
    pulse.asked(begun, 0);
    let mut at = 1;
    for taken in [0, 1, 2, u32::MAX, 5] {
        assert_eq!(next(&mut pulse, begun), (Due::Silent, at));
        assert!(
            pulse.looked(begun + Duration::from_secs(at), uptake(taken, 9)),
            "{taken}"
        );
        at += 2;
    }
    for _ in 0..3 {
        assert_eq!(next(&mut pulse, begun), (Due::Silent, at));
        assert!(
            pulse.looked(begun + Duration::from_secs(at), uptake(5, 9)),
            "{at} s"
        );
        at += 2;
    }
    assert_eq!(next(&mut pulse, begun), (Due::Silent, at));
    assert!(!pulse.looked(begun + Duration::from_secs(at), uptake(5, 9)));
}

#[tokio::test]
async fn a_peer_that_the_node_does_not_read_has_its_time_afterwards() {
    let begun = Instant::now();
    let mut pulse = Pulse::new(begun, times(BEAT));
    pulse.authenticated(begun + HOUR, Duration::ZERO);
    pulse.asked(begun, 0);
    pulse.wait_on(begun + Duration::from_secs(1), uptake(3, 0));
    assert_eq!(next(&mut pulse, begun), (Due::Silent, 9));
    pulse.wait_on(begun + Duration::from_secs(9), uptake(3, 0));
    assert_eq!(next(&mut pulse, begun), (Due::Silent, 17));
    assert!(!pulse.looked(begun + Duration::from_secs(17), uptake(3, 0)));
}

#[tokio::test]
async fn an_expiring_token_is_announced_once_and_then_closes_unless_it_is_renewed() {
    let begun = Instant::now();
    let mut pulse = Pulse::new(begun, times(HOUR));
    let after = |seconds| begun + Duration::from_secs(seconds);
    pulse.authenticated(after(100), Duration::from_secs(50));
    assert_eq!(next(&mut pulse, begun), (Due::Expiring, 50));
    pulse.authenticated(after(200), Duration::from_mins(1));
    assert_eq!(next(&mut pulse, begun), (Due::Expiring, 140));
    assert_eq!(next(&mut pulse, begun), (Due::Expired, 225));
}

#[tokio::test]
async fn an_old_socket_must_reconnect_once_and_not_together_with_all_others() {
    let begun = Instant::now();
    let aged = Times {
        age: Some(Duration::from_secs(100)),
        ..times(HOUR)
    };
    let mut seconds: Vec<u64> = Vec::new();
    for _ in 0..50 {
        let mut pulse = Pulse::new(begun, aged);
        pulse.authenticated(begun + 3 * HOUR, Duration::ZERO);
        let at = pulse.timer.deadline();
        assert_eq!((pulse.due(at), pulse.due(at)), (Some(Due::Aged), None));
        seconds.push((at - begun).as_secs());
    }
    assert!(
        seconds.iter().all(|after| (75..=125).contains(after)),
        "{seconds:?}"
    );
    seconds.sort_unstable();
    assert!(seconds[40] - seconds[10] > 10, "{seconds:?}");
}
