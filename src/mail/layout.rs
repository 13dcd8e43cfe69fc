//! The layout of all mails: the same content as plain text and as simple HTML. The HTML loads nothing, and everything in
//! it is escaped.

use super::texts::{Draft, Proof};
use std::fmt::Write;

/// Characters of a line of plain text.
const LINE: usize = 76;
/// Why a person gets a mail that they can end, and how they end it.
const WHY: &str = "You get this mail because you were not connected.";
const HOW: &str = "Get no more of them:";

/// The mail as plain text.
pub(super) fn plain(draft: &Draft) -> String {
    let mut text = String::new();
    for paragraph in &draft.body {
        let _ = writeln!(text, "{}\n", wrapped(paragraph));
    }
    if let Some(proof) = &draft.proof {
        let _ = writeln!(text, "    {}\n", proof.code);
        if let Some(link) = &proof.link {
            let _ = writeln!(text, "Or open this link:\n\n{link}\n");
        }
        let _ = writeln!(text, "{}\n", lasts(proof));
    }
    if let Some(link) = &draft.link {
        let _ = writeln!(text, "{link}\n");
    }
    if let Some(command) = &draft.command {
        let _ = writeln!(text, "On the command line:\n\n    {command}\n");
    }
    if let Some(otherwise) = &draft.otherwise {
        let _ = writeln!(text, "{}\n", wrapped(otherwise));
    }
    text.push_str("-- \nTaskwire\n");
    if let Some(ends) = &draft.ends {
        let _ = writeln!(text, "{WHY} {HOW}\n{}", ends.link);
    }
    text
}

/// The mail as HTML.
pub(super) fn html(draft: &Draft) -> String {
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{title}</title></head>\n\
         <body style=\"margin:0;padding:24px;font-family:sans-serif;font-size:16px;line-height:1.5;color:#1d2126\">\n\
         <div style=\"max-width:520px;margin:0 auto\">\n<h1 style=\"font-size:20px\">{title}</h1>\n",
        title = escaped(&draft.subject)
    );
    for paragraph in &draft.body {
        let _ = writeln!(text, "<p>{}</p>", escaped(paragraph));
    }
    if let Some(proof) = &draft.proof {
        let _ = writeln!(
            text,
            "<p style=\"font-family:monospace;font-size:28px;letter-spacing:4px\">{}</p>",
            escaped(&proof.code)
        );
        if let Some(link) = &proof.link {
            let link = escaped(link);
            let _ = writeln!(text, "<p>Or open this link:<br><a href=\"{link}\">{link}</a></p>");
        }
        let _ = writeln!(text, "<p>{}</p>", escaped(&lasts(proof)));
    }
    if let Some(link) = &draft.link {
        let link = escaped(link);
        let _ = writeln!(text, "<p><a href=\"{link}\">{link}</a></p>");
    }
    if let Some(command) = &draft.command {
        let command = escaped(command);
        let _ = writeln!(text, "<p>On the command line:<br><code>{command}</code></p>");
    }
    if let Some(otherwise) = &draft.otherwise {
        let _ = writeln!(text, "<p>{}</p>", escaped(otherwise));
    }
    text.push_str("<p style=\"color:#6b7280;font-size:13px\">Taskwire");
    if let Some(ends) = &draft.ends {
        let _ = write!(text, "<br>{WHY} <a href=\"{}\">{HOW}</a>", escaped(&ends.link));
    }
    text.push_str("</p>\n</div>\n</body>\n</html>\n");
    text
}

fn lasts(proof: &Proof) -> String {
    format!("It works for {} minutes, once.", proof.minutes)
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// Breaks a paragraph into lines, between words. A word that is longer than a line stays whole.
fn wrapped(paragraph: &str) -> String {
    let (mut text, mut length) = (String::new(), 0);
    for word in paragraph.split(' ') {
        let letters = word.chars().count();
        if length > 0 && length + 1 + letters > LINE {
            text.push('\n');
            length = 0;
        } else if length > 0 {
            text.push(' ');
            length += 1;
        }
        text.push_str(word);
        length += letters;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::texts::{self, Proof};
    use super::*;

    fn proof() -> Proof {
        Proof {
            code: "012345".to_owned(),
            link: Some("https://tasks.example.com/verify-email#a&b".to_owned()),
            minutes: 10,
        }
    }

    #[test]
    fn both_forms_have_the_code_the_link_and_how_long_they_work() {
        let draft = texts::reset("Ada", proof());
        for text in [plain(&draft), html(&draft)] {
            for part in [
                "Hello Ada,",
                "012345",
                "https://tasks.example.com/verify-email#a",
                "10 minutes",
            ] {
                assert!(text.contains(part), "{part}: {text}");
            }
        }
    }

    #[test]
    fn an_invitation_has_its_link_and_its_command() {
        let link = "https://tasks.example.com/join#a&b".to_owned();
        let draft = texts::invitation(
            "Ada <x>",
            "House & garden",
            Some(link),
            "tw join inv_1".to_owned(),
        );
        let (plain, html) = (plain(&draft), html(&draft));
        for part in [
            "Ada <x> invited you",
            "“House & garden”",
            "https://tasks.example.com/join#a&b",
            "    tw join inv_1",
        ] {
            assert!(plain.contains(part), "{part}: {plain}");
        }
        for part in [
            "Ada &lt;x&gt; invited you",
            "“House &amp; garden”",
            "href=\"https://tasks.example.com/join#a&amp;b\"",
            "<code>tw join inv_1</code>",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
        let without = texts::invitation("Ada", "House", None, "tw join inv_1".to_owned());
        assert!(
            layout_has_no_link(&without),
            "a link without an address to link to"
        );
    }

    fn layout_has_no_link(draft: &texts::Draft) -> bool {
        !html(draft).contains("href") && !plain(draft).contains("http")
    }

    #[test]
    fn what_people_wrote_is_escaped_and_nothing_is_loaded() {
        let draft = texts::reset("<img src=x onerror=\"a('b')\"> & co", proof());
        let html = html(&draft);
        assert!(
            html.contains("&lt;img src=x onerror=&quot;a(&#39;b&#39;)&quot;&gt; &amp; co"),
            "{html}"
        );
        assert!(html.contains("verify-email#a&amp;b"), "{html}");
        for remote in ["<img", "<script", "<link", "src=\"", "url("] {
            assert!(!html.contains(remote), "{remote}");
        }
    }

    #[test]
    fn lines_of_plain_text_are_short() {
        let text = plain(&texts::address_changing("Ada", "n***@example.com"));
        assert!(text.lines().all(|line| line.chars().count() <= LINE), "{text}");
        assert_eq!(
            wrapped(&format!("a {} b", "x".repeat(90))),
            format!("a\n{}\nb", "x".repeat(90))
        );
    }
}
