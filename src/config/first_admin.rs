//! The file in `data_dir` with the link that makes the first administrator. Does not know how the link is made, or when it
//! works.

use std::fs;
use std::io;
use std::path::PathBuf;

use super::{Settings, secret};

impl Settings {
    /// Keeps the link in the file, which only this user can read. Returns the file.
    pub fn keep_first_admin_link(&self, link: &str) -> io::Result<PathBuf> {
        self.create_data_dir()?;
        let file = self.first_admin_file();
        secret::replace_private(&file, &format!("{link}\n"))?;
        Ok(file)
    }

    /// Removes the file, if there is one: the link no longer works.
    pub fn forget_first_admin_link(&self) {
        let file = self.first_admin_file();
        match fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let file = file.display();
                tracing::warn!(error.message = %error, "cannot remove {file}; its link no longer works");
            }
            _ => {}
        }
    }

    /// The file.
    pub fn first_admin_file(&self) -> PathBuf {
        self.data_dir.join("first_admin")
    }
}
