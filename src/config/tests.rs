//! Tests of loading: precedence, refusals, masking, the stored key.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::time::Duration;

use secrecy::ExposeSecret;
use tempfile::TempDir;

use super::*;

const STRONG: &str = "yCkT1gX0q8LZpN5vB2rW7mJ4sD9fH6aE";
const PRODUCTION: [(&str, &str); 3] = [
    ("environment", "production"),
    ("public_url", "https://tasks.example.com"),
    ("jwt_secret", STRONG),
];

fn environment(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    pairs
        .iter()
        .map(|(name, text)| (OsString::from(name), OsString::from(text)))
        .collect()
}

fn load(variables: &[(&str, &str)], flags: &[&str]) -> Result<(Settings, Effective), SettingsError> {
    Settings::from_sources(&Sources {
        flags: set(flags),
        environment: environment(variables),
        dotenv: None,
    })
}

fn set(pairs: &[&str]) -> Flags {
    Flags {
        set: pairs.iter().map(|&pair| pair.to_owned()).collect(),
        ..Flags::default()
    }
}

fn write(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, text).expect("a temporary file");
    path
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn admin<'a>(email: &'a str, password: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![("admin_email", email), ("admin_password", password)]
}

/// The refusal's lines, one a problem.
fn refusal<T>(loaded: Result<T, SettingsError>) -> Vec<String> {
    let Err(error) = loaded else {
        panic!("the settings were accepted")
    };
    error
        .to_string()
        .lines()
        .skip(1)
        .map(|line| line.trim().to_owned())
        .collect()
}

#[test]
fn the_defaults_are_the_documented_ones() {
    let settings = Settings::from_pairs(&[]).expect("the defaults");
    assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.database_url.to_string(), "sqlite:data/taskwire.db");
    assert_eq!(settings.access_token, Duration::from_mins(15));
    assert_eq!(settings.refresh_token, Duration::from_hours(7 * 24));
    assert_eq!(
        (settings.rate_limit_requests, settings.rate_limit_window.as_secs()),
        (100, 60)
    );
    assert_eq!(
        (
            settings.ops_per_second,
            settings.ops_burst,
            settings.sockets_per_user
        ),
        (50, 200, 20)
    );
    assert_eq!((settings.frame_bytes, settings.in_flight), (65_536, 64));
    assert_eq!((settings.batch_ops, settings.streams_per_socket), (100, 256));
    assert_eq!((settings.heartbeat.as_secs(), settings.drain.as_secs()), (25, 20));
    assert_eq!(
        (
            settings.query_timeout.as_secs(),
            settings.auth_grace.as_secs(),
            settings.drain_delay.as_secs()
        ),
        (15, 25, 0)
    );
    assert_eq!((settings.max_sockets, settings.socket_max_age), (None, None));
    assert_eq!((settings.max_connections, settings.address_share), (8192, 25));
    assert_eq!(settings.log_retention, Some(Duration::from_hours(7 * 24)));
    assert_eq!(settings.log_retention_events, 10_000);
    assert_eq!(settings.deleted_task_retention, None);
    assert!(settings.rate_limit_enabled && !settings.require_verified_email);
    assert!(settings.password_hash_concurrency > 0 && settings.instance.starts_with("node-"));
    assert!(settings.jwt_secret.is_none() && settings.redis_url.is_none() && settings.public_url.is_none());
}

#[test]
fn passwords_are_hashed_on_all_cpus_but_one_unless_a_number_is_wanted() {
    let threads = |cpus| [0, 1, 4].map(|wanted| values::hashing_threads(wanted, cpus));
    assert_eq!(threads(1), [1, 1, 4]);
    assert_eq!(threads(2), [1, 1, 4]);
    assert_eq!(threads(8), [7, 1, 4]);
    let wanted = |number: &str| {
        let pairs = [("password_hash_concurrency", number)];
        Settings::from_pairs(&pairs).map(|settings| settings.password_hash_concurrency)
    };
    assert_eq!(wanted("1024").expect("more than there are CPUs"), 1024);
    assert!(wanted("1025").is_err());
    let cpus = std::thread::available_parallelism().expect("a number").get();
    assert_eq!(
        wanted("0").expect("the default"),
        values::hashing_threads(0, cpus)
    );
}

#[test]
fn each_setting_is_described_and_is_read() {
    let keys: Vec<String> = toml::from_str::<toml::Table>(DEFAULT)
        .expect("valid")
        .into_iter()
        .map(|(key, _)| key)
        .collect();
    for key in &keys {
        let before = DEFAULT
            .lines()
            .take_while(|line| !line.starts_with(&format!("{key} =")))
            .last();
        assert!(
            before.is_some_and(|line| line.starts_with("# ")),
            "{key} has no description"
        );
    }
    // No setting accepts a date, so each setting that is read reports a problem.
    let folder = folder();
    let dates: String = keys.join(" = 1979-05-27\n") + " = 1979-05-27\n";
    let flags = Flags {
        config: Some(write(&folder, "a.toml", &dates)),
        ..Flags::default()
    };
    let complaints = refusal(Settings::from_sources(&Sources {
        flags,
        ..Sources::default()
    }));
    for key in &keys {
        assert!(
            complaints
                .iter()
                .any(|line| line.starts_with(&format!("{key} ("))),
            "{key} is not read"
        );
    }
}

#[test]
fn stronger_sources_win() {
    let folder = folder();
    let file = "ops_burst = 1\nin_flight = 1\nbatch_ops = 1\nops_per_second = 1\nsockets_per_user = 1\n";
    let dotenv = "TASKWIRE_IN_FLIGHT=2\nTASKWIRE_BATCH_OPS=2\nTASKWIRE_OPS_PER_SECOND=2\nTASKWIRE_SOCKETS_PER_USER=2\n";
    let sources = Sources {
        flags: Flags {
            config: Some(write(&folder, "a.toml", file)),
            ..set(&["ops_per_second=4", "sockets_per_user=4", "sockets_per_user=5"])
        },
        environment: environment(&[("TASKWIRE_BATCH_OPS", "3"), ("TASKWIRE_OPS_PER_SECOND", "3")]),
        dotenv: Some(write(&folder, ".env", dotenv)),
    };
    let (settings, effective) = Settings::from_sources(&sources).expect("settings");
    assert_eq!(
        (settings.ops_burst, settings.in_flight, settings.batch_ops),
        (1, 2, 3)
    );
    assert_eq!((settings.ops_per_second, settings.sockets_per_user), (4, 5));
    let shown = effective.to_string();
    assert!(
        shown.contains(&format!(
            "ops_burst = 1 # file {}",
            folder.path().join("a.toml").display()
        )),
        "{shown}"
    );
    assert!(
        shown.contains("in_flight = 2 # variable TASKWIRE_IN_FLIGHT in "),
        "{shown}"
    );
    assert!(
        shown.contains("batch_ops = 3 # environment variable TASKWIRE_BATCH_OPS\n"),
        "{shown}"
    );
    assert!(shown.contains("ops_per_second = 4 # flag --set\n"), "{shown}");
    assert!(shown.contains("\nstreams_per_socket = 256\n"), "{shown}");
    let [file, dotenv] = ["a.toml", ".env"].map(|name| folder.path().join(name).display().to_string());
    assert_eq!(
        effective.sources(),
        format!("5 from {file}, 4 from {dotenv}, 2 from the environment, 3 from flags")
    );
}

#[test]
fn the_printed_settings_are_in_the_manual_s_order_and_a_valid_file() {
    let (_, effective) = load(&[], &[]).expect("the defaults");
    assert_eq!(effective.sources(), "only defaults");
    let shown = effective.to_string();
    assert!(
        shown.starts_with("listen = \"127.0.0.1:8080\"\ndata_dir = \"data\"\n"),
        "{shown}"
    );
    let again: toml::Table = toml::from_str(&shown).expect("a valid file");
    assert_eq!(again, toml::from_str::<toml::Table>(DEFAULT).expect("valid"));
}

#[test]
fn names_without_the_prefix_are_read_and_names_with_it_win() {
    let database =
        |variables: &[(&str, &str)]| load(variables, &[]).expect("settings").0.database_url.to_string();
    assert_eq!(database(&[("DATABASE_URL", "sqlite:a.db")]), "sqlite:a.db");
    assert_eq!(
        database(&[
            ("DATABASE_URL", "sqlite:a.db"),
            ("TASKWIRE_DATABASE_URL", "sqlite:b.db")
        ]),
        "sqlite:b.db"
    );
    assert_eq!(
        database(&[("DATABASE_URL", ""), ("TASKWIRE_DATA_DIR", "/srv")]),
        "sqlite:/srv/taskwire.db"
    );
    let folder = folder();
    let sources = Sources {
        environment: environment(&[("DATABASE_URL", "postgres://db/tasks")]),
        dotenv: Some(write(&folder, ".env", "TASKWIRE_DATABASE_URL=sqlite:b.db\n")),
        ..Sources::default()
    };
    let (settings, _) = Settings::from_sources(&sources).expect("settings");
    assert_eq!(
        settings.database_url.to_string(),
        "postgres://db/tasks",
        "the real environment wins over .env"
    );
}

#[test]
fn commas_separate_the_items_of_a_list() {
    let variables = [
        (
            "TASKWIRE_ALLOWED_ORIGINS",
            "https://a.example, http://LOCALHOST:80/",
        ),
        ("TASKWIRE_TRUSTED_PROXIES", "10.0.0.0/8"),
    ];
    let (settings, _) = load(&variables, &[]).expect("settings");
    let allows = |origin: &str| {
        settings
            .allowed_origins
            .allows(&origin.parse().expect("an origin"))
    };
    assert!(allows("https://a.example") && allows("http://localhost"));
    assert!(!settings.allowed_origins.any && settings.trusted_proxies.len() == 1);
}

#[test]
fn all_problems_are_reported_at_once_with_their_sources() {
    let folder = folder();
    let file = write(
        &folder,
        "a.toml",
        "ops_burts = 3\ndrain_seconds = \"long\"\n[server]\nport = 1\n",
    );
    let sources = Sources {
        flags: Flags {
            config: Some(file.clone()),
            listen: Some("8080".to_owned()),
            ..set(&["log_level=loud", "nonsense"])
        },
        environment: environment(&[
            ("TASKWIRE_LISTN", "a:1"),
            ("TASKWIRE_IN_FLIGHT", "many"),
            ("TASKWIRE_OPS_BURST", "0"),
        ]),
        dotenv: None,
    };
    let lines = refusal(Settings::from_sources(&sources));
    let file = file.display();
    for expected in [
        format!("ops_burts (file {file}): unknown setting; did you mean ops_burst?"),
        format!("drain_seconds (file {file}): must be a whole number from 0 to 3600, not a value of type string"),
        format!("server (file {file}): unknown setting; config.default.toml lists all settings"),
        "TASKWIRE_LISTN (environment variable TASKWIRE_LISTN): unknown setting; did you mean TASKWIRE_LISTEN?".to_owned(),
        "in_flight (environment variable TASKWIRE_IN_FLIGHT): must be a whole number, not \"many\"".to_owned(),
        "ops_burst (environment variable TASKWIRE_OPS_BURST): must be a whole number from 1 to 1000000, not 0".to_owned(),
        "--set: must be KEY=VALUE".to_owned(),
    ] {
        assert!(lines.contains(&expected), "{expected:?} is missing in {lines:#?}");
    }
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("listen (flag --listen): must be an address and a port")),
        "{lines:#?}"
    );
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("log_level (flag --set): must be off, error")),
        "{lines:#?}"
    );
    assert_eq!(lines.len(), 9, "{lines:#?}");
}

#[test]
fn a_file_that_cannot_be_read_is_a_problem_and_shows_no_secret() {
    let folder = folder();
    let flags = |path: &Path| Flags {
        config: Some(path.to_owned()),
        ..Flags::default()
    };
    let lines = refusal(Settings::from_sources(&Sources {
        flags: flags(&folder.path().join("none")),
        ..Sources::default()
    }));
    assert!(lines[0].starts_with("--config (file "), "{lines:?}");
    let broken = write(&folder, "a.toml", "\n\njwt_secret = s3cret\n");
    let lines = refusal(Settings::from_sources(&Sources {
        flags: flags(&broken),
        ..Sources::default()
    }));
    assert!(
        lines[0].contains("line 3: ") && !lines.concat().contains("s3cret"),
        "{lines:?}"
    );
    let dotenv = Some(write(
        &folder,
        ".env",
        "# a comment\nTASKWIRE_JWT_SECRET=\"s3cret\n",
    ));
    let lines = refusal(Settings::from_sources(&Sources {
        dotenv,
        ..Sources::default()
    }));
    assert!(
        lines[0].starts_with(".env (file ") && !lines.concat().contains("s3cret"),
        "{lines:?}"
    );
}

#[test]
fn a_missing_dotenv_and_other_programs_variables_are_ignored() {
    let others = [
        ("TASKWIRE_TEST_POSTGRES", "x"),
        ("TASKWIRE_URL", "http://127.0.0.1:8080"),
        ("TASKWIRE_TOKEN", "x"),
        ("TASKWIRE_PASSWORD", "x"),
        ("TASKWIRE_WAIT", "60"),
        ("TASKWIRE_PORT", "tcp://10.0.0.1:8080"),
        ("TASKWIRE_PORT_8080_TCP_ADDR", "10.0.0.1"),
        ("TASKWIRE_SERVICE_HOST", "10.0.0.1"),
        ("TASKWIRE_SERVICE_PORT_HTTP", "80"),
        ("TASKWIRE_OPS_BURST", ""),
        ("PATH", "/bin"),
    ];
    let dotenv = Some(folder().path().join(".env"));
    let sources = Sources {
        environment: environment(&others),
        dotenv,
        ..Sources::default()
    };
    assert_eq!(
        Settings::from_sources(&sources).expect("settings").0.ops_burst,
        200
    );
    assert_eq!(
        refusal(load(&[("TASKWIRE_PORT", "9000")], &[])).len(),
        1,
        "Kubernetes does not set this value"
    );
}

#[test]
fn secrets_can_be_read_from_files() {
    let folder = folder();
    let file = write(&folder, "secret", "s3cret in a file\r\n");
    let path = file.to_str().expect("a plain path");
    let (settings, effective) = load(&[("TASKWIRE_JWT_SECRET_FILE", path)], &[]).expect("settings");
    assert_eq!(
        settings.jwt_secret.expect("set").expose_secret(),
        "s3cret in a file"
    );
    assert!(effective.to_string().contains(&format!(
        "jwt_secret = \"***\" # environment variable TASKWIRE_JWT_SECRET_FILE, read from {path}\n"
    )));
    let both = [("TASKWIRE_JWT_SECRET_FILE", path), ("TASKWIRE_JWT_SECRET", "x")];
    assert!(refusal(load(&both, &[]))[0].contains("set only one of the two"));
    let none = [("TASKWIRE_JWT_SECRET_FILE", "/nowhere/at/all")];
    assert!(refusal(load(&none, &[]))[0].contains("/nowhere/at/all cannot be read"));
    assert!(refusal(load(&[("TASKWIRE_LISTEN_FILE", path)], &[]))[0].contains("unknown setting"));
}

#[test]
fn an_empty_file_of_a_secret_is_refused_by_its_path() {
    let folder = folder();
    for (name, text) in [
        ("a", ""),
        ("b", "\n"),
        ("c", " \t\r\n\n"),
        ("d", "\u{feff}"),
        ("e", "\u{feff}\n"),
    ] {
        let path = write(&folder, name, text);
        let path = path.to_str().expect("a plain path");
        for (variable, key) in [
            ("TASKWIRE_DATABASE_URL_FILE", "database_url_file"),
            ("TASKWIRE_JWT_SECRET_FILE", "jwt_secret_file"),
        ] {
            let lines = refusal(load(&[(variable, path)], &[]));
            assert_eq!(lines.len(), 1, "{lines:?}");
            let said = format!("{key} (environment variable {variable}): file {path} is empty");
            assert!(lines[0].starts_with(&said), "{text:?}: {lines:?}");
        }
    }
    assert!(
        load(&[("TASKWIRE_DATABASE_URL_FILE", "")], &[]).is_ok(),
        "an empty variable"
    );
}

#[test]
fn all_problems_fit_in_one_line_of_a_log() {
    let loaded = load(
        &[("TASKWIRE_OPS_BURST", "0"), ("TASKWIRE_IN_FLIGHT", "many")],
        &[],
    );
    let Err(error) = loaded else {
        panic!("the settings were accepted")
    };
    assert_eq!(
        error.in_one_line(),
        "in_flight (environment variable TASKWIRE_IN_FLIGHT): must be a whole number, not \"many\"; ops_burst \
         (environment variable TASKWIRE_OPS_BURST): must be a whole number from 1 to 1000000, not 0"
    );
}

#[test]
fn no_secret_is_ever_shown() {
    let variables = [
        ("DATABASE_URL", "postgres://ada:s3cret@db/tasks"),
        ("REDIS_URL", "redis://:s3cret@cache"),
        ("SMTP_URL", "smtp://ada:s3cret@mail"),
        ("TASKWIRE_FILES_URL", "s3://ada:s3cret@bucket/tasks?region=eu-1"),
        ("TASKWIRE_MAIL_FROM", "tasks@example.com"),
        ("TASKWIRE_JWT_SECRET", "s3cret"),
        ("TASKWIRE_JWT_SECRET_PREVIOUS", "old s3cret"),
        ("TASKWIRE_ADMIN_EMAIL", "ada@example.com"),
        ("TASKWIRE_ADMIN_PASSWORD", "s3cret s3cret"),
    ];
    let (settings, effective) = load(&variables, &[]).expect("settings");
    assert!(!format!("{settings:?}{effective}{effective:?}").contains("s3cret"));
    assert!(
        effective
            .to_string()
            .contains("database_url = \"postgres://ada:***@db/tasks\" # environment variable DATABASE_URL\n")
    );
    let wrong = [
        ("DATABASE_URL", "mysql://ada:s3cret@db"),
        ("REDIS_URL", "s3cret"),
        ("SMTP_URL", "http://ada:s3cret@mail"),
        ("TASKWIRE_ADMIN_PASSWORD", "s3cret"),
    ];
    let lines = refusal(load(&wrong, &[]));
    assert!(
        lines.len() >= 4 && !lines.concat().contains("s3cret"),
        "{lines:#?}"
    );
}

#[test]
fn a_wrong_part_of_a_url_is_named_and_its_password_is_not() {
    let variables = [
        ("DATABASE_URL", "postgres://ada:s3cret@db/tasks?sslmode=bogus"),
        ("REDIS_URL", "redis://:s3cret@cache/-1"),
    ];
    let lines = refusal(load(&variables, &[]));
    assert_eq!(lines.len(), 2, "{lines:?}");
    for (line, parts) in lines.iter().zip([
        [
            "database_url (environment variable DATABASE_URL)",
            "sslmode must be one of",
        ],
        [
            "redis_url (environment variable REDIS_URL)",
            "DATABASE must be a whole number",
        ],
    ]) {
        assert!(parts.iter().all(|part| line.contains(part)), "{line}");
        assert!(!line.contains("s3cret"), "{line}");
    }
}

#[test]
fn production_refuses_what_is_unsafe_in_public() {
    assert!(Settings::from_pairs(&PRODUCTION).is_ok());
    let lines = refusal(Settings::from_pairs(&[
        ("environment", "production"),
        ("allowed_origins", "*"),
    ]));
    let names: Vec<&str> = lines
        .iter()
        .filter_map(|line| line.split([' ', ':']).next())
        .collect();
    assert_eq!(names, ["allowed_origins", "jwt_secret", "public_url"]);
    for weak in ["short", "please-change-me-please-change-me-please"] {
        for key in ["jwt_secret", "jwt_secret_previous"] {
            let pairs: Vec<_> = PRODUCTION.into_iter().chain([(key, weak)]).collect();
            assert!(
                refusal(Settings::from_pairs(&pairs))[0].starts_with(key),
                "{key} {weak} was accepted"
            );
        }
    }
    assert!(
        Settings::from_pairs(&[("allowed_origins", "*"), ("jwt_secret", "short")]).is_ok(),
        "development"
    );
}

#[test]
fn one_invalid_or_missing_setting_is_one_problem() {
    for (pairs, named) in [
        (vec![("smtp_url", "smtp://mail")], "mail_from"),
        (
            vec![("smtp_url", "smtp://mail?tls=none"), ("mail_from", "a@b.cd")],
            "smtp_url",
        ),
        (vec![("smtp_ca_file", "/no/such/file.pem")], "smtp_ca_file"),
        (vec![("admin_email", "ada@example.com")], "admin_password"),
        (vec![("admin_password", "long enough")], "admin_email"),
        (admin("root@x", "long enough"), "admin_email"),
        (admin("ada@example.com", "short"), "admin_password"),
        (admin("ada@example.com", "password1"), "admin_password"),
        (admin("ada@example.com", "Ada@example.com"), "admin_password"),
        (vec![("ring_budget_bytes", "8192")], "ring_budget_bytes"),
        (vec![("environment", "")], "environment"),
        (vec![("data_dir", " ")], "data_dir"),
        (vec![("log_level", "")], "log_level"),
    ] {
        let lines = refusal(Settings::from_pairs(&pairs));
        assert!(
            lines.len() == 1 && lines[0].starts_with(named),
            "{pairs:?}: {lines:?}"
        );
    }
}

#[test]
fn zero_days_keep_the_log_for_ever() {
    assert_eq!(
        Settings::from_pairs(&[("log_retention_days", "0")])
            .expect("settings")
            .log_retention,
        None
    );
}

#[test]
fn the_generated_key_is_stored_and_private() {
    let folder = folder();
    let data_dir = folder.path().join("new/data");
    let settings =
        Settings::from_pairs(&[("data_dir", data_dir.to_str().expect("a plain path"))]).expect("settings");
    assert!(!data_dir.exists(), "loading changes nothing");
    assert!(settings.known_jwt_key().expect("no error").is_none());
    assert!(!data_dir.exists(), "asking changes nothing");
    let first = settings.jwt_keys().expect("a key").current;
    let second = settings.jwt_keys().expect("the same key").current;
    assert_eq!(first.expose_secret(), second.expose_secret());
    assert!(first.expose_secret().len() >= JWT_SECRET_BYTES);
    let known = settings.known_jwt_key().expect("no error").expect("the key");
    assert_eq!(known.expose_secret(), first.expose_secret());
    let entries: Vec<_> = fs::read_dir(&data_dir)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(entries, ["jwt_secret"], "no draft is left");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(
            (mode(&data_dir), mode(&data_dir.join("jwt_secret"))),
            (0o700, 0o600)
        );
    }
    fs::write(data_dir.join("jwt_secret"), "cut").expect("written");
    assert!(
        settings
            .jwt_keys()
            .expect_err("too short")
            .to_string()
            .contains("jwt_secret has no key")
    );
}

#[test]
fn nodes_that_start_together_get_one_key() {
    let folder = folder();
    let settings = Settings::from_pairs(&[("data_dir", folder.path().to_str().expect("a plain path"))])
        .expect("settings");
    let keys: Vec<String> = std::thread::scope(|scope| {
        let key = || {
            settings
                .jwt_keys()
                .expect("a key")
                .current
                .expose_secret()
                .to_owned()
        };
        let racers: Vec<_> = (0..8).map(|_| scope.spawn(key)).collect();
        racers
            .into_iter()
            .map(|racer| racer.join().expect("no panic"))
            .collect()
    });
    assert!(keys.iter().all(|key| *key == keys[0]));
}

#[test]
fn a_secret_that_is_set_is_used_and_nothing_is_written() {
    let folder = folder();
    let data_dir = folder.path().join("data");
    let pairs = [
        ("data_dir", data_dir.to_str().expect("a plain path")),
        ("jwt_secret", STRONG),
        ("jwt_secret_previous", "old"),
    ];
    let keys = Settings::from_pairs(&pairs)
        .expect("settings")
        .jwt_keys()
        .expect("keys");
    assert_eq!(keys.current.expose_secret(), STRONG);
    assert_eq!(keys.previous.expect("set").expose_secret(), "old");
    assert!(!data_dir.exists());
}

#[test]
fn the_example_has_valid_settings_only() {
    let example = include_str!("../../.env.example");
    let variables: Vec<(&str, &str)> = example
        .lines()
        .filter_map(|line| line.strip_prefix("# ")?.split_once('='))
        .filter(|(name, _)| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'))
        .map(|(name, text)| (name, if name.ends_with("_FILE") { "" } else { text }))
        .collect();
    assert!(variables.len() > 10);
    let lines = refusal(load(&variables, &[]));
    assert_eq!(
        lines.len(),
        1,
        "only jwt_secret is missing, which every operator generates: {lines:?}"
    );
}
