//! The HTTP routes of the document, and the bodies of sign-ins: the operation's parameters and `token_delivery`.

use super::frames::refer;
use super::look::reference;
use crate::http::{Answer, Body, HttpError, ROUTES, TokenDelivery};
use crate::limits;
use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

/// The names of a sign-in's parameters and of its body over HTTP, and the route.
pub(super) type SignInBody = (String, String, &'static str);

/// The routes by name, and the bodies that [`add_bodies`] makes.
pub(super) fn table(
    read: &mut SchemaGenerator,
    written: &mut SchemaGenerator,
) -> (Map<String, Value>, Vec<SignInBody>) {
    let mut bodies = Vec::new();
    let mut routes = Map::new();
    for route in ROUTES {
        let body = match route.body {
            Body::Nothing => Value::Null,
            Body::Object(schema) => schema(read).to_value(),
            Body::Frames => one_or_many("ClientFrame"),
            Body::Picture | Body::File => file(),
            Body::Form => json!({
                "contentMediaType": "multipart/form-data",
                "type": "object",
                "properties": { "file": file() },
                "required": ["file"],
            }),
            Body::SignIn(schema) | Body::OwnSignIn(schema) => {
                let params = schema(read).to_value();
                let params = reference(&params).unwrap_or_default().to_owned();
                let is_of_an_operation = matches!(route.body, Body::SignIn(_));
                let name = if is_of_an_operation {
                    format!("Http{params}")
                } else {
                    params.clone()
                };
                let body = refer(&name);
                bodies.push((params, name, route.name));
                body
            }
        };
        let answer = match route.answer {
            Answer::Object(schema) | Answer::ObjectOr(schema, ..) => schema(written).to_value(),
            Answer::Frames => one_or_many("RpcAnswer"),
            Answer::Picture | Answer::Archive | Answer::File => file(),
            Answer::Lines(first, other) => {
                let lines = [first, other].map(|line| line(written).to_value());
                json!({ "contentMediaType": "application/x-ndjson", "anyOf": lines })
            }
            Answer::Events(first, last) => {
                let [first, last] = [first, last].map(|message| message(written).to_value());
                let messages = [first, refer("EventFrame"), refer("SignalFrame"), last];
                json!({ "contentMediaType": "text/event-stream", "anyOf": messages })
            }
            Answer::Workspace(schema) => {
                let text = json!({ "contentMediaType": "text/*", "type": "string", "format": "binary" });
                json!({ "anyOf": [schema(written).to_value(), text] })
            }
            Answer::Calendar => {
                json!({ "contentMediaType": "text/calendar", "type": "string", "format": "binary" })
            }
            Answer::Page => json!({ "type": "string" }),
            Answer::Contract => json!({ "type": "object" }),
        };
        let error = match route.answer {
            Answer::Frames => refer("ErrorFrame"),
            _ => written.subschema_for::<HttpError>().to_value(),
        };
        let mut row =
            json!({ "description": route.doc, "status": route.status, "answer": answer, "error": error });
        if let Answer::ObjectOr(_, status, other) = route.answer {
            row["also"] = json!({ status.to_string(): other(written).to_value() });
        }
        if !body.is_null() {
            row["body"] = body;
        }
        routes.insert(route.name.to_owned(), row);
    }
    read.subschema_for::<TokenDelivery>();
    (routes, bodies)
}

/// The bytes of a file, as OpenAPI writes it.
fn file() -> Value {
    json!({ "type": "string", "format": "binary" })
}

fn one_or_many(frame: &str) -> Value {
    json!({ "anyOf": [refer(frame), { "type": "array", "items": refer(frame), "maxItems": limits::BATCH }] })
}

/// Adds the bodies of the sign-ins.
pub(super) fn add_bodies(definitions: &mut Map<String, Value>, bodies: &[SignInBody]) {
    for (params, name, route) in bodies {
        let Some(mut body) = definitions.get(params).cloned() else {
            continue;
        };
        if name != params {
            body["description"] = json!(format!("The body of `{route}`."));
        }
        body["properties"]["token_delivery"] = json!({
            "description": "Where the answer puts the refresh token; `cookie` when omitted.",
            "anyOf": [refer("TokenDelivery"), { "type": "null" }],
        });
        definitions.insert(name.clone(), body);
    }
}
