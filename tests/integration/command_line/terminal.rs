//! What `tw` writes on a terminal: lists that fit, and how far large files are.

use super::{ADA, Device};
use crate::readmes::binaries;
use crate::support::copies::copy;
use crate::support::{Engine, PATIENCE, Server};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Instant;

/// A program on a terminal.
pub(super) struct Terminal {
    pub(super) program: Child,
    keys: File,
    shown: Receiver<Vec<u8>>,
    /// What the program has drawn so far, with the terminal's own characters.
    so_far: String,
}

impl Terminal {
    /// Starts `tw` on a terminal with this many columns.
    pub(super) fn start(device: &Device, words: &[&str], columns: u16) -> Terminal {
        let home = device.home.path();
        let mut command = Command::new(binaries().join("tw"));
        command
            .args(words)
            .env_clear()
            .env("HOME", home)
            .env("XDG_STATE_HOME", home)
            .env("TERM", "xterm-256color")
            // the tests may run on a terminal of their own
            .env("COLUMNS", columns.to_string())
            .env("TASKWIRE_URL", &device.url);
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&terminal).expect("granted");
        unlockpt(&terminal).expect("unlocked");
        let size = Winsize {
            ws_row: 24,
            ws_col: columns,
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

    pub(super) fn press(&mut self, key: &str) {
        self.keys.write_all(key.as_bytes()).expect("a key");
    }

    /// Waits until the program has drawn this text.
    pub(super) fn shows(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.so_far.contains(text) {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(bytes) = self.shown.recv_timeout(left) else {
                panic!("no {text:?} in {:?}", self.so_far);
            };
            self.so_far.push_str(&String::from_utf8_lossy(&bytes));
        }
    }

    /// Waits until the program has ended well. Returns all that it has written.
    pub(super) fn ends(mut self) -> String {
        let mut bytes = self.so_far.into_bytes();
        let deadline = Instant::now() + PATIENCE;
        while let Ok(more) = self
            .shown
            .recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            bytes.extend(more);
        }
        let status = self.program.wait().expect("its end");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(status.success(), "{text:?}");
        text
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

/// The lines that stay, without colours.
fn lines(written: &str) -> Vec<String> {
    let (mut text, mut chars) = (String::new(), written.chars());
    while let Some(char) = chars.next() {
        match char {
            '\u{1b}' => {
                let _ = chars.by_ref().skip(1).find(char::is_ascii_alphabetic);
            }
            '\r' => {}
            char => text.push(char),
        }
    }
    text.lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_fits_on_the_terminal_and_is_whole_in_a_pipe() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let laptop = Device::new(&server);
    laptop.tw(&["signup", ADA, "--name", "Ada"]);
    let long = "Paint the old boat, and then the new boat, before the guests come";
    laptop.tw(&["add", long, "-t", "garden"]);
    laptop.tw(&["add", "Milk", "--priority", "high", "-t", "shop"]);
    let shown = lines(&Terminal::start(&laptop, &["ls"], 60).ends());
    let [milk, paint] = shown.as_slice() else {
        panic!("{shown:?}")
    };
    assert!(
        milk.contains("[ ] Milk  ") && paint.contains("[ ] Paint the old boat,"),
        "{shown:?}"
    );
    assert!(paint.contains('…'), "{shown:?}");
    let column = |line: &str| line.chars().position(|char| char == '#');
    assert_eq!(column(milk), column(paint), "{shown:?}");
    assert!(shown.iter().all(|line| line.chars().count() <= 60), "{shown:?}");
    let wide = lines(&Terminal::start(&laptop, &["ls"], 120).ends());
    assert!(wide[1].contains(long), "{wide:?}");
    assert!(laptop.tw(&["ls"]).contains(&format!("[ ] {long}  #garden\n")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bar_tells_how_far_a_file_is_and_that_an_import_goes_on() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let laptop = Device::new(&server);
    laptop.tw(&["signup", ADA, "--name", "Ada"]);
    let added = laptop.tw(&["add", "Plan the party"]);
    let place = |name: &str| laptop.home.path().join(name).to_str().expect("text").to_owned();
    fs::write(place("photos.bin"), vec![7; 2_500_000]).expect("a file");
    fs::write(place("own.csv"), "title\nBuy a cake\n").expect("a file");
    // the size of an export is not known while it is made
    copy(&server, Engine::Sqlite, "Plan the party", 4_000, &[]).await;
    for (words, bars) in [
        (
            vec!["export", &place("all.json")],
            &[".json  ", "B\r\u{1b}[K"][..],
        ),
        (
            vec!["attach", &added[..8], &place("photos.bin")],
            &["photos.bin  [", "100 %  2.5 MB of 2.5 MB"][..],
        ),
        (
            vec!["get", &added[..8], "photos.bin", "-o", &place("saved.bin")],
            &["photos.bin  [", "100 %  2.5 MB of 2.5 MB"],
        ),
        (vec!["import", &place("own.csv")], &["own.csv  importing… 0 s"]),
    ] {
        let written = Terminal::start(&laptop, &words, 100).ends();
        for bar in bars {
            assert!(written.contains(bar), "{words:?}: {bar:?} is not in {written:?}");
        }
        // the line is gone before the result comes
        let (_, rest) = written.rsplit_once("\r\u{1b}[K").expect("a line that is removed");
        assert!(
            !rest.contains('█') && !rest.contains("importing"),
            "{words:?}: {rest:?}"
        );
    }
}
