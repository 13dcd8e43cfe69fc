//! `GET /verify-email`, `/reset-password` and `/join`: the pages to which the links in mails lead. The token follows a `#`, so
//! browsers do not send it with the page's address; the page's script sends it once the person presses the button. So a
//! program that opens links ahead of people uses up none. The pages load nothing; the content security policy allows
//! their style sheet and script by hash.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::routing::get;

use super::page::{policy_with_script, scripted};
use crate::state::App;

const FRAME: &str = include_str!("link.html");

static VERIFY: LazyLock<String> = LazyLock::new(|| {
    filled(&[
        ("title", "Verify your e-mail address"),
        ("path", "verify-email"),
        ("fields", ""),
        ("button", "Verify"),
        ("done", "The address is verified. You can close this page."),
    ])
});

static RESET: LazyLock<String> = LazyLock::new(|| {
    let field = "<label for=\"new\">New password</label>\n<input id=\"new\" name=\"new_password\" type=\"password\" \
        autocomplete=\"new-password\" minlength=\"8\" maxlength=\"128\" required>\n";
    filled(&[
        ("title", "Reset your password"),
        ("path", "reset-password"),
        ("fields", field),
        ("button", "Set the password"),
        ("done", "The password is set. You can sign in with it."),
    ])
});

static POLICY: LazyLock<String> = LazyLock::new(|| policy_with_script(FRAME));

/// The page of invitations. It signs in, accepts with the link's token, and signs out.
const JOIN: &str = include_str!("join.html");
static JOIN_POLICY: LazyLock<String> = LazyLock::new(|| policy_with_script(JOIN));

/// Adds the pages.
pub(super) fn routes(router: Router<Arc<App>>) -> Router<Arc<App>> {
    router
        .route("/verify-email", get(async || scripted(&VERIFY, &POLICY)))
        .route("/reset-password", get(async || scripted(&RESET, &POLICY)))
        .route("/join", get(async || scripted(JOIN, &JOIN_POLICY)))
}

fn filled(parts: &[(&str, &str)]) -> String {
    parts.iter().fold(FRAME.to_owned(), |text, (name, part)| {
        text.replace(&format!("{{{name}}}"), part)
    })
}

#[cfg(test)]
mod tests {
    use super::super::page::hash_of;
    use super::*;

    #[test]
    fn the_pages_load_nothing_and_their_style_and_script_are_allowed() {
        assert_eq!(POLICY.matches("'sha256-").count(), 2);
        assert_eq!(JOIN_POLICY.matches("'sha256-").count(), 2);
        for page in [&*VERIFY, &*RESET, JOIN] {
            for outside in [
                "src=", "url(", "@import", "style=\"", "onclick", "{title}", "{done}",
            ] {
                assert!(!page.contains(outside), "{outside}");
            }
            for tag in ["style", "script"] {
                let policy = if page == JOIN { &JOIN_POLICY } else { &POLICY };
                assert!(
                    policy.contains(&hash_of(page, tag)),
                    "{tag} differs from the frame's"
                );
            }
        }
    }
}
