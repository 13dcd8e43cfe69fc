//! Fail points: a normal build has none, and refuses to start when they are requested.

use crate::support::{Engine, Server};

#[tokio::test]
async fn a_build_without_fail_points_refuses_to_start_with_them() {
    let mut server = Server::prepare(Engine::Sqlite, &[]).await;
    server.set("failpoints", "commit.after=kill:1");
    let (code, told) = server.run(&["serve"]);
    assert_eq!(code, Some(2), "{told}");
    assert!(
        told.contains("TASKWIRE_FAILPOINTS") && told.contains("unknown"),
        "{told}"
    );
}
