//! The SQL that differs between SQLite and PostgreSQL.

/// A database's SQL.
#[derive(Clone, Copy)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// The columns for the words of a task's title and for the key that orders it, and their values, if the database stores
    /// them in the task's row. Each word begins with the workspace's tag. The key is as long as a real one.
    pub(super) fn words(self, tag: &str) -> (&'static str, String) {
        let Dialect::Postgres = self else {
            return ("", String::new());
        };
        let words = [
            "of'':3",
            "a'':4",
            "load'':5",
            "test'':6",
            "as'':7,9",
            "long'':8",
            "titles'':10",
            "are'':11",
        ];
        let words: Vec<String> = words.iter().map(|word| format!("''{tag}{word}")).collect();
        let values = format!(
            ", ('''{tag}task'':1 ''{tag}' || i || ''':2 {}')::tsvector, \
             encode(convert_to('task ' || i || ' of a load test, as long as titles are', 'UTF8'), 'hex'), 1, 1",
            words.join(" ")
        );
        (", search, title_key, texts_at, words_at", values)
    }

    /// The numbers of the operations, as the table `n (i)`.
    pub(super) fn series(self) -> &'static str {
        match self {
            Dialect::Sqlite => "with recursive n (i) as (select ? union all select i + 1 from n where i < ?)",
            Dialect::Postgres => "with n (i) as (select generate_series($1::bigint, $2::bigint))",
        }
    }

    /// The hexadecimal digits of a UUIDv7 with the operation's time. The ids of one operation differ by the digit
    /// `kind`.
    pub(super) fn id(self, base_ms: i64, kind: char) -> String {
        match self {
            Dialect::Sqlite => format!("printf('%012x7%03x{kind}%015x', {base_ms} + i, i & 4095, i)"),
            Dialect::Postgres => format!(
                "(lpad(to_hex({base_ms} + i), 12, '0') || '7' || lpad(to_hex(i & 4095), 3, '0') || '{kind}' || \
                 lpad(to_hex(i), 15, '0'))"
            ),
        }
    }

    /// A value of a column of ids.
    pub(super) fn uuid(self, hex: &str) -> String {
        match self {
            Dialect::Sqlite => format!("unhex({hex})"),
            Dialect::Postgres => format!("({hex})::uuid"),
        }
    }

    /// The text of an id, as in frames.
    pub(super) fn text(self, hex: &str) -> String {
        match self {
            Dialect::Sqlite => {
                let part = |from: u8, length: u8| format!("substr({hex}, {from}, {length})");
                let parts = [part(1, 8), part(9, 4), part(13, 4), part(17, 4), part(21, 12)];
                parts.join(" || '-' || ")
            }
            Dialect::Postgres => format!("({hex})::uuid::text"),
        }
    }

    /// An event frame, about as long as real ones.
    pub(super) fn frame(self, kind: &str, stream: &str, seq: &str, event: &str, entity: &str) -> String {
        let (stream, entity) = (self.text(stream), self.text(entity));
        let filling = "\"title\":\"Task of a load test, as long as titles are\",\"description\":null,\"completed\":false,\
                       \"priority\":\"medium\",\"tags\":[],\"version\":1";
        format!(
            "'{{\"type\":\"event\",\"stream\":\"{kind}:' || {stream} || '\",\"seq\":' || ({seq}) || \
             ',\"event\":\"{event}\",\"at\":\"2026-01-01T00:00:00.000Z\",\"actor\":null,\"data\":{{\"id\":\"' || {entity} || \
             '\",{filling}}}}}'"
        )
    }
}
