//! Programs in a row, each with its output in the next one's input, as `sort | uniq -c` has them in a shell; and one that
//! does not end by itself. None is left when the scope is.
//!
//! ```text
//! 1 dog
//! 2 fox
//! 3 the
//! `sleep` was given up after 100 ms, and is gone
//! cannot run `no-such-program`
//! ```

mod programs;

use std::io;
use std::process::Stdio;
use std::time::Duration;

use giambio::process::{Spawn, output, run_in, status};
use giambio::{move_on_after, nursery};
use programs::program;

/// How often each word is there.
async fn count(words: &[u8]) -> io::Result<String> {
    let (from_sort, to_uniq) = io::pipe()?;
    let sort = program("sort").env("LC_ALL", "C").stdin(Stdio::piped()).stdout(to_uniq);
    let uniq = program("uniq").arg("-c").stdin(from_sort);
    nursery(async |n| {
        n.spawn(async {
            let (ended, _) = run_in(sort, async |sort| {
                sort.communicate(words).await?;
                sort.wait().await // else it would be asked to end
            })
            .await?;
            ended.map(drop)
        });
        let counted = output(uniq).await?;
        Ok(String::from_utf8_lossy(&counted.stdout).into_owned())
    })
    .await
}

fn main() -> io::Result<()> {
    if programs::is_one_itself()? {
        return Ok(());
    }
    giambio::run(async {
        for line in count(b"the\nfox\nthe\ndog\nfox\nthe\n").await?.lines() {
            println!("{}", line.trim());
        }
        let patience = Duration::from_millis(100);
        if move_on_after(patience, status(program("sleep").arg("1000"))).await.is_none() {
            println!("`sleep` was given up after {} ms, and is gone", patience.as_millis());
        }
        if let Err(error) = status(Spawn::new("no-such-program")).await {
            eprintln!("{error}");
            println!("cannot run `no-such-program`");
        }
        Ok(())
    })
}
