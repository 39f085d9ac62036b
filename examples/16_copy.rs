//! Copies a file, and shows how far it is. Ctrl+C stops it between two pieces.
//!
//! ```text
//! $ cargo run --example 16_copy linux.iso /media/stick/linux.iso
//! ```

use std::{env, io};

use giambio::{Interrupted, fs};
use indicatif::{ProgressBar, ProgressStyle};

async fn copy(from: &str, to: &str) -> io::Result<()> {
    let bar = ProgressBar::new(0);
    bar.set_style(
        ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}").expect("a template"),
    );
    let shown = bar.clone();
    let copied = fs::copy_with(from, to, move |done, all| {
        shown.set_length(all);
        shown.set_position(done);
    });
    let copied = copied.await?;
    bar.finish();
    println!("{copied} bytes copied");
    Ok(())
}

fn main() -> io::Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    let [from, to] = &words[..] else { return Err(io::Error::other("usage: 16_copy FROM TO")) };
    match giambio::run_or_ctrl_c(copy(from, to)) {
        Ok(ended) => ended,
        Err(Interrupted) => Err(io::Error::other("stopped; a part may have been copied")),
    }
}
