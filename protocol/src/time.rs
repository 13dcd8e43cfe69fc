//! A moment on the wire: RFC 3339 in UTC with milliseconds. Does not know what time it is.

use chrono::{DateTime, Datelike, Timelike};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{borrow::Cow, fmt};

/// Milliseconds since 1970-01-01T00:00:00Z; on the wire `2026-11-21T08:15:30.250Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

/// 0001-01-01 and 9999-12-31: RFC 3339 writes years with four digits.
const RANGE: std::ops::RangeInclusive<i64> = -62_135_596_800_000..=253_402_300_799_999;

impl Timestamp {
    /// Reads RFC 3339 (section 5.6) with any offset, and truncates to milliseconds. Second 60 is refused: no calendar
    /// keeps leap seconds, so the server would write another time than it read.
    pub fn parse(text: &str) -> Option<Timestamp> {
        // chrono also takes the minus sign U+2212
        if !text.is_ascii() {
            return None;
        }
        let moment = DateTime::parse_from_rfc3339(text).ok()?;
        // chrono keeps a leap second as one that is longer than a second
        if moment.timestamp_subsec_nanos() >= 1_000_000_000 {
            return None;
        }
        let millis = moment.timestamp_millis();
        RANGE.contains(&millis).then_some(Timestamp(millis))
    }

    /// Writes the time into `text`. An event has up to ten times; formatting them with chrono would cost a
    /// twentieth of an operation's work.
    fn write(self, text: &mut [u8; 24]) -> &str {
        let moment = DateTime::from_timestamp_millis(self.0).unwrap_or_default();
        *text = *b"0000-00-00T00:00:00.000Z";
        let mut put = |place: usize, digits: usize, mut number: u32| {
            for digit in text[place..place + digits].iter_mut().rev() {
                *digit = b'0' + (number % 10) as u8;
                number /= 10;
            }
        };
        put(0, 4, moment.year_ce().1);
        put(5, 2, moment.month());
        put(8, 2, moment.day());
        put(11, 2, moment.hour());
        put(14, 2, moment.minute());
        put(17, 2, moment.second());
        put(20, 3, moment.timestamp_subsec_millis());
        str::from_utf8(text).unwrap_or_default()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.write(&mut [0; 24]))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.write(&mut [0; 24]))
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        Timestamp::parse(&text)
            .ok_or_else(|| D::Error::custom("a time must be RFC 3339, like 2026-11-21T08:15:30Z"))
    }
}

impl JsonSchema for Timestamp {
    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "RFC 3339; the server writes UTC with milliseconds.",
            "type": "string",
            "format": "date-time",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_with_an_offset_is_written_in_utc() {
        let time = Timestamp::parse("2026-11-21T09:15:30.2509+01:00");
        assert_eq!(
            time.map(|t| t.to_string()).as_deref(),
            Some("2026-11-21T08:15:30.250Z")
        );
        assert_eq!(Timestamp::parse("2026-11-21"), None);
        for leap in [
            "2016-12-31T23:59:60Z",
            "2017-01-01T00:59:60.999+01:00",
            "2026-11-21T08:15:60Z",
            "0000-01-01T00:00:00Z",
            "10000-01-01T00:00:00Z",
            "2026-01-01T00:00:00\u{2212}01:00",
        ] {
            assert_eq!(Timestamp::parse(leap), None, "{leap}");
        }
    }

    #[test]
    fn a_time_is_written_as_chrono_writes_it() {
        let mut millis = *RANGE.start();
        while millis <= *RANGE.end() {
            let expected = DateTime::from_timestamp_millis(millis)
                .map(|moment| moment.to_rfc3339_opts(chrono::SecondsFormat::Millis, true));
            assert_eq!(Some(Timestamp(millis).to_string()), expected);
            assert_eq!(
                Timestamp::parse(&Timestamp(millis).to_string()),
                Some(Timestamp(millis))
            );
            millis += 31_622_399_999; // about a year, and every hour, minute, second and millisecond in turn
        }
    }
}
