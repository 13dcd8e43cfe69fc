//! The rules between settings, and what production refuses. Does not know where values come from.

use secrecy::{ExposeSecret, SecretString};

use super::read::Reader;
use super::{Environment, Settings, secret};
use crate::auth::passwords::check_new;

/// Reports every rule that the settings break.
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
            format!("must be at least ring_bytes_per_topic, which is {least}"),
        );
    }
    if !settings.drain_delay.is_zero() && settings.drain_delay >= settings.drain {
        let less = settings.drain.as_secs();
        reader.refuse(
            "drain_delay_seconds",
            format!("must be less than drain_seconds, which is {less}"),
        );
    }
    if settings.smtp_url.is_some() && reader.text("mail_from").trim().is_empty() {
        reader.refuse(
            "mail_from",
            "must be set when smtp_url is set: the sender, like Taskwire <tasks@example.com>",
        );
    }
    match (&settings.admin_email, &settings.admin_password) {
        (Some(_), None) => reader.refuse(
            "admin_password",
            "must be set when admin_email is set (or set admin_password_file)",
        ),
        (None, Some(_)) if reader.text("admin_email").trim().is_empty() => {
            reader.refuse("admin_email", "must be set when admin_password is set");
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
            "must not be \"*\" in production: list the origins",
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
             TASKWIRE_JWT_SECRET_FILE; `openssl rand -base64 48` generates one",
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
            format!("{weakness}; production needs at least 32 random bytes"),
        );
    }
}
