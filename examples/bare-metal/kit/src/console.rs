//! Lines for whoever looks on with a debugger: by semihosting, a call a line.

use core::fmt::{self, Write};

use heapless::String;
use semihosting::io::Write as _;

/// What is longer is cut.
const LONGEST: usize = 160;

/// Prints a line; what is longer than 160 bytes is cut there.
#[macro_export]
macro_rules! println {
    ($($what:tt)*) => { $crate::print_line(format_args!($($what)*)) };
}

/// What [`println!`] calls.
pub fn print_line(what: fmt::Arguments<'_>) {
    let mut line: String<{ LONGEST + 4 }> = String::new();
    if (Cut { line: &mut line }).write_fmt(what).is_err() {
        let _ = line.push_str("...");
    }
    let _ = line.push('\n');
    if let Ok(mut debugger) = semihosting::io::stderr() {
        let _ = debugger.write_all(line.as_bytes());
    }
}

/// Takes what fits, and then fails.
struct Cut<'a> {
    line: &'a mut String<{ LONGEST + 4 }>,
}

impl Write for Cut<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for letter in text.chars() {
            if self.line.len() + letter.len_utf8() > LONGEST {
                return Err(fmt::Error);
            }
            self.line.push(letter).map_err(|_| fmt::Error)?;
        }
        Ok(())
    }
}
