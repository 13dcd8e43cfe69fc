//! Photos: what may be uploaded and what becomes of it, who sees it, and which files are kept where.
//!
//! - `pictures`  what is uploaded
//! - `bucket`    a server for files

pub mod bucket;
pub mod pictures;

use crate::on_both_databases;
use crate::support::http::{Response, request};
use crate::support::secrets;
use crate::support::{Client, Engine, Node, PASSWORD, Server, eventually, http, new_id};
use bucket::Bucket;
use image::{DynamicImage, ImageFormat};
pub use pictures::png;
use pictures::{FORMATS, Unfit, from_a_camera, noise, picture, unfit};
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use taskwire::pictures::Kind;

on_both_databases!(
    a_picture_of_every_format_becomes_a_photo,
    a_photo_is_seen_by_whoever_may_see_its_owner,
    what_is_no_fit_picture_is_refused_and_changes_nothing,
    of_uploads_at_once_one_wins_wholly,
    files_that_no_account_has_are_removed_when_they_are_old,
    photos_live_in_a_bucket,
    a_plan_limits_how_large_a_photo_may_be,
    a_user_may_change_the_photo_five_times_an_hour,
);

const PHOTO: &str = "/v1/profile/photo";

fn token(tokens: &Value) -> &str {
    tokens["access_token"].as_str().expect("a token")
}

async fn put(server: &Server, tokens: &Value, media_type: &str, bytes: Vec<u8>) -> Response {
    let request = request(server, Method::PUT, PHOTO).bearer_auth(token(tokens));
    let sent = request
        .header("content-type", media_type)
        .body(bytes)
        .send()
        .await;
    sent.expect("an answer")
}

/// Uploads a picture that must be accepted. Returns the user.
pub async fn upload(server: &Server, tokens: &Value, media_type: &str, bytes: Vec<u8>) -> Value {
    let answer = put(server, tokens, media_type, bytes).await;
    let status = answer.status();
    let user = answer.json().await.expect("JSON");
    assert_eq!(status, 200, "{media_type}: {user}");
    user
}

async fn send(server: &Server, method: Method, tokens: &Value, path: &str) -> Response {
    let sent = request(server, method, path)
        .bearer_auth(token(tokens))
        .send()
        .await;
    sent.expect("an answer")
}

async fn get(server: &Server, tokens: &Value, path: &str) -> Response {
    send(server, Method::GET, tokens, path).await
}

/// The whole body.
async fn bytes(mut answer: Response) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(piece) = answer.chunk().await.expect("a piece") {
        bytes.extend_from_slice(&piece);
    }
    bytes
}

/// The photo at a URL, and its bytes.
async fn shown(server: &Server, tokens: &Value, url: &str) -> (DynamicImage, Vec<u8>) {
    let answer = get(server, tokens, url).await;
    assert_eq!(answer.status(), 200, "{url}");
    let bytes = bytes(answer).await;
    (image::load_from_memory(&bytes).expect("a picture"), bytes)
}

fn url(user: &Value) -> &str {
    user["photo_url"].as_str().expect("a photo")
}

/// The files below a folder.
pub fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files_in(&path));
        } else {
            found.push(path);
        }
    }
    found
}

pub fn files(server: &Server) -> Vec<PathBuf> {
    files_in(&server.folder.path().join("data/files"))
}

async fn a_picture_of_every_format_becomes_a_photo(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let tokens = http::sign_up(&server, "ada").await;
    let mut ada = Client::with_tokens(&server, &tokens, json!({})).await;
    let mut before = tokens["user"].clone();
    for (media_type, format) in FORMATS {
        let user = upload(
            &server,
            &tokens,
            media_type,
            picture(format, [30, 200, 60], 300, 200),
        )
        .await;
        let mut expected = before.clone();
        expected["photo_url"] = user["photo_url"].clone();
        expected["version"] = json!(before["version"].as_i64().expect("a version") + 1);
        expected["updated_at"] = user["updated_at"].clone();
        assert_eq!(user, expected, "{media_type}");
        assert_ne!(
            user["photo_url"], before["photo_url"],
            "another photo has another URL"
        );
        let path = format!("/v1/users/{}/photo?v=", ada.user_id());
        assert!(url(&user).starts_with(&path), "{user}");
        let event = ada.event("profile.updated").await;
        assert_eq!(event["data"], user);
        assert_eq!(ada.ok("profile.get", json!({})).await, user);
        for (size, side) in [("", 256), ("&size=256", 256), ("&size=64", 64)] {
            let (photo, _) = shown(&server, &tokens, &format!("{}{size}", url(&user))).await;
            assert_eq!(
                (photo.width(), photo.height()),
                (side, side),
                "{media_type}{size}"
            );
            let [red, green, blue] = photo.to_rgb8().get_pixel(side / 2, side / 2).0;
            assert!(
                red < 60 && green > 170 && blue < 90,
                "{media_type}: {red} {green} {blue}"
            );
        }
        assert_eq!(files(&server).len(), 2, "the previous files are gone");
        before = user;
    }
    let user = upload(&server, &tokens, "image/jpeg", from_a_camera()).await;
    let (photo, bytes) = shown(&server, &tokens, url(&user)).await;
    let colour = |x, y| photo.to_rgb8().get_pixel(x, y).0;
    assert!(
        colour(128, 10)[0] > 180 && colour(128, 245)[2] > 180,
        "the left side is up now"
    );
    for word in [&b"Exif"[..], b"GPS", b"garden"] {
        assert!(!bytes.windows(word.len()).any(|part| part == word));
    }
    let answer = send(&server, Method::DELETE, &tokens, PHOTO).await;
    let gone = answer.json().await.expect("JSON");
    assert_eq!(gone["photo_url"], Value::Null);
    assert_eq!(get(&server, &tokens, url(&user)).await.status(), 404);
    assert_eq!(files(&server), Vec::<PathBuf>::new());
    ada.event("profile.updated").await;
    assert_eq!(ada.event("profile.updated").await["data"], gone);
    let again = send(&server, Method::DELETE, &tokens, PHOTO).await;
    assert_eq!(
        again.json().await.expect("JSON"),
        gone,
        "without a photo nothing changes"
    );
}

async fn a_photo_is_seen_by_whoever_may_see_its_owner(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let owner = http::sign_up(&server, "ada").await;
    let (colleague, stranger) = (
        http::sign_up(&server, "bob").await,
        http::sign_up(&server, "eve").await,
    );
    let mut ada = Client::with_tokens(&server, &owner, json!({})).await;
    let team = ada.ok("workspace.create", json!({ "name": "Team" })).await;
    let member = json!({ "workspace_id": team["id"], "email": "bob@example.com", "role": "viewer" });
    ada.ok("member.add", member).await;
    let path = format!("/v1/users/{}/photo", ada.user_id());
    assert_eq!(get(&server, &owner, &path).await.status(), 404, "no photo yet");
    let mut bob = Client::with_tokens(&server, &colleague, json!({})).await;
    let user = upload(&server, &owner, "image/png", png([200, 30, 30])).await;
    let told = bob.event("member.updated").await;
    assert_eq!(
        told["stream"],
        format!("workspace:{}", team["id"].as_str().expect("an id"))
    );
    assert_eq!(told["data"]["user"]["photo_url"], user["photo_url"]);
    let headers_of = async |tokens: &Value, path: &str| {
        let answer = get(&server, tokens, path).await;
        assert_eq!(answer.status(), 200, "{path}");
        answer.headers().clone()
    };
    let headers = headers_of(&colleague, url(&user)).await;
    for (name, value) in [
        ("content-type", "image/jpeg"),
        ("x-content-type-options", "nosniff"),
        ("content-disposition", "inline"),
        (
            "content-security-policy",
            "default-src 'none'; sandbox; frame-ancestors 'none'",
        ),
        ("cache-control", "private, max-age=86400, immutable"),
    ] {
        assert_eq!(headers[name], value, "{name}");
    }
    assert_eq!(
        headers_of(&colleague, &path).await["cache-control"],
        "private, no-cache"
    );
    let tag = headers["etag"].to_str().expect("a tag").to_owned();
    assert_ne!(headers_of(&owner, &format!("{path}?size=64")).await["etag"], tag);
    for known in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
        let asked = request(&server, Method::GET, &path).bearer_auth(token(&owner));
        let answer = asked
            .header("if-none-match", &known)
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), StatusCode::NOT_MODIFIED, "{known}");
        assert_eq!(answer.headers()["etag"], tag);
    }
    let head = send(&server, Method::HEAD, &owner, &path).await;
    assert!(head.status() == 200 && head.headers().contains_key("content-length"));
    assert_eq!(get(&server, &stranger, &path).await.status(), 404, "a stranger");
    assert_eq!(http::get(&server, &path).await.status(), 401, "nobody");
    assert_eq!(get(&server, &owner, "/v1/users/ada/photo").await.status(), 404);
    let nobodys = format!("/v1/users/{}/photo", new_id());
    assert_eq!(get(&server, &owner, &nobodys).await.status(), 404);
    for size in ["65", "0", "", "256px", "-64"] {
        let answer = get(&server, &owner, &format!("{path}?size={size}")).await;
        let (status, error) = (answer.status(), answer.json().await.expect("JSON"));
        assert_eq!(
            (status.as_u16(), &error["error"]["field"]),
            (422, &json!("size")),
            "{size}"
        );
    }
    for method in [Method::PUT, Method::DELETE] {
        let sent = request(&server, method, PHOTO).send().await.expect("an answer");
        assert_eq!(sent.status(), 401);
    }
    assert_eq!(get(&server, &owner, PHOTO).await.status(), 405);
}

async fn what_is_no_fit_picture_is_refused_and_changes_nothing(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let tokens = http::sign_up(&server, "ada").await;
    let before = upload(&server, &tokens, "image/png", png([10, 20, 30])).await;
    let kept = files(&server);
    for Unfit {
        what,
        media_type,
        bytes,
        status,
        code,
    } in unfit()
    {
        let answer = put(&server, &tokens, media_type, bytes).await;
        let found = (answer.status().as_u16(), answer.json().await.expect("JSON"));
        assert_eq!(
            (found.0, &found.1["error"]["code"]),
            (status, &json!(code)),
            "{what}: {}",
            found.1
        );
    }
    let bare = request(&server, Method::PUT, PHOTO).bearer_auth(token(&tokens));
    assert_eq!(
        bare.send().await.expect("an answer").status(),
        415,
        "without a type"
    );
    let packed = request(&server, Method::PUT, PHOTO).bearer_auth(token(&tokens));
    let packed = packed
        .header("content-type", "image/png")
        .header("content-encoding", "gzip");
    assert_eq!(
        packed
            .body(png([1, 2, 3]))
            .send()
            .await
            .expect("an answer")
            .status(),
        415
    );
    assert_eq!(
        get(&server, &tokens, "/v1/auth/me")
            .await
            .json()
            .await
            .expect("JSON"),
        before
    );
    assert_eq!(files(&server), kept);
    // an upload that breaks off in the middle
    let mut raw = tokio::net::TcpStream::connect(server.address)
        .await
        .expect("a link");
    let head = format!(
        "PUT {PHOTO} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: image/png\r\nContent-Length: 900\r\n\r\n",
        token(&tokens)
    );
    tokio::io::AsyncWriteExt::write_all(&mut raw, &[head.as_bytes(), &png([1, 2, 3])[..50]].concat())
        .await
        .expect("sent");
    drop(raw);
    assert_eq!(
        get(&server, &tokens, "/v1/auth/me")
            .await
            .json()
            .await
            .expect("JSON"),
        before
    );
    assert_eq!(files(&server), kept);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_broken_picture_breaks_the_server() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let tokens = http::sign_up(&server, "ada").await;
    let mut random = SmallRng::seed_from_u64(7);
    for (media_type, format) in FORMATS {
        let whole = picture(format, [30, 200, 60], 40, 30);
        for _ in 0..40 {
            let mut broken = whole.clone();
            for _ in 0..random.random_range(1..8) {
                let at = random.random_range(0..broken.len());
                broken[at] = random.random();
            }
            let status = put(&server, &tokens, media_type, broken).await.status().as_u16();
            assert!([200, 415, 422].contains(&status), "{media_type}: {status}");
        }
    }
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

async fn of_uploads_at_once_one_wins_wholly(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let tokens = http::sign_up(&server, "ada").await;
    let pictures = (0..6u8).map(|i| png([40 * i, 200 - 40 * i, 90]));
    let uploads = pictures.map(|picture| upload(&server, &tokens, "image/png", picture));
    let users = futures_util::future::join_all(uploads).await;
    let mut versions: Vec<i64> = users.iter().filter_map(|user| user["version"].as_i64()).collect();
    versions.sort_unstable();
    assert_eq!(
        versions,
        [2, 3, 4, 5, 6, 7],
        "each was committed, one after the other"
    );
    let last = users
        .iter()
        .max_by_key(|user| user["version"].as_i64())
        .expect("a user");
    assert_eq!(
        get(&server, &tokens, "/v1/auth/me")
            .await
            .json()
            .await
            .expect("JSON"),
        *last
    );
    shown(&server, &tokens, &format!("{}&size=64", url(last))).await;
    shown(&server, &tokens, url(last)).await;
    assert_eq!(files(&server).len(), 2, "{:?}", files(&server));
}

async fn a_plan_limits_how_large_a_photo_may_be(engine: Engine) {
    let settings = [
        ("plan_free_storage_bytes", "12000"),
        ("admin_email", "op@example.com"),
        ("admin_password", PASSWORD),
    ];
    let server = Server::start(engine, &settings).await;
    let tokens = http::sign_up(&server, "ada").await;
    let before = upload(&server, &tokens, "image/png", png([10, 20, 30])).await;
    let kept = files(&server);
    let refused = put(&server, &tokens, "image/png", noise()).await;
    let (status, error) = (refused.status().as_u16(), refused.json().await.expect("JSON"));
    let error = &error["error"];
    assert_eq!(
        (status, &error["code"], &error["context"]),
        (
            403,
            &json!("PLAN_LIMIT"),
            &json!({ "limit": 12_000, "setting": "plan_free_storage_bytes" })
        )
    );
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|text| text.contains("12000 bytes")),
        "{error}"
    );
    let me = get(&server, &tokens, "/v1/auth/me")
        .await
        .json()
        .await
        .expect("JSON");
    assert_eq!(me, before, "nothing was changed");
    assert_eq!(
        files(&server),
        kept,
        "the old photo stays, and nothing of the new one"
    );
    // a photo takes the place of the one before, which does not count
    upload(&server, &tokens, "image/png", png([30, 20, 10])).await;
    let mut op = Client::log_in(&server, "op").await;
    op.ok("admin.user.update", json!({ "id": before["id"], "plan": "pro" }))
        .await;
    upload(&server, &tokens, "image/png", noise()).await;
}

/// Sets when a file was written, in hours before a time in milliseconds.
pub fn aged(path: &Path, now_ms: i64, hours: u64) {
    let now = SystemTime::UNIX_EPOCH + Duration::from_millis(now_ms as u64);
    let file = fs::File::options().write(true).open(path).expect("a file");
    file.set_modified(now - Duration::from_hours(hours)).expect("set");
}

async fn files_that_no_account_has_are_removed_when_they_are_old(engine: Engine) {
    let node = Node::start(engine, &[]).await;
    let (now, user) = (node.clock.now_ms(), node.caller.user.id);
    let upload = node
        .engine
        .set_photo(node.caller.clone(), Kind::Png, png([1, 2, 3]), ());
    upload.await.expect("a photo");
    let folder = node.server.folder.path().join("data/files");
    let used = files_in(&folder);
    assert_eq!(used.len(), 2);
    for path in &used {
        aged(path, now, 3);
    }
    let place = |owner: &str, size: &str, hours: u64| {
        let path = folder
            .join("photos")
            .join(owner)
            .join(new_id().to_string())
            .join(size);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(&path, b"half a picture").expect("a file");
        aged(&path, now, hours);
        path
    };
    let fresh = [
        place(&user.to_string(), "64", 1),
        place(&new_id().to_string(), "64", 1),
    ];
    let old = [
        place(&user.to_string(), "64", 3),
        place(&new_id().to_string(), "256", 3),
    ];
    let draft = place(&user.to_string(), "64#1", 3_000_000);
    let other = folder.join("attachments");
    fs::create_dir(&other).expect("a folder");
    fs::write(other.join("a"), b"not ours").expect("a file");
    aged(&other.join("a"), now, 3);
    assert_eq!(node.engine.clear_photos().await.expect("cleared"), 3);
    assert!(!old.iter().chain([&draft]).any(|path| path.exists()));
    assert!(fresh.iter().chain(&used).all(|path| path.exists()) && other.join("a").exists());
    assert_eq!(node.engine.clear_photos().await.expect("cleared"), 0);
    node.engine.forget_photos(user).await.expect("forgotten");
    assert!(!used.iter().chain(&fresh[..1]).any(|path| path.exists()));
    assert!(fresh[1].exists(), "another user's files stay");
    // the row still names a photo whose file is gone
    let (picture, sender) = (
        user,
        taskwire::engine::Sender {
            caller: Some(node.caller.clone()),
            ..taskwire::engine::Sender::default()
        },
    );
    let picture = node
        .engine
        .photo(sender, picture, taskwire::engine::Size::Large)
        .await;
    let missing = node
        .engine
        .file_of(&picture.expect("a photo"))
        .await
        .err()
        .expect("no file");
    assert_eq!(missing.code, taskwire_protocol::ErrorCode::NotFound);
}

async fn photos_live_in_a_bucket(engine: Engine) {
    secrets::note_text(bucket::SECRET);
    let bucket = Bucket::start().await;
    let server = Server::start(engine, &[("files_url", &bucket.url()), ("log_level", "debug")]).await;
    let tokens = http::sign_up(&server, "ada").await;
    let first = upload(&server, &tokens, "image/png", png([200, 30, 30])).await;
    assert_eq!(bucket.names().len(), 2, "{:?}", bucket.names());
    assert!(
        bucket
            .names()
            .iter()
            .all(|name| name.starts_with("team/a/photos/")),
        "{:?}",
        bucket.names()
    );
    let user = upload(
        &server,
        &tokens,
        "image/gif",
        picture(ImageFormat::Gif, [30, 30, 200], 80, 80),
    )
    .await;
    assert_eq!(bucket.names().len(), 2, "the previous objects are gone");
    let (photo, _) = shown(&server, &tokens, &format!("{}&size=64", url(&user))).await;
    assert_eq!(
        (photo.width(), photo.to_rgb8().get_pixel(30, 30).0[2] > 150),
        (64, true)
    );
    assert_eq!(files(&server), Vec::<PathBuf>::new(), "nothing on the disk");
    bucket.is_down(true);
    let away = put(&server, &tokens, "image/png", png([1, 2, 3])).await;
    assert_eq!(away.status(), 503);
    assert!(away.headers().contains_key("retry-after"));
    assert_eq!(get(&server, &tokens, url(&user)).await.status(), 503);
    let (code, told) = server.run(&["doctor"]);
    assert!(code == Some(1) && told.contains("the bucket pictures"), "{told}");
    bucket.is_down(false);
    assert_eq!(
        get(&server, &tokens, "/v1/auth/me")
            .await
            .json()
            .await
            .expect("JSON"),
        user
    );
    assert_eq!(
        get(&server, &tokens, url(&first)).await.status(),
        200,
        "an old URL shows the photo of now"
    );
    let (code, told) = server.run(&["doctor"]);
    assert!(
        code == Some(0) && told.contains("takes and removes files"),
        "{told}"
    );
    assert_eq!(bucket.names().len(), 2, "doctor leaves nothing behind");
    let (_, told) = server.run(&["config"]);
    assert!(told.contains("@pictures/team/a?***"), "{told}");
    for text in [told, server.log()] {
        assert!(
            !text.contains(bucket::SECRET) && !text.contains("%2Fsecret"),
            "{text}"
        );
    }
    assert_eq!(send(&server, Method::DELETE, &tokens, PHOTO).await.status(), 200);
    assert_eq!(bucket.names(), Vec::<String>::new());
    let (code, told) = server.run(&["config", "--set", "files_url=s3://k:s3cret@bucket?regoin=x"]);
    assert!(
        code == Some(2) && told.contains("files_url") && !told.contains("s3cret"),
        "{told}"
    );
}

async fn a_user_may_change_the_photo_five_times_an_hour(engine: Engine) {
    let server = Server::start(engine, &[("rate_limit_enabled", "true")]).await;
    let (ada, bob) = (
        http::sign_up(&server, "ada").await,
        http::sign_up(&server, "bob").await,
    );
    for _ in 0..5 {
        upload(&server, &ada, "image/png", png([1, 2, 3])).await;
    }
    // also a client that reads nothing before it has sent all gets the answer
    let large = [png([1, 2, 3]), vec![0; 4_000_000]].concat();
    let refused = put(&server, &ada, "image/png", large).await;
    assert_eq!(refused.status(), 429);
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(refused.headers()["x-ratelimit-limit"], "5");
    assert_eq!(refused.headers()["x-ratelimit-remaining"], "0");
    assert_eq!(send(&server, Method::DELETE, &ada, PHOTO).await.status(), 200);
    upload(&server, &bob, "image/png", png([1, 2, 3])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_job_that_removes_files_exists() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    eventually("the job", || async {
        let metrics = http::get(&server, "/metrics")
            .await
            .text()
            .await
            .expect("metrics");
        metrics
            .contains("taskwire_jobs_running{kind=\"photos\"}")
            .then_some(())
    })
    .await;
}
