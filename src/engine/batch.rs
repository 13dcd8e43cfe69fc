//! Reads a batch: which mutations it holds, and whether each can be part of a batch.

use super::Caller;
use super::route::{Route, route};
use super::submission::{Batch, Part, Step, hash, within};
use taskwire_protocol::batch::Batch as BatchParams;
use taskwire_protocol::{Failure, OpId, Request};

impl Batch {
    /// Reads the parts. An atomic batch is refused for the first part that cannot be read, or that the caller may not
    /// send.
    pub(super) fn read(
        params: BatchParams,
        op_id: Option<OpId>,
        limit: usize,
        caller: &Caller,
    ) -> Result<Batch, Failure> {
        if params.ops.is_empty() || params.ops.len() > limit {
            return Err(Failure::invalid(
                "ops",
                format!("ops must have 1 to {limit} mutations"),
            ));
        }
        let canonical = serde_json::to_string(&params).unwrap_or_default();
        let (atomic, hash) = (params.atomic.unwrap_or(true), hash("batch", &canonical));
        let mut parts = Vec::with_capacity(params.ops.len());
        for (i, op) in params.ops.into_iter().enumerate() {
            if atomic && op.op_id.is_some() {
                let message = "an atomic batch takes one op_id, that of the batch; omit op_id here";
                return Err(Failure::invalid(format!("ops[{i}].op_id"), message));
            }
            if op.op_id.is_some() && op.op_id == op_id {
                let message = "the batch itself has this op_id; give each mutation a different op_id";
                return Err(Failure::invalid(format!("ops[{i}].op_id"), message));
            }
            let text = op.data.text();
            let step = text.and_then(|data| step(&op.r#type, &data, caller));
            let step = step.map_err(|failure| within(failure, i));
            if let (true, Err(failure)) = (atomic, &step) {
                return Err(failure.clone());
            }
            parts.push(Part {
                op_id: op.op_id,
                step,
            });
        }
        one_cascade(&parts)?;
        Ok(Batch { atomic, parts, hash })
    }
}

/// Each cascade alone may change as many tasks as a transaction should.
fn one_cascade(parts: &[Part]) -> Result<(), Failure> {
    let steps = parts.iter().filter_map(|part| part.step.as_ref().ok());
    let mut cascades = steps.filter(|step| step.decide.cascades());
    let (Some(_), Some(second)) = (cascades.next(), cascades.next()) else {
        return Ok(());
    };
    let message = format!(
        "{} may change very many tasks, and so may another mutation of the batch; send them one by one",
        second.decide.name()
    );
    Err(Failure::invalid("ops", message))
}

fn step(name: &str, data: &str, caller: &Caller) -> Result<Step, Failure> {
    let request = Request::read(name, data)?;
    caller.may(request.name(), request.kind(), request.access())?;
    match route(request)? {
        Route::Mutation(decide) if decide.makes_token() => Err(Failure::invalid(
            "email",
            "a link cannot be made in a batch, whose answer an op_id remembers; give an e-mail address",
        )),
        Route::Mutation(decide) => Ok(Step::new(decide)),
        _ => Err(Failure::invalid(
            "type",
            format!("{name} cannot be part of a batch; only single mutations can"),
        )),
    }
}
