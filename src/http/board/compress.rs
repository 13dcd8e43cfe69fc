//! The two ways in which a file is compressed before anybody asks for it. `build.rs` includes this file for the files whose
//! bytes are known then; the node uses it for the page, which has the path of `public_url` in it.

use std::io::Write as _;

use brotli::enc::BrotliEncoderParams;
use flate2::Compression;
use flate2::write::GzEncoder;

/// What a form must save of the plain bytes, in parts of a hundred: less is not worth unpacking.
const WORTH: usize = 5;

/// The bytes by brotli, if that makes them smaller.
pub(crate) fn brotli(bytes: &[u8]) -> Option<Vec<u8>> {
    let parameters = BrotliEncoderParams {
        // a window that fits: a wider one only takes memory
        lgwin: (bytes.len().max(1).ilog2() as i32 + 1).clamp(10, 22),
        size_hint: bytes.len(),
        ..BrotliEncoderParams::default()
    };
    let mut form = Vec::new();
    ::brotli::BrotliCompress(&mut &*bytes, &mut form, &parameters).ok()?;
    smaller(form, bytes)
}

/// The bytes by gzip, if that makes them smaller.
pub(crate) fn gzip(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).ok()?;
    smaller(encoder.finish().ok()?, bytes)
}

fn smaller(form: Vec<u8>, bytes: &[u8]) -> Option<Vec<u8>> {
    (form.len() < bytes.len() - bytes.len() * WORTH / 100).then_some(form)
}
