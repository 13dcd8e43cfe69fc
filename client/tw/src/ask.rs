//! Questions to the person: on a terminal only. Passwords and tokens are typed without an echo.

use crate::{fault::Fault, terminal::note};
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

/// A new password whose second typing differs is asked for again, so many times in all.
const TRIES: u32 = 3;

/// What the command line says, or what the person types.
pub(crate) fn given_or_asked(given: Option<String>, what: &str, argument: &str) -> Result<String, Fault> {
    if let Some(given) = given {
        return Ok(given);
    }
    if !io::stdin().is_terminal() {
        return Err(Fault::usage(format!(
            "standard input is not a terminal; give {argument}"
        )));
    }
    eprint!("{what}: ");
    io::stderr().flush()?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    let line = line.trim();
    if line.is_empty() {
        return Err(Fault::usage(format!("the input was empty; give {argument}")));
    }
    Ok(line.to_owned())
}

/// The password: from standard input, from the environment, or typed. A new one is typed twice.
pub(crate) fn password(stdin: bool, new: bool) -> Result<String, Fault> {
    if stdin {
        return line_of_input("the password");
    }
    if let Some(password) = from_environment("TASKWIRE_PASSWORD") {
        return Ok(password);
    }
    typed_password("Password", new, "--password-stdin or TASKWIRE_PASSWORD")
}

/// The password of an account that is made for somebody else: from standard input, or typed twice.
pub(crate) fn password_of_another(stdin: bool) -> Result<String, Fault> {
    if stdin {
        return line_of_input("the account's password");
    }
    typed_password("Password of the account", true, "--password-stdin")
}

/// The current and the new password: from two lines of standard input, from the environment, or typed.
pub(crate) fn both_passwords(stdin: bool) -> Result<(String, String), Fault> {
    if stdin {
        let current = line_of_input("the current password, and the new one on a second line")?;
        return Ok((current, line_of_input("the new password on a second line")?));
    }
    let current = match from_environment("TASKWIRE_PASSWORD") {
        Some(password) => password,
        None => typed_password("Current password", false, "--password-stdin or TASKWIRE_PASSWORD")?,
    };
    let new = match from_environment("TASKWIRE_NEW_PASSWORD") {
        Some(password) => password,
        None => typed_password("New password", true, "--password-stdin or TASKWIRE_NEW_PASSWORD")?,
    };
    Ok((current, new))
}

/// A line of standard input that is not empty.
pub(crate) fn line_of_input(what: &str) -> Result<String, Fault> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    let line = line.trim_end_matches(['\r', '\n']);
    if line.is_empty() {
        return Err(Fault::usage(format!(
            "standard input has ended or has an empty line; it must contain {what}"
        )));
    }
    Ok(line.to_owned())
}

/// An API token: from a pipe, or typed.
pub(crate) fn api_token() -> Result<String, Fault> {
    let token = if io::stdin().is_terminal() {
        rpassword::prompt_password("API token: ")?
    } else {
        line_of_input("the API token")?
    };
    Ok(token.trim().to_owned())
}

fn from_environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

fn typed_password(what: &str, twice: bool, otherwise: &str) -> Result<String, Fault> {
    if !io::stdin().is_terminal() {
        return Err(Fault::usage(format!(
            "standard input is not a terminal; give the password with {otherwise}"
        )));
    }
    for _ in 0..TRIES {
        let password = rpassword::prompt_password(format!("{what}: "))?;
        if !twice || rpassword::prompt_password("Once more: ")? == password {
            return Ok(password);
        }
        note("the two passwords differ");
    }
    Err(Fault::usage("the two passwords differ; try again"))
}
