//! The rules about pictures, without a server: every format, everything behind or instead of a picture, and a great many
//! broken ones. `tests/integration/photos.rs` sends such files to a node.

use super::*;
use image::codecs::gif::GifEncoder;
use image::{Frame, Rgb, RgbImage, Rgba, RgbaImage};
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};

const ALL: [Kind; 4] = [Kind::Jpeg, Kind::Png, Kind::Gif, Kind::WebP];

/// A picture whose left half is red and whose right half is blue.
fn halves(width: u32, height: u32) -> DynamicImage {
    let picture = RgbImage::from_fn(width, height, |x, _| {
        if x < width / 2 {
            Rgb([230, 20, 20])
        } else {
            Rgb([20, 20, 230])
        }
    });
    picture.into()
}

fn file(picture: &DynamicImage, kind: Kind) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, kind.format()).expect("encoded");
    bytes.into_inner()
}

fn square(bytes: &[u8], kind: Kind) -> Result<DynamicImage, Failure> {
    let [square] = squares(bytes, kind, [64])?;
    Ok(image::load_from_memory(&square).expect("a picture"))
}

fn code(bytes: &[u8], kind: Kind) -> Option<ErrorCode> {
    squares(bytes, kind, [64]).err().map(|failure| failure.code)
}

fn is_red(picture: &DynamicImage, x: u32, y: u32) -> bool {
    let [red, _, blue] = picture.to_rgb8().get_pixel(x, y).0;
    red > blue
}

/// A chunk of a PNG.
fn chunk(name: &[u8], data: &[u8]) -> Vec<u8> {
    let named = [name, data].concat();
    let crc = named.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg())
        })
    });
    [
        &(data.len() as u32).to_be_bytes()[..],
        &named,
        &(!crc).to_be_bytes(),
    ]
    .concat()
}

/// A PNG with these chunks between its header and its end.
fn png(width: u32, height: u32, chunks: &[Vec<u8>]) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 0, 0, 0, 0]].concat();
    let signature = b"\x89PNG\r\n\x1a\n".to_vec();
    [
        signature,
        chunk(b"IHDR", &header),
        chunks.concat(),
        chunk(b"IEND", b""),
    ]
    .concat()
}

/// 16 MiB of black, as a PNG compresses them into a few kilobytes.
fn compressed_black() -> Vec<u8> {
    let bytes = file(&DynamicImage::new_luma8(4096, 4096), Kind::Png);
    let at = bytes.windows(4).position(|name| name == b"IDAT").expect("data");
    let length = u32::from_be_bytes(bytes[at - 4..at].try_into().expect("four"));
    bytes[at + 4..at + 4 + length as usize].to_vec()
}

#[test]
fn every_format_becomes_squares_of_its_middle() {
    for kind in ALL {
        let [small, large] = squares(&file(&halves(300, 120), kind), kind, [64, 256]).expect("squares");
        for (bytes, side) in [(small, 64), (large, 256)] {
            assert_eq!(Kind::of_bytes(&bytes), Some(Kind::Jpeg), "{kind:?}");
            let picture = image::load_from_memory(&bytes).expect("a picture");
            assert_eq!((picture.width(), picture.height()), (side, side), "{kind:?}");
            assert!(
                is_red(&picture, 2, side / 2) && !is_red(&picture, side - 3, side / 2),
                "{kind:?}"
            );
        }
        for (width, height) in [(1, 1), (1, 300), (4096, 2)] {
            assert_eq!(
                code(&file(&halves(width, height), kind), kind),
                None,
                "{kind:?} {width} {height}"
            );
        }
    }
}

#[test]
fn transparent_parts_stay_transparent() {
    let clear = RgbaImage::from_fn(80, 80, |x, _| Rgba([10, 200, 10, if x < 40 { 0 } else { 255 }]));
    for kind in [Kind::Png, Kind::WebP, Kind::Gif] {
        let [square] = squares(&file(&clear.clone().into(), kind), kind, [64]).expect("a square");
        assert_eq!(Kind::of_bytes(&square), Some(Kind::Png), "{kind:?}");
        let picture = image::load_from_memory(&square).expect("a picture").to_rgba8();
        assert_eq!(
            (picture.get_pixel(5, 5)[3], picture.get_pixel(60, 60)[3]),
            (0, 255),
            "{kind:?}"
        );
    }
    let opaque = RgbaImage::from_pixel(80, 80, Rgba([1, 2, 3, 255]));
    let [square] = squares(&file(&opaque.into(), Kind::Png), Kind::Png, [64]).expect("a square");
    assert_eq!(Kind::of_bytes(&square), Some(Kind::Jpeg));
}

#[test]
fn the_first_frame_of_an_animation_counts() {
    let mut bytes = Vec::new();
    {
        let mut animation = GifEncoder::new(&mut bytes);
        let frames = [Rgba([250, 0, 0, 255]), Rgba([0, 0, 250, 255])];
        let frames = frames.map(|colour| Frame::new(RgbaImage::from_pixel(32, 32, colour)));
        animation.encode_frames(frames).expect("encoded");
    }
    assert!(is_red(&square(&bytes, Kind::Gif).expect("a square"), 30, 30));
    bytes.push(0);
    assert_eq!(code(&bytes, Kind::Gif), Some(ErrorCode::UnsupportedMedia));
}

#[test]
fn the_orientation_is_applied_and_nothing_of_the_metadata_is_kept() {
    let mut bytes = file(&halves(200, 100), Kind::Jpeg);
    // orientation 6: turn by 90 degrees clockwise, so that the left becomes the top
    let exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0GPS 51.5 N, 0.1 W";
    let length = (exif.len() as u16 + 2).to_be_bytes();
    bytes.splice(2..2, [&[0xFF, 0xE1][..], &length, exif].concat());
    let [square] = squares(&bytes, Kind::Jpeg, [64]).expect("a square");
    assert!(!square.windows(4).any(|four| four == b"Exif" || four == b"GPS "));
    let picture = image::load_from_memory(&square).expect("a picture");
    assert!(is_red(&picture, 5, 2) && is_red(&picture, 60, 2) && !is_red(&picture, 5, 60));
}

#[test]
fn bytes_behind_the_picture_are_refused_in_every_format() {
    for kind in ALL {
        let whole = file(&halves(50, 40), kind);
        for tail in [
            &b"\0"[..],
            b"PK\x03\x04a zip",
            b"<script>alert(1)</script>",
            &whole,
        ] {
            let bytes = [&whole, tail].concat();
            assert_eq!(
                code(&bytes, kind),
                Some(ErrorCode::UnsupportedMedia),
                "{kind:?} {}",
                tail.len()
            );
        }
    }
    // a container that claims the tail as its own
    let mut webp = [&file(&halves(50, 40), Kind::WebP)[..], b"<html></html>!"].concat();
    let length = (webp.len() as u32 - 8).to_le_bytes();
    webp[4..8].copy_from_slice(&length);
    assert!(code(&webp, Kind::WebP).is_some());
}

#[test]
fn what_is_no_picture_of_the_declared_format_is_unsupported() {
    let png = file(&halves(50, 40), Kind::Png);
    assert_eq!(code(&png, Kind::Jpeg), Some(ErrorCode::UnsupportedMedia));
    let strangers: [&[u8]; 7] = [
        b"",
        b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
        b"<!doctype html><script>alert(1)</script>",
        b"BM\0\0\0\0",
        b"II*\0\x08\0\0\0",
        b"PK\x03\x04",
        b"%PDF-1.7",
    ];
    for kind in ALL {
        for stranger in strangers {
            assert_eq!(
                code(stranger, kind),
                Some(ErrorCode::UnsupportedMedia),
                "{kind:?}"
            );
        }
    }
    assert_eq!(Kind::of_media_type("Image/JPEG; x=1"), Some(Kind::Jpeg));
    for other in ["image/svg+xml", "image/jpg2", "text/html", "image", ""] {
        assert_eq!(Kind::of_media_type(other), None, "{other}");
    }
}

#[test]
fn a_picture_over_the_limits_is_invalid_before_it_is_decoded() {
    for kind in ALL {
        for (width, height) in [(4097, 1), (1, 4097)] {
            let bytes = file(&DynamicImage::new_rgb8(width, height), kind);
            assert_eq!(code(&bytes, kind), Some(ErrorCode::ValidationError), "{kind:?}");
        }
    }
    assert_eq!(
        code(&file(&DynamicImage::new_rgb8(4096, 4096), Kind::Png), Kind::Png),
        None
    );
    assert_eq!(
        code(&file(&DynamicImage::new_rgba8(4096, 4096), Kind::Png), Kind::Png),
        None
    );
    let deep = file(&DynamicImage::new_rgb16(4096, 4096), Kind::Png);
    assert_eq!(code(&deep, Kind::Png), Some(ErrorCode::ValidationError));
}

#[test]
fn bombs_are_harmless() {
    let black = compressed_black();
    let began = std::time::Instant::now();
    let huge = png(60_000, 60_000, &[chunk(b"IDAT", &black)]);
    assert_eq!(code(&huge, Kind::Png), Some(ErrorCode::ValidationError));
    // data and texts that unpack to far more than the picture needs
    let _ = squares(&png(8, 8, &[chunk(b"IDAT", &black)]), Kind::Png, [64]);
    let text = [&b"Comment\0\0"[..], &black].concat();
    let profile = [&b"icc\0\0"[..], &black].concat();
    let texts: Vec<Vec<u8>> = (0..40).map(|_| chunk(b"zTXt", &text)).collect();
    let small = [&[chunk(b"iCCP", &profile)][..], &texts, &[chunk(b"IDAT", &black)]].concat();
    let _ = squares(&png(4096, 4096, &small), Kind::Png, [64]);
    // a frame of a GIF that is larger than the animation
    let mut gif = file(&DynamicImage::new_rgb8(8, 8), Kind::Gif);
    let at = gif.iter().rposition(|byte| *byte == 0x2C).expect("an image");
    gif[at + 5..at + 9].copy_from_slice(&[0xFF; 4]);
    let _ = squares(&gif, Kind::Gif, [64]);
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}

#[test]
fn a_picture_that_breaks_off_is_invalid_wherever_it_does() {
    for kind in ALL {
        let whole = file(&halves(40, 30), kind);
        for length in 12..whole.len() {
            assert_eq!(
                code(&whole[..length], kind),
                Some(ErrorCode::ValidationError),
                "{kind:?} {length}"
            );
        }
    }
}

#[test]
fn no_broken_picture_makes_anything_but_a_refusal_or_squares() {
    let mut random = SmallRng::seed_from_u64(14);
    for kind in ALL {
        let whole = file(&halves(24, 20), kind);
        for _ in 0..1500 {
            let mut bytes = whole.clone();
            for _ in 0..random.random_range(1..6) {
                let at = random.random_range(0..bytes.len());
                bytes[at] = random.random();
            }
            let refused = code(&bytes, kind);
            assert!(
                matches!(
                    refused,
                    None | Some(ErrorCode::ValidationError | ErrorCode::UnsupportedMedia)
                ),
                "{refused:?}"
            );
        }
        for _ in 0..300 {
            let noise: Vec<u8> = (0..random.random_range(0..600))
                .map(|_| random.random())
                .collect();
            let bytes = [&whole[..12], &noise].concat();
            assert!(code(&bytes, kind).is_some());
        }
    }
}
