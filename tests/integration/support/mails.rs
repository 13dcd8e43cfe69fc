//! Mails as their readers see them: those in a server's folder, or those that the SMTP server of a test took.

use super::{Server, eventually};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// A mail.
#[derive(Clone, Debug)]
pub struct Mail {
    /// All of it, without the encoding of long lines.
    pub text: String,
}

impl Mail {
    /// A mail as it travelled.
    pub fn read(raw: &str) -> Mail {
        let text = raw.replace("=\r\n", "").replace("\r\n", "\n").replace("=3D", "=");
        Mail { text }
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> &str {
        let found = self
            .text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        found.unwrap_or_else(|| panic!("no {name}: {}", self.text))
    }

    /// The six digits.
    pub fn code(&self) -> String {
        let found = self.codes().next();
        found.unwrap_or_else(|| panic!("no code: {}", self.text))
    }

    /// The six digits, if it has any.
    pub fn codes(&self) -> impl Iterator<Item = String> {
        let is_code = |line: &&str| line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit());
        let indented = self.text.lines().filter_map(|line| line.strip_prefix("    "));
        indented.filter(is_code).map(str::to_owned)
    }

    /// The link, which begins with this address.
    pub fn link(&self, public_url: &str) -> String {
        let found = self.text.lines().find(|line| line.starts_with(public_url));
        found
            .unwrap_or_else(|| panic!("no link: {}", self.text))
            .to_owned()
    }
}

/// The mails in a server's folder, in the order of their making.
pub fn kept(server: &Server) -> Vec<Mail> {
    in_folder(server.folder.path())
}

/// Those in the folder of a server.
pub fn in_folder(folder: &Path) -> Vec<Mail> {
    let folder = folder.join("data/outbox");
    let Ok(files) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "eml"));
    files.sort();
    let read = files.into_iter().map(|file| {
        let mode = std::fs::metadata(&file).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
        Mail::read(&std::fs::read_to_string(&file).expect("a mail"))
    });
    read.collect()
}

/// Those to an address with a subject.
pub fn kept_for(server: &Server, address: &str, subject: &str) -> Vec<Mail> {
    let mut mails = kept(server);
    mails.retain(|mail| mail.header("To").contains(address) && mail.header("Subject") == subject);
    mails
}

/// Waits for the n-th mail to an address with a subject.
pub async fn nth(server: &Server, n: usize, address: &str, subject: &str) -> Mail {
    let what = format!("mail {n} to {address}: {subject}");
    eventually(&what, || async {
        kept_for(server, address, subject).get(n - 1).cloned()
    })
    .await
}
