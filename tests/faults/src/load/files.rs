//! I12: the files of acknowledged uploads are served whole, by any instance.

use super::kept::{Fate, KeptFile};
use super::session::anywhere;
use super::{Shared, hash};
use crate::Failed;
use crate::http;
use crate::verdict::Invariant;
use futures_util::stream::{self, StreamExt as _};
use rand::RngExt as _;
use rand::rngs::StdRng;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// How long instances may take to serve a file.
const SERVED: Duration = Duration::from_secs(30);
/// How many files are read at the same time: an account may read sixteen.
const AT_ONCE: usize = 12;

/// Reads a few files, each from any instance. What nobody serves now is read at the end of the run.
pub(crate) async fn read_some(shared: &Arc<Shared>, random: &mut StdRng, number: usize) {
    let all = expected(shared);
    for _ in 0..number.min(all.len()) {
        let (id, file) = &all[random.random_range(0..all.len())];
        let address = anywhere(&shared.world, random);
        if let Ok(Some(wrong)) = read(shared, *id, file, &address).await {
            shared.verdicts.violated(Invariant::I12, wrong);
        }
    }
}

/// Reads all files, each from another instance. Every instance serves.
pub(crate) async fn read_all(shared: &Arc<Shared>, when: &str) {
    let files = expected(shared);
    let files = files.iter().enumerate();
    let reading = files.map(|(number, (id, file))| read_in_time(shared, number, *id, file));
    let mut reading = stream::iter(reading).buffer_unordered(AT_ONCE);
    while let Some(wrong) = reading.next().await {
        if let Some(wrong) = wrong {
            shared
                .verdicts
                .violated(Invariant::I12, format!("{when}: {wrong}"));
        }
    }
}

/// Reads a file, by one of the instances. Returns what is wrong with it.
async fn read_in_time(shared: &Arc<Shared>, number: usize, id: Uuid, file: &KeptFile) -> Option<String> {
    let instances = &shared.world.instances;
    let address = instances[number % instances.len()].address();
    let began = Instant::now();
    loop {
        match read(shared, id, file, &address).await {
            Ok(wrong) => return wrong,
            Err(error) if began.elapsed() > SERVED => {
                return Some(format!("attachment {id} is not served: {error}"));
            }
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}

/// The files that nobody has asked to delete.
fn expected(shared: &Shared) -> Vec<(Uuid, KeptFile)> {
    let kept = shared.kept.lock().unwrap_or_else(PoisonError::into_inner);
    let files = kept.files.iter().filter(|(_, file)| file.fate == Fate::Stays);
    let mut files: Vec<_> = files.map(|(id, file)| (*id, file.clone())).collect();
    files.sort_unstable_by_key(|(id, _)| *id);
    files
}

/// Reads a file. Returns what is wrong with it; an error if it cannot be read now.
async fn read(
    shared: &Arc<Shared>,
    id: Uuid,
    file: &KeptFile,
    address: &str,
) -> Result<Option<String>, Failed> {
    let token = file.user.session.token().await;
    let path = format!("/v1/attachments/{id}");
    let answer = http::send(address, "GET", &path, &token.text, None).await?;
    let is_expected = || {
        let kept = shared.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.files.get(&id).is_some_and(|file| file.fate == Fate::Stays)
    };
    match answer.status {
        200 => {
            shared.verdicts.checked(Invariant::I12, 1);
            let same = answer.body.len() as u64 == file.size && hash(&answer.body) == file.content;
            let wrong = || {
                let (found, size) = (answer.body.len(), file.size);
                format!("attachment {id} has {size} other bytes, {found} were served")
            };
            Ok((!same).then(wrong))
        }
        401 => {
            file.user.session.replace(&token);
            Err("the token was refused".into())
        }
        404 if is_expected() => Ok(Some(format!("attachment {id} is gone: {}", answer.text()))),
        404 => Ok(None),
        _ => Err(answer.text().into()),
    }
}
