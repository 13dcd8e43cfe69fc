//! The text of a piece of HTML, as editors of other programs write it. It keeps lines and bullets; everything else is
//! dropped. Its result is text, which is never shown as HTML.

/// The most bytes of a tag.
const TAG: usize = 4096;

/// The text. What has no tag stays as it is.
pub(super) fn plain(html: &str) -> String {
    if !html.contains('<') {
        return entities(html);
    }
    let (mut text, mut rest) = (String::with_capacity(html.len()), html);
    // where the next tag may end, in all of the text: it is looked for once, so a text of many `<` costs no more than others
    let mut end = 0;
    while let Some(open) = rest.find('<') {
        text.push_str(&entities(&rest[..open]));
        let place = html.len() - rest.len() + open;
        if end <= place {
            let found = html.get(place..).and_then(|rest| rest.find('>'));
            end = found.map_or(usize::MAX, |close| place + close);
        }
        let close = Some(end - place).filter(|close| *close < TAG && is_tag(&rest[open + 1..]));
        let Some(close) = close else {
            text.push('<');
            rest = &rest[open + 1..];
            continue;
        };
        let tag = rest[open + 1..open + close].to_ascii_lowercase();
        let name = tag.trim_start_matches('/');
        let name = name
            .split(|c: char| !c.is_ascii_alphanumeric())
            .next()
            .unwrap_or_default();
        let is_end = tag.starts_with('/');
        match name {
            "li" if !is_end => {
                end_line(&mut text);
                text.push_str("- ");
            }
            "br" => text.push('\n'),
            "p" | "div" | "ul" | "ol" | "li" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "pre"
            | "blockquote" | "tr" | "hr"
                if !text.ends_with("- ") =>
            {
                end_line(&mut text);
            }
            _ => {}
        }
        rest = &rest[open + close + 1..];
    }
    text.push_str(&entities(rest));
    text.trim().to_owned()
}

/// Whether a tag begins here: `a < b` has none.
fn is_tag(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!'))
}

fn end_line(text: &mut String) {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
}

fn entities(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    // `&amp;` last: what it makes is text
    [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&nbsp;", " "),
        ("&amp;", "&"),
    ]
    .into_iter()
    .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn tags_become_lines_and_bullets() {
        let html =
            "<p>Oat <b>milk</b> &amp; bread</p><ul><li><p>one</p></li><li>two</li></ul><p>a &lt; b<br>c</p>";
        assert_eq!(plain(html), "Oat milk & bread\n- one\n- two\na < b\nc");
        assert_eq!(plain("a < b and <3"), "a < b and <3");
        assert_eq!(plain("plain &amp;lt;"), "plain &lt;");
        assert_eq!(plain("<p"), "<p");
        assert_eq!(plain("a<<b>c</b> > d<e"), "a<c > d<e");
    }

    #[test]
    fn a_text_of_many_tags_that_do_not_end_costs_no_more_than_others() {
        // with a look ahead for each of them it would take minutes
        let many = "<a".repeat(4_000_000);
        assert_eq!(plain(&many), many);
    }
}
