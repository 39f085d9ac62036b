//! Bars, the shortest first.

use super::{PANEL, class, panels};
use crate::numbers::shown;

/// A panel.
pub(crate) struct Bars {
    pub(crate) title: String,
    pub(crate) values: Vec<(&'static str, f64)>,
}

const BAR: f64 = 17.0;
const NAMES: f64 = 118.0;
const NUMBERS: f64 = 52.0;
/// A bar that would be so many times as long as ours is cut off.
const LONGEST: f64 = 8.0;

pub(crate) fn bars(title: &str, captions: [&str; 2], all: &[Bars]) -> String {
    let most = all.iter().map(|panel| panel.values.len()).max().unwrap_or(0) as f64;
    panels(title, captions, all, 3, most * BAR + 44.0, |svg, panel, x, y| {
        svg.text(x, y + 14.0, "panel", "start", &panel.title);
        let mut values: Vec<_> = panel.values.iter().filter(|(_, value)| !value.is_nan()).collect();
        values.sort_by(|(_, a), (_, b)| a.total_cmp(b));
        let ours = values.iter().find(|(name, _)| class(name) == "ours").map_or(f64::INFINITY, |(_, value)| *value);
        let longest = values.last().map_or(1.0, |(_, value)| *value).min(ours * LONGEST);
        let room = PANEL - NAMES - NUMBERS - 12.0;
        for (number, (name, value)) in values.into_iter().enumerate() {
            let y = y + 22.0 + number as f64 * BAR;
            let length = (value / longest).min(1.0) * room;
            svg.text(x + NAMES - 6.0, y + 12.0, class(name), "end", name);
            svg.bar(x + NAMES, y + 2.0, length, BAR - 4.0, class(name));
            let cut = if *value > longest { "… " } else { "" };
            svg.text(x + NAMES + length + 5.0, y + 12.0, class(name), "start", &format!("{cut}{}", shown(*value)));
        }
    })
}
