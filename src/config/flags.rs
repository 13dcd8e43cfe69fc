//! Settings on the command line. Those that are typed often have their own flag; `--set` is for all others. Does not
//! know which values are valid: a flag's text is read like an environment variable's.

use std::path::PathBuf;

use clap::Args;

/// The settings given on the command line, the strongest source. No `Debug`: the values may hold secrets.
#[derive(Args, Clone, Default)]
#[command(next_help_heading = "Settings")]
pub struct Flags {
    /// Read settings from this file (TOML, as in config.default.toml)
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", global = true)]
    pub listen: Option<String>,
    /// Folder for everything kept on disk
    #[arg(long, value_name = "FOLDER", global = true)]
    pub data_dir: Option<String>,
    /// sqlite:PATH or postgres://… (others on this machine can see flags: keep passwords in the environment)
    #[arg(long, value_name = "URL", global = true)]
    pub database_url: Option<String>,
    /// redis://… of the Redis that instances share
    #[arg(long, value_name = "URL", global = true)]
    pub redis_url: Option<String>,
    /// development or production
    #[arg(long, value_name = "NAME", global = true)]
    pub environment: Option<String>,
    /// off, error, warn, info, debug or trace, with exceptions: info,taskwire::engine=debug
    #[arg(long, value_name = "LEVEL", global = true)]
    pub log_level: Option<String>,
    /// pretty or json
    #[arg(long, value_name = "FORMAT", global = true)]
    pub log_format: Option<String>,
    /// Any setting by its name; may be repeated
    #[arg(long, value_name = "KEY=VALUE", global = true)]
    pub set: Vec<String>,
}

impl Flags {
    /// The settings that have their own flag, as (flag, setting, text).
    pub(super) fn named(&self) -> impl Iterator<Item = (&'static str, &'static str, &str)> {
        [
            ("--listen", "listen", &self.listen),
            ("--data-dir", "data_dir", &self.data_dir),
            ("--database-url", "database_url", &self.database_url),
            ("--redis-url", "redis_url", &self.redis_url),
            ("--environment", "environment", &self.environment),
            ("--log-level", "log_level", &self.log_level),
            ("--log-format", "log_format", &self.log_format),
        ]
        .into_iter()
        .filter_map(|(flag, key, text)| text.as_deref().map(|text| (flag, key, text)))
    }
}
