//! Merges the sources of settings: for each name, the value of the strongest source and where it came from. Knows the
//! names and types from `config.default.toml`, and which settings are secrets. Does not know what the values mean.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::dotenv;
use super::error::{self, Problem};
use super::file::{self, Unread};
use super::flags::Flags;
use super::foreign::{self, Foreign, PREFIX};

/// The manual of settings, built into the program: the name, the default and a description of each.
pub const DEFAULT: &str = include_str!("../../config.default.toml");

/// The settings that are never shown. Each can also be read from its own file (`jwt_secret_file`).
const SECRETS: [&str; 8] = [
    "database_url",
    "redis_url",
    "files_url",
    "smtp_url",
    "jwt_secret",
    "jwt_secret_previous",
    "admin_password",
    "metrics_token",
];
/// Settings that are read from the environment without the prefix too, because hosting services set these names.
const BARE: [(&str, &str); 3] = [
    ("DATABASE_URL", "database_url"),
    ("REDIS_URL", "redis_url"),
    ("SMTP_URL", "smtp_url"),
];

/// Where settings are read from; tests pass their own.
#[derive(Default)]
pub(super) struct Sources {
    /// The file named by `--config` and the command line's other settings.
    pub(super) flags: Flags,
    /// The process's environment.
    pub(super) environment: Vec<(OsString, OsString)>,
    /// A `.env` file; it may be missing.
    pub(super) dotenv: Option<PathBuf>,
}

/// The value in force for one setting.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) value: Value,
    /// `None`: the built-in default.
    pub(super) origin: Option<String>,
}

/// The value in force of every setting, and the problems of the sources.
pub(super) struct Layers {
    entries: BTreeMap<String, Entry>,
    pub(super) problems: Vec<Problem>,
    /// Variables that describe services of Kubernetes, and are no settings.
    pub(super) of_services: BTreeSet<String>,
    /// The sources that gave settings, the weakest first, and how many each gave.
    pub(super) sources: Vec<(String, usize)>,
    given: usize,
}

/// A variable's value, and where it stands.
struct Variable {
    text: String,
    origin: String,
}

/// A value from one source: setting, value, origin.
type Given = (String, Value, String);

impl Layers {
    /// Merges all sources, the weakest first. Reads files, changes nothing.
    pub(super) fn merge(sources: &Sources) -> Self {
        let mut layers = Self {
            entries: BTreeMap::new(),
            problems: Vec::new(),
            of_services: BTreeSet::new(),
            sources: Vec::new(),
            given: 0,
        };
        for (key, value) in
            toml::from_str::<Table>(DEFAULT).expect("config.default.toml is valid: a test reads it")
        {
            layers.entries.insert(key, Entry { value, origin: None });
        }
        if let Some(file) = &sources.flags.config {
            layers.add_source(format!("{}", file.display()), |layers| layers.add_file(file));
        }
        if let Some(file) = &sources.dotenv {
            layers.add_source(format!("{}", file.display()), |layers| {
                let variables = layers.read_dotenv(file);
                layers.add_variables(&variables);
            });
        }
        layers.add_source("the environment".to_owned(), |layers| {
            let variables = layers.readable(&sources.environment);
            layers.add_variables(&variables);
        });
        layers.add_source("flags".to_owned(), |layers| layers.add_flags(&sources.flags));
        layers
    }

    /// Adds a source, and counts what it gives.
    fn add_source(&mut self, name: String, add: impl FnOnce(&mut Self)) {
        let before = self.given;
        add(self);
        if self.given > before {
            self.sources.push((name, self.given - before));
        }
    }

    /// The value in force; `None` for an unknown name.
    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// The names of all settings, in the order of the manual.
    pub(super) fn keys(&self) -> Vec<&str> {
        let mut keys: Vec<&str> = self.entries.keys().map(String::as_str).collect();
        keys.sort_by_cached_key(|key| DEFAULT.find(&format!("\n{key} = ")));
        keys
    }

    fn add_file(&mut self, path: &Path) {
        let origin = format!("file {}", path.display());
        let read = file::read(path).map_err(Unread::reason).and_then(|text| {
            // The error's own text quotes the line, which may hold a secret.
            toml::from_str::<Table>(&text).map_err(|error| {
                let at = error.span().map_or(0, |span| span.start);
                // what is missing at the end is missing in the last line
                let line = file::line_at(text.as_bytes(), at).min(text.lines().count().max(1));
                format!("line {line}: {}", error.message())
            })
        });
        match read {
            Ok(table) => {
                let given = table
                    .into_iter()
                    .map(|(key, value)| (key, value, origin.clone()))
                    .collect();
                self.add(given);
            }
            Err(reason) => self.refuse("--config", Some(origin), format!("cannot be read: {reason}")),
        }
    }

    /// A `.env` file need not be there; what is there must be readable.
    fn read_dotenv(&mut self, path: &Path) -> HashMap<String, Variable> {
        let shown = path.display();
        let text = match file::read(path) {
            Ok(text) => text,
            Err(Unread::Missing) => return HashMap::new(),
            Err(Unread::Refused(reason)) => {
                self.refuse(
                    ".env",
                    Some(format!("file {shown}")),
                    format!("cannot be read: {reason}"),
                );
                return HashMap::new();
            }
        };
        let mut variables = HashMap::new();
        for read in dotenv::read(&text) {
            match read {
                Ok(dotenv::Variable { name, text, line }) => {
                    let origin = format!("variable {name} in {shown}, line {line}");
                    variables.insert(name, Variable { text, origin });
                }
                Err(wrong) => {
                    let origin = format!("file {shown}, line {}", wrong.line);
                    self.refuse(".env", Some(origin), wrong.reason.to_owned());
                }
            }
        }
        variables
    }

    fn readable(&mut self, environment: &[(OsString, OsString)]) -> HashMap<String, Variable> {
        let mut variables = HashMap::new();
        for (name, text) in environment {
            let Some(name) = name.to_str() else { continue };
            match text.to_str() {
                Some(text) => {
                    // secrets of Kubernetes often end with the newline of the `echo` that made them
                    let text = text.trim_end_matches(['\r', '\n']).to_owned();
                    let origin = format!("environment variable {name}");
                    variables.insert(name.to_owned(), Variable { text, origin });
                }
                None if name.starts_with(PREFIX) => self.refuse(name, None, "must be UTF-8 text".to_owned()),
                None => {}
            }
        }
        variables
    }

    /// A name with the prefix wins over the same name without it in the same source.
    fn add_variables(&mut self, variables: &HashMap<String, Variable>) {
        let mut given = Vec::new();
        for (name, key) in BARE {
            if let Some(Variable { text, origin }) = variables.get(name) {
                given.extend(self.variable(key, text, origin.clone()));
            }
        }
        self.add(given);
        let mut given = Vec::new();
        for (name, Variable { text, origin }) in variables {
            let Some(key) = name.strip_prefix(PREFIX) else {
                continue;
            };
            let origin = origin.clone();
            if self.is_setting(&key.to_lowercase()) && *key == key.to_uppercase() {
                given.extend(self.variable(&key.to_lowercase(), text, origin));
                continue;
            }
            match foreign::owner(name, text) {
                Some(Foreign::Service) => drop(self.of_services.insert(name.clone())),
                Some(Foreign::Other) => {}
                None => self.refuse_unknown_variable(name, origin),
            }
        }
        self.add(given);
    }

    fn refuse_unknown_variable(&mut self, name: &str, origin: String) {
        let names: Vec<String> = self
            .entries
            .keys()
            .map(|known| format!("{PREFIX}{}", known.to_uppercase()))
            .collect();
        let message = error::unknown(name, names.iter().map(String::as_str));
        self.refuse(name, Some(origin), message);
    }

    /// An empty variable counts as not set: container tools pass a variable that they do not have as empty.
    fn variable(&mut self, key: &str, text: &str, origin: String) -> Option<Given> {
        if text.is_empty() {
            None
        } else {
            self.typed(key, text, origin)
        }
    }

    fn add_flags(&mut self, flags: &Flags) {
        let mut given = Vec::new();
        for (flag, key, text) in flags.named() {
            given.extend(self.typed(key, text, format!("flag {flag}")));
        }
        for pair in &flags.set {
            match pair.split_once('=') {
                Some((key, text)) => given.extend(self.typed(key.trim(), text, "flag --set".to_owned())),
                None => self.refuse("--set", None, "must be KEY=VALUE".to_owned()),
            }
        }
        self.add(given);
    }

    /// Parses a text as the type of the setting's default.
    fn typed(&mut self, key: &str, text: &str, origin: String) -> Option<Given> {
        let read = match self.entries.get(key).map(|entry| &entry.value) {
            Some(Value::Integer(_)) => text
                .trim()
                .parse()
                .map(Value::Integer)
                .map_err(|_| "a whole number"),
            Some(Value::Boolean(_)) => text
                .trim()
                .parse()
                .map(Value::Boolean)
                .map_err(|_| "true or false"),
            Some(Value::Array(_)) => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                Ok(Value::Array(
                    items.map(|item| Value::String(item.to_owned())).collect(),
                ))
            }
            _ => Ok(Value::String(text.to_owned())),
        };
        match read {
            Ok(value) => Some((key.to_owned(), value, origin)),
            Err(expected) => {
                self.refuse(key, Some(origin), format!("must be {expected}, not {text:?}"));
                None
            }
        }
    }

    /// Replaces the values of weaker sources by the given ones.
    fn add(&mut self, given: Vec<Given>) {
        self.given += given.len();
        let names: BTreeSet<String> = given.iter().map(|(key, ..)| key.clone()).collect();
        for (key, value, origin) in given {
            if let Some(entry) = self.entries.get_mut(&key) {
                *entry = Entry {
                    value,
                    origin: Some(origin),
                };
            } else if let Some(secret) = secret_in_file(&key) {
                if names.contains(secret) {
                    self.refuse(
                        &key,
                        Some(origin),
                        format!("{secret} is set too; set only one of the two"),
                    );
                } else {
                    self.add_secret_file(secret, &key, &value, &origin);
                }
            } else {
                let message = error::unknown(&key, self.entries.keys().map(String::as_str));
                self.refuse(&key, Some(origin), message);
            }
        }
    }

    fn add_secret_file(&mut self, secret: &str, key: &str, path: &Value, origin: &str) {
        let Some(path) = path.as_str() else {
            return self.refuse(
                key,
                Some(origin.to_owned()),
                "must be the path of a file".to_owned(),
            );
        };
        if path.is_empty() {
            return;
        }
        match file::read(Path::new(path)) {
            // a mount that failed often leaves such a file; without this the node would run without the secret
            Ok(text) if text.trim().is_empty() => {
                self.refuse(
                    key,
                    Some(origin.to_owned()),
                    format!("file {path} is empty; write the value of {secret} into it"),
                );
            }
            Ok(text) => {
                let value = Value::String(text.trim_end_matches(['\r', '\n']).to_owned());
                let origin = Some(format!("{origin}, read from {path}"));
                self.entries.insert(secret.to_owned(), Entry { value, origin });
            }
            Err(unread) => {
                let reason = unread.reason();
                self.refuse(
                    key,
                    Some(origin.to_owned()),
                    format!("file {path} cannot be read: {reason}"),
                );
            }
        }
    }

    fn is_setting(&self, key: &str) -> bool {
        self.entries.contains_key(key) || secret_in_file(key).is_some()
    }

    fn refuse(&mut self, setting: &str, origin: Option<String>, message: String) {
        self.problems.push(Problem {
            setting: setting.to_owned(),
            origin,
            message,
        });
    }
}

/// Whether a setting's value must not be shown.
pub(super) fn is_secret(key: &str) -> bool {
    SECRETS.contains(&key)
}

/// The secret that a file's setting stands for: `jwt_secret` for `jwt_secret_file`.
fn secret_in_file(key: &str) -> Option<&str> {
    key.strip_suffix("_file").filter(|secret| is_secret(secret))
}
