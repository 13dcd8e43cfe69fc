//! Which usernames a text mentions: `@ada` does, also in brackets and at the end of a sentence; `ada@example.org`,
//! `https://example.org/@ada` and `@ada@example.org` do not. Does not know whether there is such a user.

use taskwire_protocol::limits;

/// Calls `is_known` with what may be usernames until it knows one, for each `@` of the text. Returns those that it knows,
/// in their order, each once, and not more than `most` of them. Usernames are the same without case, and may end in `.`,
/// `-` and `_`, which also end sentences: the longest one that is known counts.
pub fn mentioned<T: PartialEq>(
    text: &str,
    most: usize,
    mut is_known: impl FnMut(&str) -> Option<T>,
) -> Vec<T> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices('@') {
        if found.len() == most {
            break;
        }
        let known = candidate(text, at).and_then(|name| longest(name, &mut is_known));
        found.extend(known.filter(|user| !found.contains(user)));
    }
    found
}

/// What stands behind an `@`, if it may be a username.
fn candidate(text: &str, at: usize) -> Option<&str> {
    let (before, after) = (&text[..at], &text[at + 1..]);
    if before.chars().next_back().is_some_and(joins) {
        return None;
    }
    let end = after.find(|c: char| !is_of_username(c)).unwrap_or(after.len());
    let (name, rest) = after.split_at(end);
    let goes_on = rest
        .chars()
        .next()
        .is_some_and(|c| c.is_alphanumeric() || c == '@');
    (!goes_on).then_some(name)
}

/// Whether a character makes what follows it a part of an address or a path.
fn joins(c: char) -> bool {
    c.is_alphanumeric() || "._%+-/@=&".contains(c)
}

fn is_of_username(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_.-".contains(c)
}

fn longest<T>(name: &str, is_known: &mut impl FnMut(&str) -> Option<T>) -> Option<T> {
    let mut name = name;
    loop {
        if (limits::USERNAME_MIN..=limits::USERNAME).contains(&name.len())
            && let Some(user) = is_known(name)
        {
            return Some(user);
        }
        name = name.strip_suffix(['.', '-', '_'])?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<&'static str> {
        let users = ["ada", "ada.", "bob-b", "grace.hopper"];
        mentioned(text, 10, |name| {
            users.into_iter().find(|user| user.eq_ignore_ascii_case(name))
        })
    }

    #[test]
    fn an_at_sign_before_a_username_mentions() {
        for (text, expected) in [
            ("@ada", vec!["ada"]),
            ("@ADA, please (and @bob-b)!", vec!["ada", "bob-b"]),
            ("ask @bob-b.", vec!["bob-b"]),
            ("ask @ada.", vec!["ada."]),
            ("@bob-b--- and @bob-b", vec!["bob-b"]),
            ("cc:@grace.hopper\n@ada", vec!["grace.hopper", "ada"]),
            ("„@ada“", vec!["ada"]),
        ] {
            assert_eq!(of(text), expected, "{text}");
        }
    }

    #[test]
    fn addresses_paths_and_other_words_mention_nobody() {
        for text in [
            "x@ada",
            "é@ada",
            "me.too+@ada",
            "@ada@example.org",
            "https://example.org/@ada",
            "@adam",
            "@adaé",
            "@",
            "@@ada",
            "@ad",
            "ada",
            "@ ada",
        ] {
            assert_eq!(of(text), Vec::<&str>::new(), "{text}");
        }
    }

    #[test]
    fn a_long_text_costs_no_more_than_its_length() {
        assert!(of(&"@".repeat(5000)).is_empty());
        assert!(of(&format!("@{}", "-".repeat(5000))).is_empty());
    }
}
