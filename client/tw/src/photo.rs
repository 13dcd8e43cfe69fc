//! `profile photo`: the picture of one's own account, over HTTP.

use crate::{connect::Context, fault::Fault, waiting::waiting};
use std::{fs::File, io::Read as _, path::Path};
use taskwire_client::protocol::account::User;

const PATH: &str = "v1/profile/photo";
/// The server takes no larger one.
const BYTES: u64 = 5_000_000;

/// Sets the photo, or removes it without a file.
pub(crate) async fn change(context: &Context, file: Option<&Path>) -> Result<User, Fault> {
    let picture = file.map(read).transpose()?;
    let http = context.http().await?.signed_in(context.access_token().await?);
    let answer = async {
        match &picture {
            Some((media_type, bytes)) => http.put(PATH, media_type, bytes).await,
            None => http.delete(PATH).await,
        }
    };
    Ok(waiting(&context.answer(), answer).await?.read()?)
}

/// The picture with its media type.
fn read(path: &Path) -> Result<(&'static str, Vec<u8>), Fault> {
    let named = |error: std::io::Error| Fault::other(format!("{}: {error}", path.display()));
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(named)?;
    file.take(BYTES + 1).read_to_end(&mut bytes).map_err(named)?;
    if bytes.len() as u64 > BYTES {
        return Err(Fault::usage(format!("{} has more than 5 MB", path.display())));
    }
    let media_type = media_type(&bytes)
        .ok_or_else(|| Fault::usage(format!("{} is no JPG, PNG, WebP or GIF", path.display())))?;
    Ok((media_type, bytes))
}

fn media_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::media_type;

    #[test]
    fn a_picture_is_known_by_its_first_bytes() {
        assert_eq!(media_type(b"RIFF\0\0\0\0WEBPVP8 "), Some("image/webp"));
        assert_eq!(media_type(b"GIF89a"), Some("image/gif"));
        assert_eq!(media_type(b"<svg>"), None);
        assert_eq!(media_type(b""), None);
    }
}
