//! Reads the numbers of the command line, and refuses those that would make a run meaningless.

/// Reads a count: at least 1.
pub(crate) fn count(typed: &str) -> Result<usize, String> {
    match typed.parse() {
        Ok(0) => Err("must be at least 1".into()),
        Ok(count) => Ok(count),
        Err(_) => Err("must be a whole number".into()),
    }
}

/// Reads a rate: above 0.
pub(crate) fn rate(typed: &str) -> Result<f64, String> {
    let rate: f64 = typed.parse().map_err(|_| "must be a number")?;
    (rate > 0.000_1 && rate.is_finite())
        .then_some(rate)
        .ok_or_else(|| "must be above 0".into())
}

/// Reads a rate, or 0 for none.
pub(crate) fn rate_or_none(typed: &str) -> Result<f64, String> {
    match typed.parse() {
        Ok(0.0) => Ok(0.0),
        _ => rate(typed).map_err(|why| format!("{why}, or 0")),
    }
}

/// Reads the seconds of a measurement: above 0.
pub(crate) fn measured(typed: &str) -> Result<f64, String> {
    match seconds(typed)? {
        0.0 => Err("must be above 0".into()),
        some => Ok(some),
    }
}

/// Reads a time in seconds: from 0 to a day.
pub(crate) fn seconds(typed: &str) -> Result<f64, String> {
    let seconds: f64 = typed.parse().map_err(|_| "must be a number")?;
    (0.0..=86_400.0)
        .contains(&seconds)
        .then_some(seconds)
        .ok_or_else(|| "must be from 0 to 86400".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_would_make_a_run_meaningless_is_refused() {
        assert_eq!(
            (count("1"), count("0").is_err(), count("-1").is_err()),
            (Ok(1), true, true)
        );
        assert_eq!(
            (rate("0.5"), rate("0").is_err(), rate("inf").is_err()),
            (Ok(0.5), true, true)
        );
        assert_eq!(
            (rate_or_none("0"), rate_or_none("2"), rate_or_none("-0.0")),
            (Ok(0.0), Ok(2.0), Ok(0.0))
        );
        for none in ["-5", "nan", "inf", "1e-300", ""] {
            assert!(rate_or_none(none).is_err(), "{none}");
        }
        assert_eq!((measured("0.0001"), measured("0").is_err()), (Ok(0.0001), true));
        assert_eq!(
            (seconds("0"), seconds("-1").is_err(), seconds("NaN").is_err()),
            (Ok(0.0), true, true)
        );
    }
}
