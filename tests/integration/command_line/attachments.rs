//! Files of tasks on the command line.

use super::{ADA, Device};
use crate::on_both_databases;
use crate::support::{Engine, PASSWORD, Server, text};
use serde_json::Value;
use std::fs;

on_both_databases!(files_are_attached_listed_saved_and_deleted);

async fn files_are_attached_listed_saved_and_deleted(engine: Engine) {
    let server = Server::start(engine, &[("attachment_bytes", "3000000")]).await;
    let laptop = Device::new(&server);
    laptop.tw(&["signup", ADA, "--name", "Ada"]);
    let added = laptop.tw(&["add", "Plan the party"]);
    let id = &added[..8];
    let place = |name: &str| laptop.home.path().join(name).to_str().expect("text").to_owned();
    let large: Vec<u8> = (0..2_500_000_u32)
        .flat_map(u32::to_le_bytes)
        .take(2_500_000)
        .collect();
    fs::write(place("plan \"A\".txt"), "Cake, and music").expect("a file");
    fs::write(place("photos.bin"), &large).expect("a file");
    let (code, out, note) = laptop.run(&["attachments", id], PASSWORD, "");
    assert_eq!((code, &*out, &*note), (0, "", "no attachments\n"));

    let made = laptop.tw(&["attach", id, &place("plan \"A\".txt"), &place("photos.bin")]);
    assert!(
        made.contains("plan \"A\".txt  15 B  text/plain") && made.contains("photos.bin  2.5 MB"),
        "{made}"
    );
    let listed = laptop.tw(&["attachments", id]);
    assert!(
        listed.lines().all(|line| line.ends_with("@ada")) && listed.lines().count() == 2,
        "{listed}"
    );
    assert!(laptop.tw(&["show", id]).ends_with(&made), "{made}");
    let json: Value = serde_json::from_str(&laptop.tw(&["attachments", id, "--json"])).expect("JSON");
    let whole = text(&json[0]["id"]);

    // by name, by the end of the id, by the id alone
    let saved = place("saved");
    let short = made[..8].to_owned();
    for words in [
        vec!["get", id, "plan \"A\".txt"],
        vec!["get", id, &short],
        vec!["get", whole],
    ] {
        laptop.tw(&[&words[..], &["-o", &saved]].concat());
        assert_eq!(fs::read(&saved).expect("a file"), b"Cake, and music", "{words:?}");
        let (code, _, error) = laptop.run(&[&words[..], &["-o", &saved]].concat(), PASSWORD, "");
        assert!(code == 2 && error.contains("--force"), "{error}");
        fs::remove_file(&saved).expect("removed");
    }
    let folder = place("downloads");
    fs::create_dir(&folder).expect("a folder");
    laptop.tw(&["get", id, "photos.bin", "-o", &folder]);
    assert!(fs::read(format!("{folder}/photos.bin")).expect("a file") == large);
    laptop.tw(&["get", id, "photos.bin", "-o", &folder, "--force"]);
    laptop.tw(&["get", whole, "-o", &folder]);
    assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 2);
    assert_eq!(laptop.tw(&["get", whole, "-o", "-"]), "Cake, and music");

    let (code, _, error) = laptop.run(&["get", id], PASSWORD, "");
    assert!(code == 2 && error.contains("photos.bin"), "{error}");
    let (code, _, error) = laptop.run(&["get", id, "music.mp3"], PASSWORD, "");
    assert!(code == 4 && error.contains("named music.mp3"), "{error}");
    let (code, ..) = laptop.run(&["get", "019931f2-a5c0-7000-8000-000000000001"], PASSWORD, "");
    assert_eq!(code, 4);
    let (code, _, error) = laptop.run(&["attach", id, &place("nothing")], PASSWORD, "");
    assert!(code == 2 && error.contains("nothing"), "{error}");
    fs::write(place("huge"), vec![0; 3_000_001]).expect("a file");
    let (code, _, error) = laptop.run(&["attach", id, &place("huge")], PASSWORD, "");
    assert!(code != 0 && error.contains("3000000 bytes"), "{error}");

    let gone = laptop.tw(&["attachments", id, "--delete", &short]);
    assert_eq!(gone, format!("{short}  deleted\n"));
    assert_eq!(laptop.tw(&["attachments", id]).lines().count(), 1);
    laptop.tw(&["get", id, "-o", &saved]);
    let told = laptop.tw(&["log", id]);
    for said in [
        "attached “plan \"A\".txt”",
        "deleted the attachment “plan \"A\".txt”",
    ] {
        assert!(told.contains(said), "{told}");
    }
}
