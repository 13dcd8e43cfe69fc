//! Text in every script: what is found, what is one name, what is refused, in which order titles are. The same on both
//! databases. `src/unicode/tests.rs` goes through all of Unicode; here its results pass through the databases.

use crate::on_both_databases;
use crate::support::follower::{pluck, text};
use crate::support::{Client, Engine, PASSWORD, Server, Team, http};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use taskwire::unicode::{composed, is_visible, is_word_part, searchable};

on_both_databases!(
    search_finds_every_script,
    search_finds_every_letter,
    the_largest_texts_are_indexed_and_searched,
    titles_are_in_one_order,
    a_tag_is_one_whatever_its_case,
    what_nobody_sees_is_no_name,
    a_title_and_a_name_show_all_that_they_have,
    text_is_stored_composed,
    a_person_keeps_the_address_that_only_looks_like_anothers,
    a_password_is_the_same_on_every_keyboard,
);

async fn made(client: &mut Client, tasks: impl IntoIterator<Item = Value>) {
    let ops: Vec<Value> = tasks
        .into_iter()
        .map(|data| json!({ "type": "task.create", "data": data }))
        .collect();
    for part in ops.chunks(100) {
        client.ok("batch", json!({ "ops": part })).await;
    }
}

async fn found(client: &mut Client, wanted: Value) -> Vec<String> {
    let page = client.ok("task.list", wanted).await;
    pluck(&page, "title").iter().map(text).collect()
}

async fn search_finds_every_script(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let cases = [
        (
            "İş toplantısı",
            &["İş", "iş", "is", "TOPLANTISI", "toplantısı"][..],
        ),
        (
            "A\u{308}rzte anrufen",
            &["Ärzte", "a\u{308}rzte", "ÄRZTE", "arzte"],
        ),
        ("Straße fegen", &["strasse", "STRASSE", "straße", "STRAẞE"]),
        ("ΟΔΟΣ Αθηνών", &["οδος", "οδός", "αθηνων"]),
        ("Ёлка и снег", &["елка", "ЁЛКА", "снег"]),
        (
            "明日牛乳を買う",
            &["牛乳", "明日", "買う", "乳", "う", "牛乳を買う", "明日 牛乳"],
        ),
        ("下周买牛奶", &["牛奶", "下周买牛奶", "奶"]),
        ("コーヒー豆", &["コーヒー", "ｺｰﾋｰ", "豆"]),
        ("내일 회의를 준비", &["회의", "회의를 준비", "의를"]),
        ("ซื้อนมพรุ่งนี้", &["นม", "พรุ่งนี้", "ซื้อ"]),
        ("iPhone充電", &["iphone", "充電", "IPHONE充電"]),
        ("हिन्दी सीखो", &["हिन्दी", "सीख"]),
        ("السَّلامُ عليكم", &["السلام", "عليكم"]),
        ("שָׁלוֹם לכולם", &["שלום", "לכולם"]),
        ("Party 🎂🎉 tonight", &["🎂", "🎉", "party 🎉"]),
        (
            "👍🏽 👩\u{200d}💻 ❤\u{fe0f} 🇩🇪",
            &["👍", "👩\u{200d}💻", "❤", "🇩🇪", "👍🏻"],
        ),
        ("ﬁnal ｆｏｒｍ ①", &["final", "form", "1"]),
    ];
    made(&mut ada, cases.iter().map(|(title, _)| json!({ "title": title }))).await;
    // in descriptions and tags too
    let elsewhere =
        json!({ "title": "elsewhere", "description": "会議は東京です", "tags": ["Größe", "東京"] });
    made(&mut ada, [elsewhere]).await;
    for (title, searches) in cases {
        let title = ada.ok("task.list", json!({ "q": title })).await["items"][0]["title"].clone();
        for q in searches {
            assert_eq!(found(&mut ada, json!({ "q": q })).await, [text(&title)], "{q}");
        }
    }
    for q in ["東京", "会議", "grosse", "GRÖSSE", "京で"] {
        assert_eq!(found(&mut ada, json!({ "q": q })).await, ["elsewhere"], "{q}");
    }
    // the best match first: the word is all of its title
    let titles = ["sugar", "sugar and bread from the shop"];
    made(&mut ada, titles.iter().map(|title| json!({ "title": title }))).await;
    assert_eq!(found(&mut ada, json!({ "q": "sugar" })).await, titles);
    // characters in another order, in two fields, and in two words
    for q in ["乳牛", "買明日", "京会", "東北", "🎉🎂🎂🎂x"] {
        assert_eq!(found(&mut ada, json!({ "q": q })).await, [""; 0], "{q}");
    }
}

/// Every letter of the scripts with few letters, and some of the others. As many in one task and one search as there is room.
async fn search_finds_every_letter(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let many = |c: char| matches!(c as u32, 0x3400..=0x9fff | 0xa000..=0xa4cf | 0xac00..=0xd7a3 | 0x1_0000..);
    let letters: Vec<char> = (char::MIN..=char::MAX)
        .filter(|c| is_word_part(*c) && is_visible(&c.to_string()) && !searchable(&c.to_string()).is_empty())
        .filter(|c| !many(*c) || (*c as u32).is_multiple_of(97))
        .collect();
    let described: Vec<String> = letters
        .chunks(400)
        .map(|part| part.iter().flat_map(|c| [*c, ' ']).collect())
        .collect();
    let tasks = described.iter().enumerate();
    made(
        &mut ada,
        tasks.map(|(i, text)| json!({ "title": format!("{i}"), "description": text })),
    )
    .await;
    for (i, part) in letters.chunks(400).enumerate() {
        for few in part.chunks(60) {
            let q: String = few.iter().flat_map(|c| [*c, ' ']).collect();
            let cases: BTreeSet<String> = [q.to_uppercase(), q.to_lowercase(), q].into();
            for q in cases
                .into_iter()
                .filter(|q| composed(q.trim()).chars().count() <= 200)
            {
                let found = found(&mut ada, json!({ "q": q })).await;
                assert!(found.contains(&i.to_string()), "{q:?} of {i}: {found:?}");
            }
        }
    }
}

async fn the_largest_texts_are_indexed_and_searched(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    // a character that is four words, a letter that is three, a syllable, an ideograph, an emoji, one long word
    for (i, letter) in ["\u{fdfa}", "\u{1f82}", "각", "明", "🦀", "x", "ﬃ"]
        .into_iter()
        .enumerate()
    {
        let (title, rest) = (letter.repeat(200), letter.repeat(1000));
        let tags: Vec<String> = (0..20)
            .map(|n| format!("{i}.{n:02}{}", letter.repeat(46)))
            .collect();
        made(
            &mut ada,
            [json!({ "title": title, "description": rest, "tags": tags })],
        )
        .await;
        let q = letter.repeat(200);
        assert_eq!(
            ada.ok("task.list", json!({ "q": q })).await["total"],
            1,
            "{letter}"
        );
        assert_eq!(
            ada.ok("task.list", json!({ "q": letter, "sort": "title" })).await["total"],
            1,
            "{letter}"
        );
    }
    assert_eq!(ada.ok("task.list", json!({ "sort": "title" })).await["total"], 7);
}

async fn titles_are_in_one_order(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let order = [
        "-1", "!", "1", "10", "2", "a", "A", "ä", "a!", "Äpfel", "b", "éclair", "Eclipse", "İş", "ß", "ssa",
        "Zebra", "zebra", "Ω", "Я", "א", "ا", "ก", "あ", "明",
    ];
    let mut mixed = order;
    mixed.reverse();
    mixed.rotate_left(7);
    // of those that differ in case alone, the older one is first
    mixed.sort_by_key(|title| ["A", "zebra"].contains(title));
    made(&mut ada, mixed.iter().map(|title| json!({ "title": title }))).await;
    let mut all = json!({ "sort": "title", "limit": 100 });
    assert_eq!(found(&mut ada, all.clone()).await, order);
    all["sort"] = json!("-title");
    let backwards: Vec<&str> = order.into_iter().rev().collect();
    assert_eq!(found(&mut ada, all).await, backwards);
    let (mut paged, mut asked) = (Vec::new(), json!({ "sort": "title", "limit": 4 }));
    loop {
        let page = ada.ok("task.list", asked.clone()).await;
        paged.extend(pluck(&page, "title").iter().map(text));
        if page["next_cursor"].is_null() {
            break;
        }
        asked["cursor"] = page["next_cursor"].clone();
    }
    assert_eq!(paged, order);
    // a title that changes moves
    let id = ada.ok("task.list", json!({ "sort": "title", "limit": 1 })).await["items"][0]["id"].clone();
    ada.ok("task.update", json!({ "id": id, "title": "東" })).await;
    let last = found(&mut ada, json!({ "sort": "-title", "limit": 2 })).await;
    assert!(last.contains(&"東".to_owned()), "{last:?}");
}

async fn a_tag_is_one_whatever_its_case(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let place = team.workspace.clone();
    let ada = &mut team.owner;
    let first = ada
        .ok(
            "task.create",
            json!({ "title": "a", "tags": ["Home", "home", "HOME", "Ärzte"] }),
        )
        .await;
    assert_eq!(first["tags"], json!(["Home", "Ärzte"]));
    let second = ada
        .ok(
            "task.create",
            json!({ "title": "b", "tags": ["hOME", "a\u{308}RZTE", "Garden"] }),
        )
        .await;
    assert_eq!(
        second["tags"],
        json!(["Home", "Ärzte", "Garden"]),
        "as first written"
    );
    let data = json!({ "id": second["id"], "tags": ["garden", "home", "new"] });
    let updated = ada.ok("task.update", data).await;
    assert_eq!(updated["tags"], json!(["Garden", "Home", "new"]));
    let same = ada
        .ok(
            "task.update",
            json!({ "id": second["id"], "tags": ["GARDEN", "HOME", "NEW"] }),
        )
        .await;
    assert_eq!(same["version"], updated["version"], "nothing changes");
    for (tag, titles) in [
        ("home", &["b", "a"][..]),
        (" HOME ", &["b", "a"]),
        ("ärzte", &["a"]),
        ("A\u{308}rzte", &["a"]),
        ("NEW", &["b"]),
        ("arzte", &[]),
        ("hom", &[]),
    ] {
        assert_eq!(found(ada, json!({ "tag": tag })).await, titles, "{tag}");
    }
    // two tasks of one batch, one of them made in it; and each workspace for itself
    let id = crate::support::new_id();
    let ops = json!({ "ops": [
        { "type": "task.create", "data": { "id": id, "workspace_id": place, "title": "c", "tags": ["hOmE", "One"] } },
        { "type": "task.create", "data": { "workspace_id": place, "title": "d", "tags": ["HOME", "ONE"] } },
        { "type": "task.replace", "data": { "id": id, "title": "c", "description": null, "completed": false,
            "priority": "none", "due_at": null, "tags": ["one", "home"] } },
    ] });
    let done = ada.ok("batch", ops).await;
    let tags: Vec<&Value> = (0..3).map(|i| &done["results"][i]["data"]["tags"]).collect();
    assert_eq!(
        tags,
        [
            &json!(["hOmE", "One"]),
            &json!(["hOmE", "One"]),
            &json!(["One", "hOmE"])
        ],
        "{done}"
    );
    // removed whatever its case; its spelling stays when no task has it
    ada.ok("task.update", json!({ "id": first["id"], "tags": ["home"] }))
        .await;
    assert_eq!(found(ada, json!({ "tag": "ärzte" })).await, [""; 0]);
    let again = ada
        .ok("task.create", json!({ "title": "e", "tags": ["ÄRZTE"] }))
        .await;
    assert_eq!(again["tags"], json!(["Ärzte"]));
}

async fn what_nobody_sees_is_no_name(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let task = ada.ok("task.create", json!({ "title": "T" })).await["id"].clone();
    let signup = |name: &str| json!({ "email": format!("{}@example.com", crate::support::new_id()), "name": name, "password": PASSWORD });
    let mut device = signup("Ada");
    device["device_name"] = Value::Null;
    let names = [
        ("workspace.create", json!({}), "name"),
        ("auth.signup", signup(""), "name"),
        ("auth.signup", device, "device_name"),
    ];
    let titles = [
        ("task.create", json!({}), "title"),
        ("task.update", json!({ "id": task }), "title"),
    ];
    let unseen = [
        "\u{200b}\u{200b}",
        "\u{3164}\u{3164}",
        "\u{feff}\u{2060}\u{ad}",
        "\u{202e}\u{2066}",
        "\u{2800} \u{2800}",
        "\u{e0020}\u{fe0f}",
    ];
    let control = [
        "a\u{1b}[31mb",
        "a\tb",
        "a\nb",
        "a\u{7f}b",
        "a\u{9b}b",
        "a\u{2028}b",
    ];
    for (name, data, field) in names.iter().chain(&titles) {
        let is_title = *field == "title";
        for value in unseen.iter().chain(control.iter().filter(|_| !is_title)) {
            let mut data = data.clone();
            data[field] = json!(value);
            let error = ada.refused(name, data).await;
            assert_eq!(
                (&error["code"], &error["field"]),
                (&json!("VALIDATION_ERROR"), &json!(field)),
                "{name} {value:?}"
            );
        }
        for value in ["می\u{200c}خواهم", "👩\u{200d}💻 x", "שלום\u{200f}!"] {
            let mut data = data.clone();
            data[field] = json!(value);
            if *name == "auth.signup" {
                data["email"] = signup("")["email"].clone();
            }
            ada.ok(name, data).await;
        }
    }
    for value in unseen.iter().chain(&control) {
        let data = json!({ "title": "T", "tags": ["fine", value] });
        assert_eq!(
            ada.refused("task.create", data).await["field"],
            "tags[1]",
            "{value:?}"
        );
    }
}

async fn a_title_and_a_name_show_all_that_they_have(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    for (given, shown) in [
        ("pay\u{202e}lla\nnow\t!", "paylla now !"),
        ("red\u{1b}[31m\u{200b}", "red[31m"),
        ("می\u{200c}خواهم 👩\u{200d}💻", "می\u{200c}خواهم 👩\u{200d}💻"),
    ] {
        let op_id = crate::support::new_id();
        let request =
            json!({ "type": "task.create", "id": shown, "op_id": op_id, "data": { "title": given } });
        ada.send(&request).await;
        let first = ada.answer(shown).await;
        assert_eq!(first["data"]["title"], shown, "{first}");
        let event = ada.event("task.created").await;
        assert_eq!(event["data"]["title"], shown, "{event}");
        // the request as it was sent is the same request
        ada.send(&request).await;
        let again = ada.answer(shown).await;
        assert_eq!(
            (&again["data"], &again["replayed"]),
            (&first["data"], &json!(true)),
            "{again}"
        );
        let id = first["data"]["id"].clone();
        let same = ada.ok("task.update", json!({ "id": id, "title": given })).await;
        assert_eq!(same["version"], 1, "nothing changed: {same}");
    }
    let made = ada
        .ok("workspace.create", json!({ "name": "ho\u{200b}me\u{ad}" }))
        .await;
    assert_eq!(made["name"], "home");
}

async fn text_is_stored_composed(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let apart = "e\u{301}".repeat(200);
    let task = json!({ "title": apart, "description": "A\u{30a}", "tags": ["o\u{308}"] });
    let made = ada.ok("task.create", task).await;
    assert_eq!(made["title"], "é".repeat(200), "counted as it is stored");
    assert_eq!(
        (&made["description"], &made["tags"]),
        (&json!("Å"), &json!(["ö"]))
    );
    let place = ada.ok("workspace.create", json!({ "name": "Bu\u{308}ro" })).await;
    assert_eq!(place["name"], "Büro");
}

async fn a_person_keeps_the_address_that_only_looks_like_anothers(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut nobody = Client::connect(&server).await;
    let signup = |email: &str| json!({ "email": email, "name": "Some Body", "password": PASSWORD });
    for email in [
        "\u{212a}ate@example.com",
        "kate@example.com",
        "ıs@example.com",
        "İs@example.com",
        "is@example.com",
        "ﬁn@example.com",
        "fin@example.com",
        "ü@bücher.example",
    ] {
        let made = nobody.ok("auth.signup", signup(email)).await;
        assert_eq!(made["user"]["email"], email, "kept as it was written");
    }
    for taken in [
        "KATE@Example.com",
        "ü@BÜCHER.example",
        "ü@xn--bcher-kva.example",
        "ü@bu\u{308}cher.example",
        "Is@EXAMPLE.com",
    ] {
        let error = nobody.refused("auth.signup", signup(taken)).await;
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!("CONFLICT"), &json!("email")),
            "{taken}"
        );
    }
    for (login, whose) in [
        ("Kate@example.com", "kate@example.com"),
        ("\u{212a}ate@EXAMPLE.com", "\u{212a}ate@example.com"),
        ("ü@xn--bcher-kva.example", "ü@bücher.example"),
        (" ü@Bücher.Example ", "ü@bücher.example"),
    ] {
        let login = json!({ "email": login, "password": PASSWORD, "token_delivery": "body" });
        let tokens: Value = http::post(&server, "/v1/auth/login", &login)
            .await
            .json()
            .await
            .expect("tokens");
        assert_eq!(tokens["user"]["email"], whose, "{tokens}");
    }
    let mut ada = Client::sign_up(&server, "ada").await;
    let place = ada.ok("workspace.create", json!({ "name": "Team" })).await["id"].clone();
    let add = |email: &str| json!({ "workspace_id": place, "email": email, "role": "member" });
    let member = ada.ok("member.add", add("ü@xn--bcher-kva.example")).await;
    assert_eq!(member["user"]["username"], "___", "{member}");
    let bad = [
        "a@exa\u{ad}mple.com",
        "a@-x.example",
        "a@x_y.example",
        "a\u{200b}@example.com",
        "a@xn--a.example",
    ];
    for email in bad {
        assert_eq!(
            nobody.refused("auth.signup", signup(email)).await["field"],
            "email",
            "{email:?}"
        );
    }
}

async fn a_password_is_the_same_on_every_keyboard(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut nobody = Client::connect(&server).await;
    for (i, (signs_up, signs_in, differs)) in [
        (
            "Größe und Gewicht",
            "Gro\u{308}ße\u{a0}und\u{3000}Gewicht",
            "größe und gewicht",
        ),
        ("a\u{30a}ngstro\u{308}m 8", "ångström 8", "ångström 8 "),
        ("ｆｕｌｌ width", "ｆｕｌｌ\u{2003}width", "full width"),
    ]
    .into_iter()
    .enumerate()
    {
        let email = format!("p{i}@example.com");
        let data = json!({ "email": email, "name": "Some Body", "password": signs_up });
        nobody.ok("auth.signup", data).await;
        for (password, status) in [(signs_up, 200), (signs_in, 200), (differs, 401)] {
            let login = json!({ "email": email, "password": password });
            let answer = http::post(&server, "/v1/auth/login", &login).await;
            assert_eq!(answer.status().as_u16(), status, "{password:?} for {signs_up:?}");
        }
    }
    for bad in [
        "tea at\u{7}half past",
        "tea at\u{200b}half past",
        "e\u{301}\u{301}x y z",
    ] {
        let data = json!({ "email": "q@example.com", "name": "Some Body", "password": bad });
        assert_eq!(
            nobody.refused("auth.signup", data).await["field"],
            "password",
            "{bad:?}"
        );
    }
}
