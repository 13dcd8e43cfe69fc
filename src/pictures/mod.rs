//! Pictures that people upload. A picture is checked, decoded within limits, and made anew as small squares: nothing of
//! the file itself is kept, neither what it says about place and device nor what else may hide in it. Does not know
//! what the squares are for. Decoding takes up to a second of a CPU, so it does not belong on an async thread.
//!
//! - `kind`    the formats
//! - `extent`  where a picture ends in its file

mod extent;
mod kind;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageReader, ImageResult, Limits};
use std::io::Cursor;
use taskwire_protocol::{ErrorCode, Failure};

pub use kind::{Kind, MEDIA_TYPES};

/// The most pixels of a side.
const SIDE: u32 = 4096;
/// The most bytes of a decoded picture. A decoder may need about twice as much again while it works.
const MEMORY: u64 = 64 << 20;
/// How well a square without transparency is kept (1 to 100).
const QUALITY: u8 = 88;

/// Makes squares of a picture, each with this many pixels a side: the middle of the picture, upright, as a JPEG, or as
/// a PNG if it has transparent parts. The file must be what it is declared to be, and end with the picture.
pub fn squares<const N: usize>(
    bytes: &[u8],
    declared: Kind,
    sides: [u32; N],
) -> Result<[Vec<u8>; N], Failure> {
    check(bytes, declared)?;
    let (middle, orientation) = decode(bytes, declared).map_err(|error| refusal(&error))?;
    let mut squares = [const { Vec::new() }; N];
    for (square, side) in squares.iter_mut().zip(sides) {
        let mut small = middle.resize_exact(side, side, FilterType::CatmullRom);
        small.apply_orientation(orientation);
        *square = encode(&small).map_err(|error| refusal(&error))?;
    }
    Ok(squares)
}

/// Refuses a file that is no picture of the declared format, and one that has more in it than the picture.
fn check(bytes: &[u8], declared: Kind) -> Result<(), Failure> {
    let unsupported = |message: String| Err(Failure::new(ErrorCode::UnsupportedMedia, message));
    match Kind::of_bytes(bytes) {
        None => return unsupported(format!("the body is not a picture of the type {MEDIA_TYPES}")),
        Some(found) if found != declared => {
            let (found, declared) = (found.media_type(), declared.media_type());
            return unsupported(format!("Content-Type is {declared}, but the body is {found}"));
        }
        Some(_) => {}
    }
    match extent::end(declared, bytes) {
        Some(end) if end < bytes.len() => unsupported(
            "there are more bytes behind the end of the picture; save it again with an image editor"
                .to_owned(),
        ),
        Some(_) => Ok(()),
        None => Err(damaged()),
    }
}

/// The largest square in the middle of a picture, and how to turn it upright.
fn decode(bytes: &[u8], kind: Kind) -> ImageResult<(DynamicImage, Orientation)> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE);
    limits.max_image_height = Some(SIDE);
    limits.max_alloc = Some(MEMORY);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), kind.format());
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    limits.check_dimensions(width, height)?;
    limits.reserve(decoder.total_bytes())?;
    // a broken note about the orientation does not make the picture unreadable
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let whole = DynamicImage::from_decoder(decoder)?;
    if width == height {
        return Ok((whole, orientation));
    }
    let side = width.min(height);
    // the middle is the same square however the picture is turned, so it is turned when it is small
    let middle = whole.crop_imm((width - side) / 2, (height - side) / 2, side, side);
    Ok((middle, orientation))
}

fn encode(square: &DynamicImage) -> ImageResult<Vec<u8>> {
    let mut bytes = Vec::new();
    let rgba = square.to_rgba8();
    if square.color().has_alpha() && rgba.pixels().any(|pixel| pixel.0[3] < u8::MAX) {
        DynamicImage::ImageRgba8(rgba).write_with_encoder(PngEncoder::new(&mut bytes))?;
    } else {
        let rgb = DynamicImage::ImageRgb8(square.to_rgb8());
        rgb.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY))?;
    }
    Ok(bytes)
}

fn refusal(error: &ImageError) -> Failure {
    tracing::debug!(error = %error, "a picture cannot be decoded");
    match error {
        ImageError::Limits(_) => Failure::invalid(
            "photo",
            format!(
                "the picture is too large: at most {SIDE} pixels a side, and {} MiB when it is decoded",
                MEMORY >> 20
            ),
        ),
        _ => damaged(),
    }
}

fn damaged() -> Failure {
    Failure::invalid("photo", "the picture is damaged or incomplete")
}

#[cfg(test)]
mod tests;
