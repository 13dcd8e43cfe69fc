//! The contract only grows: no change since the last release breaks its clients.

use serde_json::Value;
use taskwire_protocol::compatibility::{breaks, contract, wrong_revision};

fn released() -> Value {
    serde_json::from_str(include_str!("../released.json")).expect("JSON")
}

#[test]
fn the_contract_breaks_no_client_of_the_last_release() {
    let breaks = breaks(&released(), &contract());
    assert!(
        breaks.is_empty(),
        "these changes break clients of the last release (protocol/released.json): {breaks:#?}"
    );
}

#[test]
fn the_revision_tells_whether_the_contract_grew() {
    assert_eq!(wrong_revision(&released(), &contract()), None);
}
