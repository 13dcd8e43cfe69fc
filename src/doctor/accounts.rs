//! Checks settings that each make sense alone, but with which in production people cannot sign in, or are not protected. In
//! development a weak secret is allowed, as long as nobody else reaches the node.

use super::Finding;
use crate::config::{Environment, PublicUrl, Settings};

pub(super) fn findings(settings: &Settings) -> Vec<Finding> {
    if settings.environment != Environment::Production {
        return vec![match settings.weak_secret() {
            Some(why) if !settings.listen.is_loopback() => {
                let found = format!("jwt_secret {why}, and others reach {}", settings.listen);
                let advice =
                    "use at least 32 random bytes (`openssl rand -base64 48`), or listen on 127.0.0.1";
                Finding::warning("accounts", found).advise(advice)
            }
            _ => Finding::off("accounts", "checked in production only"),
        }];
    }
    let mut findings = Vec::new();
    if settings.require_verified_email && settings.smtp_url.is_none() {
        let found = "require_verified_email is set, but no mail with a code leaves this machine: nobody who signs up gets in";
        findings.push(Finding::warning("accounts", found).advise("set smtp_url and mail_from"));
    }
    let public = settings.public_url.as_ref().map(PublicUrl::as_str);
    if public.is_some_and(|url| url.starts_with("http://")) {
        let found =
            "public_url is http: browsers do not keep the cookie of a sign-in, which is for https only";
        findings.push(Finding::warning("accounts", found).advise("serve https, and set public_url to it"));
    }
    if !settings.rate_limit_enabled {
        let found = "rate_limit_enabled is false: passwords and codes can be guessed without end";
        findings.push(Finding::warning("accounts", found).advise("set rate_limit_enabled to true"));
    }
    if findings.is_empty() {
        findings.push(Finding::ok("accounts", "mail, address and limits fit production"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::findings;
    use crate::config::Settings;
    use crate::doctor::Outcome;

    fn of(pairs: &[(&str, &str)]) -> Vec<(Outcome, String)> {
        let mut all = vec![
            ("environment", "production"),
            ("jwt_secret", "0123456789abcdef0123456789abcdef"),
        ];
        all.extend(pairs);
        let settings = Settings::from_pairs(&all).expect("settings");
        findings(&settings)
            .into_iter()
            .map(|it| (it.outcome, it.found))
            .collect()
    }

    #[test]
    fn a_weak_secret_is_named_where_others_reach_the_node() {
        let of = |secret, listen| {
            let pairs = [("jwt_secret", secret), ("listen", listen)];
            let settings = Settings::from_pairs(&pairs).expect("settings");
            let finding = findings(&settings).remove(0);
            (finding.outcome, finding.found)
        };
        let (strong, weak) = ("0123456789abcdef0123456789abcdef", "a short one");
        for (secret, listen) in [
            (weak, "127.0.0.1:80"),
            (weak, "[::1]:80"),
            (strong, "0.0.0.0:80"),
            ("", "0.0.0.0:80"),
        ] {
            assert_eq!(of(secret, listen).0, Outcome::Off, "{secret} {listen}");
        }
        for listen in ["0.0.0.0:80", "tasks.example.com:80"] {
            let (outcome, found) = of(weak, listen);
            assert_eq!(outcome, Outcome::Warning, "{found}");
            assert!(
                found.starts_with("jwt_secret is shorter") && !found.contains(weak),
                "{found}"
            );
        }
    }

    #[test]
    fn settings_that_lock_people_out_are_named() {
        let good = of(&[("public_url", "https://tasks.example.com")]);
        assert_eq!(
            good.iter().map(|(outcome, _)| *outcome).collect::<Vec<_>>(),
            [Outcome::Ok]
        );
        let bad = of(&[
            ("public_url", "http://tasks.example.com"),
            ("require_verified_email", "true"),
            ("rate_limit_enabled", "false"),
        ]);
        for (setting, (outcome, found)) in ["require_verified_email", "public_url", "rate_limit_enabled"]
            .iter()
            .zip(&bad)
        {
            assert_eq!(*outcome, Outcome::Warning);
            assert!(found.starts_with(setting), "{found}");
        }
        assert_eq!(bad.len(), 3);
    }
}
