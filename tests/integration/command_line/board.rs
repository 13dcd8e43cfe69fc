//! `tw board`: printed once where nobody looks, live on a terminal.

use super::Device;
use super::terminal::Terminal;
use crate::on_both_databases;
use crate::support::{Engine, Server, eventually};
use serde_json::Value;

on_both_databases!(a_board_is_printed_or_live);

async fn a_board_is_printed_or_live(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let laptop = Device::new(&server);
    laptop.tw(&["signup", "ada@example.com", "--name", "Ada"]);
    laptop.tw(&["add", "Espresso"]);
    laptop.tw(&["add", "Lungo", "--stage", "done"]);
    let printed = laptop.tw(&["board"]);
    let heads: Vec<&str> = printed.lines().filter(|line| !line.starts_with(' ')).collect();
    assert_eq!(heads, ["To do 1", "Doing 0", "Done 1"], "{printed}");
    let columns: Value = serde_json::from_str(&laptop.tw(&["--json", "board"])).expect("JSON");
    assert_eq!(
        (&columns[0]["stage"], &columns[0]["tasks"][0]["title"]),
        (&"todo".into(), &"Espresso".into())
    );
    let (code, _, error) = laptop.run(&["board", "Nowhere"], "", "");
    assert_eq!(code, 4, "{error}");

    let mut terminal = Terminal::start(&laptop, &["board"], 120);
    terminal.shows("Espresso");
    eventually("who looks at the board", async || {
        laptop.tw(&["who"]).contains("Ada").then_some(())
    })
    .await;
    // the chosen task moves on, and what others do appears
    terminal.press(">");
    eventually("the task in its new stage", async || {
        let doing = laptop.tw(&["ls", "--stage", "doing"]);
        doing.contains("Espresso").then_some(())
    })
    .await;
    laptop.tw(&["add", "Ristretto"]);
    terminal.shows("Ristretto");
    terminal.press("q");
    // it leaves the terminal as it was
    terminal.shows("\u{1b}[?1049l");
    assert!(terminal.program.wait().expect("its end").success());
}
