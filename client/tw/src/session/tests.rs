//! The file and what it keeps. Other tests make sessions and files with the functions at the top.

use super::*;

pub(crate) fn session(access_token: &str, expires_at: i64) -> Session {
    Session {
        url: "http://a".to_owned(),
        email: "ada@example.com".to_owned(),
        user_id: None,
        access_token: access_token.to_owned(),
        refresh_token: None,
        expires_at,
        api_token: false,
        pending_email: None,
    }
}

/// A file with one session.
pub(crate) fn save_one(file: &SessionFile, session: Session) -> io::Result<()> {
    let mut sessions = Sessions::default();
    sessions.add(session);
    file.save(&sessions)
}

#[test]
fn a_saved_session_is_private_and_can_be_loaded() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = SessionFile {
        folder: folder.path().join("taskwire"),
    };
    assert!(file.load()?.latest().is_none());
    save_one(&file, session("one", 7))?;
    save_one(&file, session("two", 8))?;
    let kept = file.load()?;
    assert_eq!(
        kept.at("http://a").map(|session| session.access_token.as_str()),
        Some("two")
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| fs::metadata(path).map(|data| data.permissions().mode() & 0o777);
        assert_eq!((mode(&file.path())?, mode(&file.folder)?), (0o600, 0o700));
    }
    file.save(&Sessions::default())?;
    file.save(&Sessions::default())?;
    assert!(file.load()?.latest().is_none() && !file.path().exists());
    Ok(())
}

#[test]
fn each_server_has_its_own_session_and_the_latest_sign_in_comes_first() {
    let at = |url: &str, token: &str| Session {
        url: url.to_owned(),
        ..session(token, 0)
    };
    let mut sessions = Sessions::default();
    sessions.add(at("http://a", "a1"));
    sessions.add(at("http://b", "b1"));
    sessions.renew(&at("http://a", "a2"));
    let tokens = |sessions: &Sessions| -> Vec<String> {
        let tokens = sessions
            .sessions
            .iter()
            .map(|session| session.access_token.clone());
        tokens.collect()
    };
    assert_eq!(tokens(&sessions), ["b1", "a2"]);
    sessions.add(at("http://a", "a3"));
    assert_eq!(tokens(&sessions), ["a3", "b1"]);
    assert!(sessions.remove("http://a") && !sessions.remove("http://a"));
    assert_eq!(
        sessions.latest().map(|session| session.url.as_str()),
        Some("http://b")
    );
}

#[test]
fn a_file_of_an_older_version_is_read() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = SessionFile {
        folder: folder.path().to_owned(),
    };
    let old = r#"{"url":"HTTP://LOCALHOST:80/","email":"a@b","access_token":"t","refresh_token":null,"expires_at":7}"#;
    fs::write(file.path(), old)?;
    assert!(file.load()?.at("http://localhost").is_some());
    Ok(())
}

#[test]
fn a_wanted_address_is_kept_until_the_account_has_another_one() {
    let mut sessions = Sessions::default();
    let mut first = session("one", 0);
    first.pending_email = Some("ada@example.org".to_owned());
    sessions.add(first);
    let pending = |sessions: &Sessions| {
        sessions
            .latest()
            .and_then(|session| session.pending_email.clone())
    };
    sessions.renew(&session("two", 0));
    sessions.add(session("three", 0));
    assert_eq!(pending(&sessions).as_deref(), Some("ada@example.org"));
    let mut changed = session("four", 0);
    changed.email = "ada@example.org".to_owned();
    sessions.renew(&changed);
    assert_eq!(pending(&sessions), None);
}

#[test]
fn a_person_who_changed_their_address_is_the_same() {
    let (mut one, mut two) = (session("one", 0), session("two", 0));
    two.email = "ada@example.org".to_owned();
    assert!(!one.same_person(&two));
    one.user_id = Some(UserId(uuid::Uuid::from_u128(1)));
    two.user_id = one.user_id;
    assert!(one.same_person(&two));
}
