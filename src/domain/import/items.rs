//! JSON of other programs, leniently: objects whose fields may be missing or of another type, each with its line.

use super::errors::unreadable;
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;
use taskwire_protocol::{Failure, Timestamp};

/// So many bytes of a file are counted at once.
const BLOCK: usize = 4096;

/// A file, for the lines of what is in it.
pub(super) struct Lines<'f> {
    text: &'f str,
    /// The line on which each block begins.
    blocks: Vec<u64>,
}

impl<'f> Lines<'f> {
    pub(super) fn of(text: &'f str) -> Lines<'f> {
        let mut line = 1;
        let blocks = text.as_bytes().chunks(BLOCK).map(|block| {
            let begin = line;
            line += memchr::memchr_iter(b'\n', block).count() as u64;
            begin
        });
        let blocks = blocks.collect();
        Lines { text, blocks }
    }

    /// The line of a part of the file.
    pub(super) fn line(&self, part: &str) -> u64 {
        let place = (part.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
        // what is no part of the file is on no line of it
        let block = self.blocks.get(place / BLOCK).copied().unwrap_or(1);
        let passed = self.text.as_bytes().get(place - place % BLOCK..place);
        block + memchr::memchr_iter(b'\n', passed.unwrap_or_default()).count() as u64
    }
}

/// The most items of a list, and fields of an object: so a small file never becomes large in memory.
const MOST: usize = super::plan::MOST_ROWS;
const FIELDS: usize = 1000;

/// A list of which nothing is read yet.
#[derive(Debug, Default)]
pub(super) struct Few<'f>(pub(super) Vec<&'f RawValue>);

impl<'de: 'f, 'f> Deserialize<'de> for Few<'f> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Few<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Few<'de>, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element()? {
                    if items.len() >= MOST {
                        return Err(A::Error::custom(format!(
                            "a list has more than {MOST} items; split the file"
                        )));
                    }
                    items.push(item);
                }
                Ok(Few(items))
            }

            fn visit_unit<E>(self) -> Result<Few<'de>, E> {
                Ok(Few::default())
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// An object of the file, whose fields are read when they are asked for.
#[derive(Debug, Default)]
pub(super) struct Item<'f> {
    /// Its line.
    pub(super) line: u64,
    fields: Fields<'f>,
}

#[derive(Debug, Default)]
struct Fields<'f>(Vec<(String, &'f RawValue)>);

impl<'de: 'f, 'f> Deserialize<'de> for Fields<'f> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    if fields.len() >= FIELDS {
                        return Err(A::Error::custom(format!(
                            "an object has more than {FIELDS} fields"
                        )));
                    }
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

impl<'f> Item<'f> {
    /// Reads an object. `None`: it is something else.
    pub(super) fn read(raw: &'f RawValue, lines: &Lines<'_>) -> Option<Item<'f>> {
        Item::on(raw, lines.line(raw.get()))
    }

    /// Reads an object of a list of another one.
    pub(super) fn below(raw: &'f RawValue, above: &Item<'_>) -> Option<Item<'f>> {
        Item::on(raw, above.line)
    }

    fn on(raw: &'f RawValue, line: u64) -> Option<Item<'f>> {
        let fields = serde_json::from_str(raw.get()).ok()?;
        Some(Item { line, fields })
    }

    fn raw(&self, name: &str) -> Option<&'f RawValue> {
        let found = self.fields.0.iter().rfind(|(field, _)| field == name);
        found.map(|(_, raw)| *raw)
    }

    /// A text; a number is one too.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let raw = self.raw(name)?.get();
        let text = match raw.as_bytes().first()? {
            b'"' => serde_json::from_str(raw).ok()?,
            b'-' | b'0'..=b'9' => raw.to_owned(),
            _ => return None,
        };
        Some(text).filter(|text: &String| !text.trim().is_empty())
    }

    pub(super) fn truth(&self, name: &str) -> bool {
        self.raw(name).is_some_and(|raw| raw.get() == "true")
    }

    pub(super) fn number(&self, name: &str) -> Option<f64> {
        let number: f64 = self.text(name)?.trim().parse().ok()?;
        Some(number).filter(|number| number.is_finite())
    }

    /// A moment (RFC 3339). The years before 1970 are how some programs say that there is none.
    pub(super) fn time(&self, name: &str) -> Option<Timestamp> {
        let time = Timestamp::parse(&self.text(name)?)?;
        (time.0 > 0).then_some(time)
    }

    /// The values of a list, unread.
    pub(super) fn raws(&self, name: &str) -> Vec<&'f RawValue> {
        let raw = self.raw(name).filter(|raw| raw.get().starts_with('['));
        let list: Option<Few<'f>> = raw.and_then(|raw| serde_json::from_str(raw.get()).ok());
        list.unwrap_or_default().0
    }

    /// The objects of a list, one after the other.
    pub(super) fn items(&self, name: &str) -> impl Iterator<Item = Item<'f>> + use<'f> {
        let line = self.line;
        self.raws(name)
            .into_iter()
            .filter_map(move |raw| Item::on(raw, line))
    }

    /// Each field with the objects of its list. Of fields with one name the last counts, and no list is read twice: a
    /// hostile object names a long one a thousand times.
    pub(super) fn lists(&self) -> Vec<(&str, Vec<Item<'f>>)> {
        let last: BTreeMap<&str, &RawValue> =
            self.fields.0.iter().map(|(name, raw)| (&**name, *raw)).collect();
        let objects = |raw: &'f RawValue| {
            let list: Option<Few<'f>> = serde_json::from_str(raw.get()).ok();
            let raws = list.unwrap_or_default().0.into_iter();
            raws.filter_map(|raw| Item::on(raw, self.line)).collect()
        };
        last.into_iter().map(|(name, raw)| (name, objects(raw))).collect()
    }

    /// The texts of a list.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        let texts = self.raws(name).into_iter();
        texts
            .filter_map(|raw| serde_json::from_str(raw.get()).ok())
            .collect()
    }

    /// An object.
    pub(super) fn item(&self, name: &str) -> Option<Item<'f>> {
        Item::on(self.raw(name)?, self.line)
    }

    /// Whether there is anything in a field: a list that is not empty, a text, an object, a number.
    pub(super) fn has(&self, name: &str) -> bool {
        let Some(raw) = self.raw(name) else { return false };
        let raw = raw.get();
        match raw.as_bytes().first() {
            Some(b'[' | b'{') => raw
                .bytes()
                .skip(1)
                .any(|byte| !byte.is_ascii_whitespace() && byte != b']' && byte != b'}'),
            Some(b'"') => raw.len() > 2,
            Some(b'-' | b'0'..=b'9') => self.number(name) != Some(0.0),
            _ => raw == "true",
        }
    }

    /// The names of all fields, and their values as JSON.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, &'f str)> {
        self.fields.0.iter().map(|(name, raw)| (name.as_str(), raw.get()))
    }
}

/// A file that is one list of objects, or one object on each line. What is no object is an error.
pub(super) fn list(text: &str) -> Result<Vec<&RawValue>, Failure> {
    if text.trim_start().starts_with('[') {
        return Ok(whole::<Few<'_>>(text)?.0);
    }
    let mut found = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let line = line.trim().trim_end_matches(',');
        if line.is_empty() {
            continue;
        }
        if found.len() >= MOST {
            return Err(unreadable(
                i as u64 + 1,
                None,
                format!("the file has more than {MOST} tasks; split it"),
            ));
        }
        found.push(serde_json::from_str(line).map_err(|error| {
            let column = error.column() as u64;
            unreadable(i as u64 + 1, column, format!("this is no JSON: {}", said(&error)))
        })?);
    }
    Ok(found)
}

/// A file that is one value, of which only these parts are read.
pub(super) fn whole<'f, T: Deserialize<'f>>(text: &'f str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line() as u64, error.column() as u64);
        unreadable(
            line.max(1),
            column,
            format!("the file cannot be read: {}", said(&error)),
        )
    })
}

/// What the JSON reader says, without the place, which is told beside it.
pub(super) fn said(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    super::lost::shown(&text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_so_many_items() {
        let many = format!("[{}0]", "0,".repeat(MOST));
        assert!(
            list(&many)
                .expect_err("too many")
                .message
                .contains("split the file")
        );
        let fields: String = (0..=FIELDS).fold(String::new(), |all, n| all + &format!("\"{n}\":0,"));
        let text = format!("[{{{fields}\"x\":0}}]");
        assert!(Item::read(list(&text).expect("a list")[0], &Lines::of(&text)).is_none());
    }

    #[test]
    fn objects_have_their_lines() {
        let long = format!("[{}{{}}]", "\n".repeat(3 * BLOCK));
        let raws = list(&long).expect("a list");
        assert_eq!(Lines::of(&long).line(raws[0].get()), 3 * BLOCK as u64 + 1);
        let text = "[\n {\"a\":1},\n {\"a\":\n2}, {\"a\":\"x\"}]";
        let lines = Lines::of(text);
        let raws = list(text).expect("a list");
        let found: Vec<u64> = raws
            .iter()
            .filter_map(|raw| Item::read(raw, &lines))
            .map(|item| item.line)
            .collect();
        assert_eq!(found, [2, 3, 4]);
        let text = "{\"a\":1}\n\n{\"a\":2},\n";
        assert_eq!(list(text).expect("lines").len(), 2);
        assert!(
            list("{\"a\":1}\n{")
                .expect_err("broken")
                .message
                .starts_with("line 2, column")
        );
        assert!(
            list("[{},")
                .expect_err("broken")
                .message
                .starts_with("line 1, column")
        );
    }

    #[test]
    fn fields_of_another_type_are_missing() {
        let text =
            r#"{"a":1,"b":[{"c":"x"},5],"d":"0001-01-01T00:00:00Z","e":"2030-01-01T00:00:00Z","f":""}"#;
        let item = Item::read(list(text).expect("one")[0], &Lines::of(text)).expect("an object");
        assert_eq!(item.text("a").as_deref(), Some("1"));
        assert_eq!(item.items("b").count(), 1);
        assert_eq!((item.time("d"), item.time("a")), (None, None));
        assert!(item.time("e").is_some() && !item.has("f") && item.text("f").is_none());
    }
}
