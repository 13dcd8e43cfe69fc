//! Every mutation of the table and every route that writes is part of the load, or stands here with the reason why it is
//! not.

use taskwire_protocol::Kind;
use taskwire_protocol::http::ROUTES;
use taskwire_protocol::operations::CATALOG;

/// Where mutations are named.
const SOURCES: [&str; 3] = [
    include_str!("writer.rs"),
    include_str!("scenes.rs"),
    include_str!("../fault/clients.rs"),
];

/// Mutations that are not part of the load. The convergence test has all of them.
const ELSEWHERE: [(&str, &str); 8] = [
    ("admin.user.create", "no user of the load is an administrator"),
    ("admin.user.update", "no user of the load is an administrator"),
    ("admin.user.unlock", "no user of the load is an administrator"),
    (
        "admin.user.sign_out",
        "visitors end sessions, in three other ways",
    ),
    (
        "admin.user.delete",
        "accounts stay, so that their logs can be checked",
    ),
    (
        "calendar.create",
        "a feed's address is no part of what clients show",
    ),
    ("calendar.revoke", "visitors end what gives access"),
    ("api_token.revoke", "visitors end what gives access"),
];

#[test]
fn every_mutation_of_the_table_is_part_of_the_load() {
    let mutations = CATALOG.iter().filter(|entry| entry.kind == Kind::Mutation);
    for name in mutations.map(|entry| entry.name) {
        let quoted = format!("\"{name}\"");
        let is_part = SOURCES.iter().any(|source| source.contains(&quoted));
        let is_elsewhere = ELSEWHERE.iter().any(|(other, _)| *other == name);
        assert!(
            is_part || is_elsewhere,
            "{name} is a mutation, and no part of the fault test's load: add it to a scene of `load/scenes.rs`"
        );
        assert!(!(is_part && is_elsewhere), "{name} is part of the load");
    }
    for (name, _) in ELSEWHERE {
        assert!(
            CATALOG.iter().any(|entry| entry.name == name),
            "{name} is no operation"
        );
    }
}

/// Where routes are named.
const SENDERS: [&str; 2] = [include_str!("over_http.rs"), include_str!("session.rs")];

/// Routes that may write and are not part of the load.
const NOT_SENT: [(&str, &str); 18] = [
    (
        "POST /v1/auth/signup",
        "accounts sign up on sockets, before the first fault",
    ),
    ("POST /v1/auth/logout", "visitors sign out on sockets"),
    (
        "POST /v1/auth/logout-all",
        "it would end the sessions that I11 says must live",
    ),
    (
        "POST /v1/auth/change-password",
        "it would end the sessions that I11 says must live",
    ),
    ("POST /v1/auth/sessions", "it only reads"),
    (
        "POST /v1/auth/revoke-session",
        "visitors revoke sessions on sockets",
    ),
    ("POST /v1/auth/verify-email", "nobody reads mails here"),
    ("POST /v1/auth/resend-verification", "nobody reads mails here"),
    ("POST /v1/auth/forgot-password", "nobody reads mails here"),
    ("POST /v1/auth/reset-password", "nobody reads mails here"),
    ("POST /v1/auth/device", "it writes nothing"),
    (
        "POST /v1/auth/device/approve",
        "visitors sign in by their passwords; the approval is one row, used once",
    ),
    (
        "POST /v1/auth/device/token",
        "visitors sign in by their passwords",
    ),
    (
        "POST /v1/auth/first-admin",
        "no user of the load is an administrator",
    ),
    ("PUT /v1/profile/photo", "no client of the load shows photos"),
    ("DELETE /v1/profile/photo", "no client of the load shows photos"),
    ("POST /v1/unsubscribe", "nobody reads mails here"),
    ("POST /v1/rpc", "it carries out the operations, as sockets do"),
];

#[test]
fn every_route_that_writes_is_part_of_the_load() {
    let names = ROUTES.iter().map(|route| route.name);
    for name in names.filter(|name| !name.starts_with("GET ")) {
        let path = name.split_once(' ').map_or(name, |(_, path)| path);
        // as it is in a text: at its end, or before a query
        let ends = [format!("{path}\""), format!("{path}?")];
        let is_part = |source: &&str| ends.iter().any(|end| source.contains(end.as_str()));
        let is_part = SENDERS.iter().any(is_part);
        let is_elsewhere = NOT_SENT.iter().any(|(other, _)| *other == name);
        assert!(
            is_part || is_elsewhere,
            "{name} may write, and is no part of the fault test's load: send it in a scene (`load/over_http.rs`), or say why \
             not"
        );
        assert!(!(is_part && is_elsewhere), "{name} is part of the load");
    }
    for (name, _) in NOT_SENT {
        assert!(
            ROUTES.iter().any(|route| route.name == name),
            "{name} is no route"
        );
    }
}
