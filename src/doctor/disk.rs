//! data_dir: made, written to and made durable as a node would, and how much room there is.

use super::Finding;
use crate::config::Settings;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// Bytes free. With fewer a node runs out of space within days.
const LITTLE: u64 = 1 << 30;
/// Bytes free. With fewer a node cannot work: SQLite's log and an upload need them.
const NOTHING: u64 = 64 << 20;
/// A disk that takes longer makes every commit wait.
const SLOW: Duration = Duration::from_millis(100);

pub(super) fn findings(settings: &Settings) -> Vec<Finding> {
    let folder = &settings.data_dir;
    let shown = folder.display();
    let missing: Vec<&Path> = folder.ancestors().take_while(|part| !part.exists()).collect();
    let written = settings.create_data_dir().and_then(|()| write(folder));
    let room = room(folder);
    // leave no trace where no node has run: remove the folders that this check made
    for made in missing {
        let _ = fs::remove_dir(made);
    }
    let write = match written {
        Ok(took) if took < SLOW => {
            let ms = took.as_secs_f64() * 1000.0;
            Finding::ok("disk", format!("{shown} can be written; durable in {ms:.1} ms"))
        }
        Ok(took) => {
            let found = format!("{shown} takes {} ms to make a write durable", took.as_millis());
            Finding::warning("disk", found).advise("use a faster disk, or one that others use less")
        }
        Err(error) => Finding::failure("disk", format!("{shown} cannot be written: {error}"))
            .advise("give data_dir to the user that runs taskwire"),
    };
    vec![write, space(room)]
}

/// How long it takes to write a little and know it durable.
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

/// Bytes that a user may still write.
fn room(folder: &Path) -> io::Result<u64> {
    let found = rustix::fs::statvfs(folder)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

fn space(room: io::Result<u64>) -> Finding {
    let bytes = match room {
        Ok(bytes) => bytes,
        Err(error) => return Finding::warning("space", format!("not known: {error}")),
    };
    let found = format!("{:.1} GiB free", bytes as f64 / f64::from(1 << 30));
    let advice = "make room, or put data_dir where there is some";
    if bytes < NOTHING {
        Finding::failure("space", found).advise(advice)
    } else if bytes < LITTLE {
        Finding::warning("space", found).advise(advice)
    } else {
        Finding::ok("space", found)
    }
}
