//! The rules between settings, and what production refuses. Does not know where values come from.

use secrecy::{ExposeSecret, SecretString};

use super::read::Reader;
use super::{Environment, Settings, secret};
use crate::auth::passwords::check_new;

/// Notes every rule that the settings break.
pub(super) fn check(settings: &Settings, reader: &mut Reader) {
    always(settings, reader);
    if settings.environment == Environment::Production {
        production(settings, reader);
    }
}

fn always(settings: &Settings, reader: &mut Reader) {
    if (1..settings.ring_bytes_per_topic).contains(&settings.ring_budget_bytes) {
        let least = settings.ring_bytes_per_topic;
        reader.refuse(
            "ring_budget_bytes",
            format!("takes at least ring_bytes_per_topic, {least}"),
        );
    }
    if !settings.drain_delay.is_zero() && settings.drain_delay >= settings.drain {
        let less = settings.drain.as_secs();
        reader.refuse(
            "drain_delay_seconds",
            format!("takes less than drain_seconds, {less}"),
        );
    }
    // taken and not done, it would promise a safety that is not there
    if settings.require_verified_email {
        reader.refuse(
            "require_verified_email",
            "takes false: this version cannot verify addresses",
        );
    }
    if settings.smtp_url.is_some() && reader.text("mail_from").trim().is_empty() {
        reader.refuse(
            "mail_from",
            "must be set with smtp_url: a sender, like Taskwire <tasks@example.com>",
        );
    }
    match (&settings.admin_email, &settings.admin_password) {
        (Some(_), None) => reader.refuse(
            "admin_password",
            "must be set with admin_email (or admin_password_file)",
        ),
        (None, Some(_)) if reader.text("admin_email").trim().is_empty() => {
            reader.refuse("admin_email", "must be set with admin_password");
        }
        _ => {}
    }
    if let Some(password) = &settings.admin_password {
        let known: Vec<&str> = settings.admin_email.as_deref().into_iter().collect();
        if let Err(failure) = check_new(password.expose_secret(), &known) {
            reader.refuse("admin_password", failure.message);
        }
    }
}

fn production(settings: &Settings, reader: &mut Reader) {
    if settings.allowed_origins.any {
        reader.refuse(
            "allowed_origins",
            "\"*\" is refused in production; takes a list of origins",
        );
    }
    if reader.text("public_url").trim().is_empty() {
        reader.refuse(
            "public_url",
            "must be set in production: the node's address, like https://tasks.example.com",
        );
    }
    if settings.jwt_secret.is_none() {
        reader.refuse(
            "jwt_secret",
            "must be set in production: at least 32 bytes, as TASKWIRE_JWT_SECRET or in a file named by \
             TASKWIRE_JWT_SECRET_FILE; `openssl rand -base64 48` makes one",
        );
    }
    refuse_weak("jwt_secret", settings.jwt_secret.as_ref(), reader);
    refuse_weak(
        "jwt_secret_previous",
        settings.jwt_secret_previous.as_ref(),
        reader,
    );
}

fn refuse_weak(key: &str, set: Option<&SecretString>, reader: &mut Reader) {
    if let Some(weakness) = set.and_then(|set| secret::weakness(set.expose_secret())) {
        reader.refuse(
            key,
            format!("{weakness}; production takes at least 32 random bytes"),
        );
    }
}
