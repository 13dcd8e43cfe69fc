use super::*;
use serde_json::json;

/// What `breaks` finds after `doctor` has changed the current contract.
fn after(doctor: impl FnOnce(&mut Value)) -> Vec<String> {
    let old = contract();
    let mut new = old.clone();
    doctor(&mut new);
    assert_ne!(old, new, "the doctor changed nothing");
    breaks(&old, &new)
}

/// Asserts that the change is refused, and that every finding contains `what`.
fn refused(what: &str, doctor: impl FnOnce(&mut Value)) {
    let found = after(doctor);
    assert!(!found.is_empty(), "{what}: passed");
    assert!(found.iter().all(|each| each.contains(what)), "{what}: {found:#?}");
}

fn passes(doctor: impl FnOnce(&mut Value)) {
    assert_eq!(after(doctor), Vec::<String>::new());
}

fn at<'v>(contract: &'v mut Value, pointer: &str) -> &'v mut Value {
    contract
        .pointer_mut(pointer)
        .unwrap_or_else(|| panic!("the contract has no {pointer}"))
}

fn set(pointer: &'static str, value: Value) -> impl FnOnce(&mut Value) {
    move |contract| *at(contract, pointer) = value
}

fn add(pointer: &'static str, name: &'static str, value: Value) -> impl FnOnce(&mut Value) {
    move |contract| at(contract, pointer)[name] = value
}

fn remove(pointer: &'static str, name: &'static str) -> impl FnOnce(&mut Value) {
    move |contract| {
        let removed = at(contract, pointer)
            .as_object_mut()
            .and_then(|all| all.remove(name));
        assert!(removed.is_some(), "{pointer} has no {name}");
    }
}

/// Removes the items of an array for which `which` is true.
fn drop_items(pointer: &'static str, which: fn(&Value) -> bool) -> impl FnOnce(&mut Value) {
    move |contract| {
        at(contract, pointer)
            .as_array_mut()
            .expect("an array")
            .retain(|item| !which(item));
    }
}

fn push(pointer: &'static str, value: Value) -> impl FnOnce(&mut Value) {
    move |contract| {
        at(contract, pointer)
            .as_array_mut()
            .expect("an array")
            .push(value);
    }
}

#[test]
fn the_same_contract_breaks_nothing() {
    assert_eq!(breaks(&contract(), &contract()), Vec::<String>::new());
}

#[test]
fn an_operation_stays_with_its_kind_and_access() {
    refused(
        "task.get: the operation is gone",
        remove("/operations", "task.get"),
    );
    refused(
        "was a \"query\"",
        set("/operations/task.get/kind", json!("mutation")),
    );
    refused(
        "access was viewer",
        set("/operations/task.get/access", json!("member")),
    );
    refused(
        "access was viewer",
        set("/operations/task.get/access", json!("server_admin")),
    );
    refused(
        "access was server_admin",
        set("/operations/admin.kick/access", json!("admin")),
    );
    passes(set("/operations/task.move/access", json!("viewer")));
    passes(set("/operations/admin.instances/access", json!("user")));
}

#[test]
fn a_parameter_stays_and_stays_optional() {
    refused(
        ".due_at: the parameter is gone",
        remove("/$defs/CreateTask/properties", "due_at"),
    );
    refused(
        ".due_at: is required now",
        push("/$defs/CreateTask/required", json!("due_at")),
    );
    refused(".colour: is required now", |contract| {
        at(contract, "/$defs/CreateTask/properties")["colour"] = json!({ "type": "string" });
        at(contract, "/$defs/CreateTask/required")
            .as_array_mut()
            .expect("names")
            .push(json!("colour"));
    });
}

#[test]
fn a_parameter_accepts_what_it_accepted() {
    let title = "/$defs/CreateTask/properties/title";
    refused(
        "maxLength was 200, is 100",
        set("/$defs/CreateTask/properties/title/maxLength", json!(100)),
    );
    refused(
        "minLength was 1, is 2",
        set("/$defs/CreateTask/properties/title/minLength", json!(2)),
    );
    refused(
        "maxLength was null, is 9",
        add("/$defs/LogIn/properties/email", "maxLength", json!(9)),
    );
    refused(
        "maximum was 100, is 50",
        set("/$defs/ListTasks/properties/limit/maximum", json!(50)),
    );
    refused("pattern was null", add(title, "pattern", json!("^[A-Z]")));
    refused("format was null", add(title, "format", json!("email")));
    refused(
        "null is no longer accepted",
        set("/$defs/CompleteTask/properties/completed/type", json!("boolean")),
    );
    refused(
        "of type boolean",
        set(
            "/$defs/CompleteTask/properties/completed/type",
            json!(["string", "null"]),
        ),
    );
    refused(
        "[]: maxLength was 50",
        set("/$defs/CreateTask/properties/tags/items/maxLength", json!(5)),
    );
}

#[test]
fn a_parameter_keeps_its_values_and_choices() {
    refused(
        "\"-title\" is no longer accepted",
        drop_items("/$defs/Sort/oneOf", |v| v["const"] == "-title"),
    );
    refused(
        "accepts only listed values",
        add("/$defs/CreateTask/properties/title", "enum", json!(["a"])),
    );
    refused(
        "no longer accepts",
        drop_items("/$defs/Streams/anyOf", |v| v["type"] == "array"),
    );
}

#[test]
fn an_open_parameter_stays_open() {
    let new = contract();
    let mut old = new.clone();
    remove("/$defs/SetPresence", "additionalProperties")(&mut old);
    assert_eq!(
        breaks(&old, &new),
        ["presence.set params: other members are no longer accepted"]
    );
    let resume = "/$defs/Resume/properties/positions/additionalProperties";
    refused(
        "of type integer",
        set(
            "/$defs/Resume/properties/positions/additionalProperties/type",
            json!("string"),
        ),
    );
    assert!(new.pointer(resume).is_some());
}

#[test]
fn an_event_and_a_signal_stay() {
    refused("task.moved: is gone", remove("/events", "task.moved"));
    refused("typing: is gone", remove("/signals", "typing"));
    refused(
        "TaskMovedEvent",
        drop_items("/$defs/EventFrame/oneOf", |v| {
            v["$ref"] == "#/$defs/TaskMovedEvent"
        }),
    );
}

#[test]
fn a_field_stays_and_stays_there() {
    refused(
        ".tags: the field is gone",
        remove("/$defs/Task/properties", "tags"),
    );
    refused(
        ".tags: may be missing now",
        drop_items("/$defs/Task/required", |name| name == "tags"),
    );
    refused(
        ".seq: may be missing now",
        drop_items("/$defs/TaskMovedEvent/required", |name| name == "seq"),
    );
}

#[test]
fn a_field_keeps_its_type() {
    refused(
        "may be null now",
        set("/$defs/Task/properties/title/type", json!(["string", "null"])),
    );
    refused(
        "may be null now",
        set(
            "/$defs/Task/properties/workspace_id",
            json!({ "anyOf": [{ "$ref": "#/$defs/WorkspaceId" }, { "type": "null" }] }),
        ),
    );
    refused(
        "may be of type string now",
        set("/$defs/Task/properties/completed/type", json!("string")),
    );
    refused(
        "may be of any type now",
        remove("/$defs/Task/properties/completed", "type"),
    );
    refused(
        "format was \"int64\"",
        set("/$defs/Task/properties/version/format", json!("double")),
    );
    refused(
        "[]: may be of type integer",
        set("/$defs/Task/properties/tags/items/type", json!("integer")),
    );
    refused(
        ".*: may be of type string",
        set(
            "/$defs/OkFrame/properties/at/additionalProperties/type",
            json!("string"),
        ),
    );
}

#[test]
fn a_field_keeps_its_values_and_choices() {
    refused(
        "\"INVITE\" is gone",
        drop_items("/$defs/NotificationType/oneOf", |v| v["const"] == "INVITE"),
    );
    refused(
        "no longer one of the listed values",
        set("/$defs/NotificationType", json!({ "type": "string" })),
    );
    refused(
        "a choice is gone",
        drop_items("/$defs/Actor/oneOf", |v| {
            v["properties"]["kind"]["const"] == "server"
        }),
    );
    refused(
        ".name: the field is gone",
        remove("/$defs/Actor/oneOf/0/properties", "name"),
    );
    refused(
        "the field is gone",
        set(
            "/$defs/Member/properties/user",
            json!({ "anyOf": [{ "$ref": "#/$defs/PublicUser" }, { "type": "object", "properties": {} }] }),
        ),
    );
}

#[test]
fn frames_and_versions_stay() {
    refused("protocol: changed", set("/protocol", json!(2)));
    refused(
        "request task.create.op_id",
        set(
            "/$defs/TaskCreateRequest/properties/op_id",
            json!({ "type": "null" }),
        ),
    );
    refused(
        "task.create: no frame has it now",
        drop_items("/$defs/MutationFrame/oneOf", |v| {
            v["$ref"] == "#/$defs/TaskCreateRequest"
        }),
    );
}

#[test]
fn a_route_stays_with_its_body_and_answer() {
    refused(
        "POST /v1/auth/refresh: the route is gone",
        remove("/http", "POST /v1/auth/refresh"),
    );
    refused(
        "status was 200",
        set("/http/POST ~1v1~1auth~1refresh/status", json!(201)),
    );
    refused(
        "body.refresh_token: null is no longer accepted",
        set(
            "/$defs/RefreshTokens/properties/refresh_token/type",
            json!("string"),
        ),
    );
    refused(
        ".request_id: the field is gone",
        remove("/$defs/HttpError/properties", "request_id"),
    );
}

/// Revision 1 described fields beside a choice; the choices are whole now.
#[test]
fn the_fields_beside_a_choice_belong_to_each_of_its_shapes() {
    let mut old = contract();
    let part = |name: &str, payload: &str| json!({ "properties": { "event": { "const": name }, "data": { "$ref": format!("#/$defs/{payload}") } } });
    let whole = old["$defs"]["MemberAddedEvent"].clone();
    let mut beside = whole.clone();
    beside["properties"]["event"] = json!({ "type": "string" });
    beside["properties"]["data"] = json!({ "type": "object" });
    beside["oneOf"] = json!([
        part("member.added", "Member"),
        part("member.removed", "MemberRemoved")
    ]);
    old["$defs"]["EventFrame"] = beside;
    assert_eq!(breaks(&old, &contract()), Vec::<String>::new());
    old["$defs"]["EventFrame"]["properties"]["colour"] = json!({ "type": "string" });
    assert!(
        breaks(&old, &contract())
            .iter()
            .any(|each| each.ends_with(".colour: the field is gone"))
    );
}

#[test]
fn an_event_that_showed_a_task_may_be_forgotten_and_nothing_else_may() {
    let new = contract();
    let mut old = new.clone();
    let whole = json!({ "$ref": "#/$defs/NotificationChanged" });
    old["events"]["notification.created"]["data"] = whole.clone();
    old["$defs"]["NotificationCreatedEvent"]["properties"]["data"] = whole;
    assert_eq!(breaks(&old, &new), Vec::<String>::new());
    let mut new = contract();
    new["operations"]["task.get"]["output"] =
        json!({ "anyOf": [{ "$ref": "#/$defs/Task" }, { "$ref": "#/$defs/Forgotten" }] });
    assert!(!breaks(&contract(), &new).is_empty());
}

#[test]
fn a_name_in_a_batch_that_was_any_text_may_become_the_list_of_all_mutations() {
    let mut old = contract();
    old["$defs"]["BatchOp"] = json!({
        "type": "object",
        "properties": { "type": { "type": "string" }, "data": { "type": ["object", "null"] } },
        "required": ["type"],
    });
    assert_eq!(breaks(&old, &contract()), Vec::<String>::new());
    let mut new = contract();
    drop_items("/$defs/BatchOp/oneOf", |v| v["$ref"] == "#/$defs/TaskMoveOp")(&mut new);
    assert!(
        breaks(&old, &new)
            .iter()
            .any(|each| each.starts_with("batch params.ops[]"))
    );
}

#[test]
fn codes_and_limits_stay() {
    refused("CONFLICT: the code is gone", remove("/errors", "CONFLICT"));
    refused("CONFLICT: http was 409", set("/errors/CONFLICT/http", json!(400)));
    refused("retry was \"no\"", set("/errors/CONFLICT/retry", json!("yes")));
    refused("4429: the code is gone", remove("/close_codes", "4429"));
    refused(
        "then was \"stop\"",
        set("/close_codes/4400/then", json!("resume")),
    );
    refused("title: the limit was", set("/limits/title", json!(100)));
    refused(
        "username_min: the limit was",
        set("/limits/username_min", json!(4)),
    );
    refused("batch: the limit was", remove("/limits", "batch"));
}

#[test]
fn what_is_new_and_optional_passes() {
    passes(|contract| {
        let copy = contract["operations"]["task.get"].clone();
        contract["operations"]["task.peek"] = copy;
    });
    passes(add(
        "/events",
        "task.painted",
        json!({ "data": { "$ref": "#/$defs/Task" } }),
    ));
    passes(add(
        "/signals",
        "weather.changed",
        json!({ "data": { "type": "object" } }),
    ));
    passes(add(
        "/$defs/CreateTask/properties",
        "weather",
        json!({ "type": ["string", "null"] }),
    ));
    passes(set("/$defs/CreateTask/properties/title/maxLength", json!(300)));
    passes(add(
        "/$defs/Task/properties",
        "weather",
        json!({ "type": "string" }),
    ));
    passes(push(
        "/$defs/NotificationType/oneOf",
        json!({ "const": "SPRING", "type": "string" }),
    ));
    passes(push(
        "/$defs/Sort/oneOf",
        json!({ "const": "stage", "type": "string" }),
    ));
    passes(push(
        "/$defs/Actor/oneOf",
        json!({ "type": "object",
        "properties": { "kind": { "const": "webhook", "type": "string" } }, "required": ["kind"] }),
    ));
    passes(add("/errors", "TEAPOT", json!({ "http": 418, "retry": "no" })));
    passes(add(
        "/close_codes",
        "4418",
        json!({ "name": "Teapot", "then": "stop" }),
    ));
    passes(set("/limits/batch", json!(200)));
    passes(|contract| {
        // an optional field becomes required, and a nullable field is never null
        at(contract, "/$defs/Workspace/required")
            .as_array_mut()
            .expect("names")
            .push(json!("role"));
        *at(contract, "/$defs/Task/properties/description/type") = json!("string");
    });
}

#[test]
fn the_revision_rises_when_the_contract_grows_and_only_then() {
    let old = contract();
    let mut grown = old.clone();
    grown["limits"]["batch"] = json!(200);
    assert_eq!(wrong_revision(&old, &old), None);
    assert!(wrong_revision(&old, &grown).is_some_and(|text| text.contains("raise REVISION")));
    let revision = old["revision"].as_u64().expect("a number");
    grown["revision"] = json!(revision + 1);
    assert_eq!(wrong_revision(&old, &grown), None);
    let mut same = old.clone();
    same["revision"] = json!(revision + 1);
    assert!(wrong_revision(&old, &same).is_some());
}

#[test]
fn descriptions_are_not_part_of_the_contract() {
    let contract = contract();
    assert_eq!(contract["operations"]["task.get"]["description"], Value::Null);
    assert!(contract["$defs"]["Task"]["properties"]["description"].is_object());
}
