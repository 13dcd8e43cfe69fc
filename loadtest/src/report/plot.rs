//! Curves as data: a report holds them, writes them as JSON, and has `svg` draw them. Knows neither scenarios nor drawing.

use crate::meter::{Latency, millis_at};
use serde::{Deserialize, Serialize};

/// Curves over the same axes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Plot {
    pub(crate) title: String,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) curves: Vec<Curve>,
}

/// An axis: its label and its scale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Axis {
    pub(crate) label: String,
    pub(crate) scale: Scale,
}

/// How values are placed on an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scale {
    Linear,
    Log,
    /// `1 / (1 - quantile)`, logarithmic: the distance from 90% to 99% is that from 99% to 99.9%.
    Percentile,
}

/// A curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Curve {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

impl Axis {
    pub(crate) fn linear(label: impl Into<String>) -> Axis {
        Axis {
            label: label.into(),
            scale: Scale::Linear,
        }
    }

    pub(crate) fn log(label: impl Into<String>) -> Axis {
        Axis {
            label: label.into(),
            scale: Scale::Log,
        }
    }
}

impl Plot {
    pub(crate) fn new(title: impl Into<String>, x: Axis, y: Axis) -> Plot {
        Plot {
            title: title.into(),
            x,
            y,
            curves: Vec::new(),
        }
    }

    /// Adds a curve, unless it has no point.
    pub(crate) fn curve(mut self, name: impl Into<String>, points: Vec<(f64, f64)>) -> Plot {
        if !points.is_empty() {
            let name = name.into();
            self.curves.push(Curve { name, points });
        }
        self
    }

    /// A plot of latency in ms by percentile.
    pub(crate) fn percentiles(title: impl Into<String>) -> Plot {
        let x = Axis {
            label: "percentile".into(),
            scale: Scale::Percentile,
        };
        Plot::new(title, x, Axis::log("ms"))
    }

    /// Adds the percentiles of a histogram, as far as it has enough values for them.
    pub(crate) fn of(self, name: impl Into<String>, latency: &Latency) -> Plot {
        let points = (0..=24)
            .map(|step| 10_f64.powf(f64::from(step) / 4.0))
            .take_while(|beyond| *beyond <= latency.len() as f64)
            .map(|beyond| (beyond, millis_at(latency, 1.0 - 1.0 / beyond)));
        let points = points.collect();
        self.curve(name, points)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meter::latency;

    #[test]
    fn percentiles_end_where_values_end() {
        let mut few = latency();
        (1..=1000).for_each(|ms| few.saturating_record(ms * 1000));
        let plot = Plot::percentiles("latency").of("all", &few);
        let points = &plot.curves[0].points;
        let (last, worst) = points[points.len() - 1];
        assert!(
            (last - 1000.0).abs() < 1.0,
            "the last point is 1 in 1,000: {last}"
        );
        assert!((worst - 999.0).abs() < 2.0, "{worst}");
        let at_90 = points.iter().find(|(x, _)| (x - 10.0).abs() < 0.01).expect("90%");
        assert!((at_90.1 - 900.0).abs() < 1.0, "{at_90:?}");
    }

    #[test]
    fn a_curve_without_points_is_left_out() {
        let plot = Plot::new("CPU", Axis::linear("s"), Axis::linear("%")).curve("server", Vec::new());
        assert!(plot.curves.is_empty());
    }
}
