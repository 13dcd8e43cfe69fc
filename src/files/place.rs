//! The place of the files: the folder `files` in data_dir, or a bucket that `files_url` names.

use super::{Files, FilesError, Result};
use crate::config::{FilesUrl, Settings};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, ClientOptions, RetryConfig};
use secrecy::ExposeSecret as _;
use std::sync::Arc;
use std::time::Duration;

/// The longest time of one request to a bucket.
const REQUEST: Duration = Duration::from_secs(10);
const CONNECT: Duration = Duration::from_secs(3);
/// The times that a request to a bucket is repeated after an error of the server.
const RETRIES: usize = 2;

/// How a folder is written and read: each part is a step on a thread that may block.
const IN_FOLDER: (usize, u64) = (256 * 1024, 256 * 1024);
/// How a bucket is: S3 takes no smaller parts, except the last one of an object.
const IN_BUCKET: (usize, u64) = (5 * 1024 * 1024, 1024 * 1024);

pub(super) fn open(settings: &Settings) -> Result<Files> {
    match &settings.files_url {
        None => folder(settings),
        Some(url) => bucket(url),
    }
}

fn folder(settings: &Settings) -> Result<Files> {
    let folder = settings.create_files_dir()?;
    let store = LocalFileSystem::new_with_prefix(&folder)?
        .with_fsync(true)
        .with_automatic_cleanup(true);
    Ok(Files {
        store: Arc::new(store),
        folder: Some(Arc::new(folder)),
        part: IN_FOLDER.0,
        piece: IN_FOLDER.1,
    })
}

fn bucket(url: &FilesUrl) -> Result<Files> {
    let client = ClientOptions::new()
        .with_timeout(REQUEST)
        .with_connect_timeout(CONNECT)
        .with_allow_http(true); // only an endpoint that says http:// is asked so
    let retry = RetryConfig {
        max_retries: RETRIES,
        retry_timeout: REQUEST,
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(1),
            base: 2.,
        },
    };
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&url.bucket)
        .with_region(&url.region)
        .with_access_key_id(url.key.expose_secret())
        .with_secret_access_key(url.secret.expose_secret())
        .with_client_options(client)
        .with_retry(retry)
        // the one way to delete that every such service knows
        .with_disable_bulk_delete(true);
    if let Some(endpoint) = &url.endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    let store = builder.build()?;
    let prefix = Path::parse(&url.prefix).map_err(|error| FilesError::Settings(error.to_string()))?;
    Ok(Files {
        store: Arc::new(PrefixStore::new(store, prefix)),
        folder: None,
        part: IN_BUCKET.0,
        piece: IN_BUCKET.1,
    })
}
