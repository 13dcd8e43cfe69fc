//! A ZIP archive that is written once, from front to back, and handed on piece by piece, so that an archive of any size
//! needs little memory. Readers look for the list of its files at its end: without [`Archive::finish`] what was handed on
//! is no archive. Does not know what is in it.

use bytes::Bytes;
use chrono::DateTime;
use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, ZipWriter};

/// The archive.
pub struct Archive {
    /// Boxed, because it is large.
    zip: Box<ZipWriter<StreamWriter<Written>>>,
    written: Written,
    options: SimpleFileOptions,
}

/// What the library has written and nobody has taken yet.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn take(&self) -> Bytes {
        mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        written.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Archive {
    /// An archive whose files bear this time, in milliseconds since 1970.
    pub fn new(at_ms: i64) -> Archive {
        let at = DateTime::from_timestamp_millis(at_ms).unwrap_or_default();
        // the format knows no year before 1980
        let at = zip::DateTime::try_from(at.naive_utc()).unwrap_or_default();
        let written = Written::default();
        Archive {
            zip: Box::new(ZipWriter::new_stream(written.clone())),
            written,
            options: SimpleFileOptions::default()
                .compression_method(CompressionMethod::Deflated)
                .last_modified_time(at),
        }
    }

    /// Begins the next file. Only a `large` one can have 4 GiB or more; some programs cannot read it.
    pub fn begin(&mut self, name: &str, large: bool) -> io::Result<()> {
        let options = self.options.large_file(large);
        Ok(self.zip.start_file(name, options)?)
    }

    /// Adds bytes to the file that was begun last.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.zip.write_all(bytes)
    }

    /// What was written since this was asked last. The compressor keeps some of it back.
    pub fn take(&mut self) -> Bytes {
        self.written.take()
    }

    /// Ends the archive. Returns the rest of it.
    pub fn finish(self) -> io::Result<Bytes> {
        (*self.zip).finish()?;
        Ok(self.written.take())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Read as _};
    use zip::ZipArchive;

    #[test]
    fn an_archive_is_read_as_it_was_written_and_not_before_its_end() {
        let mut archive = Archive::new(1_700_000_000_000);
        let mut all = Vec::new();
        for (name, large) in [("a.txt", false), ("b/c.ndjson", true)] {
            archive.begin(name, large).expect("begun");
            for _ in 0..10_000 {
                archive.write(b"some text\n").expect("written");
                all.extend(archive.take());
            }
        }
        assert!(ZipArchive::new(Cursor::new(&all)).is_err());
        all.extend(archive.finish().expect("an end"));
        let mut read = ZipArchive::new(Cursor::new(&all)).expect("an archive");
        assert_eq!(read.len(), 2);
        for place in 0..2 {
            let mut file = read.by_index(place).expect("a file");
            assert_eq!(file.last_modified().map(|at| at.year()), Some(2023));
            let mut text = String::new();
            file.read_to_string(&mut text).expect("its text");
            assert_eq!(text, "some text\n".repeat(10_000));
        }
    }

    #[test]
    fn what_ends_early_is_no_archive() {
        let mut archive = Archive::new(-1);
        archive.begin("a.txt", false).expect("begun");
        archive.write(b"half a sen").expect("written");
        let taken = archive.take();
        drop(archive);
        assert!(ZipArchive::new(Cursor::new(taken)).is_err());
    }
}
