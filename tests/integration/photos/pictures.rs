//! Pictures that tests upload, made here, and what is wrong with some of them.

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use std::io::Cursor;

/// Media types and formats that are accepted.
pub const FORMATS: [(&str, ImageFormat); 4] = [
    ("image/jpeg", ImageFormat::Jpeg),
    ("image/png", ImageFormat::Png),
    ("image/webp", ImageFormat::WebP),
    ("image/gif", ImageFormat::Gif),
];

/// A picture of one colour in a format.
pub fn picture(format: ImageFormat, colour: [u8; 3], width: u32, height: u32) -> Vec<u8> {
    encoded(&RgbImage::from_pixel(width, height, Rgb(colour)).into(), format)
}

/// A small PNG of one colour.
pub fn png(colour: [u8; 3]) -> Vec<u8> {
    picture(ImageFormat::Png, colour, 90, 60)
}

/// A PNG in which no two pixels are alike, so that it stays large in every format.
pub fn noise() -> Vec<u8> {
    let mut random = SmallRng::seed_from_u64(3);
    let noise = RgbImage::from_fn(256, 256, |_, _| Rgb(random.random()));
    encoded(&noise.into(), ImageFormat::Png)
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).expect("encoded");
    bytes.into_inner()
}

/// A JPEG from a camera: red on the left, blue on the right, to be turned clockwise, and taken at a place.
pub fn from_a_camera() -> Vec<u8> {
    let halves = RgbImage::from_fn(200, 100, |x, _| {
        if x < 100 {
            Rgb([230, 20, 20])
        } else {
            Rgb([20, 20, 230])
        }
    });
    let mut bytes = encoded(&halves.into(), ImageFormat::Jpeg);
    let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x02\0".to_vec();
    exif.extend(b"\x12\x01\x03\0\x01\0\0\0\x06\0\0\0"); // the orientation: 6
    exif.extend(b"\x25\x88\x04\0\x01\0\0\0\x26\0\0\0\0\0\0\0"); // the place is at 38
    exif.extend(b"\x01\0\x01\0\x02\0\x02\0\0\0N\0\0\0\0\0\0\0GPS of the garden");
    let length = (exif.len() as u16 + 2).to_be_bytes();
    bytes.splice(2..2, [&[0xFF, 0xE1][..], &length, &exif].concat());
    bytes
}

/// A PNG whose header says other dimensions.
fn claiming(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = png([0, 0, 0]);
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let crc = bytes[12..29].iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg())
        })
    });
    bytes[29..33].copy_from_slice(&(!crc).to_be_bytes());
    bytes
}

/// An upload that must be refused.
pub struct Unfit {
    pub what: &'static str,
    pub media_type: &'static str,
    pub bytes: Vec<u8>,
    pub status: u16,
    pub code: &'static str,
}

/// A status and a code.
type Answer = (u16, &'static str);

/// Uploads that must be refused: what they are, their `Content-Type`, their bytes, the status and the code.
pub fn unfit() -> Vec<Unfit> {
    let (media, invalid): (Answer, Answer) = ((415, "UNSUPPORTED_MEDIA"), (422, "VALIDATION_ERROR"));
    let jpeg = picture(ImageFormat::Jpeg, [9, 9, 9], 60, 60);
    let gif = picture(ImageFormat::Gif, [9, 9, 9], 60, 60);
    let mut bmp = encoded(&DynamicImage::new_rgb8(9, 9), ImageFormat::Png);
    bmp.splice(0..8, *b"BM\0\0\0\0\0\0");
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>".to_vec();
    let html = b"<!doctype html><script>alert(1)</script>".to_vec();
    let half = |bytes: &[u8]| bytes[..bytes.len() / 2].to_vec();
    let rows: [(_, _, _, Answer); 17] = [
        ("a PNG that is called a JPEG", "image/jpeg", png([1, 2, 3]), media),
        (
            "a PNG without a type",
            "application/octet-stream",
            png([1, 2, 3]),
            media,
        ),
        ("SVG", "image/svg+xml", svg.clone(), media),
        ("SVG that is called a PNG", "image/png", svg, media),
        ("HTML that is called a GIF", "image/gif", html.clone(), media),
        ("another format", "image/png", bmp, media),
        (
            "a JPEG with a ZIP behind it",
            "image/jpeg",
            [&jpeg[..], b"PK\x03\x04zip"].concat(),
            media,
        ),
        (
            "a GIF with HTML behind it",
            "image/gif",
            [&gif[..], &html].concat(),
            media,
        ),
        (
            "a PNG with a byte behind it",
            "image/png",
            [png([1, 2, 3]), vec![0]].concat(),
            media,
        ),
        ("nothing", "image/png", Vec::new(), media),
        ("half a JPEG", "image/jpeg", half(&jpeg), invalid),
        ("half a PNG", "image/png", half(&png([1, 2, 3])), invalid),
        ("half a GIF", "image/gif", half(&gif), invalid),
        (
            "a side too long",
            "image/png",
            picture(ImageFormat::Png, [1, 2, 3], 4097, 3),
            invalid,
        ),
        ("a bomb", "image/png", claiming(60_000, 60_000), invalid),
        (
            "a picture that says it is larger",
            "image/png",
            claiming(400, 400),
            invalid,
        ),
        (
            "5 MB and a byte",
            "image/png",
            [png([1, 2, 3]), vec![0; 5_000_001]].concat(),
            (413, "PAYLOAD_TOO_LARGE"),
        ),
    ];
    let unfit = rows
        .into_iter()
        .map(|(what, media_type, bytes, (status, code))| Unfit {
            what,
            media_type,
            bytes,
            status,
            code,
        });
    unfit.collect()
}
