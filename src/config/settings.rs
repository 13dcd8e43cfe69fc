//! The table of settings: the name, the type and how the value is read. The manual (`config.default.toml`) says what
//! each does.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use tracing_subscriber::filter::Targets;

use super::files_url::FilesUrl;
use super::read::Reader;
use super::values::{self, DatabaseUrl, Environment, Listen, LogFormat, Network};
use super::web::{AllowedHost, AllowedOrigins, PublicUrl};

const MINUTE: u64 = 60;
const DAY: u64 = 86_400;

macro_rules! settings {
    (
        $(#[$about:meta])*
        ($from:ident)
        { $( $(#[$doc:meta])* $name:ident: $type:ty = $value:expr; )* }
    ) => {
        $(#[$about])*
        pub struct Settings { $( $(#[$doc])* pub $name: $type, )* }

        impl Settings {
            /// Reads every setting. The reader collects the problems.
            pub(super) fn read($from: &mut Reader) -> Settings {
                Settings { $( $name: $value, )* }
            }
        }
    };
}

settings! {
    /// Every setting, typed and checked. A field has the name of its setting, a duration without the unit. The
    /// manual (`config.default.toml`) says what each does.
    #[derive(Clone, Debug)]
    #[allow(
        missing_docs,
        reason = "the manual of settings is config.default.toml, and has a sentence for each"
    )]
    (from)
    {
        listen: Listen = from.required("listen", str::parse);
        data_dir: PathBuf = data_dir(from);
        environment: Environment = from.required("environment", str::parse);
        /// Never empty: a random name if none is set.
        instance: String = from
            .parsed("instance", values::instance_name)
            .unwrap_or_else(random_name);
        drain: Duration = from.duration("drain_seconds", 1, 0..=3600);
        drain_delay: Duration = from.duration("drain_delay_seconds", 1, 0..=3600);

        database_url: DatabaseUrl = from
            .parsed("database_url", str::parse)
            .unwrap_or_else(|| DatabaseUrl::Sqlite {
                path: data_dir(from).join("taskwire.db"),
            });
        database_connections: u32 = from.whole("database_connections", 1..=1000);
        reader_share_percent: usize = from.whole("reader_share_percent", 1..=100);
        database_lanes: usize = from.whole("database_lanes", 1..=16);
        /// `None`: no limit but the disk.
        database_max_bytes: Option<u64> = bytes(from, "database_max_bytes");
        query_timeout: Duration = from.duration("query_timeout_seconds", 1, 1..=25);
        redis_url: Option<SecretString> = from.parsed("redis_url", values::redis_url);
        redis_prefix: String = from.required("redis_prefix", values::prefix);
        /// `None`: the folder `files` in `data_dir`.
        files_url: Option<FilesUrl> = from.parsed("files_url", str::parse);

        public_url: Option<PublicUrl> = from.parsed("public_url", str::parse);
        allowed_origins: AllowedOrigins = AllowedOrigins::collect(from.list("allowed_origins", str::parse));
        /// As set; [`Settings::hosts`] gives those to compare with.
        allowed_hosts: Vec<AllowedHost> = from.list("allowed_hosts", str::parse);
        trusted_proxies: Vec<Network> = from.list("trusted_proxies", str::parse);

        /// As set; [`Settings::jwt_keys`] gives the keys to use.
        jwt_secret: Option<SecretString> = from.secret("jwt_secret");
        jwt_secret_previous: Option<SecretString> = from.secret("jwt_secret_previous");
        access_token: Duration = from.duration("access_token_minutes", MINUTE, 1..=1440);
        refresh_token: Duration = from.duration("refresh_token_days", DAY, 1..=365);
        session: Duration = from.duration("session_days", DAY, 1..=3650);
        require_verified_email: bool = from.truth("require_verified_email");
        /// Never 0: see [`values::hashing_threads`].
        password_hash_concurrency: usize = values::hashing_threads(
            from.whole("password_hash_concurrency", 0..=1024),
            std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        );
        sessions_per_user: u64 = from.whole("sessions_per_user", 1..=500);
        api_tokens_per_user: usize = from.whole("api_tokens_per_user", 0..=10_000);
        admin_email: Option<String> = from.parsed("admin_email", values::account_email);
        admin_password: Option<SecretString> = from.secret("admin_password");

        smtp_url: Option<SecretString> = from.parsed("smtp_url", values::smtp_url);
        smtp_ca_file: Option<PathBuf> = from.parsed("smtp_ca_file", values::certificates);
        mail_from: Option<String> = from.parsed("mail_from", values::mailbox);

        rate_limit_enabled: bool = from.truth("rate_limit_enabled");
        rate_limit_requests: u32 = from.whole("rate_limit_requests", 1..=1_000_000);
        rate_limit_window: Duration = from.duration("rate_limit_window_seconds", 1, 1..=DAY);
        strangers_per_hour: u32 = from.whole("strangers_per_hour", 1..=10_000);
        ops_per_second: u32 = from.whole("ops_per_second", 1..=1_000_000);
        ops_burst: u32 = from.whole("ops_burst", 1..=1_000_000);
        user_ops_per_second: u32 = from.whole("user_ops_per_second", 1..=1_000_000);
        user_ops_burst: u32 = from.whole("user_ops_burst", 1..=1_000_000);
        address_ops_per_second: u32 = from.whole("address_ops_per_second", 1..=1_000_000);
        address_ops_burst: u32 = from.whole("address_ops_burst", 1..=10_000_000);
        sockets_per_user: usize = from.whole("sockets_per_user", 1..=100_000);
        /// `None`: no limit.
        workspaces_per_user: Option<u64> = bound(from, "workspaces_per_user");
        comments_per_task: Option<u64> = bound(from, "comments_per_task");
        subtasks_per_task: Option<u64> = bound(from, "subtasks_per_task");
        attachments_per_task: Option<u64> = bound(from, "attachments_per_task");
        attachment_bytes: u64 = from.whole("attachment_bytes", 1..=10_000_000_000);
        import_bytes: usize = from.whole("import_bytes", 1024..=1_000_000_000);
        /// `None`: no limit.
        members_per_workspace: Option<u64> = bound(from, "members_per_workspace");
        tasks_per_workspace: Option<u64> =
            Some(from.whole("tasks_per_workspace", 0..=1_000_000_000)).filter(|most| *most > 0);
        projects_per_workspace: Option<u64> = bound(from, "projects_per_workspace");
        tags_per_workspace: Option<u64> = bound(from, "tags_per_workspace");
        invites_per_workspace: Option<u64> = bound(from, "invites_per_workspace");
        plan_free_workspaces: Option<u64> = bound(from, "plan_free_workspaces");
        plan_free_members: Option<u64> = bound(from, "plan_free_members");
        plan_free_storage_bytes: Option<u64> = bytes(from, "plan_free_storage_bytes");
        plan_pro_workspaces: Option<u64> = bound(from, "plan_pro_workspaces");
        plan_pro_members: Option<u64> = bound(from, "plan_pro_members");
        plan_pro_storage_bytes: Option<u64> = bytes(from, "plan_pro_storage_bytes");
        max_connections: usize = from.whole("max_connections", 64..=1_000_000);
        /// Percent.
        address_share: u32 = from.whole("address_share", 1..=100);
        /// `None`: derived from the system's limit of open files.
        max_sockets: Option<usize> = Some(from.whole("max_sockets", 0..=10_000_000)).filter(|most| *most > 0);
        sockets_admitted_per_second: u32 = from.whole("sockets_admitted_per_second", 1..=1_000_000);
        sockets_admitted_burst: u32 = from.whole("sockets_admitted_burst", 1..=10_000_000);
        frame_bytes: usize = from.whole("frame_bytes", 1024..=1 << 24);
        in_flight: usize = from.whole("in_flight", 1..=10_000);
        batch_ops: usize = from.whole("batch_ops", 1..=1000);
        streams_per_socket: usize = from.whole("streams_per_socket", 1..=10_000);

        heartbeat: Duration = from.duration("heartbeat_seconds", 1, 1..=3600);
        handshake_timeout: Duration = from.duration("handshake_timeout_seconds", 1, 1..=300);
        auth_timeout: Duration = from.duration("auth_timeout_seconds", 1, 1..=300);
        auth_grace: Duration = from.duration("auth_grace_seconds", 1, 0..=3600);
        /// `None`: no limit.
        socket_max_age: Option<Duration> = Some(from.duration("socket_max_age_minutes", MINUTE, 0..=10_080))
            .filter(|age| !age.is_zero());
        socket_queue_bytes: usize = from.whole("socket_queue_bytes", 1 << 14..=1 << 26);

        /// `None`: for ever.
        log_retention: Option<Duration> = Some(from.duration("log_retention_days", DAY, 0..=36_500))
            .filter(|kept| !kept.is_zero());
        log_retention_events: u64 = from.whole("log_retention_events", 0..=1_000_000_000);
        /// `None`: for ever.
        notification_retention: Option<Duration> =
            Some(from.duration("notification_retention_days", DAY, 0..=36_500)).filter(|kept| !kept.is_zero());
        /// How long a deleted task is kept; `None`: for ever.
        deleted_task_retention: Option<Duration> =
            Some(from.duration("deleted_task_retention_days", DAY, 0..=36_500)).filter(|kept| !kept.is_zero());
        op_retention: Duration = from.duration("op_retention_days", DAY, 7..=3650);
        /// 0: none.
        list_index_from: u64 = from.whole("list_index_from", 0..=1_000_000_000);
        /// Below 4 GiB, so that places in its texts fit into 32 bits.
        list_index_bytes: usize = from.whole("list_index_bytes", 0..=1 << 31);
        ring_bytes_per_topic: usize = from.whole("ring_bytes_per_topic", 4096..=1 << 30);
        ring_budget_bytes: usize = from.whole("ring_budget_bytes", 4096..=1 << 40);
        lease: Duration = from.duration("lease_seconds", 1, 1..=3600);
        job_concurrency: usize = from.whole("job_concurrency", 1..=64);

        log_format: LogFormat = log_format(from);
        log_level: Targets = from.required("log_level", values::log_level);
        metrics_enabled: bool = from.truth("metrics_enabled");
        metrics_listen: Option<Listen> = from.parsed("metrics_listen", str::parse);
        metrics_token: Option<SecretString> = from.secret("metrics_token");
    }
}

/// A number of which 0 means no limit.
fn bound(from: &mut Reader, name: &'static str) -> Option<u64> {
    Some(from.whole(name, 0..=1_000_000)).filter(|most| *most > 0)
}

/// A number of bytes of which 0 means no limit.
fn bytes(from: &mut Reader, name: &'static str) -> Option<u64> {
    Some(from.whole(name, 0..=1 << 50)).filter(|most| *most > 0)
}

fn data_dir(from: &mut Reader) -> PathBuf {
    from.required("data_dir", values::folder)
}

/// In production, a program reads the log.
fn log_format(from: &mut Reader) -> LogFormat {
    let wanted = from.parsed("log_format", str::parse);
    wanted.unwrap_or_else(|| match from.text("environment").trim() {
        "production" => LogFormat::Json,
        _ => LogFormat::Pretty,
    })
}

fn random_name() -> String {
    format!("node-{:08x}", rand::random::<u32>())
}
