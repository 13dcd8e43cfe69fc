//! The formats of pictures that are accepted, by media type and by their first bytes.

use image::ImageFormat;

/// A format of pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// GIF. Of an animation the first frame counts.
    Gif,
    /// WebP. Of an animation the first frame counts.
    WebP,
}

/// The accepted media types, for messages.
pub const MEDIA_TYPES: &str = "image/jpeg, image/png, image/webp or image/gif";

impl Kind {
    /// The format that a `Content-Type` names.
    pub fn of_media_type(content_type: &str) -> Option<Kind> {
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        let all = [Kind::Jpeg, Kind::Png, Kind::Gif, Kind::WebP];
        all.into_iter()
            .find(|kind| kind.media_type().eq_ignore_ascii_case(media_type))
    }

    /// The format that the first bytes of a file show.
    pub fn of_bytes(bytes: &[u8]) -> Option<Kind> {
        match bytes {
            [0xFF, 0xD8, 0xFF, ..] => Some(Kind::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Some(Kind::Png),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Kind::Gif),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Kind::WebP),
            _ => None,
        }
    }

    /// The media type.
    pub fn media_type(self) -> &'static str {
        self.format().to_mime_type()
    }

    pub(super) fn format(self) -> ImageFormat {
        match self {
            Kind::Jpeg => ImageFormat::Jpeg,
            Kind::Png => ImageFormat::Png,
            Kind::Gif => ImageFormat::Gif,
            Kind::WebP => ImageFormat::WebP,
        }
    }
}
