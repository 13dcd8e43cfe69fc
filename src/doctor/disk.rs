//! Checks data_dir: creates it, writes a file durably as a node does, and reads how much space is free.

use super::Finding;
use crate::config::Settings;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// Free bytes. With fewer, a node may run out of space within days.
const LITTLE: u64 = 1 << 30;
/// Free bytes. With fewer, a node cannot work: SQLite's write-ahead log alone may need as much.
const NOTHING: u64 = 64 << 20;
/// If a durable write takes longer, the disk slows down every commit.
const SLOW: Duration = Duration::from_millis(100);

pub(super) fn findings(settings: &Settings) -> Vec<Finding> {
    let folder = &settings.data_dir;
    let shown = folder.display();
    let missing: Vec<&Path> = folder.ancestors().take_while(|part| !part.exists()).collect();
    let written = settings.create_data_dir().and_then(|()| write(folder));
    let room = room(folder);
    // if no node has run here, leave nothing behind: remove the folders that this check created
    for made in missing {
        let _ = fs::remove_dir(made);
    }
    let write = match written {
        Ok(took) if took < SLOW => {
            let ms = took.as_secs_f64() * 1000.0;
            Finding::ok(
                "disk",
                format!("{shown} is writable; a durable write takes {ms:.1} ms"),
            )
        }
        Ok(took) => {
            let found = format!("{shown} is slow: a durable write takes {} ms", took.as_millis());
            Finding::warning("disk", found).advise("use a faster disk, or one with less load")
        }
        Err(error) => Finding::failure("disk", format!("{shown} is not writable: {error}"))
            .advise("make the user that runs taskwire the owner of data_dir"),
    };
    vec![write, space(room)]
}

/// How long a small durable write takes.
fn write(folder: &Path) -> io::Result<Duration> {
    let path = folder.join(format!(".doctor-{:016x}", rand::random::<u64>()));
    let began = Instant::now();
    let done = File::create_new(&path).and_then(|mut file| {
        file.write_all(&[0; 4096])?;
        file.sync_all()
    });
    let took = began.elapsed();
    let removed = fs::remove_file(&path);
    done.and(removed).map(|()| took)
}

/// The free bytes for an unprivileged user.
fn room(folder: &Path) -> io::Result<u64> {
    let found = rustix::fs::statvfs(folder)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

fn space(room: io::Result<u64>) -> Finding {
    let bytes = match room {
        Ok(bytes) => bytes,
        Err(error) => return Finding::warning("space", format!("cannot be read: {error}")),
    };
    let found = format!("{:.1} GiB free", bytes as f64 / f64::from(1 << 30));
    let advice = "free some space, or move data_dir to a larger disk";
    if bytes < NOTHING {
        Finding::failure("space", found).advise(advice)
    } else if bytes < LITTLE {
        Finding::warning("space", found).advise(advice)
    } else {
        Finding::ok("space", found)
    }
}
