//! Checks what tests send and receive against the schema of the contract (`protocol/taskwire.schema.json`), with a
//! validator that knows nothing of Taskwire.
//!
//! Everything that a server sends must be valid. What a test sends must be valid if the server carried it out. A validator for each type of frame is built when a test first
//! meets the type. The first frame of a type is also checked against the whole document, as a stranger would.

use super::secrets;
use icu_normalizer::ComposingNormalizer;
use jsonschema::{Registry, Validator};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};
use taskwire_protocol::{generate::describe, limits};

const HERE: &str = "https://taskwire.invalid/contract";

static CONTRACT: LazyLock<Contract> = LazyLock::new(Contract::new);

struct Contract {
    document: Value,
    registry: Registry<'static>,
    /// The definition of each frame, by what tells it from the others.
    frames: HashMap<String, String>,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Contract {
    fn new() -> Contract {
        let document = describe();
        let registry = Registry::new()
            .add(HERE, document.clone())
            .expect("a schema")
            .prepare()
            .expect("references that lead somewhere");
        let mut frames = HashMap::new();
        for side in ["ClientFrame", "ServerFrame", "RpcAnswer"] {
            collect(&document, side, side, &mut frames);
        }
        Contract {
            document,
            registry,
            frames,
            validators: Mutex::default(),
        }
    }

    /// The validator of a part of the document.
    fn validator(&'static self, pointer: &str) -> Arc<Validator> {
        let mut all = self.validators.lock().expect("no panic while it was held");
        let known = all.entry(pointer.to_owned());
        let built = known.or_insert_with(|| {
            let options = jsonschema::options();
            let options = options
                .with_registry(&self.registry)
                .should_validate_formats(true);
            let part = json!({ "$ref": format!("{HERE}#{}", pointer.replace(' ', "%20")) });
            Arc::new(options.build(&part).expect("a schema"))
        });
        built.clone()
    }

    /// The pointer of a frame's definition, and whether no frame of this type was seen yet.
    fn frame(&self, side: &str, frame: &Value) -> (String, bool) {
        let key = key(side, frame);
        let Some(name) = self.frames.get(&key) else {
            panic!("the contract has no frame {key:?}: {frame}");
        };
        let pointer = format!("/$defs/{name}");
        let seen = self.validators.lock().expect("no panic while it was held");
        let is_first = !seen.contains_key(&pointer);
        (pointer, is_first)
    }
}

/// What tells a frame from the others of its side.
fn key(side: &str, frame: &Value) -> String {
    let word = |name: &str| frame[name].as_str().unwrap_or_default();
    format!("{side} {} {}{}", word("type"), word("event"), word("signal"))
}

fn collect(document: &Value, side: &str, name: &str, all: &mut HashMap<String, String>) {
    let definition = &document["$defs"][name];
    if let Some(choices) = definition["oneOf"].as_array() {
        for choice in choices {
            let choice = choice["$ref"].as_str().expect("a reference");
            collect(document, side, choice.trim_start_matches("#/$defs/"), all);
        }
        return;
    }
    let tags = definition["properties"].as_object().expect("fields").iter();
    let tags = tags.filter_map(|(name, field)| Some((name.clone(), field.get("const")?.clone())));
    let known = all.insert(key(side, &Value::Object(tags.collect())), name.to_owned());
    assert_eq!(known, None, "two frames that nothing tells apart");
}

/// Whether a value is valid under a part of the contract: `/$defs/Task`, or `""` for a frame of either side.
pub fn is_valid(pointer: &str, value: &Value) -> bool {
    CONTRACT.validator(pointer).is_valid(value)
}

/// Asserts that a value is valid under a part of the contract.
#[track_caller]
pub fn check(pointer: &str, value: &Value) {
    let validator = CONTRACT.validator(pointer);
    if validator.is_valid(value) {
        return;
    }
    let errors = validator.iter_errors(value);
    let errors: Vec<String> = errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    panic!(
        "not what the contract says at {pointer}:\n{}\n{value:#}",
        errors.join("\n")
    );
}

#[track_caller]
fn check_frame(side: &str, frame: &Value) {
    let (pointer, is_first) = CONTRACT.frame(side, frame);
    check(&pointer, frame);
    if is_first && side != "RpcAnswer" {
        check("", frame);
    }
}

/// What a client has sent on one socket, until it is answered.
#[derive(Default)]
pub struct Conversation {
    unanswered: Vec<Value>,
}

impl Conversation {
    /// Remembers a request until its answer comes. A text that is no request has none that would name it.
    pub fn sent(&mut self, text: &str) {
        let frame: Value = serde_json::from_str(text).unwrap_or_default();
        secrets::note(&frame);
        if !frame["id"].is_null() {
            self.unanswered.push(frame);
        }
    }

    /// Checks a frame of the server, and the request that it answers.
    #[track_caller]
    pub fn received(&mut self, frame: &Value) {
        check_frame("ServerFrame", frame);
        secrets::note(frame);
        if frame["id"].is_null() {
            return;
        }
        // ids may repeat; answers come in order, except that a pong overtakes the others
        let asked = self.unanswered.iter().position(|asked| {
            let may_be = frame["type"] == "error" || (asked["type"] == "ping") == (frame["type"] == "pong");
            asked["id"] == frame["id"] && may_be
        });
        if let Some(at) = asked {
            carried_out(&self.unanswered.remove(at), frame);
        }
    }
}

/// Checks a request and its answer, unless it was refused.
#[track_caller]
fn carried_out(asked: &Value, answer: &Value) {
    if answer["type"] == "error" {
        return;
    }
    let mut asked = as_read(asked);
    let name = asked["type"].as_str().expect("a type").to_owned();
    if name == "batch" {
        let results = answer["data"]["results"].as_array().expect("results");
        let ops = asked["data"]["ops"].as_array_mut().expect("ops");
        carried_out_in_batch(ops, results);
        if ops.is_empty() {
            return;
        }
    }
    check_frame("ClientFrame", &asked);
    if answer["type"] == "ok" {
        check(&format!("/operations/{name}/output"), &answer["data"]);
    }
}

/// Checks the outputs of a batch. Removes the mutations that were refused by themselves: they need not be valid.
#[track_caller]
fn carried_out_in_batch(ops: &mut Vec<Value>, results: &[Value]) {
    for (op, result) in ops.iter().zip(results) {
        if let (Some(name), Some(data)) = (op["type"].as_str(), result.get("data")) {
            check(&format!("/operations/{name}/output"), data);
        }
    }
    let mut results = results.iter();
    ops.retain(|_| results.next().is_none_or(|result| result.get("data").is_some()));
}

/// A value as the server reads it, which accepts more than the contract offers: it trims and composes texts, drops
/// repeats from lists of texts, and takes positions that not every language can hold.
fn as_read(value: &Value) -> Value {
    match value {
        Value::String(text) => ComposingNormalizer::new_nfc().normalize(text.trim()).into(),
        Value::Number(number) if number.as_u64() > u64::try_from(limits::INTEGER).ok() => {
            limits::INTEGER.into()
        }
        Value::Array(items) => {
            let mut read: Vec<Value> = Vec::new();
            for item in items.iter().map(as_read) {
                if !item.is_string() || !read.contains(&item) {
                    read.push(item);
                }
            }
            read.into()
        }
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, field)| (name.clone(), as_read(field)));
            Value::Object(fields.collect())
        }
        other => other.clone(),
    }
}

/// Checks the answer to an HTTP request, and the request's body if it was carried out.
#[track_caller]
pub fn answered(method: &Method, path: &str, asked: Option<&Value>, status: u16, answer: &Value) {
    asked.into_iter().chain([answer]).for_each(secrets::note);
    let path = path.split('?').next().unwrap_or(path);
    if path == "/v1/rpc" {
        return answered_frames(asked, answer);
    }
    let route = format!("{method} {path}");
    let row = format!("/http/{}", route.replace('/', "~1"));
    let known = CONTRACT.document["http"].get(&route);
    match known {
        Some(known) if status < 400 => {
            let answers = match known["also"].get(status.to_string()) {
                Some(_) => format!("{row}/also/{status}"),
                None => format!("{row}/answer"),
            };
            assert!(
                known["status"] == status || !answers.ends_with("/answer"),
                "{route}: {status} {answer}"
            );
            check(&answers, answer);
            if let (Some(asked), Some(_)) = (asked, known.get("body")) {
                check(&format!("{row}/body"), &as_read(asked));
            }
        }
        // the health of a node is for its operator, also when it is bad
        _ if status >= 400 && path != "/health/detailed" => check("/$defs/HttpError", answer),
        _ => {}
    }
}

fn answered_frames(asked: Option<&Value>, answer: &Value) {
    let Value::Array(answers) = answer else {
        check_frame("RpcAnswer", answer);
        if let Some(asked) = asked {
            carried_out(asked, answer);
        }
        return;
    };
    let asked = asked.and_then(Value::as_array);
    for (at, answer) in answers.iter().enumerate() {
        check_frame("RpcAnswer", answer);
        if let Some(asked) = asked {
            carried_out(&asked[at], answer);
        }
    }
}
