//! Draws a plot as SVG without scripts, fonts or links, so that a report works offline. Colours are classes of the
//! page's style sheet, which has a light and a dark theme.

use super::plot::{Axis, Plot, Scale};
use super::show;
use std::fmt::Write;

/// About the width on the page, so that the letters have the same size as the surrounding text.
const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 250.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 18.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 40.0;
/// How many colours the style sheet has.
pub(super) const COLOURS: usize = 6;
/// About how many lines a linear axis has.
const LINES: f64 = 5.0;
/// A curve with at most this many points has dots with a tooltip.
const DOTS: usize = 25;

/// The range of values on an axis.
struct Range {
    scale: Scale,
    low: f64,
    high: f64,
}

impl Range {
    /// The range of values, with round ends. A linear one begins at 0.
    fn of(axis: &Axis, values: impl Iterator<Item = f64> + Clone) -> Range {
        let least = values.clone().filter(|v| *v > 0.0).fold(f64::INFINITY, f64::min);
        let most = values.clone().fold(0.0, f64::max);
        let (low, high) = match axis.scale {
            Scale::Linear => (values.fold(0.0, f64::min), most),
            // Whole decades would leave too much empty space around values within one decade.
            _ if least.is_finite() => (least * 0.8, most * 1.2),
            _ => (0.1, 1.0),
        };
        let high = if high > low { high } else { low + 1.0 };
        // The last line is at or above the highest value.
        let (low, high) = match axis.scale {
            Scale::Linear => {
                let step = round_step((high - low) / LINES);
                ((low / step).floor() * step, (high / step - 1e-6).ceil() * step)
            }
            _ => (low, high),
        };
        Range {
            scale: axis.scale,
            low,
            high,
        }
    }

    /// From 0 at the low end to 1 at the high one.
    fn place(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            _ => (value.max(self.low) / self.low).ln() / (self.high / self.low).ln(),
        }
    }

    /// Values with a line and a label.
    fn ticks(&self) -> Vec<(f64, String)> {
        match self.scale {
            Scale::Linear => {
                let step = round_step((self.high - self.low) / LINES);
                let (first, last) = ((self.low / step).ceil(), (self.high / step + 1e-6).floor());
                (first as i64..=last as i64)
                    .map(|n| n as f64 * step)
                    .map(|value| (value, label(value)))
                    .collect()
            }
            Scale::Log => self
                .decades()
                .into_iter()
                .map(|value| (value, label(value)))
                .collect(),
            Scale::Percentile => [2.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6]
                .into_iter()
                .filter(|beyond| (self.low..=self.high).contains(beyond))
                .map(|beyond| (beyond, format!("{}%", 100.0 - 100.0 / beyond)))
                .collect(),
        }
    }

    /// 1, 2, 5, 10 …, or only powers of ten if these would be too many.
    fn decades(&self) -> Vec<f64> {
        let (first, last) = (self.low.log10().floor() as i32, self.high.log10().ceil() as i32);
        let parts: &[f64] = if last - first > 4 {
            &[1.0]
        } else {
            &[1.0, 2.0, 5.0]
        };
        (first..=last)
            .flat_map(|power| parts.iter().map(move |part| part * 10_f64.powi(power)))
            .filter(|value| (self.low..=self.high).contains(value))
            .collect()
    }
}

/// 1, 2 or 5 times a power of ten, at least `raw`.
fn round_step(raw: f64) -> f64 {
    let power = 10_f64.powf(raw.log10().floor());
    let part = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .find(|part| part * power >= raw * 0.999_999);
    part.unwrap_or(10.0) * power
}

fn label(value: f64) -> String {
    match value.abs() {
        millions if millions >= 1e6 => format!("{}M", trimmed(value / 1e6)),
        thousands if thousands >= 1e4 => format!("{}k", trimmed(value / 1e3)),
        _ => trimmed(value),
    }
}

fn trimmed(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Escapes a text for the page.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// Draws the curves; those of an earlier run are dashed.
pub(crate) fn draw(plot: &Plot, earlier: Option<&Plot>) -> String {
    let all = || {
        let before = earlier.into_iter().flat_map(|plot| &plot.curves);
        plot.curves
            .iter()
            .chain(before)
            .flat_map(|curve| curve.points.iter())
    };
    let x = Range::of(&plot.x, all().map(|(x, _)| *x));
    let y = Range::of(&plot.y, all().map(|(_, y)| *y));
    let at = |point: &(f64, f64)| {
        (
            LEFT + x.place(point.0) * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - y.place(point.1) * (HEIGHT - TOP - BOTTOM),
        )
    };
    let mut out = format!(
        r#"<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{}">"#,
        escape(&plot.title)
    );
    grid(&mut out, plot, &x, &y);
    // The first curve is drawn last, so that it is on top where curves overlap.
    for (n, curve) in plot.curves.iter().enumerate().rev() {
        let before = earlier.and_then(|plot| plot.curves.iter().find(|other| other.name == curve.name));
        if let Some(before) = before {
            line(&mut out, n, "earlier", before.points.iter().map(at));
        }
        line(&mut out, n, "", curve.points.iter().map(at));
        if curve.points.len() <= DOTS {
            for point in &curve.points {
                let (left, top) = at(point);
                // Writing to a string cannot fail.
                let _ = write!(
                    out,
                    r#"<circle class="c{}" cx="{left:.1}" cy="{top:.1}" r="2.6"><title>{}: {} at {}</title></circle>"#,
                    n % COLOURS,
                    escape(&curve.name),
                    show(point.1),
                    show(point.0)
                );
            }
        }
    }
    out.push_str("</svg>");
    out
}

fn line(out: &mut String, n: usize, class: &str, points: impl Iterator<Item = (f64, f64)>) {
    let _ = write!(out, r#"<polyline class="c{} {class}" points=""#, n % COLOURS);
    for (left, top) in points {
        let _ = write!(out, "{left:.1},{top:.1} ");
    }
    out.push_str("\"/>");
}

fn grid(out: &mut String, plot: &Plot, x: &Range, y: &Range) {
    let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
    for (value, label) in y.ticks() {
        let top = bottom - y.place(value) * (bottom - TOP);
        let _ = write!(
            out,
            r#"<line class="grid" x1="{LEFT}" x2="{right}" y1="{top:.1}" y2="{top:.1}"/><text x="{}" y="{:.1}" text-anchor="end">{label}</text>"#,
            LEFT - 6.0,
            top + 4.0
        );
    }
    for (value, label) in x.ticks() {
        let left = LEFT + x.place(value) * (right - LEFT);
        let _ = write!(
            out,
            r#"<line class="grid" x1="{left:.1}" x2="{left:.1}" y1="{TOP}" y2="{bottom}"/><text x="{left:.1}" y="{}" text-anchor="middle">{label}</text>"#,
            bottom + 16.0
        );
    }
    let _ = write!(
        out,
        r#"<text x="{}" y="{}" text-anchor="middle">{}</text><text transform="translate(12,{}) rotate(-90)" text-anchor="middle">{}</text>"#,
        f64::midpoint(LEFT, right),
        HEIGHT - 6.0,
        escape(&plot.x.label),
        f64::midpoint(TOP, bottom),
        escape(&plot.y.label)
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_a_curve_are_within_the_frame() {
        for axis in [Axis::linear("x"), Axis::log("x")] {
            let plot = Plot::new("a < b", axis.clone(), axis).curve("c", vec![(1.0, 3.0), (1000.0, 0.5)]);
            let drawn = draw(&plot, None);
            assert!(drawn.contains("a &lt; b") && drawn.ends_with("</svg>"));
            let points = drawn
                .split("points=\"")
                .nth(1)
                .and_then(|rest| rest.split('"').next());
            for point in points.expect("a line").split_whitespace() {
                let (left, top) = point.split_once(',').expect("a point");
                let (left, top): (f64, f64) = (left.parse().expect("x"), top.parse().expect("y"));
                assert!(
                    (LEFT..=WIDTH).contains(&left) && (0.0..=HEIGHT - BOTTOM).contains(&top),
                    "{point}"
                );
            }
        }
    }

    #[test]
    fn an_empty_curve_and_a_flat_one_are_drawn_too() {
        for points in [vec![], vec![(0.0, 0.0)], vec![(5.0, 0.0), (6.0, 0.0)]] {
            for axis in [Axis::linear("x"), Axis::log("x")] {
                let mut plot = Plot::new("flat", axis.clone(), axis);
                plot.curves.push(super::super::plot::Curve {
                    name: "c".into(),
                    points: points.clone(),
                });
                let drawn = draw(&plot, Some(&plot));
                assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
            }
        }
    }

    #[test]
    fn steps_are_round() {
        let steps = [0.7, 1.0, 13.0, 230.0].map(|raw| label(round_step(raw)));
        assert_eq!(steps, ["1", "1", "20", "500"]);
        assert_eq!(
            [0.25, 1500.0, 20_000.0, 2.5e6].map(label),
            ["0.25", "1500", "20k", "2.5M"]
        );
    }
}
