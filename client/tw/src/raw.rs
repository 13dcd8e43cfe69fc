//! `call`: any operation by its wire name.

use crate::{fault::Fault, output::Output, terminal};
use serde_json::Value;
use std::io::Read as _;
use taskwire_client::Client;

/// Reads the parameters. This happens before the client connects, so that no connection is open while a person types.
pub(crate) fn parameters(data: Option<&str>) -> Result<Value, Fault> {
    let text = match data {
        None => "{}".to_owned(),
        Some("-") => {
            let mut text = String::new();
            std::io::stdin().lock().read_to_string(&mut text)?;
            text
        }
        Some(text) => text.to_owned(),
    };
    serde_json::from_str(&text).map_err(|error| Fault::usage(format!("the parameters are not JSON: {error}")))
}

pub(crate) async fn call(client: &Client, output: &Output, name: &str, data: Value) -> Result<(), Fault> {
    let reply = client.call_raw(name, data).await?;
    if output.json {
        return output.value(&reply.data);
    }
    let value: Value = serde_json::from_str(reply.data.get())?;
    output.line(&terminal::pretty_json(&value)?)
}
