//! Reads tables of comma-separated values (RFC 4180), with the line of each row. Takes what spreadsheets write too: line
//! feeds alone, semicolons or tabs between cells, empty lines. Bounded: the file is in memory, a row has a few hundred
//! cells at most, and a cell is a part of the file.

use super::errors::unreadable;
use taskwire_protocol::Failure;

/// The most cells of a row.
const CELLS: usize = 256;
/// The most bytes of a cell: far more than any text may have.
const CELL: usize = 1 << 20;

/// A row that is not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// The line on which it begins, from 1.
    pub(super) line: u64,
    /// Its cells, as they are.
    pub(super) cells: Vec<String>,
}

/// The rows of a table, read one after the other.
pub(super) struct Rows<'t> {
    rest: &'t str,
    line: u64,
    separator: u8,
}

impl<'t> Rows<'t> {
    /// The rows of a file. What stands between its cells is what its first line has most of.
    pub(super) fn of(text: &'t str) -> Rows<'t> {
        let first = text
            .lines()
            .find(|line| !line.trim().is_empty())
            .unwrap_or_default();
        let number = |separator: u8| first.bytes().filter(|byte| *byte == separator).count();
        // of equal numbers the last one counts: commas come last
        let separator = [b'\t', b';', b',']
            .into_iter()
            .max_by_key(|separator| number(*separator));
        Rows {
            rest: text,
            line: 1,
            separator: separator.unwrap_or(b','),
        }
    }

    /// Rows whose cells have commas between them.
    pub(super) fn with_commas(text: &'t str) -> Rows<'t> {
        Rows {
            rest: text,
            line: 1,
            separator: b',',
        }
    }

    /// The next row that is not empty; `None` at the end.
    ///
    /// # Errors
    /// `VALIDATION_ERROR`: a quote that does not end, text behind a quote, too many cells, too large a cell.
    pub(super) fn next(&mut self) -> Result<Option<Row>, Failure> {
        while !self.rest.is_empty() {
            let line = self.line;
            let mut cells = Vec::new();
            loop {
                if cells.len() >= CELLS {
                    return Err(unreadable(
                        line,
                        None,
                        format!("a row has more than {CELLS} cells"),
                    ));
                }
                let (cell, more) = self.cell(cells.len())?;
                cells.push(cell);
                if !more {
                    break;
                }
            }
            if cells.iter().any(|cell| !cell.is_empty()) {
                return Ok(Some(Row { line, cells }));
            }
        }
        Ok(None)
    }

    /// The next cell, and whether the row has more of them.
    fn cell(&mut self, place: usize) -> Result<(String, bool), Failure> {
        let cell = if let Some(quoted) = self.rest.strip_prefix('"') {
            self.quoted(quoted, place)?
        } else {
            let end = self
                .rest
                .bytes()
                .position(|byte| byte == self.separator || matches!(byte, b'\n' | b'\r'));
            let (cell, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
            self.rest = rest;
            cell.to_owned()
        };
        if cell.len() > CELL {
            let column = place as u64 + 1;
            return Err(unreadable(
                self.line,
                column,
                format!("a cell has more than {CELL} bytes"),
            ));
        }
        let mut rest = self.rest.bytes();
        match (rest.next(), rest.next()) {
            (None, _) => Ok((cell, false)),
            (Some(byte), _) if byte == self.separator => {
                self.rest = &self.rest[1..];
                Ok((cell, true))
            }
            (Some(b'\r'), Some(b'\n')) => Ok((cell, self.ends(2))),
            (Some(b'\r' | b'\n'), _) => Ok((cell, self.ends(1))),
            _ => {
                let column = place as u64 + 1;
                let message =
                    "there is text behind the quote that ends the cell; write a quote inside a cell twice";
                Err(unreadable(self.line, column, message))
            }
        }
    }

    /// A line ends here.
    fn ends(&mut self, bytes: usize) -> bool {
        self.rest = &self.rest[bytes..];
        self.line += 1;
        false
    }

    /// The content of a quoted cell. A quote in it stands twice.
    fn quoted(&mut self, text: &'t str, place: usize) -> Result<String, Failure> {
        let (mut cell, mut text, began) = (String::new(), text, self.line);
        loop {
            let Some(end) = text.find('"') else {
                let message = "the quote that begins this cell does not end";
                return Err(unreadable(began, place as u64 + 1, message));
            };
            cell.push_str(&text[..end]);
            text = &text[end + 1..];
            match text.strip_prefix('"') {
                Some(rest) => {
                    cell.push('"');
                    text = rest;
                }
                None => break,
            }
        }
        let lines = cell.bytes().filter(|byte| *byte == b'\n').count();
        self.line += lines as u64;
        self.rest = text;
        Ok(cell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(u64, Vec<String>)>, String> {
        let (mut rows, mut all) = (Rows::of(text), Vec::new());
        while let Some(row) = rows.next().map_err(|failure| failure.message)? {
            all.push((row.line, row.cells));
        }
        Ok(all)
    }

    #[test]
    fn rows_have_their_lines() {
        let text = "a,b\r\n\n\"x\n\"\"y\"\"\",2\r3,\n,,\n\"\",\" \"";
        let row = |line, a: &str, b: &str| (line, vec![a.to_owned(), b.to_owned()]);
        let wanted = vec![
            row(1, "a", "b"),
            row(3, "x\n\"y\"", "2"),
            row(5, "3", ""),
            row(7, "", " "),
        ];
        assert_eq!(read(text), Ok(wanted));
        assert_eq!(
            read("a;b\n1,5;2").map(|rows| rows[1].1[0].clone()),
            Ok("1,5".to_owned())
        );
        assert_eq!(read("a\tb\n1\t2").map(|rows| rows[1].1.len()), Ok(2));
        assert_eq!(read(""), Ok(Vec::new()));
    }

    #[test]
    fn broken_tables_are_refused_with_their_line() {
        assert!(
            read("a\n\"b")
                .expect_err("no end")
                .starts_with("line 2, column 1: the quote")
        );
        assert!(
            read("a,b\n1,\"2\"x")
                .expect_err("text")
                .starts_with("line 2, column 2: there is text")
        );
        assert!(read(&",".repeat(300)).expect_err("cells").contains("256 cells"));
        assert!(read(&"x".repeat(CELL + 1)).expect_err("large").contains("bytes"));
    }
}
