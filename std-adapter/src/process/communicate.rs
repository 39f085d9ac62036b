//! Talking to a program through all its pipes at once.

use std::io;

use giambio_core::nursery;

use super::child::Child;
use crate::stream::{PipeReceiver, PipeSender};

impl Child {
    /// Sends `input` and closes [`stdin`](Child::stdin), and receives what comes from [`stdout`](Child::stdout) and
    /// [`stderr`](Child::stderr) until both end, all at once: so nobody waits for a pipe that is full while the other waits for one
    /// that is empty. Pipes that are not there are left out.
    ///
    /// A program that does not want to read all of its input is no error. Output ends when all that have it are done: a program
    /// that was started by the child and lives on holds it up, unless they are a [group](super::Spawn::group).
    ///
    /// ```
    /// use giambio::process::{Spawn, run_in};
    /// use std::process::Stdio;
    ///
    /// # giambio::run(async {
    /// let sort = Spawn::new("sort").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).current_dir("/");
    /// let (talk, ended) = run_in(sort, async |child| child.communicate(b"b\na\n").await).await?;
    /// let (sorted, complaints) = talk?;
    /// assert_eq!((sorted.as_slice(), complaints.len(), ended.success()), (&b"a\nb\n"[..], 0, true));
    /// # Ok::<(), std::io::Error>(()) })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`receive`](PipeReceiver::receive) and [`send`](PipeSender::send).
    ///
    /// # Cancellation
    /// [**Lossy**](giambio_core#cancellation): what was received is lost, and nobody knows how much was sent. Where that matters, use the
    /// pipes.
    #[track_caller]
    pub fn communicate(&self, input: &[u8]) -> impl Future<Output = io::Result<(Vec<u8>, Vec<u8>)>> {
        async move {
            nursery(async |n| {
                if let Some(stdin) = self.stdin() {
                    n.spawn(feed(stdin, input));
                }
                let stderr = n.spawn_value(receive_all(self.stderr()));
                let stdout = receive_all(self.stdout()).await?;
                Ok((stdout, stderr.await.unwrap_or_default()))
            })
            .await
        }
    }
}

async fn feed(stdin: &PipeSender, input: &[u8]) -> io::Result<()> {
    match stdin.send_all(input).await {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error),
        _ => {}
    }
    stdin.close();
    Ok(())
}

async fn receive_all(pipe: Option<&PipeReceiver>) -> io::Result<Vec<u8>> {
    match pipe {
        Some(pipe) => pipe.receive_to_end(usize::MAX).await,
        None => Ok(Vec::new()),
    }
}
