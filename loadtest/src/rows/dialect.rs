//! The SQL that differs between SQLite and PostgreSQL.

/// A database's SQL.
#[derive(Clone, Copy)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// The columns for the words of a task's title and for the key that orders it, and their values, if the database stores
    /// them in the task's row.
    pub(super) fn words(self, tag: &str) -> (&'static str, String) {
        let Dialect::Postgres = self else {
            return ("", String::new());
        };
        let (key, words) = words(tag, "", "i");
        (
            ", search, title_key, texts_at, words_at",
            format!(", {words}, {key}, 1, 1"),
        )
    }

    /// What changes besides the title of the task `m.i` when it begins with `number`.
    pub(super) fn new_words(self, tag: &str, number: &str) -> String {
        let Dialect::Postgres = self else {
            return String::new();
        };
        let (key, words) = words(tag, &format!("{number} || ' ' || "), "m.i");
        format!(", search = {words}, title_key = {key}")
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

/// The key of the title `{first}task {i} of a load test, …`, and its words as PostgreSQL stores them: each begins with the
/// workspace's tag.
fn words(tag: &str, first: &str, i: &str) -> (String, String) {
    let title = format!("{first}'task ' || {i} || ' of a load test, as long as titles are'");
    let words = format!(
        "(select string_agg('''{tag}' || word || ''':' || place, ' ') \
         from unnest(string_to_array(replace({title}, ',', ''), ' ')) with ordinality as of_title (word, place))::tsvector"
    );
    (format!("encode(convert_to({title}, 'UTF8'), 'hex')"), words)
}
