//! What an import leaves out or changes: a list for the person who imports, bounded however bad the file is.

use serde::{Deserialize, Serialize};
use taskwire_protocol::import::Lost as Item;

/// The most items of the list.
pub const MOST: usize = 1000;
/// The most characters of a name from the file.
const SHOWN: usize = 60;

/// Where something is: on a line, or nowhere special.
pub trait Place {
    fn line(self) -> Option<u64>;
}

impl Place for u64 {
    fn line(self) -> Option<u64> {
        Some(self)
    }
}

impl Place for Option<u64> {
    fn line(self) -> Option<u64> {
        self
    }
}

/// What is left out so far.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Lost {
    items: Vec<Item>,
    more: u64,
}

impl Lost {
    /// Something on a line is left out or changed.
    pub fn add(&mut self, line: impl Place, what: impl Into<String>, why: impl Into<String>) {
        if self.items.len() >= MOST {
            self.more += 1;
            return;
        }
        self.items.push(Item {
            line: line.line(),
            what: what.into(),
            why: why.into(),
        });
    }

    /// Adds what another part of the import leaves out.
    pub fn append(&mut self, other: Lost) {
        for item in other.items {
            self.add(item.line, item.what, item.why);
        }
        self.more += other.more;
    }

    /// Keeps only the first items.
    pub fn shorten(&mut self, most: usize) {
        let more = self.items.len().saturating_sub(most);
        self.items.truncate(most);
        self.more += more as u64;
    }

    /// The list. Its last item says how much of it is not shown.
    pub fn into_items(self) -> Vec<Item> {
        let mut items = self.items;
        if self.more > 0 {
            items.push(Item {
                line: None,
                what: format!("{} more", self.more),
                why: format!("at most {MOST} are listed, and fewer of each part of a large file"),
            });
        }
        items
    }
}

/// A text from the file, short enough for a line, and without characters that break it.
pub fn shown(text: &str) -> String {
    let mut short: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(SHOWN)
        .collect();
    if text.chars().nth(SHOWN).is_some() {
        short.push('…');
    }
    short.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_bounded_and_says_how_much_is_missing() {
        let mut lost = Lost::default();
        for n in 0..MOST as u64 + 5 {
            lost.add(n, "a", "b");
        }
        let mut both = Lost::default();
        both.append(lost);
        let items = both.into_items();
        assert_eq!(items.len(), MOST + 1);
        assert_eq!(items[MOST].what, "5 more");
        let mut few = Lost::default();
        (0..5_u64).for_each(|n| few.add(n, "a", "b"));
        few.shorten(3);
        let items = few.into_items();
        assert_eq!((items.len(), &*items[3].what), (4, "2 more"));
    }

    #[test]
    fn a_shown_text_is_one_short_line() {
        assert_eq!(shown(" a\nb "), "a b");
        assert_eq!(shown(&"é".repeat(61)), format!("{}…", "é".repeat(60)));
    }
}
