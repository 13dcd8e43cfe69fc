//! `GET /` and what belongs to it: the live board, a page that needs nothing but this node. No token is needed for its files;
//! who signs in there does so over the API.
//!
//! - `files`    the files, in the forms in which they are sent; `compress` makes the forms, `coding` chooses one
//! - `policy`   what the page may do
//!
//! Does not know what is in the files: `web/src/app` is their source, and `web/built` has them ready.

mod coding;
mod compress;
mod files;
mod policy;

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use taskwire_protocol::{ErrorCode, Failure};

use crate::config::{PublicUrl, Settings};
use crate::reply::Refusal;
use crate::state::App;
use files::{File, LASTING};

/// The first words of the board's addresses, as in `web/src/app/words.ts`. The page answers all of them; it knows the rest of
/// each.
const WORDS: [&str; 17] = [
    "today",
    "upcoming",
    "inbox",
    "mine",
    "search",
    "settings",
    "admin",
    "w",
    "welcome",
    "login",
    "signup",
    "forgot",
    "reset",
    "reset-password",
    "verify-email",
    "join",
    "first-admin",
];

/// Adds the page and its files.
pub(super) fn routes(mut router: Router<Arc<App>>, settings: &Settings) -> Router<Arc<App>> {
    let policy = policy::of(settings);
    let page = Arc::new(File::page(text(settings), policy.clone()));
    let shown = {
        let page = page.clone();
        move |headers: HeaderMap| async move { page.answer(&headers) }
    };
    router = router.route("/", get(shown.clone()));
    for word in WORDS {
        for path in [
            format!("/{word}"),
            format!("/{word}/"),
            format!("/{word}/{{*rest}}"),
        ] {
            router = router.route(&path, get(shown.clone()));
        }
    }
    let (lasting, others): (Vec<File>, Vec<File>) = files::all(&policy)
        .into_iter()
        .partition(|file| file.name.starts_with(LASTING));
    for file in others {
        let path = format!("/{}", file.name);
        let file = Arc::new(file);
        router = router.route(
            &path,
            get(move |headers: HeaderMap| async move { file.answer(&headers) }),
        );
    }
    let lasting: Arc<[File]> = lasting.into();
    let asset = move |Path(name): Path<String>, headers: HeaderMap| async move {
        let found = lasting.iter().find(|file| file.name[LASTING.len()..] == name);
        found.map_or_else(missing, |file| file.answer(&headers))
    };
    router.route("/assets/{*name}", get(asset))
}

/// Also what a page of another version of the node asks for.
fn missing() -> Response {
    Refusal::from(Failure::new(ErrorCode::NotFound, "no such file")).into_response()
}

/// The text of the page, with the path under which a proxy shows this node: all addresses in the page are relative to it.
fn text(settings: &Settings) -> String {
    let path = settings.public_url.as_ref().map_or("", PublicUrl::path);
    files::page().replace("<base href=\"/\">", &format!("<base href=\"{path}/\">"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_board_knows_the_words_that_the_node_answers() {
        let source = include_str!("../../../web/src/app/words.ts");
        let list = source.split_once("WORDS = [").expect("the list").1;
        let list = list.split_once(']').expect("its end").0;
        let known: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
        assert_eq!(known, WORDS);
    }

    #[test]
    fn the_page_has_the_path_of_the_public_address() {
        for (public, base) in [
            ("", "<base href=\"/\">"),
            ("https://tasks.example.com", "<base href=\"/\">"),
            ("https://example.com/tasks/", "<base href=\"/tasks/\">"),
        ] {
            let settings = Settings::from_pairs(&[("public_url", public)]).expect("settings");
            assert!(text(&settings).contains(base), "{public}");
        }
    }
}
