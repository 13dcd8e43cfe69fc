//! How JSON is read beyond what serde checks: each key stands once in an object, and `10.0` is the integer 10. What has
//! fields by name is read by serde's derive, which refuses a field that comes twice; this is for objects with any keys.

use crate::{ErrorCode, Failure};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value, error::Category};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

/// A number with a fraction is read as an integer up to this. serde_json rounds larger ones, so they could be misread.
const EXACT: f64 = (1_u64 << 50) as f64;

/// The integer that a JSON number is, however it is written.
pub(crate) fn integer(number: f64) -> Option<i64> {
    #[allow(
        clippy::cast_possible_truncation,
        reason = "it has no fraction, and its absolute value is below 2^50"
    )]
    (number.fract() == 0.0 && number.abs() < EXACT).then_some(number as i64)
}

/// An object that came as the body of a request; an empty body is an empty object.
///
/// # Errors
/// `BAD_FRAME` when it is not a JSON object, `VALIDATION_ERROR` when a key stands twice in an object.
pub fn object(text: &[u8]) -> Result<Map<String, Value>, Failure> {
    if text.trim_ascii().is_empty() {
        return Ok(Map::new());
    }
    let mut from = serde_json::Deserializer::from_slice(text);
    let read = serde_path_to_error::deserialize::<_, Plain>(&mut from);
    match read {
        Err(error) if error.inner().classify() == Category::Data => Err(explain(&error)),
        Ok(Plain(Value::Object(object))) if from.end().is_ok() => Ok(object),
        Ok(Plain(value)) if from.end().is_ok() && !value.is_object() => Err(Failure::new(
            ErrorCode::BadFrame,
            "the body must be a JSON object",
        )),
        Ok(_) | Err(_) => Err(Failure::new(ErrorCode::BadFrame, "the body is not valid JSON")),
    }
}

/// The same JSON with every integer written as one; `None` when it is not JSON, or has a key twice.
pub(crate) fn with_integers(text: &str) -> Option<String> {
    let Plain(value) = serde_json::from_str(text).ok()?;
    Some(value.to_string())
}

/// Any JSON, and the path of the first key that stands twice in an object: for JSON in which that must not refuse the whole.
pub(crate) fn value_and_twice<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<(Value, Option<String>), D::Error> {
    let log = RefCell::default();
    let value = Reader(Some(&log)).deserialize(from)?;
    Ok((value, log.into_inner().twice))
}

/// The first key that stands twice in an object; `None` also for JSON that cannot be read otherwise.
pub(crate) fn stands_twice(text: &str) -> Option<String> {
    let (_, twice) = value_and_twice(&mut serde_json::Deserializer::from_str(text)).ok()?;
    twice
}

/// The failure for a key that stands twice.
pub(crate) fn given_twice(field: String) -> Failure {
    let message = format!("{field} is given twice");
    Failure::invalid(field, message)
}

/// For a field that is a map.
pub(crate) fn map<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<BTreeMap<String, T>, D::Error> {
    struct Entries<T>(std::marker::PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
        type Value = BTreeMap<String, T>;

        fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
            let mut map = BTreeMap::new();
            while let Some(key) = from.next_key::<String>()? {
                if map.contains_key(&key) {
                    return Err(twice(&key));
                }
                let value = from.next_value()?;
                map.insert(key, value);
            }
            Ok(map)
        }

        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(BTreeMap::new()) // `null` is the same as omitting it
        }
    }
    from.deserialize_any(Entries(std::marker::PhantomData))
}

/// The failure for parameters that serde refused.
pub(crate) fn explain(error: &serde_path_to_error::Error<serde_json::Error>) -> Failure {
    let text = error.inner().to_string();
    let message = text.split(" at line ").next().unwrap_or(&text);
    let mut field = error.path().to_string();
    // for a missing or unknown field, serde's path ends at the object; only the message names the field
    if let Some(name) = ["missing field `", "unknown field `", "duplicate field `"]
        .iter()
        .find_map(|start| message.strip_prefix(start)?.split('`').next())
    {
        let ends_with_it = field == name || field.ends_with(&format!(".{name}"));
        if field == "." {
            name.clone_into(&mut field);
        } else if !ends_with_it {
            field = format!("{field}.{name}");
        }
    }
    if field == "." {
        "data".clone_into(&mut field);
    }
    if message.starts_with("duplicate field ") {
        return given_twice(field);
    }
    let message = if let Some(name) = message.strip_prefix("missing field ") {
        format!("{} is required", name.trim_matches('`'))
    } else {
        format!("{field}: {message}")
    };
    Failure::invalid(field, message)
}

/// The error for a key that stands twice, in the words of serde's derive.
pub(crate) fn twice<E: Error>(key: &str) -> E {
    E::custom(format_args!("duplicate field `{key}`"))
}

/// Any JSON without a key that stands twice.
struct Plain(Value);

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Reader(None).deserialize(from).map(Plain)
    }
}

/// Reads any JSON. With a log, a key that stands twice is written there; without, it is an error.
#[derive(Clone, Copy)]
struct Reader<'a>(Option<&'a RefCell<Log>>);

#[derive(Default)]
struct Log {
    /// Where the reader is.
    path: String,
    /// The first key that stands twice.
    twice: Option<String>,
}

impl Reader<'_> {
    /// Runs `read` one step further down the path.
    fn within<T>(self, step: impl FnOnce(&mut String), read: impl FnOnce() -> T) -> T {
        let Some(log) = self.0 else { return read() };
        let length = log.borrow().path.len();
        step(&mut log.borrow_mut().path);
        let done = read();
        log.borrow_mut().path.truncate(length);
        done
    }

    /// A key stands twice; this is the path of the second one.
    fn found_twice<E: Error>(self, key: &str) -> Result<(), E> {
        let Some(log) = self.0 else { return Err(twice(key)) };
        let Log { path, twice } = &mut *log.borrow_mut();
        twice.get_or_insert_with(|| path.clone());
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(match integer(value) {
            Some(integer) => integer.into(),
            None => Number::from_f64(value).map_or(Value::Null, Value::Number),
        })
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        let step = |at: usize| move |path: &mut String| path.extend(["[", &at.to_string(), "]"]);
        while let Some(item) = self.within(step(items.len()), || from.next_element_seed(self))? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = from.next_key::<String>()? {
            let step = |path: &mut String| {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(&key);
            };
            let value = self.within(step, || {
                if object.contains_key(&key) {
                    self.found_twice(&key)?;
                }
                from.next_value_seed(self)
            })?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_key_stands_once_in_an_object_at_any_depth() {
        let refused = |text: &str| {
            let failure = object(text.as_bytes()).err();
            let failure = failure.unwrap_or_else(|| panic!("{text} was taken"));
            (failure.code, failure.field)
        };
        for (text, field) in [
            (r#"{"email":"a","email":"b"}"#, "email"),
            (r#"{"email":"a","\u0065mail":"a"}"#, "email"),
            (r#"{"a":{"b":[{"c":1,"c":1}]}}"#, "a.b[0].c"),
            (r#"{"":1,"":1}"#, ""),
        ] {
            assert_eq!(
                refused(text),
                (ErrorCode::ValidationError, Some(field.to_owned())),
                "{text}"
            );
            assert_eq!(with_integers(text), None, "{text}");
        }
        for text in [
            "[]",
            "7",
            "{",
            r#"{"a":1}}"#,
            r#"{"a":1} {}"#,
            "nonsense",
            "\u{feff}{}",
        ] {
            assert_eq!(refused(text), (ErrorCode::BadFrame, None), "{text}");
        }
        assert_eq!(object(b" \n ").ok(), Some(Map::new()));
        let taken = object(br#" {"a":{"x":null},"b":{"x":[true,"t",0.5]}} "#).map(Value::Object);
        assert_eq!(taken.ok(), Some(json!({"a":{"x":null},"b":{"x":[true,"t",0.5]}})));
    }

    #[test]
    fn a_key_that_stands_twice_is_found_where_it_must_not_refuse_the_whole() {
        let read = |text: &str| value_and_twice(&mut serde_json::Deserializer::from_str(text)).ok();
        let text = r#"{"a":{"b":[0,{"c":1,"c":2}]},"d":1,"d":[{"e":0,"e":1}]}"#;
        let value = json!({"a":{"b":[0,{"c":2}]},"d":[{"e":1}]});
        assert_eq!(read(text), Some((value, Some("a.b[1].c".to_owned()))));
        assert_eq!(
            read(r#"{"a":{"c":1},"b":{"c":1.0}}"#),
            Some((json!({"a":{"c":1},"b":{"c":1}}), None))
        );
    }

    #[test]
    fn a_number_without_a_fraction_is_an_integer() {
        let read = |text: &str| with_integers(text).unwrap_or_default();
        assert_eq!(read("[10.0,1e1,-3.0,-0.0,0.0]"), "[10,10,-3,0,0]");
        for n in (1_i64 << 50) - 1000..1_i64 << 50 {
            assert_eq!(read(&format!("[{n}.0,-{n}.0]")), format!("[{n},-{n}]"));
        }
        assert_eq!(
            read("[18446744073709551615,-9223372036854775808]"),
            "[18446744073709551615,-9223372036854775808]"
        );
        for text in ["10.5", "1125899906842624.0", "9007199254740991.0", "1e300"] {
            assert!(read(text).contains(['.', 'e']), "{text} became {}", read(text));
        }
    }
}
