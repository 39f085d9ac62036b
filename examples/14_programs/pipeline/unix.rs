//! The programs, and how they are put together.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use giambio::process::{Spawn, output, run_in, status};
use giambio::stream::pipe;
use giambio::{move_on_after, nursery};

/// How often each word is there.
async fn count(words: &[u8]) -> io::Result<String> {
    let (from_sort, to_uniq) = pipe()?;
    let sort = Spawn::new("sort").env("LC_ALL", "C").stdin(Stdio::piped()).stdout(to_uniq.into_std()?);
    let uniq = Spawn::new("uniq").arg("-c").stdin(from_sort.into_std()?);
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

pub(crate) fn main() -> io::Result<()> {
    giambio::run(async {
        for line in count(b"the\nfox\nthe\ndog\nfox\nthe\n").await?.lines() {
            println!("{}", line.trim());
        }
        let patience = Duration::from_millis(100);
        if move_on_after(patience, status(Spawn::new("sleep").arg("1000"))).await.is_none() {
            println!("`sleep` was given up after {} ms, and is gone", patience.as_millis());
        }
        if let Err(error) = status(Spawn::new("no-such-program")).await {
            eprintln!("{error}");
            println!("cannot run `no-such-program`");
        }
        Ok(())
    })
}
