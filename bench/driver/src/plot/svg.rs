//! What little of SVG a plot needs.

use std::fmt::{Display, Write};

const STYLE: &str = "
text { font-family: sans-serif; font-size: 12px; fill: #222; }
.title { font-size: 17px; font-weight: bold; }
.panel { font-size: 13px; font-weight: bold; }
.small { font-size: 10.5px; fill: #666; }
text.ours { font-weight: bold; fill: #b3400e; }
rect.ours { fill: #e2622a; }
rect.theirs { fill: #9fb3c8; }
.axis { stroke: #ccc; stroke-width: 1; }
polyline { fill: none; stroke-width: 1.6; }
polyline.ours { stroke: #e2622a; stroke-width: 3; }
polyline.theirs { stroke: #7f97b0; }
";

pub(super) struct Svg {
    text: String,
}

impl Svg {
    pub(super) fn new(width: f64, height: f64) -> Svg {
        let mut svg = Svg { text: String::new() };
        svg.add(format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} \
             {height}\">\n<style>{STYLE}</style>\n<rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n"
        ));
        svg
    }

    fn add(&mut self, what: impl Display) {
        write!(self.text, "{what}").expect("a string has room");
    }

    /// `anchor` is `start`, `middle` or `end`: what of the text is at that place.
    pub(super) fn text(&mut self, x: f64, y: f64, class: &str, anchor: &str, text: &str) {
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        self.add(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\" text-anchor=\"{anchor}\">{text}</text>\n"
        ));
    }

    pub(super) fn bar(&mut self, x: f64, y: f64, width: f64, height: f64, class: &str) {
        self.add(format_args!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" class=\"{class}\"/>\n"
        ));
    }

    pub(super) fn axis(&mut self, from: (f64, f64), to: (f64, f64)) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.add(format_args!("<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" class=\"axis\"/>\n"));
    }

    pub(super) fn line(&mut self, points: &[(f64, f64)], class: &str) {
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        self.add(format_args!("<polyline points=\"{}\" class=\"{class}\"/>\n", points.join(" ")));
    }

    pub(super) fn finish(mut self) -> String {
        self.add("</svg>\n");
        self.text
    }
}
