//! The words of a line. Knows no meaning.

/// What ends a sentence, or a part of it.
pub(super) const ENDINGS: [char; 6] = [',', '.', ';', ':', '!', '?'];

pub(super) struct Word<'a> {
    /// As it is written.
    pub(super) text: &'a str,
    /// In lower case, without what ends a sentence.
    pub(super) core: String,
    /// Whether something else than the title has it.
    pub(super) taken: bool,
}

impl<'a> Word<'a> {
    fn new(text: &'a str) -> Word<'a> {
        let core = text.to_lowercase().trim_end_matches(ENDINGS).to_owned();
        let taken = false;
        Word { text, core, taken }
    }

    /// As the title shows it: without the backslash that makes it plain.
    pub(super) fn shown(&self) -> &'a str {
        escaped(self.text).unwrap_or(self.text)
    }

    /// What is behind its first character, without quotes.
    pub(super) fn name(&self) -> &'a str {
        let mut chars = self.text.chars();
        chars.next();
        let name = chars.as_str();
        quoted(name).map_or(name, |(name, _)| name)
    }

    /// Whether a sentence ends with it.
    pub(super) fn ends(&self) -> bool {
        let endings = self.text.chars().rev().take_while(|c| ENDINGS.contains(c));
        endings.filter(|c| *c != ',').count() > 0
    }

    /// Whether it may still mean something.
    pub(super) fn is_free(&self) -> bool {
        !self.taken && escaped(self.text).is_none()
    }
}

/// A backslash makes a word plain text.
fn escaped(text: &str) -> Option<&str> {
    let rest = text.strip_prefix('\\')?;
    rest.starts_with(|c: char| c.is_alphanumeric() || "#/!@+".contains(c))
        .then_some(rest)
}

/// The text between the quotes with which this text begins, and what follows.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.strip_prefix('"')?.split_once('"')?;
    (!name.is_empty()).then_some((name, rest))
}

/// The words of a line. A word with a sign may have quotes, and blanks in them: `#"Summer fair"`.
pub(super) fn split(line: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        let after_quotes = rest.strip_prefix(['#', '/', '@']).and_then(quoted);
        let searched = after_quotes.map_or(rest, |(_, after)| after);
        let end = rest.len() - searched.len();
        let end = searched
            .find(char::is_whitespace)
            .map_or(rest.len(), |at| end + at);
        let (word, after) = rest.split_at(end);
        words.push(Word::new(word));
        rest = after.trim_start();
    }
    words
}

/// Takes words out of the title.
pub(super) fn take(words: &mut [Word], places: std::ops::Range<usize>) {
    for word in words.get_mut(places).unwrap_or_default() {
        word.taken = true;
    }
}

/// Whether nothing of the title follows.
pub(super) fn is_last(words: &[Word], at: usize) -> bool {
    words.iter().skip(at + 1).all(|word| word.taken)
}

/// The words from one place on that stand together: none is plain or taken, and no sentence ends between them.
pub(super) fn together<'w, 'a>(words: &'w [Word<'a>], from: usize, most: usize) -> &'w [Word<'a>] {
    let rest = words.get(from..).unwrap_or_default();
    let free = rest.iter().take(most).take_while(|word| word.is_free()).count();
    let end = rest.iter().take(free).position(Word::ends);
    rest.get(..end.map_or(free, |end| end + 1)).unwrap_or_default()
}

/// What words say, for those that know what it means: commas stay.
pub(super) fn said(words: &[Word]) -> String {
    let mut text = String::new();
    for (place, word) in words.iter().enumerate() {
        text.push_str(&word.core);
        if place + 1 < words.len() {
            text.push_str(if word.text.ends_with(',') { ", " } else { " " });
        }
    }
    text
}
