//! Talking to a program through all its pipes at once.

use std::io;

use giambio_core::nursery;

use super::child::Child;
use crate::stream::{PipeReceiver, PipeSender, ReceiveToEnd};

impl Child {
    /// Sends `input` and closes [`stdin`](Child::stdin), and receives what comes from [`stdout`](Child::stdout) and
    /// [`stderr`](Child::stderr) until both end, all at once: so nobody waits for a pipe that is full while the other waits
    /// for one that is empty. Pipes that are not there are left out.
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
    /// let (talk, ended) = run_in(sort, async |child| {
    ///     let talk = child.communicate(b"b\na\n").await?;
    ///     child.wait().await?; // else it is asked to end, though it has said all
    ///     Ok::<_, std::io::Error>(talk)
    /// })
    /// .await?;
    /// let (sorted, complaints) = talk?;
    /// assert_eq!((sorted.as_slice(), complaints.len(), ended.success()), (&b"a\nb\n"[..], 0, true));
    /// # Ok::<(), std::io::Error>(()) })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidData`](io::ErrorKind::InvalidData): it has said more than its [limit](super::Spawn::output_limit). Else as
    /// [`receive`](PipeReceiver::receive) and [`send`](PipeSender::send).
    ///
    /// # Cancellation
    /// [**Lossy**](giambio_core#cancellation): what was received is lost, and nobody knows how much was sent. Where that
    /// matters, use the pipes.
    #[track_caller]
    pub fn communicate(&self, input: &[u8]) -> impl Future<Output = io::Result<(Vec<u8>, Vec<u8>)>> {
        async move {
            let mut said = Said::by(self);
            self.talk(input, &mut said).await?;
            Ok(said.so_far())
        }
    }

    /// The same, into what outlives a cancellation.
    pub(super) async fn talk<'a>(&'a self, input: &[u8], Said { stdout, stderr }: &mut Said<'a>) -> io::Result<()> {
        nursery(async |n| {
            if let Some(stdin) = self.stdin() {
                n.child().name("input of a program").spawn(feed(stdin, input));
            }
            n.child().name("stderr of a program").spawn(stderr.receive());
            stdout.receive().await
        })
        .await
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

/// What a child has said, as far as it has come.
pub(super) struct Said<'a> {
    stdout: Part<'a>,
    stderr: Part<'a>,
}

impl<'a> Said<'a> {
    pub(super) fn by(child: &'a Child) -> Said<'a> {
        let part = |pipe| Part::of(pipe, child.output_limit);
        Said { stdout: part(child.stdout()), stderr: part(child.stderr()) }
    }

    /// The output, and the complaints.
    pub(super) fn so_far(self) -> (Vec<u8>, Vec<u8>) {
        (self.stdout.so_far(), self.stderr.so_far())
    }
}

/// What comes from a pipe.
enum Part<'a> {
    /// More may come.
    Begun(ReceiveToEnd<'a, PipeReceiver>),
    All(Vec<u8>),
}

impl<'a> Part<'a> {
    fn of(pipe: Option<&'a PipeReceiver>, limit: usize) -> Part<'a> {
        pipe.map_or(Part::All(Vec::new()), |pipe| Part::Begun(pipe.receive_to_end(limit)))
    }

    async fn receive(&mut self) -> io::Result<()> {
        if let Part::Begun(receiving) = self {
            *self = Part::All(receiving.await?);
        }
        Ok(())
    }

    fn so_far(self) -> Vec<u8> {
        match self {
            Part::Begun(receiving) => receiving.received().to_vec(),
            Part::All(said) => said,
        }
    }
}
