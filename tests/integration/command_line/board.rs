//! `tw board`: printed once where nobody looks, live on a terminal.

use super::Device;
use crate::on_both_databases;
use crate::readmes::binaries;
use crate::support::{Engine, PATIENCE, Server, eventually};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use serde_json::Value;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Instant;

on_both_databases!(a_board_is_printed_or_live);

/// A program on a terminal.
struct Terminal {
    program: Child,
    keys: File,
    shown: Receiver<Vec<u8>>,
    /// What the program has drawn so far, with the terminal's own characters.
    so_far: String,
}

impl Terminal {
    fn start(mut command: Command) -> Terminal {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&terminal).expect("granted");
        unlockpt(&terminal).expect("unlocked");
        let size = Winsize {
            ws_row: 24,
            ws_col: 120,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&terminal, size).expect("a size");
        let name = ptsname(&terminal, Vec::new()).expect("its name");
        let path = name.to_str().expect("text").to_owned();
        let open = || {
            File::options()
                .read(true)
                .write(true)
                .open(&path)
                .expect("its other side")
        };
        command.stdin(open()).stdout(open()).stderr(open());
        let program = command.spawn().expect("tw");
        drop(command);
        let (keys, shown) = (File::from(terminal.try_clone().expect("a copy")), read(terminal));
        Terminal {
            program,
            keys,
            shown,
            so_far: String::new(),
        }
    }

    fn press(&mut self, key: &str) {
        self.keys.write_all(key.as_bytes()).expect("a key");
    }

    /// Waits until the program has drawn this text.
    fn shows(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.so_far.contains(text) {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(bytes) = self.shown.recv_timeout(left) else {
                panic!("no {text:?} in {:?}", self.so_far);
            };
            self.so_far.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
}

/// What arrives at the terminal, until its program is gone.
fn read(terminal: OwnedFd) -> Receiver<Vec<u8>> {
    let (sender, receiver) = sync_channel(256);
    let mut terminal = File::from(terminal);
    std::thread::spawn(move || {
        let mut bytes = vec![0; 4096];
        while let Ok(read @ 1..) = terminal.read(&mut bytes) {
            if sender.send(bytes[..read].to_vec()).is_err() {
                return;
            }
        }
    });
    receiver
}

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

    let mut command = Command::new(binaries().join("tw"));
    let home = laptop.home.path();
    command
        .arg("board")
        .env_clear()
        .env("HOME", home)
        .env("XDG_STATE_HOME", home)
        .env("TERM", "xterm-256color")
        .env("TASKWIRE_URL", server.url(""));
    let mut terminal = Terminal::start(command);
    terminal.shows("Espresso");
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
