//! Rows for people: on a terminal columns that fit its width, elsewhere the cells of each row with two blanks between them,
//! as scripts cut them. Does not know what the cells tell.

use crate::terminal::plain;
use anstyle::Style;
use ratatui::text::Span;
use std::{borrow::Cow, fmt::Write as _, iter};

/// What stands between two columns.
const GAP: &str = "  ";
/// The long column gives way first, down to this width; then the others.
const LONG: usize = 24;
/// No column gets narrower.
const NARROWEST: usize = 8;

/// The cells of a row. A cell without text takes no place unless another row has text there.
pub(crate) type Row = Vec<Cell>;

/// Text in styles, without characters that a terminal acts on.
#[derive(Clone, Default)]
pub(crate) struct Cell {
    parts: Vec<(Style, String)>,
    /// The parts are words with a gap between them, not pieces of one text.
    are_words: bool,
}

impl Cell {
    pub(crate) fn styled(style: Style, text: &str) -> Cell {
        Cell::default().and(style, text)
    }

    /// Words, each of which is a cell of its own where there are no columns.
    pub(crate) fn words(words: impl IntoIterator<Item = (Style, String)>) -> Cell {
        let words = words.into_iter();
        Cell {
            parts: words.map(|(style, word)| (style, plain(&word))).collect(),
            are_words: true,
        }
    }

    /// The same with more text behind it.
    pub(crate) fn and(mut self, style: Style, text: &str) -> Cell {
        if !text.is_empty() {
            self.parts.push((style, plain(text)));
        }
        self
    }

    fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    fn width(&self) -> usize {
        let gaps = if self.are_words {
            self.parts.len().saturating_sub(1)
        } else {
            0
        };
        gaps + self.parts.iter().map(|(_, text)| width(text)).sum::<usize>()
    }

    fn print(&self, gap: &str) -> String {
        let (mut text, gap) = (String::new(), if self.are_words { gap } else { "" });
        for (number, (style, part)) in self.parts.iter().enumerate() {
            let before = if number > 0 { gap } else { "" };
            let _ = write!(text, "{before}{style}{part}{style:#}"); // writing to a string cannot fail
        }
        text
    }

    /// The beginning that fits, with … for the rest.
    fn cut(&self, room: usize) -> Cow<'_, Cell> {
        if self.width() <= room {
            return Cow::Borrowed(self);
        }
        let (mut parts, mut left) = (Vec::new(), room.saturating_sub(1));
        for (number, (style, part)) in self.parts.iter().enumerate() {
            left = left.saturating_sub(usize::from(self.are_words && number > 0));
            let kept = beginning(part, left);
            if kept.len() < part.len() {
                parts.push((*style, format!("{}…", kept.trim_end())));
                break;
            }
            left -= width(kept);
            parts.push((*style, part.clone()));
        }
        Cow::Owned(Cell { parts, ..*self })
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::styled(Style::new(), text)
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        text.as_str().into()
    }
}

/// The columns that a text takes on a terminal: two for a wide character, none for an accent.
fn width(text: &str) -> usize {
    Span::raw(text).width()
}

/// As much of the beginning as these columns hold. It ends between two characters as people see them.
pub(crate) fn beginning(text: &str, columns: usize) -> &str {
    let (span, mut left, mut end) = (Span::raw(text), columns, 0);
    for grapheme in span.styled_graphemes(ratatui::style::Style::new()) {
        let Some(rest) = left.checked_sub(width(grapheme.symbol)) else {
            return &text[..end];
        };
        (left, end) = (rest, end + grapheme.symbol.len());
    }
    text
}

/// A row on a line, with nothing aligned or cut.
pub(crate) fn line(row: &[Cell]) -> String {
    let cells = row.iter().filter(|cell| !cell.is_empty());
    let cells: Vec<String> = cells.map(|cell| cell.print(GAP)).collect();
    cells.join(GAP)
}

/// A line for each row. With the width of a terminal, the columns are aligned and cut to fit; the `long` one first.
pub(crate) fn lines(rows: &[Row], long: usize, terminal: Option<usize>) -> Vec<String> {
    let Some(room) = terminal else {
        return rows.iter().map(|row| line(row)).collect();
    };
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let widest = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(Cell::width)
            .max()
    };
    let mut widths: Vec<usize> = (0..columns)
        .map(|column| widest(column).unwrap_or_default())
        .collect();
    fit(&mut widths, long, room);
    rows.iter().map(|row| aligned(row, &widths)).collect()
}

/// Makes columns narrower until all fit. The first one, which names the row, stays whole.
fn fit(widths: &mut [usize], long: usize, room: usize) {
    let others = (1..widths.len()).rev().filter(|column| *column != long);
    let others = others.map(|column| (column, NARROWEST));
    let order: Vec<(usize, usize)> = iter::once((long, LONG))
        .chain(others)
        .chain(iter::once((long, NARROWEST)))
        .collect();
    for (column, least) in order {
        let used: usize = widths
            .iter()
            .filter(|width| **width > 0)
            .map(|width| width + GAP.len())
            .sum();
        let over = used.saturating_sub(GAP.len()).saturating_sub(room);
        if let Some(width) = widths.get_mut(column) {
            *width = width.saturating_sub(over).max(least.min(*width));
        }
    }
}

fn aligned(row: &[Cell], widths: &[usize]) -> String {
    let (mut text, mut pad) = (String::new(), 0);
    for (cell, width) in row.iter().zip(widths).filter(|(_, width)| **width > 0) {
        if cell.is_empty() {
            pad += width;
        } else {
            let cell = cell.cut(*width);
            let _ = write!(text, "{:pad$}{}", "", cell.print(" "));
            pad = width - cell.width();
        }
        pad += GAP.len();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIM: Style = Style::new().dimmed();

    fn rows() -> Vec<Row> {
        let tags = |tags: &[&str]| Cell::words(tags.iter().map(|tag| (Style::new(), (*tag).to_owned())));
        vec![
            vec![
                "1".into(),
                "[ ] Buy milk and bread for the whole week".into(),
                "".into(),
                tags(&["#a", "#b"]),
            ],
            vec!["10".into(), "[x] 牛乳".into(), "".into(), tags(&[]), "due".into()],
        ]
    }

    #[test]
    fn cells_are_cut_by_scripts_at_two_blanks() {
        assert_eq!(
            lines(&rows(), 1, None),
            [
                "1  [ ] Buy milk and bread for the whole week  #a  #b",
                "10  [x] 牛乳  due"
            ]
        );
    }

    #[test]
    fn columns_are_aligned_whatever_width_their_characters_have() {
        let due = format!("10  [x] 牛乳{:42}due", "");
        assert_eq!(
            lines(&rows(), 1, Some(80)),
            ["1   [ ] Buy milk and bread for the whole week  #a #b", &due]
        );
    }

    #[test]
    fn the_long_column_is_cut_to_the_terminal_first() {
        let due = format!("10  [x] 牛乳{:29}due", "");
        assert_eq!(
            lines(&rows(), 1, Some(44)),
            ["1   [ ] Buy milk and bread for…   #a #b", &due]
        );
        for room in [20, 30, 44, 60, 200] {
            let wide = lines(&rows(), 1, Some(room)).iter().map(|line| width(line)).max();
            assert!(wide <= Some(room.max(26)), "{room}");
        }
    }

    #[test]
    fn a_cut_is_between_characters_and_keeps_its_style() {
        let cell = Cell::styled(DIM, "ab").and(Style::new(), "牛乳e\u{301}f");
        assert_eq!(cell.cut(4).print(""), format!("{DIM}ab{DIM:#}…"));
        assert_eq!(cell.cut(7).print(""), format!("{DIM}ab{DIM:#}牛乳…"));
        assert_eq!(cell.cut(8).print(""), cell.print(""));
        assert_eq!(beginning("e\u{301}x", 1), "e\u{301}");
    }

    #[test]
    fn no_cell_controls_the_terminal() {
        let cell = Cell::words([(Style::new(), "a\u{1b}[2J".to_owned())]).and(DIM, "b\nc");
        assert!(
            !cell
                .print("")
                .replace(&DIM.to_string(), "")
                .replace("\u{1b}[0m", "")
                .contains(['\u{1b}', '\n'])
        );
    }
}
