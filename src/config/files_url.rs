//! The address of a bucket for files: `s3://KEY:SECRET@BUCKET/PREFIX?region=REGION&endpoint=URL`. Does not connect. A
//! reason quotes no value: any part may be a secret with a character that is not escaped.

use std::str::FromStr;

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::urls::check_characters;

const EXPECTED: &str = "s3://KEY:SECRET@BUCKET/PREFIX?region=REGION&endpoint=https://HOST";
/// The region where none is given; services other than AWS mostly do not care.
const REGION: &str = "us-east-1";

/// A bucket, and how to reach it.
#[derive(Clone, Debug)]
pub struct FilesUrl {
    /// The bucket.
    pub bucket: String,
    /// What all names in the bucket begin with; empty for nothing.
    pub prefix: String,
    /// The region.
    pub region: String,
    /// The service's address; `None` for AWS.
    pub endpoint: Option<String>,
    /// The id of the access key.
    pub key: SecretString,
    /// The secret access key.
    pub secret: SecretString,
}

impl FromStr for FilesUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        read(text).map_err(|reason| format!("{EXPECTED} ({reason})"))
    }
}

fn read(text: &str) -> Result<FilesUrl, String> {
    check_characters(text)?;
    let url = Url::parse(text).map_err(|_| "it is no URL".to_owned())?;
    if url.scheme() != "s3" {
        return Err("only s3 is known".to_owned());
    }
    if url.fragment().is_some() || url.port().is_some() {
        return Err("it has no port and no #; write / + # in the secret as %2F %2B %23".to_owned());
    }
    let bucket = url.host_str().unwrap_or_default().to_owned();
    check_bucket(&bucket)?;
    let (key, secret) = (
        decoded(url.username())?,
        decoded(url.password().unwrap_or_default())?,
    );
    if key.expose_secret().is_empty() || secret.expose_secret().is_empty() {
        return Err("the access key is missing: KEY:SECRET@; write / + in the secret as %2F %2B".to_owned());
    }
    let prefix = url.path().trim_matches('/').to_owned();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
    if !prefix.bytes().all(plain)
        || prefix
            .split('/')
            .any(|part| part.is_empty() && !prefix.is_empty())
    {
        return Err("PREFIX takes A-Z a-z 0-9 - _ . and single slashes".to_owned());
    }
    let (region, endpoint) = parameters(&url)?;
    Ok(FilesUrl {
        bucket,
        prefix,
        region,
        endpoint,
        key,
        secret,
    })
}

fn parameters(url: &Url) -> Result<(String, Option<String>), String> {
    let (mut region, mut endpoint) = (None, None);
    for (name, value) in url.query_pairs() {
        let taken = match &*name {
            "region" => region.replace(check_region(&value)?),
            "endpoint" => endpoint.replace(check_endpoint(&value)?),
            _ => return Err("it has an unknown parameter; known: region, endpoint".to_owned()),
        };
        if taken.is_some() {
            return Err("a parameter is given twice".to_owned());
        }
    }
    Ok((region.unwrap_or_else(|| REGION.to_owned()), endpoint))
}

fn check_bucket(bucket: &str) -> Result<(), String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._".contains(&byte);
    if (3..=63).contains(&bucket.len()) && bucket.bytes().all(plain) {
        Ok(())
    } else {
        Err("BUCKET takes 3 to 63 characters of a-z 0-9 - . _".to_owned())
    }
}

fn check_region(region: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if !region.is_empty() && region.len() <= 64 && region.bytes().all(plain) {
        Ok(region.to_owned())
    } else {
        Err("region takes A-Z a-z 0-9 -".to_owned())
    }
}

fn check_endpoint(endpoint: &str) -> Result<String, String> {
    let wrong = || "endpoint must be http://HOST or https://HOST, with a port if it has its own".to_owned();
    let url = Url::parse(endpoint).map_err(|_| wrong())?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let unnamed = url.username().is_empty() && url.password().is_none();
    let known =
        matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(|host| !host.is_empty());
    if known && bare && unnamed {
        Ok(endpoint.trim_end_matches('/').to_owned())
    } else {
        Err(wrong())
    }
}

/// Undoes the escapes of a part.
fn decoded(part: &str) -> Result<SecretString, String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes().iter();
    while let Some(byte) = rest.next() {
        let byte = if *byte == b'%' {
            let digits: Vec<u8> = rest.by_ref().take(2).copied().collect();
            let number = std::str::from_utf8(&digits).ok().filter(|two| two.len() == 2);
            number
                .and_then(|two| u8::from_str_radix(two, 16).ok())
                .ok_or("a % in the key or secret is written as %25")?
        } else {
            *byte
        };
        bytes.push(byte);
    }
    let text = String::from_utf8(bytes).map_err(|_| "the key or secret is no text".to_owned())?;
    if text.contains(char::is_control) {
        return Err("the key or secret has a control character".to_owned());
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_read_with_everything_that_reaches_it() {
        let url: FilesUrl =
            "s3://AKIA1:a%2Fb%2Bc@photos/team/a?endpoint=http://127.0.0.1:9000/&region=eu-west-1"
                .parse()
                .expect("a bucket");
        assert_eq!(
            (&*url.bucket, &*url.prefix, &*url.region),
            ("photos", "team/a", "eu-west-1")
        );
        assert_eq!(url.endpoint.as_deref(), Some("http://127.0.0.1:9000"));
        assert_eq!(
            (url.key.expose_secret(), url.secret.expose_secret()),
            ("AKIA1", "a/b+c")
        );
        let short: FilesUrl = "s3://k:s3cret@bucket".parse().expect("a bucket");
        assert_eq!(
            (&*short.prefix, &*short.region, short.endpoint),
            ("", "us-east-1", None)
        );
        assert!(!format!("{url:?}").contains("a/b+c"));
    }

    #[test]
    fn what_is_malformed_is_refused_and_no_secret_is_quoted() {
        for (wrong, reason) in [
            ("https://k:s3cret@bucket", "only s3"),
            ("s3://bucket", "access key is missing"),
            ("s3://s3cret@bucket", "access key is missing"),
            ("s3://k:s3/cret@bucket/x", ""),
            ("s3://k:s3cret@bu", "BUCKET"),
            ("s3://k:s3cret@Bucket!", ""),
            ("s3://k:s3cret@bucket:9000/x", "no port"),
            ("s3://k:s3cret@bucket/a//b", "PREFIX"),
            ("s3://k:s3cret@bucket/a b", "PREFIX"),
            ("s3://k:s3cret@bucket?regoin=x", "known: region, endpoint"),
            ("s3://k:s3cret@bucket?region=a&region=b", "twice"),
            ("s3://k:s3cret@bucket?region=", "region takes"),
            ("s3://k:s3cret@bucket?endpoint=ftp://h", "endpoint must be"),
            ("s3://k:s3cret@bucket?endpoint=http://h/path", "endpoint must be"),
            ("s3://k:s3cret@bucket?endpoint=http://u:p@h", "endpoint must be"),
            ("s3://k:s3%zzcret@bucket", "%25"),
            ("s3://k:s3\ncret@bucket", "control character"),
            ("s3", "no URL"),
        ] {
            let refused = wrong.parse::<FilesUrl>().expect_err(wrong);
            assert!(refused.contains(reason), "{wrong}: {refused}");
            assert!(
                !refused.contains("s3cret") && !refused.contains("cret@"),
                "{wrong}: {refused}"
            );
        }
    }
}
