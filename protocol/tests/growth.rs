//! The contract only grows: clients of the last release feel nothing of what came since.

use serde_json::Value;
use taskwire_protocol::compatibility::{breaks, contract, wrong_revision};

fn released() -> Value {
    serde_json::from_str(include_str!("../released.json")).expect("JSON")
}

#[test]
fn clients_of_the_last_release_feel_nothing() {
    let breaks = breaks(&released(), &contract());
    assert!(
        breaks.is_empty(),
        "clients of the last release (protocol/released.json) would feel this: {breaks:#?}"
    );
}

#[test]
fn the_revision_tells_whether_the_contract_grew() {
    assert_eq!(wrong_revision(&released(), &contract()), None);
}
