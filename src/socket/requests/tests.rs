use super::*;
use std::cell::RefCell;
use std::collections::HashMap;
use taskwire_protocol::ErrorCode;
use tokio::sync::oneshot;

/// Requests whose calls the test answers.
#[derive(Default)]
struct Bench {
    requests: Requests,
    begun: RefCell<HashMap<&'static str, oneshot::Sender<()>>>,
}

impl Bench {
    fn push(&mut self, name: &'static str, wire: &str, data: &str) {
        let request = Request::read(wire, data).unwrap_or_else(|failure| panic!("{failure}"));
        self.requests.push(asked(name), request, None);
        self.start();
    }

    fn start(&mut self) {
        let begun = &self.begun;
        self.requests.start(|asked, _, _| {
            let (sender, receiver) = oneshot::channel();
            begun.borrow_mut().insert(asked.name, sender);
            State::Call(Box::pin(async move {
                let _answered = receiver.await;
                Ok(Reply::data(""))
            }))
        });
    }

    fn begun(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.begun.borrow().keys().copied().collect();
        names.sort_unstable();
        names
    }

    fn answer(&mut self, name: &str) {
        let sender = self
            .begun
            .borrow_mut()
            .remove(name)
            .unwrap_or_else(|| panic!("{name} was not started"));
        assert!(sender.send(()).is_ok());
    }

    fn first(&mut self) -> Option<&'static str> {
        let polled = self.requests.poll_first(&mut noop());
        self.start();
        match polled {
            Poll::Ready((asked, _)) => Some(asked.name),
            Poll::Pending => None,
        }
    }
}

fn noop() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

fn asked(name: &'static str) -> Asked {
    Asked {
        id: None,
        name,
        since: Instant::now(),
        paused: None,
    }
}

const TITLE: &str = r#"{"title":"a"}"#;

#[test]
fn mutations_follow_each_other_and_a_query_waits_for_them() {
    let mut bench = Bench::default();
    bench.push("m1", "task.create", TITLE);
    bench.push("m2", "task.create", TITLE);
    bench.push("q", "task.list", "{}");
    bench.push("m3", "task.create", TITLE);
    assert_eq!(bench.begun(), ["m1", "m2"]);
    bench.answer("m2");
    assert_eq!(bench.first(), None, "m2 must not be answered before m1");
    bench.answer("m1");
    assert_eq!((bench.first(), bench.first()), (Some("m1"), Some("m2")));
    assert_eq!(bench.begun(), ["q"]);
    bench.answer("q");
    assert_eq!(bench.first(), Some("q"));
    assert_eq!(bench.begun(), ["m3"]);
}

#[test]
fn a_refused_request_is_answered_in_its_turn_and_delays_no_other() {
    let mut bench = Bench::default();
    bench.push("m1", "task.create", TITLE);
    bench
        .requests
        .refuse(asked("r"), Failure::new(ErrorCode::UnknownType, "no"));
    bench.push("m2", "task.create", TITLE);
    assert_eq!(bench.begun(), ["m1", "m2"]);
    assert_eq!(bench.first(), None);
    bench.answer("m1");
    assert_eq!(
        (bench.first(), bench.first(), bench.first()),
        (Some("m1"), Some("r"), None)
    );
}

#[tokio::test]
async fn a_waiting_or_refused_request_is_not_under_way() {
    let mut bench = Bench::default();
    bench.push("m1", "task.create", TITLE);
    let failure = Failure::new(ErrorCode::ValidationError, "no");
    bench.requests.refuse(asked("refused"), failure);
    let request = Request::read("auth.logout", "{}").unwrap_or_else(|failure| panic!("{failure}"));
    bench.requests.push(asked("out"), request, None);
    let begin = |requests: &mut Requests| {
        requests.start(|_, _, _| State::Session(Box::pin(std::future::pending())));
    };
    begin(&mut bench.requests);
    let is = |bench: &Bench, name| (bench.requests.has(name), bench.requests.is_under_way(name));
    assert_eq!(
        (is(&bench, "refused"), is(&bench, "out")),
        ((false, false), (true, false))
    );
    bench.answer("m1");
    assert_eq!(
        bench
            .requests
            .poll_first(&mut noop())
            .map(|(asked, _)| asked.name),
        Poll::Ready("m1")
    );
    begin(&mut bench.requests);
    assert!(!bench.requests.is_under_way("out"), "a refusal is answered first");
    assert_eq!(
        bench
            .requests
            .poll_first(&mut noop())
            .map(|(asked, _)| asked.name),
        Poll::Ready("refused")
    );
    assert!(bench.requests.is_under_way("out"));
}

#[test]
fn a_request_about_the_socket_itself_waits_for_all_earlier_ones() {
    let mut bench = Bench::default();
    bench.push("m1", "task.create", TITLE);
    bench.push("out", "auth.logout", "{}");
    assert_eq!(bench.begun(), ["m1"]);
    bench.answer("m1");
    assert_eq!(bench.first(), Some("m1"));
    assert_eq!(bench.begun(), ["out"]);
}
