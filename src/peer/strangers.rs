//! The log's lines about pages that were refused: an operator who set a name wrong sees which. Each pair of a host and an
//! origin has a line an hour, and only so many pairs have one.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::header::ORIGIN;
use axum::http::{HeaderMap, Uri};
use tokio::time::Instant;

use super::host;
use crate::config::{Environment, PublicUrl, Settings};

const QUIET: Duration = Duration::from_hours(1);
/// Pairs with a line in an hour: strangers can make up any number of them.
const PAIRS: usize = 32;
/// Characters of a header that the log shows.
const SHOWN: usize = 200;

/// Pages that were refused in the last hour.
#[derive(Debug, Default)]
pub struct Strangers {
    told: Mutex<HashMap<(String, String), Instant>>,
}

impl Strangers {
    /// A page of another origin was refused: says so in the log, with everything that decides.
    pub fn refused(&self, headers: &HeaderMap, uri: &Uri, settings: &Settings) {
        let shown = |text: &str| {
            let text = text.chars().take(SHOWN);
            // what changes lines or directions must not shape the log
            text.flat_map(char::escape_default).collect::<String>()
        };
        let origin = headers
            .get(ORIGIN)
            .map(|origin| String::from_utf8_lossy(origin.as_bytes()));
        let (origin, host) = (
            shown(origin.as_deref().unwrap_or("")),
            shown(host(headers, uri).unwrap_or("")),
        );
        if !self.is_news(&host, &origin, Instant::now()) {
            return;
        }
        let environment = match settings.environment {
            Environment::Development => "development",
            Environment::Production => "production",
        };
        let allowed = &settings.allowed_origins;
        let names = allowed.list.iter().map(ToString::to_string);
        let names: Vec<String> = allowed
            .any
            .then(|| "*".to_owned())
            .into_iter()
            .chain(names)
            .collect();
        tracing::warn!(
            http.host = host,
            http.origin = origin,
            settings.environment = environment,
            settings.public_url = settings.public_url.as_ref().map_or("", PublicUrl::as_str),
            settings.allowed_origins = names.join(", "),
            // each page's line is another one: the log counts repetitions of the same text
            "refused a page of the origin {origin}. If it is yours, add that to allowed_origins, or set public_url to the \
             address that people open"
        );
    }

    fn is_news(&self, host: &str, origin: &str, now: Instant) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|_, at| now.duration_since(*at) < QUIET);
        if told.len() >= PAIRS {
            return false;
        }
        let pair = (host.to_owned(), origin.to_owned());
        let is_news = !told.contains_key(&pair);
        if is_news {
            told.insert(pair, now);
        }
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pair_is_told_once_an_hour_and_not_too_many_are() {
        let (strangers, now) = (Strangers::default(), Instant::now());
        let later = now + QUIET;
        assert!(strangers.is_news("a", "b", now) && strangers.is_news("b", "b", now));
        assert!(
            !strangers.is_news("a", "b", now) && !strangers.is_news("a", "b", later - Duration::from_secs(1))
        );
        assert!(strangers.is_news("a", "b", later) && !strangers.is_news("a", "b", later));
        let news = (0..1000).filter(|n| strangers.is_news("a", &n.to_string(), later));
        assert_eq!(news.count(), PAIRS - 1);
    }
}
