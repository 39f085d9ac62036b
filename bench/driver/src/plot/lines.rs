//! Lines over sizes, both on logarithmic scales: what is flat does not depend on the size.

use super::{PANEL, class, panels};

/// A panel.
pub(crate) struct Lines {
    pub(crate) title: String,
    pub(crate) sizes: Vec<f64>,
    /// A value for each size.
    pub(crate) values: Vec<(&'static str, Vec<f64>)>,
}

const HEIGHT: f64 = 240.0;
const LEFT: f64 = 36.0;
const NAMES: f64 = 112.0;
const TOP: f64 = 26.0;
const BOTTOM: f64 = 34.0;

pub(crate) fn lines(title: &str, captions: [&str; 2], all: &[Lines]) -> String {
    panels(title, captions, all, 3, HEIGHT, draw)
}

fn draw(svg: &mut super::svg::Svg, panel: &Lines, x: f64, y: f64) {
    svg.text(x, y + 14.0, "panel", "start", &panel.title);
    let all = || panel.values.iter().flat_map(|(_, values)| values).copied().filter(|value| !value.is_nan());
    let (low, high) = (all().fold(f64::INFINITY, f64::min).log10().floor(), all().fold(1.0, f64::max).log10().ceil());
    let (right, foot) = (PANEL - NAMES, HEIGHT - BOTTOM);
    let (first, last) = match panel.sizes.as_slice() {
        [first, .., last] => (first.log10(), last.log10()),
        _ => return,
    };
    let place = |size: f64, value: f64| {
        let along = (size.log10() - first) / (last - first);
        let up = (value.log10() - low) / (high - low).max(1.0);
        (x + LEFT + along * (right - LEFT), y + foot - up * (foot - TOP))
    };
    for power in low as i32..=high as i32 {
        let value = 10_f64.powi(power);
        let ((x1, y), (x2, _)) = (place(panel.sizes[0], value), place(10_f64.powf(last), value));
        svg.axis((x1, y), (x2, y));
        svg.text(x1 - 5.0, y + 4.0, "small", "end", &short(value));
    }
    for size in &panel.sizes {
        let (x, y) = place(*size, 10_f64.powf(low));
        svg.text(x, y + 14.0, "small", "middle", &short(*size));
    }
    // Names stand where their lines end, but not on each other.
    let mut names = Vec::new();
    for (name, values) in &panel.values {
        let known = panel.sizes.iter().zip(values).filter(|(_, value)| !value.is_nan());
        let points: Vec<_> = known.map(|(size, value)| place(*size, *value)).collect();
        svg.line(&points, class(name));
        if let Some((_, y)) = points.last() {
            names.push((*y, *name));
        }
    }
    names.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let mut free = y;
    for (at, name) in names {
        let at = at.max(free);
        svg.text(x + right + 5.0, at + 4.0, class(name), "start", name);
        free = at + 13.0;
    }
}

/// A power of ten.
fn short(value: f64) -> String {
    match value {
        1e6.. => format!("{}M", value / 1e6),
        1e3.. => format!("{}k", value / 1e3),
        _ => value.to_string(),
    }
}
