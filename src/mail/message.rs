//! A mail as it travels: its headers, and both forms of its body. The library encodes what is not ASCII, so that no name
//! can end a header.

use super::Unsent;
use super::layout;
use super::texts::{Draft, Ends};
use crate::config::Settings;
use crate::domain::text::one_line;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder, MultiPart};
use lettre::{Address, Message};
use std::time::{Duration, UNIX_EPOCH};
use taskwire_protocol::Email;
use uuid::Uuid;

/// The sender where `mail_from` is not set: mails only lie in a folder then.
const NOBODY: &str = "Taskwire <taskwire@localhost>";

/// A mail that is ready to leave.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Makes the `Message-ID`, so every try of a mail has the same one.
    pub id: Uuid,
    /// To whom it goes.
    pub to: Recipient,
    /// Unix milliseconds of what it tells.
    pub at_ms: i64,
    /// What it says.
    pub draft: Draft,
}

/// To whom a mail goes.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// The address.
    pub email: Email,
    /// The person's name; empty where it is not known.
    pub name: String,
}

/// Makes the message.
pub(super) fn build(mail: &Mail, settings: &Settings) -> Result<Message, Unsent> {
    let (name, address) = sender(settings.mail_from.as_deref().unwrap_or(NOBODY));
    let from = parsed(address).ok_or_else(|| Unsent::Later("mail_from is no address".to_owned()))?;
    let to = parsed(&mail.to.email)
        .ok_or_else(|| Unsent::Refused("the mail system cannot write this address".to_owned()))?;
    let at = UNIX_EPOCH + Duration::from_millis(u64::try_from(mail.at_ms).unwrap_or_default());
    let id = format!("<{}@{}>", mail.id, from.domain());
    let built = Message::builder()
        .from(Mailbox::new(name, from))
        .to(Mailbox::new(
            Some(one_line(&mail.to.name)).filter(|name| !name.is_empty()),
            to,
        ))
        .subject(one_line(&mail.draft.subject))
        .date(at)
        .message_id(Some(id))
        // no autoresponder answers (RFC 3834, section 5)
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ));
    let built = unsubscribing(built, &mail.draft).multipart(MultiPart::alternative_plain_html(
        layout::plain(&mail.draft),
        layout::html(&mail.draft),
    ));
    built.map_err(|error| Unsent::Later(format!("the mail cannot be made: {error}")))
}

/// The headers by which mail programs offer to end such mails with one click (RFC 2369, RFC 8058). A link that could end a
/// header is left out.
fn unsubscribing(built: MessageBuilder, draft: &Draft) -> MessageBuilder {
    let plain = |ends: &&Ends| {
        ends.link
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"<>".contains(&byte))
    };
    let Some(ends) = draft.ends.as_ref().filter(plain) else {
        return built;
    };
    let header =
        |name: &'static str, value: String| HeaderValue::new(HeaderName::new_from_ascii_str(name), value);
    built
        .raw_header(header("List-Unsubscribe", format!("<{}>", ends.link)))
        .raw_header(header(
            "List-Unsubscribe-Post",
            "List-Unsubscribe=One-Click".to_owned(),
        ))
}

/// The name and the address of `Taskwire <tasks@example.com>`.
fn sender(text: &str) -> (Option<String>, &str) {
    let split = text.strip_suffix('>').and_then(|rest| rest.rsplit_once('<'));
    let Some((name, address)) = split else {
        return (None, text);
    };
    let name = name.trim().trim_matches('"');
    (Some(name.to_owned()).filter(|name| !name.is_empty()), address)
}

/// An address, its domain as DNS sees it.
fn parsed(email: &str) -> Option<Address> {
    let (local, domain) = email.rsplit_once('@')?;
    let domain = idna::domain_to_ascii(domain).ok()?;
    Address::new(local, domain).ok()
}

/// The domain of `mail_from`; `None` where it is not set.
pub(super) fn own_domain(settings: &Settings) -> Option<String> {
    let (_, address) = sender(settings.mail_from.as_deref()?);
    Some(parsed(address)?.domain().to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::texts;
    use super::*;

    fn written(name: &str, email: &str, from: &str) -> String {
        let settings = Settings::from_pairs(&[("mail_from", from)]).expect("settings");
        let mail = Mail {
            id: Uuid::from_u128(7),
            to: Recipient {
                email: email.into(),
                name: name.to_owned(),
            },
            at_ms: 1_770_000_000_000,
            draft: texts::welcome(name),
        };
        let message = build(&mail, &settings).expect("a message");
        String::from_utf8(message.formatted()).expect("text")
    }

    #[test]
    fn every_try_of_a_mail_has_the_same_id_and_date() {
        let text = written("Ada", "ada@example.com", "Taskwire <tasks@mail.example.com>");
        for header in [
            "From: Taskwire <tasks@mail.example.com>\r\n",
            "To: Ada <ada@example.com>\r\n",
            "Message-ID: <00000000-0000-0000-0000-000000000007@mail.example.com>\r\n",
            "Date: Mon, 02 Feb 2026 02:40:00 +0000\r\n",
            "Auto-Submitted: auto-generated\r\n",
        ] {
            assert!(text.contains(header), "{header} {text}");
        }
    }

    fn of(draft: Draft) -> String {
        let settings = Settings::from_pairs(&[]).expect("settings");
        let mail = Mail {
            id: Uuid::from_u128(7),
            to: Recipient {
                email: "ada@example.com".into(),
                name: "Ada".to_owned(),
            },
            at_ms: 0,
            draft,
        };
        let message = build(&mail, &settings).expect("a message");
        String::from_utf8(message.formatted()).expect("text")
    }

    fn reminder(link: &str) -> Draft {
        let link = link.to_owned();
        texts::reminder("Ada", &["Pay rent".to_owned()], 0, Some(Ends { link }))
    }

    #[test]
    fn a_mail_that_its_reader_can_end_says_how_in_its_headers() {
        let link = format!("https://tasks.example.com/unsubscribe?token={}", "x".repeat(64));
        let text = of(reminder(&link));
        let headers = text.split("\r\n\r\n").next().expect("headers");
        let unfolded = headers.replace("\r\n ", " ").replace("  ", " ");
        for header in [
            format!("\r\nList-Unsubscribe: <{link}>"),
            "\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click".to_owned(),
        ] {
            assert!(unfolded.contains(&header), "{header} {headers}");
        }
        assert!(!of(texts::welcome("Ada")).contains("List-Unsubscribe"));
    }

    #[test]
    fn a_link_cannot_add_a_header() {
        for link in [
            "https://a.example/\r\nBcc: eve@example.com",
            "https://a.example/\0",
            "https://a.example/> <",
        ] {
            let text = of(reminder(link));
            let headers = text.split("\r\n\r\n").next().expect("headers");
            assert!(
                !headers.contains("List-Unsubscribe") && !headers.contains("Bcc"),
                "{headers}"
            );
        }
    }

    #[test]
    fn what_people_wrote_is_one_line_of_a_subject_and_of_a_body() {
        for end in ["\r\n", "\n", "\r", "\0", "\u{2028}"] {
            let title = format!("Pay rent{end}Bcc: eve@example.com{end}{end}Hello");
            let (one, ends) = (
                texts::reminder("Ada", std::slice::from_ref(&title), 0, None),
                "Hello\r\n",
            );
            let text = of(one);
            let line = format!("Pay rent Bcc: eve@example.com {ends}");
            assert!(text.contains(&format!("\r\nSubject: {line}")), "{text}");
            assert!(text.contains(&format!("\r\n{line}")), "{text}");
            // whatever a draft has as its subject
            let subject = Draft {
                subject: title,
                ..texts::welcome("Ada")
            };
            assert!(of(subject).contains(&format!("\r\nSubject: {line}")), "{end:?}");
            let text = written(
                &format!("Ada{end}Bcc: eve"),
                "ada@example.com",
                "tasks@example.com",
            );
            let headers = text.split("\r\n\r\n").next().expect("headers");
            assert!(
                headers.contains("\r\nTo: ") && !headers.contains("\r\nBcc"),
                "{headers}"
            );
        }
    }

    #[test]
    fn a_name_cannot_add_a_header_and_text_is_ascii() {
        let odd = "Zoë \"<eve@example.com>\", 会";
        let text = written(
            odd,
            "zoe@bücher.example",
            "Büro, \"Taskwire\" <tasks@example.com>",
        );
        assert!(text.is_ascii(), "{text}");
        assert!(text.contains("<zoe@xn--bcher-kva.example>"), "{text}");
        let headers = text.split("\r\n\r\n").next().expect("headers");
        let lines = headers.split("\r\n");
        let own = lines.filter(|line| !line.starts_with(' '));
        assert!(own.clone().all(|line| line.contains(':')), "{headers}");
        assert_eq!(own.filter(|line| line.starts_with("To:")).count(), 1, "{headers}");
    }
}
