//! Every mutation of the table is part of the load, or stands here with the reason why it is not.

use taskwire_protocol::Kind;
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
