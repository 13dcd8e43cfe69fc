//! Unicode's rules over all of Unicode.

use super::find::is_folded;
use super::words::is_mark;
use super::*;
use icu_properties::CodePointMapData;
use icu_properties::props::GeneralCategory;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

fn indexed(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    words(text, |word| found.push(word.to_owned()));
    found
}

/// Whether a search finds words, as both databases decide it.
fn finds_in(q: &str, words: &[String]) -> bool {
    let terms = terms(q);
    let stands = |term: &Term| {
        words.windows(term.words.len()).any(|row| {
            let last = row.len() - 1;
            row.iter()
                .zip(&term.words)
                .enumerate()
                .all(|(i, (word, wanted))| {
                    word == wanted || (term.is_prefix && i == last && word.starts_with(wanted))
                })
        })
    };
    !terms.is_empty() && terms.iter().all(stands)
}

fn finds(q: &str, text: &str) -> bool {
    finds_in(q, &indexed(text))
}

/// Every character that Unicode has assigned.
fn assigned() -> impl Iterator<Item = char> {
    let categories = CodePointMapData::<GeneralCategory>::new();
    let is_free = [GeneralCategory::Unassigned, GeneralCategory::PrivateUse];
    (char::MIN..=char::MAX).filter(move |c| !is_free.contains(&categories.get(*c)))
}

#[test]
fn index_and_query_agree_on_every_letter() {
    let letters = assigned().filter(|c| is_word_part(*c) && is_visible(c.encode_utf8(&mut [0; 4])));
    let (mut count, mut accents) = (0, 0);
    for c in letters {
        count += 1;
        let title = format!("{c} {c}x x{c}");
        let words = indexed(&title);
        assert!(finds_in(&title, &words), "U+{:04X}: {words:?}", c as u32);
        let alone = terms(&c.to_string());
        if alone.is_empty() {
            accents += 1;
        } else {
            assert!(finds_in(&c.to_string(), &words), "U+{:04X}: {words:?}", c as u32);
        }
        // most letters cannot be written in another way
        let [upper, lower]: [String; 2] = [title.to_uppercase(), title.to_lowercase()];
        let others = [upper, lower, composed(&title).into_owned(), searchable(&title)];
        let others: BTreeSet<String> = others.into();
        for other in others.into_iter().filter(|other| *other != title) {
            assert!(
                finds_in(&other, &words),
                "U+{:04X} by {other:?}: {words:?}",
                c as u32
            );
            assert!(
                finds_in(&title, &indexed(&other)),
                "{other:?} by U+{:04X}",
                c as u32
            );
        }
    }
    assert!(
        count > 140_000 && accents < 1_500,
        "{count} letters, {accents} accents among them"
    );
}

#[test]
fn what_counts_as_folded_is_folded() {
    for c in assigned().filter(|c| is_folded(*c)) {
        assert_eq!(searchable(&c.to_string()), c.to_string(), "U+{:04X}", c as u32);
    }
}

#[test]
fn words_hold_nothing_that_a_database_reads_as_its_own_syntax() {
    for c in assigned() {
        let text = format!("{c}a{c}明{c}");
        let wanted = terms(&text).into_iter().flat_map(|term| term.words);
        for word in indexed(&text).into_iter().chain(wanted) {
            // SQLite's tokenizer `ascii` keeps these together; nothing has a meaning between quotes
            let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || !c.is_ascii();
            assert!(
                !word.is_empty() && word.chars().all(is_plain),
                "U+{:04X}: {word:?}",
                c as u32
            );
            assert!(word.len() <= 240, "U+{:04X}: {word:?}", c as u32);
        }
    }
}

#[test]
fn people_find_what_they_wrote() {
    let found = [
        ("İş", "İş toplantısı"),
        ("iş", "İş toplantısı"),
        ("is toplantisi", "İş toplantısı"),
        ("TOPLANTISI", "İş toplantısı"),
        ("A\u{308}rzte", "Ärzte anrufen"),
        ("ärzte", "A\u{308}rzte anrufen"),
        ("arzte", "Ärzte anrufen"),
        ("strasse", "Straße fegen"),
        ("STRASSE", "Straße fegen"),
        ("straße", "STRASSE"),
        ("οδός", "ΟΔΟΣ"),
        ("елка", "Ёлка"),
        ("ﬁnden", "finden"),
        ("ｋａｎａ", "Kana"),
        ("牛乳", "明日牛乳を買う"),
        ("明日牛乳を買う", "明日牛乳を買う"),
        ("う", "明日牛乳を買う"),
        ("日", "明日牛乳を買う"),
        ("コーヒー", "熱いコーヒーを"),
        ("ｶﾀｶﾅ", "カタカナ"),
        ("か\u{3099}", "学が"),
        ("회의", "내일 회의를 준비"),
        ("\u{1112}\u{116c}\u{110b}\u{1174}", "내일 회의를 준비"),
        ("นม", "ซื้อนมพรุ่งนี้"),
        ("พรุ่งนี้", "ซื้อนมพรุ่งนี้"),
        ("充電", "iPhone充電"),
        ("iphone", "iPhone充電"),
        ("iPhone 充", "iPhone充電"),
        ("हिन्दी", "हिन्दी सीखो"),
        ("सीख", "हिन्दी सीखो"),
        ("السلام", "السَّلامُ عليكم"),
        ("שלום", "שָׁלוֹם"),
        ("می\u{200c}خواهم", "میخواهم"),
        ("🎂", "Party 🎂🎉 tonight"),
        ("🎉", "Party 🎂🎉 tonight"),
        ("🎉 party", "Party 🎂🎉 tonight"),
        ("👍", "👍🏽 done"),
        ("❤", "❤\u{fe0f}"),
        ("🇩🇪", "🇫🇷🇩🇪"),
        ("x²", "x2"),
        ("foo", "Foo™"),
        ("snake", "snake_case"),
    ];
    for (q, text) in found {
        assert!(
            finds(q, text),
            "{q} in {text}: {:?} of {:?}",
            terms(q),
            indexed(text)
        );
    }
    let missed = [
        ("牛日", "明日牛乳を買う"),
        ("京北", "東京 北海道"),
        ("が", "かき"),
        ("🎂", "Party 🎉"),
        ("🇪🇫", "🇩🇪🇫🇷"),
        ("ar", "Bär"),
        ("!?", "what!?"),
    ];
    for (q, text) in missed {
        assert!(
            !finds(q, text),
            "{q} in {text}: {:?} of {:?}",
            terms(q),
            indexed(text)
        );
    }
}

#[test]
fn a_word_is_found_however_long_it_is() {
    let long = "é".repeat(1000);
    assert!(finds(&"e".repeat(200), &long));
    assert!(finds(&long, &long));
    let unspaced = "牛".repeat(1000);
    assert!(finds(&"牛".repeat(200), &unspaced));
}

#[test]
fn names_are_equal_without_case_and_with_accents() {
    for (a, b) in [
        ("Home", "hOME"),
        ("Ärger", "a\u{308}RGER"),
        ("STRASSE", "straße"),
        ("ΟΔΟΣ", "οδος"),
        ("home\u{200d}", "home"),
        ("❤\u{fe0f}", "❤"),
    ] {
        assert_eq!(name_key(a), name_key(b), "{a} {b}");
    }
    for (a, b) in [("cafe", "café"), ("x2", "x²"), ("a b", "ab"), ("x%y", "x_y")] {
        assert_ne!(name_key(a), name_key(b), "{a} {b}");
    }
    for c in assigned() {
        let name = c.to_string();
        let key = name_key(&name);
        assert_eq!(name_key(&key), key, "U+{:04X}", c as u32);
        assert_eq!(name_key(&composed(&name)), key, "U+{:04X}", c as u32);
        assert_eq!(key.is_empty(), !is_visible(&name) && name_key(&name).is_empty());
    }
}

#[test]
fn titles_are_in_the_order_of_the_root_locale() {
    let titles = [
        "", " x", "-1", "!", "1", "10", "2", "a", "ä", "a!", "Äpfel", "apple", "b", "éclair", "Eclipse", "ß",
        "ssa", "Zebra", "Ω", "Я", "א", "ا", "ก", "あ", "明",
    ];
    let keys: Vec<String> = titles.iter().map(|title| title_key(title)).collect();
    assert!(keys.is_sorted_by(|a, b| a < b), "{:?}", {
        let mut sorted = titles;
        sorted.sort_by_key(|title| title_key(title));
        sorted
    });
    assert_eq!(title_key("apple"), title_key("APPLE"), "case does not count");
    assert_eq!(title_key("a\u{308}"), title_key("ä"));
    assert_ne!(title_key("apple"), title_key("äpple"));
    assert!(title_key("apple") < title_key("äpple") && title_key("äpple") < title_key("applf"));
    assert!(!title_key("x").is_empty(), "the tables are there");
}

#[test]
fn a_cut_never_splits_what_a_reader_sees_as_one() {
    for (text, most, expected) in [
        ("short", 9, "short"),
        ("abc", 2, "ab"),
        ("ab", 2, "ab"),
        ("ae\u{301}b", 2, "a"),
        ("ae\u{301}b", 3, "ae\u{301}"),
        ("x👩\u{200d}👩\u{200d}👧", 4, "x"),
        ("🇩🇪🇫🇷", 3, "🇩🇪"),
        ("e\u{301}\u{301}\u{301}", 2, "e\u{301}"),
        ("각각", 1, "각"),
    ] {
        assert_eq!(cut(text, most), expected, "{text:?} to {most}");
    }
}

#[test]
fn what_nobody_sees_is_not_visible() {
    for text in [
        "",
        " ",
        "\u{200b}",
        "\u{200d}\u{200c}",
        "\u{feff}",
        "\u{3164}",
        "\u{ffa0}",
        "\u{115f}",
        "\u{2800}",
        "\u{13441}\u{13437}",
        "\u{1d159}",
        "\u{16fe4}",
        "\u{ffff}\u{10ffff}\u{fdd0}",
        "\u{ad}",
        "\u{202e}",
        "\u{e0020}",
        "\u{fe0f}",
        "\u{1b}",
        "\u{85}",
        "\u{180e}",
        "\u{2028}",
        "\u{3000}",
        "\u{fffb}",
    ] {
        assert!(!is_visible(text), "{text:?}");
    }
    for text in [
        "a",
        "\u{200b}a",
        "é",
        "\u{301}",
        "🎂",
        "明",
        "\u{600}",
        "!",
        "\u{fffd}",
    ] {
        assert!(is_visible(text), "{text:?}");
    }
}

#[test]
fn an_address_has_one_key() {
    for (a, b) in [
        ("Ada@Example.com", "ada@example.COM"),
        ("ada@bücher.example", "ada@BÜCHER.example"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@bu\u{308}cher.example", "ada@bücher.example"),
    ] {
        assert_eq!(email_key(a), email_key(b), "{a} {b}");
    }
    for (a, b) in [
        ("kate@example.com", "\u{212a}ate@example.com"),
        ("is@example.com", "ıs@example.com"),
        ("is@example.com", "İs@example.com"),
        ("sss@example.com", "ſss@example.com"),
        ("ada@example.com", "ａda@example.com"),
        ("ada@strasse.de", "ada@straße.de"),
    ] {
        assert_ne!(email_key(a), email_key(b), "{a} {b}");
    }
    for bad in [
        "",
        "a..b",
        "-a.com",
        "a_b.com",
        "a b.com",
        "xn--a.com",
        "ex\u{202e}ample.com",
        &"a".repeat(64),
    ] {
        assert!(!is_domain(bad), "{bad}");
    }
}

/// What a search marks in a text, part by part.
fn marked(q: &str, text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let found = find(text, &terms(q));
    let parts = found
        .iter()
        .map(|found| chars[found.start..found.end].iter().collect());
    parts.collect()
}

#[test]
fn what_is_found_is_marked_as_it_is_written() {
    for (q, text, parts) in [
        ("milk", "Buy Milk, MILK!", &["Milk", "MILK"][..]),
        ("mil", "Milky milk mil", &["Mil", "mil", "mil"]),
        ("buy mi", "buying milk to buy", &["mi", "buy"]),
        ("strasse", "Die STRAẞE, Straße", &["STRAẞE", "Straße"]),
        ("stras", "Straße", &["Straß"]),
        ("is", "İş ış iş", &["İş", "ış", "iş"]),
        ("arzte", "A\u{308}rzte, Ärzte", &["A\u{308}rzte", "Ärzte"]),
        ("牛乳", "明日牛乳を買う、牛乳", &["牛乳", "牛乳"]),
        ("乳", "牛乳", &["乳"]),
        ("ガ", "ｶﾞラス", &["ｶﾞ"]),
        ("의를", "내일 회의를", &["의를"]),
        ("가", "\u{1100}\u{1161}", &["\u{1100}\u{1161}"]),
        ("นม", "ซื้อนมพรุ่งนี้", &["นม"]),
        ("سلام", "سَلام عليكم", &["سَلام"]),
        ("👩", "👩\u{200d}💻 👩", &["👩\u{200d}💻", "👩"]),
        ("🇩🇪", "🇩🇪🇫🇷", &["🇩🇪"]),
        ("👍", "👍🏽", &["👍🏽"]),
        ("final 1", "ﬁnal ①", &["ﬁnal", "①"]),
        ("f", "ﬁnal", &["ﬁ"]),
        ("sof", "so\u{ad}ft", &["so\u{ad}f"]),
        ("乳牛", "牛乳", &[]),
    ] {
        assert_eq!(marked(q, text), parts, "{q:?} in {text:?}");
    }
}

/// In texts of random letters: where a word is indexed, a search finds it and marks it.
#[test]
fn what_the_index_finds_is_marked() {
    // a mark alone is no text that anybody writes
    let is_letter = |c: &char| !is_mark(*c) && !matches!(*c as u32, 0x3400..=0xd7a3 | 0x1_7000..=0x3_ffff);
    let letters: Vec<char> = assigned().filter(is_letter).collect();
    let mut seed = 1_u64;
    let mut next = |below: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    let odd = [
        '\u{301}', 'ß', 'İ', 'ı', '\u{200d}', '\u{fe0f}', '👩', '🇩', '牛', '乳', '회', 'น', ' ', ' ', 'a',
        'ﬁ', '\u{ad}',
    ];
    for round in 0..20_000 {
        let length = 1 + next(24);
        let text: String = (0..length)
            .map(|i| match (round % 2, i % 3) {
                (0, _) | (_, 0) => odd[next(odd.len())],
                _ => letters[next(letters.len())],
            })
            .collect();
        let words = indexed(&text);
        if words.is_empty() {
            continue;
        }
        let chars: Vec<char> = text.chars().collect();
        let from = next(chars.len());
        let to = from + 1 + next(chars.len() - from);
        let q: String = chars[from..to].iter().collect();
        let terms = terms(&q);
        if terms.is_empty() || !finds_in(&q, &words) {
            continue;
        }
        let found = find(&text, &terms);
        let all: BTreeSet<usize> = found.iter().map(|found| found.term).collect();
        assert_eq!(
            all.len(),
            terms.len(),
            "{q:?} in {text:?}: {found:?} {terms:?} {words:?}"
        );
        assert!(score(&terms, [(0, text.as_str())]).is_some());
        for found in &found {
            let part: String = chars[found.start..found.end].iter().collect();
            let wanted = terms[found.term].text();
            assert!(
                [&searchable(&part), &part]
                    .iter()
                    .any(|part| part.contains(&*wanted))
                    || wanted.len() > 200,
                "{part:?} for {wanted:?}"
            );
        }
    }
}

#[test]
fn the_best_match_has_the_least_score() {
    let terms = terms("milk");
    let of = |fields: &[(i64, &str)]| score(&terms, fields.iter().copied());
    let order = [
        of(&[(0, "Milk")]),
        of(&[(0, "Milk for tea")]),
        of(&[(0, "Buy milk for tea")]),
        of(&[(0, "Milky tea")]),
        of(&[(0, "Tea"), (1, "milk")]),
        of(&[(0, "Tea"), (1, "drinks"), (2, "with milk")]),
        of(&[(3, "and milk")]),
    ];
    assert!(order.iter().all(Option::is_some), "{order:?}");
    assert!(order.is_sorted() && order[0] < order[6], "{order:?}");
    assert_eq!(of(&[(0, "Tea")]), None);
}

#[test]
fn a_snippet_shows_what_was_found() {
    let shown = |q: &str, text: &str| {
        let snippet = snippet(text, &find(text, &terms(q)));
        let chars: Vec<char> = snippet.text.chars().collect();
        assert!(chars.len() <= 162, "{snippet:?}");
        let mut before = 0;
        let part = |mark: &[u32; 2]| {
            assert!(
                mark[0] >= before && mark[1] > mark[0] && mark[1] as usize <= chars.len(),
                "{snippet:?}"
            );
            before = mark[1];
            chars[mark[0] as usize..mark[1] as usize]
                .iter()
                .collect::<String>()
        };
        let parts: Vec<String> = snippet.marks.iter().map(part).collect();
        (snippet.text, parts)
    };
    assert_eq!(
        shown("milk", "Buy milk"),
        ("Buy milk".into(), vec!["milk".into()])
    );
    let words = "word ".repeat(100);
    let (text, parts) = shown("milk tea", &format!("milk {words}milk and tea {words}"));
    assert_eq!(parts, ["milk", "tea"]);
    assert!(text.starts_with("…word ") && text.ends_with("word …"), "{text}");
    let (text, parts) = shown("word", &format!("{words}end"));
    assert!(
        text.starts_with("word ") && text.ends_with("word …") && parts.len() > 25,
        "{text}"
    );
    let (text, parts) = shown("end", &format!("{words}end"));
    assert!(text.ends_with("word end") && parts == ["end"], "{text}");
    // what touches is one mark
    assert_eq!(shown("牛乳 乳を", "牛乳を").1, ["牛乳を"]);
    for text in [
        "長".repeat(1000),
        "x".repeat(1000),
        "👩\u{200d}💻".repeat(300),
        "e\u{301}".repeat(400),
    ] {
        for q in ["長", "xx", "👩", "e"] {
            shown(q, &format!("{text} {q} {text}"));
        }
    }
}

/// Databases keep words and keys. When these change, the stored ones must be computed again: add a migration like
/// `text`, which forgets them, and put the new number here.
#[test]
fn what_is_stored_changes_only_with_a_migration() {
    let mut all = Sha256::new();
    for c in assigned() {
        let text = format!("A{c}b");
        words(&text, |word| all.update(word));
        all.update(name_key(&text));
        all.update(title_key(&text));
    }
    let all = all.finalize();
    assert_eq!(
        format!("{:02x}{:02x}{:02x}{:02x}", all[0], all[1], all[2], all[3]),
        "fbdc6b8b"
    );
}
