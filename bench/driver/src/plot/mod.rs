//! Pictures of tables: bars, and lines over a logarithmic scale, in panels beside each other.

mod bars;
mod lines;
mod svg;

use std::fs;

use crate::build::root;
use crate::peers::OURS;

pub(crate) use bars::{Bars, bars};
pub(crate) use lines::{Lines, lines};

/// A picture, and the name of its file.
pub(crate) struct Plot {
    pub(crate) name: &'static str,
    pub(crate) svg: String,
}

impl Plot {
    pub(crate) fn save(&self) -> Result<(), String> {
        let path = root().join("plots").join(format!("{}.svg", self.name));
        fs::write(&path, &self.svg).map_err(|error| format!("{}: {error}", path.display()))
    }
}

const PANEL: f64 = 350.0;
const MARGIN: f64 = 20.0;
const HEAD: f64 = 70.0;

/// Panels beside and below each other, under a title and two small lines; `draw` is told where the panel's corner is.
fn panels<T>(
    title: &str,
    captions: [&str; 2],
    panels: &[T],
    columns: usize,
    height: f64,
    draw: impl Fn(&mut svg::Svg, &T, f64, f64),
) -> String {
    let rows = panels.len().div_ceil(columns) as f64;
    let mut picture = svg::Svg::new(columns as f64 * PANEL + 2.0 * MARGIN, HEAD + rows * height + MARGIN);
    picture.text(MARGIN, 24.0, "title", "start", title);
    picture.text(MARGIN, 42.0, "small", "start", captions[0]);
    picture.text(MARGIN, 56.0, "small", "start", captions[1]);
    for (number, panel) in panels.iter().enumerate() {
        let (row, column) = (number / columns, number % columns);
        draw(&mut picture, panel, MARGIN + column as f64 * PANEL, HEAD + row as f64 * height);
    }
    picture.finish()
}

/// Ours stands out.
fn class(name: &str) -> &'static str {
    if name == OURS { "ours" } else { "theirs" }
}
