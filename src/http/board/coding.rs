//! In which form a client wants a file: `Accept-Encoding` (RFC 9110, section 12.5.3). Knows the forms that are kept, and no
//! file.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_ENCODING;

/// A form of a file; the later, the smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Coding {
    Plain,
    Gzip,
    Brotli,
}

/// Weights have three digits behind the point.
const FULL: u16 = 1000;

impl Coding {
    /// What `Content-Encoding` says of it.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Coding::Plain => None,
            Coding::Gzip => Some("gzip"),
            Coding::Brotli => Some("br"),
        }
    }

    /// Ends the tag of a file in this form: another form is another sequence of bytes.
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Coding::Plain => "",
            Coding::Gzip => "-gzip",
            Coding::Brotli => "-br",
        }
    }
}

/// The form that the client likes best, among those that there are; of several the smallest. Where it refuses all of them, the
/// plain one: a client that asks for nothing is not served better by an error.
pub(super) fn chosen(headers: &HeaderMap, exists: impl Fn(Coding) -> bool) -> Coding {
    let mut weights = Weights::default();
    let lines = headers.get_all(ACCEPT_ENCODING).iter();
    let lines = lines.filter_map(|line| line.to_str().ok());
    for item in lines.flat_map(|line| line.split(',')) {
        weights.take(item);
    }
    [Coding::Plain, Coding::Gzip, Coding::Brotli]
        .into_iter()
        .filter(|&coding| exists(coding))
        .filter_map(|coding| Some((weights.of(coding)?, coding)))
        .max()
        .map_or(Coding::Plain, |(_, coding)| coding)
}

/// What a client said of each form, in thousandths.
#[derive(Default)]
struct Weights {
    plain: Option<u16>,
    gzip: Option<u16>,
    brotli: Option<u16>,
    /// Of those that it did not name.
    others: Option<u16>,
}

impl Weights {
    fn take(&mut self, item: &str) {
        let (name, parameters) = item.split_once(';').unwrap_or((item, ""));
        let name = name.trim().to_ascii_lowercase();
        let place = match name.as_str() {
            "identity" => &mut self.plain,
            "gzip" | "x-gzip" => &mut self.gzip,
            "br" => &mut self.brotli,
            "*" => &mut self.others,
            _ => return,
        };
        *place = Some(weight(parameters));
    }

    /// The weight of a form; `None` where the client does not take it. Unless it says otherwise it takes plain files, and likes
    /// them least.
    fn of(&self, coding: Coding) -> Option<u16> {
        let weight = match coding {
            Coding::Plain => {
                let others = self.others.filter(|&others| others == 0);
                return self
                    .plain
                    .or(others)
                    .map_or(Some(0), |weight| (weight > 0).then_some(weight));
            }
            Coding::Gzip => self.gzip.or(self.others),
            Coding::Brotli => self.brotli.or(self.others),
        };
        weight.filter(|&weight| weight > 0)
    }
}

/// The weight that parameters give: `q=0.5`. One that cannot be read is none.
fn weight(parameters: &str) -> u16 {
    let q = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then(|| value.trim())
    });
    let Some(q) = q else { return FULL };
    let q: f32 = q.parse().unwrap_or(0.0);
    (q.clamp(0.0, 1.0) * f32::from(FULL)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn the_client_chooses_the_form() {
        use Coding::{Brotli, Gzip, Plain};
        for (accepted, expected) in [
            ("gzip, deflate, br, zstd", Brotli),
            ("gzip, deflate", Gzip),
            ("x-gzip", Gzip),
            ("GZIP;Q=0.5, Br;q=0.1", Gzip),
            ("br;q=0.8, gzip;q=0.8", Brotli),
            ("br;q=0, gzip", Gzip),
            ("br;q=0.5, identity", Plain),
            ("identity;q=0.5, gzip;q=0.5", Gzip),
            ("br;q=0.001, identity;q=0", Brotli),
            ("*", Brotli),
            ("*, br;q=0", Gzip),
            ("*;q=0", Plain),
            ("*;q=0, gzip", Gzip),
            ("identity;q=0", Plain),
            ("", Plain),
            ("deflate, zstd", Plain),
            ("br;q=x", Plain),
            ("br;q=NaN", Plain),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(accepted))]);
            assert_eq!(chosen(&headers, |_| true), expected, "{accepted}");
        }
        assert_eq!(chosen(&HeaderMap::new(), |_| true), Plain);
    }

    #[test]
    fn a_form_that_does_not_exist_is_not_chosen() {
        let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static("br, gzip"))]);
        assert_eq!(chosen(&headers, |coding| coding != Coding::Brotli), Coding::Gzip);
        assert_eq!(chosen(&headers, |coding| coding == Coding::Plain), Coding::Plain);
    }
}
