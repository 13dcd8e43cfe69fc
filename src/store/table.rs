//! A table's columns, listed once. The row that is read, the columns of statements and the statements' texts derive
//! from this list. Texts are built when the program is compiled.

use super::bind::{Columns, Kind};
use uuid::Uuid;

/// A Rust type as which a column is read.
pub(super) trait Value {
    const KIND: Kind;
}

impl Value for Uuid {
    const KIND: Kind = Kind::Id;
}
impl Value for i64 {
    const KIND: Kind = Kind::Int;
}
impl Value for String {
    const KIND: Kind = Kind::Text;
}
impl Value for bool {
    const KIND: Kind = Kind::Bool;
}
impl<T: Value> Value for Option<T> {
    const KIND: Kind = T::KIND;
}

/// A table's columns.
#[derive(Clone, Copy)]
pub(super) struct Table {
    /// The columns that are read.
    pub(super) read: Columns,
    /// The columns that are written.
    pub(super) written: Columns,
    /// Which of the written columns never change after the insert.
    pub(super) fixed: &'static [bool],
}

/// Declares a row, as it is read, and its `TABLE`. A column with `= fixed` never changes after the insert. Columns
/// after `written` are written and not read.
macro_rules! table {
    (
        $(#[$meta:meta])*
        $vis:vis struct $row:ident { $( $name:ident: $type:ty $(= $fixed:ident)? ),+ $(,)? }
        $( written { $( $more:ident: $more_type:ty $(= $more_fixed:ident)? ),+ $(,)? } )?
    ) => {
        $(#[$meta])*
        #[derive(sqlx::FromRow)]
        $vis struct $row { $( $vis $name: $type, )+ }

        impl $row {
            /// The table's columns.
            $vis const TABLE: $crate::store::table::Table = $crate::store::table::columns! {
                $( $name: $type $(= $fixed)? ),+
                $(; written { $( $more: $more_type $(= $more_fixed)? ),+ } )?
            };
        }
    };
}

/// Declares the columns of a table.
macro_rules! columns {
    (
        $( $name:ident: $type:ty $(= $fixed:ident)? ),+ $(,)?
        $(; written { $( $more:ident: $more_type:ty $(= $more_fixed:ident)? ),+ $(,)? } )?
    ) => {
        $crate::store::table::Table {
            read: &[ $( $crate::store::table::column!($name: $type) ),+ ],
            written: &[
                $( $crate::store::table::column!($name: $type), )+
                $( $( $crate::store::table::column!($more: $more_type), )+ )?
            ],
            fixed: &[
                $( $crate::store::table::fixed!($($fixed)?), )+
                $( $( $crate::store::table::fixed!($($more_fixed)?), )+ )?
            ],
        }
    };
}

macro_rules! column {
    ($name:ident: $type:ty) => {
        (
            $crate::store::table::plain(stringify!($name)),
            <$type as $crate::store::table::Value>::KIND,
        )
    };
}

macro_rules! fixed {
    () => {
        false
    };
    (fixed) => {
        true
    };
}

/// A text that is built from [`Part`]s when the program is compiled.
macro_rules! text {
    ($($part:expr),+ $(,)?) => {{
        const PARTS: &[$crate::store::table::Part] = &[$($part),+];
        const BYTES: [u8; $crate::store::table::fill(&mut [], PARTS)] = {
            let mut bytes = [0; $crate::store::table::fill(&mut [], PARTS)];
            let _length = $crate::store::table::fill(&mut bytes, PARTS);
            bytes
        };
        const TEXT: &str = match std::str::from_utf8(&BYTES) {
            Ok(text) => text,
            Err(_) => panic!("a character was cut"),
        };
        TEXT
    }};
}

/// The text of a statement that inserts rows into a table, followed by more parts.
macro_rules! insert {
    ($name:literal, $table:expr $(, $more:expr)* $(,)?) => {
        $crate::store::table::text![
            $crate::store::table::Part::Plain(concat!("insert into ", $name, " (")),
            $crate::store::table::Part::Each("$", $table.written),
            $crate::store::table::Part::Plain(") select "),
            $crate::store::table::Part::Each("$", $table.written),
            $crate::store::table::Part::Plain(" from v where {rows}"),
            $($more),*
        ]
    };
}

/// The text of a statement that inserts rows, and updates rows whose key exists.
macro_rules! upsert {
    ($name:literal, $key:literal, $table:expr) => {
        $crate::store::table::insert!(
            $name,
            $table,
            $crate::store::table::Part::Plain(concat!(" on conflict (", $key, ") do update set ")),
            $crate::store::table::Part::Changing("$ = excluded.$", $table),
        )
    };
}

pub(super) use {column, columns, fixed, insert, table, text, upsert};

/// A part of a text.
#[derive(Clone, Copy)]
pub(super) enum Part {
    /// A text as it is.
    Plain(&'static str),
    /// A pattern for each of these columns, with commas between them. `$` stands for the column's name.
    Each(&'static str, Columns),
    /// A pattern for each written column of a table that is not fixed, with commas between them.
    Changing(&'static str, Table),
}

/// A column's name without the `r#` of a Rust keyword.
pub(super) const fn plain(name: &'static str) -> &'static str {
    match name.as_bytes() {
        [b'r', b'#', ..] => name.split_at(2).1,
        _ => name,
    }
}

/// Columns and some more.
pub(super) const fn with<const N: usize, const M: usize>(
    columns: Columns,
    more: [(&'static str, Kind); M],
) -> [(&'static str, Kind); N] {
    assert!(columns.len() + M == N, "the number of columns is wrong");
    let mut all = [more[0]; N];
    let mut i = 0;
    while i < N {
        all[i] = if i < columns.len() {
            columns[i]
        } else {
            more[i - columns.len()]
        };
        i += 1;
    }
    all
}

// The functions below take and return only references and numbers. With other types, an optimized build with rustc 1.95
// ends in a cycle (E0391): to find a length in a type, it looks at the bodies of all functions of the crate.

/// Writes the parts one after another, as far as there is room. Returns the length of the whole text.
pub(super) const fn fill(out: &mut [u8], parts: &[Part]) -> usize {
    let (mut i, mut length) = (0, 0);
    while i < parts.len() {
        length = match &parts[i] {
            Part::Plain(text) => put(out, length, text, ""),
            Part::Each(pattern, columns) => put_each(out, length, pattern, columns, &[]),
            Part::Changing(pattern, table) => put_each(out, length, pattern, table.written, table.fixed),
        };
        i += 1;
    }
    length
}

/// Writes a pattern at `at` for each column that is not left out. Returns where it ends.
const fn put_each(out: &mut [u8], at: usize, pattern: &str, columns: Columns, left_out: &[bool]) -> usize {
    let (mut i, mut end) = (0, at);
    while i < columns.len() {
        if i >= left_out.len() || !left_out[i] {
            if end > at {
                end = put(out, end, ", ", "");
            }
            end = put(out, end, pattern, columns[i].0);
        }
        i += 1;
    }
    end
}

/// Writes a pattern at `at`, with a name in the place of each `$`. Without a name `$` is itself. Returns where it ends.
const fn put(out: &mut [u8], at: usize, pattern: &str, name: &str) -> usize {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut i, mut end) = (0, at);
    while i < pattern.len() {
        if pattern[i] == b'$' && !name.is_empty() {
            let mut j = 0;
            while j < name.len() {
                end = put_byte(out, end, name[j]);
                j += 1;
            }
        } else {
            end = put_byte(out, end, pattern[i]);
        }
        i += 1;
    }
    end
}

const fn put_byte(out: &mut [u8], at: usize, byte: u8) -> usize {
    if at < out.len() {
        out[at] = byte;
    }
    at + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    table! {
        /// For the tests.
        #[allow(dead_code, reason = "only its columns matter")]
        struct Small { id: Uuid = fixed, r#type: String, done: Option<bool> }
        written { hidden: i64 }
    }

    const READ: &str = text![
        Part::Plain("select "),
        Part::Each("s.$", Small::TABLE.read),
        Part::Plain(" $1")
    ];
    const CHANGED: &str = text![Part::Changing("$ = excluded.$", Small::TABLE)];

    #[test]
    fn texts_derive_from_the_columns() {
        let table = Small::TABLE;
        assert_eq!(
            table.written,
            [
                ("id", Kind::Id),
                ("type", Kind::Text),
                ("done", Kind::Bool),
                ("hidden", Kind::Int)
            ]
        );
        assert_eq!(READ, "select s.id, s.type, s.done $1");
        assert_eq!(
            CHANGED,
            "type = excluded.type, done = excluded.done, hidden = excluded.hidden"
        );
    }
}
