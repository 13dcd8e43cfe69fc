//! The median of some values, and the slope of a line through points.

/// The middle value, or the mean of the two in the middle; `None` when there are no values.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    Some(f64::midpoint(values[values.len() / 2 - 1], upper))
}

/// The slope of the line nearest to the points; `None` for fewer than three, or when all have the same x.
pub(crate) fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let n = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (x, y) = (mean(|p| p.0), mean(|p| p.1));
    let spread: f64 = points.iter().map(|p| (p.0 - x).powi(2)).sum();
    (points.len() > 2 && spread > 0.0)
        .then(|| points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum::<f64>() / spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        let of = |values: &[f64]| median(values.iter().copied());
        assert_eq!(of(&[10.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(of(&[10.0, 1.0, 2.0, 4.0]), Some(3.0));
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn a_leak_shows_as_a_slope_and_noise_does_not() {
        let leak: Vec<_> = (0..100)
            .map(|n| (f64::from(n), f64::from(n) * 0.5 + 100.0))
            .collect();
        assert!((slope(&leak).expect("a slope") - 0.5).abs() < 1e-9);
        let noise: Vec<_> = (0..100).map(|n| (f64::from(n), f64::from(n % 2))).collect();
        assert!(slope(&noise).expect("a slope").abs() < 0.001);
        assert_eq!(slope(&[(1.0, 1.0)]), None);
    }
}
