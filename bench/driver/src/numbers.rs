//! What programs print, and what is made of it.

use std::collections::BTreeMap;

/// The `name=value` of a line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Numbers(BTreeMap<String, f64>);

impl Numbers {
    /// Of the last line of `text`.
    pub(crate) fn read(text: &str) -> Numbers {
        let line = text.trim_end().lines().last().unwrap_or_default();
        let pair = |word: &str| {
            let (name, value) = word.split_once('=')?;
            Some((name.to_owned(), value.parse().ok()?))
        };
        Numbers(line.split_whitespace().filter_map(pair).collect())
    }

    /// One more, or another value.
    pub(crate) fn set(&mut self, name: &str, value: f64) {
        self.0.insert(name.to_owned(), value);
    }

    /// NaN if there is none of that name.
    pub(crate) fn get(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or(f64::NAN)
    }
}

/// NaN if there is none.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    quantile(values, 0.5)
}

/// NaN if there is none. Between two values it is their mean, weighted.
pub(crate) fn quantile(values: impl IntoIterator<Item = f64>, part: f64) -> f64 {
    let mut values: Vec<f64> = values.into_iter().filter(|value| !value.is_nan()).collect();
    values.sort_by(f64::total_cmp);
    let Some(last) = values.len().checked_sub(1) else { return f64::NAN };
    let place = last as f64 * part;
    let (low, high) = (values[place.floor() as usize], values[place.ceil() as usize]);
    low + (high - low) * place.fract()
}

/// A number in a table, with the digits that mean something.
pub(crate) fn shown(value: f64) -> String {
    match value.abs() {
        _ if value.is_nan() => "-".to_owned(),
        100.0.. => grouped(value),
        10.0.. => format!("{value:.0}"),
        _ => format!("{value:.1}"),
    }
}

/// With commas between thousands.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Two digits behind the point.
pub(crate) fn ratio(value: f64) -> String {
    if value.is_nan() {
        "-".to_owned()
    } else if value < 10.0 {
        format!("{value:.2}")
    } else {
        shown(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_read() {
        let numbers = Numbers::read("hello\nops=3 ns=1.5\n");
        assert_eq!((numbers.get("ops"), numbers.get("ns")), (3.0, 1.5));
        assert!(numbers.get("bytes").is_nan());
    }

    #[test]
    fn a_median_lies_between_the_two_in_the_middle() {
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median([f64::NAN, 7.0]), 7.0);
        assert!(median([]).is_nan());
    }

    #[test]
    fn thousands_are_told_apart() {
        assert_eq!(shown(1234567.0), "1,234,567");
        assert_eq!(shown(123.4), "123");
        assert_eq!(shown(0.0), "0.0");
    }
}
