//! `tail -f`: prints what is in a file, and whatever is added to it.
//!
//! ```text
//! $ cargo run --example 15_tail /var/log/messages
//! ```

use std::time::Duration;
use std::{env, io};

use giambio::fs::File;
use giambio::{Interrupted, sleep, stdout};

/// How often it is looked.
const MOMENT: Duration = Duration::from_millis(100);

async fn tail(path: &str) -> io::Result<()> {
    let file = File::open(path).await?;
    let (mut buffer, mut at) = (vec![0; 64 << 10], 0);
    loop {
        let (returned, count) = file.read_at(buffer, at).await;
        buffer = returned;
        match count? {
            0 => {
                if file.metadata().await?.len() < at {
                    at = 0; // somebody has begun it anew
                }
                sleep(MOMENT).await;
            }
            count => {
                stdout().send_all(&buffer[..count]).await?;
                at += count as u64;
            }
        }
    }
}

fn main() -> io::Result<()> {
    let Some(path) = env::args().nth(1) else { return Err(io::Error::other("usage: 15_tail FILE")) };
    match giambio::run_or_ctrl_c(tail(&path)) {
        Ok(ended) => ended,
        Err(Interrupted) => Ok(()),
    }
}
