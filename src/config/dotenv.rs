//! Reads the text of a `.env` file; `config.default.toml` has the rules. A value is taken as it is: `$NAME` is not
//! replaced. Does not know which variables are settings. No error quotes the text, which may hold secrets.

/// A variable, and the number of its line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) line: usize,
}

/// What is wrong with a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) line: usize,
    pub(super) reason: &'static str,
}

/// Reads every line.
pub(super) fn read(text: &str) -> Vec<Result<Variable, Wrong>> {
    let text = text.replace("\r\n", "\n");
    let mut read = Vec::new();
    let (mut at, mut number) = (0, 1);
    while at < text.len() {
        let end = text[at..].find('\n').map_or(text.len(), |length| at + length);
        let line = &text[at..end];
        let blank = line.trim_matches(BLANK);
        if blank.is_empty() || blank.starts_with('#') {
            (at, number) = (end + 1, number + 1);
            continue;
        }
        let (variable, next) = assignment(&text, at, end, number);
        read.push(variable);
        number += lines(&text[at..next.min(text.len())]);
        at = next;
    }
    read
}

/// How many lines end in a text.
fn lines(text: &str) -> usize {
    text.matches('\n').count()
}

const BLANK: [char; 2] = [' ', '\t'];

/// Reads the assignment between `at` and `end`, the end of its line; a value in quotes may end later. `line` is the
/// number of its line. Returns it and where the next line begins.
fn assignment(text: &str, at: usize, end: usize, line: usize) -> (Result<Variable, Wrong>, usize) {
    let wrong = |place: usize, reason| {
        let line = line + lines(&text[at..place]);
        Err(Wrong { line, reason })
    };
    let Some((name, rest)) = text[at..end].split_once('=') else {
        return (wrong(at, "write NAME=VALUE"), end + 1);
    };
    let name = name.trim_matches(BLANK);
    let name = match name.strip_prefix("export") {
        Some(exported) if exported.starts_with(BLANK) => exported.trim_start_matches(BLANK),
        _ => name,
    };
    if !is_name(name) {
        let reason = "write NAME=VALUE; a name has only letters, digits and _";
        return (wrong(at, reason), end + 1);
    }
    let begins = end - rest.trim_start_matches(BLANK).len();
    let (value, next) = match text.as_bytes().get(begins) {
        Some(quote @ (b'"' | b'\'')) if begins < end => quoted(text, begins + 1, *quote),
        _ => (plain(rest).map_err(|reason| (at, reason)), end + 1),
    };
    let variable = value.map(|text_of| Variable {
        name: name.to_owned(),
        text: text_of,
        line,
    });
    (variable.or_else(|(place, reason)| wrong(place, reason)), next)
}

fn is_name(name: &str) -> bool {
    let may_stand = |letter: char| letter.is_ascii_alphanumeric() || "_.-".contains(letter);
    !name.starts_with(|first: char| !first.is_ascii_alphabetic() && first != '_')
        && !name.is_empty()
        && name.chars().all(may_stand)
}

/// A value without quotes: to the end of the line, or to a `#` behind a space.
fn plain(rest: &str) -> Result<String, &'static str> {
    let comment = rest
        .match_indices('#')
        .find(|(at, _)| rest[..*at].ends_with(BLANK));
    let value = rest[..comment.map_or(rest.len(), |(at, _)| at)].trim_matches(BLANK);
    if value.contains(|letter: char| letter.is_control() && letter != '\t') {
        return Err("has a control character; lines end with LF or CRLF");
    }
    Ok(value.to_owned())
}

const ESCAPES: &str =
    r#"in double quotes one of \ " $ ` n r t must follow a backslash; write \\, or use single quotes"#;

/// A value's text, or where it is wrong and why.
type Value = Result<String, (usize, &'static str)>;

/// A value in quotes, from behind the first of them; and where the next line begins.
fn quoted(text: &str, begins: usize, quote: u8) -> (Value, usize) {
    let quote = char::from(quote);
    let (mut value, mut fault) = (String::new(), None);
    let mut letters = text[begins..].char_indices();
    let ends = loop {
        match letters.next() {
            None => {
                let reason = "the quote that opens the value is not closed";
                return (Err((begins, reason)), text.len());
            }
            Some((at, letter)) if letter == quote => break begins + at + 1,
            Some((at, '\\')) if quote == '"' => {
                if let Some(letter) = letters.next().and_then(|(_, next)| escaped(next)) {
                    value.push(letter);
                } else {
                    fault.get_or_insert((begins + at, ESCAPES));
                }
            }
            Some((at, letter)) if letter.is_control() && !"\t\n".contains(letter) => {
                fault.get_or_insert((begins + at, "has a control character"));
            }
            Some((_, letter)) => value.push(letter),
        }
    };
    let line_ends = text[ends..].find('\n').map_or(text.len(), |length| ends + length);
    let rest = &text[ends..line_ends];
    let behind = rest.trim_start_matches(BLANK);
    if !(behind.is_empty() || behind.starts_with('#') && rest.starts_with(BLANK)) {
        fault.get_or_insert((ends, "only a comment may follow the quote that closes the value"));
    }
    (fault.map_or(Ok(value), Err), line_ends + 1)
}

/// What a letter behind a backslash stands for.
fn escaped(letter: char) -> Option<char> {
    match letter {
        '\\' | '"' | '$' | '`' => Some(letter),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_what_stands_there() {
        for (line, value) in [
            ("A=b", "b"),
            ("A=pa$word", "pa$word"),
            ("A=\"pa$word\"", "pa$word"),
            ("A='pa$word'", "pa$word"),
            ("A=${HOME}$(id)`id`", "${HOME}$(id)`id`"),
            (r#"A="pa\$word""#, "pa$word"),
            (r"A=pa\$word", r"pa\$word"),
            (r"A='pa\$w\'", r"pa\$w\"),
            (r#"A="a\\b\"c\n""#, "a\\b\"c\n"),
            ("A=pa#word", "pa#word"),
            ("A=#word", "#word"),
            ("A=word # a comment", "word"),
            ("A=word\t# a comment", "word"),
            ("A= # a comment", ""),
            ("A='pa #word' # a comment", "pa #word"),
            ("A=\"pa #word\"", "pa #word"),
            ("A=", ""),
            ("A=''", ""),
            ("A=it's", "it's"),
            ("A='say \"hi\"'", "say \"hi\""),
            ("A=two words", "two words"),
            ("A=Taskwire <tasks@example.com>", "Taskwire <tasks@example.com>"),
            ("A=' kept '", " kept "),
            ("  A  =  b  ", "b"),
            ("export A=b", "b"),
            ("export\tA = b", "b"),
            ("A=b\r\n", "b"),
            ("A=\"b\"\r\n", "b"),
            ("A=b=c==", "b=c=="),
            ("A='two\nlines'", "two\nlines"),
            ("A=\"two\r\nlines\"\r\n", "two\nlines"),
            ("A=grüße", "grüße"),
        ] {
            let read = read(line);
            let expected = Variable {
                name: "A".to_owned(),
                text: value.to_owned(),
                line: 1,
            };
            assert_eq!(read, [Ok(expected)], "{line:?}");
        }
        for empty in ["", "\n\n", "# A=b", "   # A=b\r\n", "\t\n"] {
            assert_eq!(read(empty), [], "{empty:?}");
        }
        assert_eq!(read("export=b").len(), 1);
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named_and_hides_no_other() {
        for (text, line) in [
            ("A=1\nnothing\nB=2\n", 2),
            ("A=1\r\n\r\nnothing\r\nB=2\r\n", 3),
            ("A=1\n\n\n=x\nB=2", 4),
            ("A=1\nA B=x\nB=2", 2),
            ("A=1\n1A=x\nB=2", 2),
            ("A='1\n2'\nC='x'y\nB=2", 3),
            ("A='1\n2\n'\nC=\"a\\qb\"\nB=2", 4),
            ("A='1'\nC='x'#no\nB=2", 2),
            ("A=1\nC=a\rb\nB=2", 2),
            ("A=1\nC=a\0b\nB=2", 2),
        ] {
            let read = read(text);
            let wrong: Vec<usize> = read
                .iter()
                .filter_map(|read| Some(read.as_ref().err()?.line))
                .collect();
            assert_eq!(wrong, [line], "{text:?}");
            let names = read.iter().flatten().map(|variable| &*variable.name);
            assert_eq!(names.collect::<Vec<_>>(), ["A", "B"], "{text:?}");
        }
    }

    #[test]
    fn a_quote_without_an_end_is_named_where_it_begins() {
        for open in ["'", "\""] {
            let read = read(&format!("A=1\n\nB={open}s3cret\nC=2\n"));
            assert_eq!(read.len(), 2);
            assert_eq!(read[1].as_ref().map_err(|wrong| wrong.line), Err(3));
            assert!(!format!("{read:?}").contains("s3cret"));
        }
    }
}
