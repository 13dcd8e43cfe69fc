//! An object that is written piece by piece. It has its name when it is whole; until then a folder has a draft of it, and a
//! bucket its parts.

use super::{Files, Name, Result, measured};
use bytes::{Bytes, BytesMut};
use object_store::{MultipartUpload, ObjectStoreExt as _, PutPayload};

/// An object on its way into the store. It needs the memory of one part.
pub struct Writing {
    files: Files,
    name: Name,
    /// What is not in the store yet.
    part: BytesMut,
    /// Begun when there is more than one part.
    upload: Option<Box<dyn MultipartUpload>>,
    size: u64,
}

impl Files {
    /// Begins an object. Nothing is stored before its first part is full.
    pub fn begin(&self, name: Name) -> Writing {
        Writing {
            files: self.clone(),
            name,
            part: BytesMut::new(),
            upload: None,
            size: 0,
        }
    }
}

impl Writing {
    /// How many bytes were written.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds bytes, and waits until the parts that they fill are stored. After an error call [`Writing::abandon`].
    pub async fn write(&mut self, mut bytes: Bytes) -> Result<()> {
        self.size += bytes.len() as u64;
        while !bytes.is_empty() {
            let room = self.files.part.saturating_sub(self.part.len());
            // a full part is kept until more comes: an object of one part is written at once
            if room == 0 {
                self.send().await?;
                continue;
            }
            let more = bytes.split_to(room.min(bytes.len()));
            self.part.extend_from_slice(&more);
        }
        Ok(())
    }

    /// Stores the rest, durably. Then the object has its name. On an error nothing is left of it.
    pub async fn finish(mut self) -> Result<()> {
        let finished = self.complete().await;
        if finished.is_err() {
            self.give_up().await;
        }
        finished
    }

    async fn complete(&mut self) -> Result<()> {
        if self.upload.is_none() {
            let whole = self.part.split().freeze();
            return self.files.put(&self.name, whole).await;
        }
        if !self.part.is_empty() {
            self.send().await?;
        }
        if let Some(upload) = &mut self.upload {
            measured("complete", upload.complete()).await?;
            self.upload = None;
        }
        Ok(())
    }

    /// Stores the part. All parts but the last have one size, as some services want it.
    async fn send(&mut self) -> Result<()> {
        let part = PutPayload::from(self.part.split().freeze());
        let upload = match &mut self.upload {
            Some(upload) => upload,
            begun => {
                let begin = self.files.store.put_multipart(self.name.path());
                begun.insert(measured("begin", begin).await?)
            }
        };
        measured("part", upload.put_part(part)).await
    }

    /// Removes what was stored of an object that does not become whole.
    pub async fn abandon(mut self) {
        self.give_up().await;
    }

    async fn give_up(&mut self) {
        if let Some(mut upload) = self.upload.take()
            && let Err(error) = measured("abort", upload.abort()).await
        {
            tracing::warn!(error = error.in_full(), "parts of a file were not removed");
        }
    }
}
