//! A file that is sent to a server in a form, piece by piece, whatever its size.

use super::{Http, HttpAnswer, unsent, whole};
use crate::error::CallError;
use futures_util::{StreamExt as _, stream};
use reqwest::{Body, Method, header};
use std::{fmt, io, time::Duration};
use tokio::{
    fs::File,
    io::{AsyncReadExt as _, Take},
    time::{Instant, timeout},
};

/// How much of a file is read at once.
const PIECE: usize = 64 * 1024;
/// The longest time that a file may take, beside what its size gives it. See [`Http::upload`].
const LONGEST: Duration = Duration::from_mins(2);
/// The least that must be sent in a second.
const BYTES_A_SECOND: u64 = 16 * 1024;

/// How much longer an import may take: a large one is carried out in steps.
const IMPORTING: Duration = Duration::from_mins(30);

/// A file to send. See [`Http::upload`] and [`Http::import`].
pub struct Upload {
    /// Its name. The server keeps the last part of a path.
    pub name: String,
    /// Its content.
    pub file: File,
    /// How many bytes of it to send: its size.
    pub size: u64,
    /// Is told how many bytes were read so far.
    pub progress: Box<dyn FnMut(u64) + Send + Sync>,
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload")
            .field("name", &self.name)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

impl Http {
    /// Posts a form with a file in the field `file` to a path, like `v1/tasks/{id}/attachments`. It is sent once: the
    /// content can be read once. Ends with an error when it takes longer than its size allows.
    ///
    /// # Errors
    /// As [`Http::post`]; also `Interrupted` when the file cannot be read, or gets shorter meanwhile.
    pub async fn upload(&self, path: &str, upload: Upload) -> Result<HttpAnswer, CallError> {
        let boundary = format!("taskwire{:032x}", rand::random::<u128>());
        let head = head(&boundary, &upload.name);
        let tail = format!("\r\n--{boundary}--\r\n");
        let length = head.len() as u64 + upload.size + tail.len() as u64;
        let limit = LONGEST + Duration::from_secs(upload.size / BYTES_A_SECOND);
        let content = content(upload.file.take(upload.size), upload.progress);
        let body = stream::iter([Ok(head.into_bytes())])
            .chain(content)
            .chain(stream::iter([Ok(tail.into_bytes())]));
        let kind = format!("multipart/form-data; boundary={boundary}");
        self.send_file(path, (&kind, length), Body::wrap_stream(body), limit)
            .await
    }

    /// Posts a file as it is to `v1/import` with this query. It is sent once.
    ///
    /// # Errors
    /// As [`Http::upload`].
    pub async fn import(&self, path: &str, upload: Upload) -> Result<HttpAnswer, CallError> {
        let limit = LONGEST + IMPORTING + Duration::from_secs(upload.size / BYTES_A_SECOND);
        let size = upload.size;
        let body = Body::wrap_stream(content(upload.file.take(size), upload.progress));
        self.send_file(path, ("application/octet-stream", size), body, limit)
            .await
    }

    async fn send_file(
        &self,
        path: &str,
        (kind, length): (&str, u64),
        body: Body,
        limit: Duration,
    ) -> Result<HttpAnswer, CallError> {
        let target = self.base.join(path);
        let target = target.map_err(|error| CallError::Unwritable(error.to_string()))?;
        let request = self
            .request(Method::POST, target, None)
            .header(header::CONTENT_TYPE, kind)
            .header(header::CONTENT_LENGTH, length)
            .body(body);
        let sent = async { request.send().await.map_err(|error| unsent(&error)) };
        let began = Instant::now();
        let answer = timeout(limit, sent)
            .await
            .unwrap_or(Err(CallError::Interrupted))?;
        let rest = limit.saturating_sub(began.elapsed()).max(self.timeout);
        timeout(rest, whole(answer))
            .await
            .unwrap_or(Err(CallError::Interrupted))
    }
}

/// What comes before the content. The name is written as browsers do.
fn head(boundary: &str, name: &str) -> String {
    let name = name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
    format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    )
}

/// The content of a file, in pieces.
fn content(
    file: Take<File>,
    progress: Box<dyn FnMut(u64) + Send + Sync>,
) -> impl futures_util::Stream<Item = io::Result<Vec<u8>>> {
    stream::try_unfold(
        (file, progress, 0_u64),
        async |(mut file, mut progress, mut sent)| {
            let mut piece = vec![0; PIECE];
            let read = file.read(&mut piece).await?;
            piece.truncate(read);
            sent += read as u64;
            progress(sent);
            Ok((read > 0).then_some((piece, (file, progress, sent))))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::head;

    #[test]
    fn a_name_adds_no_header() {
        let head = head("b", "a\"\r\nX: y");
        assert!(head.contains("filename=\"a%22%0D%0AX: y\"\r\n"), "{head}");
    }
}
