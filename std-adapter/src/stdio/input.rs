//! The standard input: read on demand by a thread, into a buffer of the process.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::io;
use std::mem;
use std::str;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker, ready};

use giambio_core::poll_proceed;

use super::system;
use crate::foreign::{discard, wake_all};
use crate::job::Job;
use crate::pool::{Pool, lock};
use crate::sys::process::Process;

/// One that reads, when it is asked to.
static READER: Pool = Pool::new("giambio stdin", 1);

/// What is read at once.
const PIECE: usize = 8 << 10;

/// How long a line may be.
const LONGEST_LINE: usize = 1 << 20;

static STDIN: Stdin = Stdin(Mutex::new(State {
    process: None,
    buffered: Buffered { bytes: Vec::new(), taken: 0 },
    is_reading: false,
    outcome: None,
    waiting: BTreeMap::new(),
    next: 0,
}));

/// The standard input of the process.
///
/// ```no_run
/// # giambio::run(async {
/// while let Some(line) = giambio::stdin().receive_line().await? {
///     println!("hello, {line}");
/// }
/// # Ok::<(), std::io::Error>(()) });
/// ```
pub fn stdin() -> &'static Stdin {
    &STDIN
}

/// The standard input: what [`stdin`] returns.
///
/// It is read by a thread, when somebody waits for it and not before: so what nobody asked for stays for who comes after this
/// program, as the shell. What was read and not taken stays for the next that asks, in whichever task or thread. The program
/// ends though the thread waits.
///
/// With feature `stream` it is [`Incoming`](crate::stream::Incoming), for [`copy`](crate::stream::copy) and
/// [`Buffered`](crate::stream::Buffered).
#[derive(Debug)]
pub struct Stdin(Mutex<State>);

#[derive(Debug)]
struct State {
    /// Whose thread it is that reads.
    process: Option<Process>,
    buffered: Buffered,
    is_reading: bool,
    /// How the last read ended, unless with bytes: at the end, or with an error. Told once.
    outcome: Option<io::Result<()>>,
    waiting: BTreeMap<u64, Waker>,
    next: u64,
}

impl State {
    /// Of one more who waits.
    fn new_number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

/// What was read, and not taken.
#[derive(Debug)]
struct Buffered {
    bytes: Vec<u8>,
    /// How many bytes were taken before these.
    taken: u64,
}

impl Buffered {
    fn take(&mut self, count: usize) {
        self.bytes.drain(..count);
        self.taken += count as u64;
    }
}

impl Stdin {
    /// Waits for input and moves it to `buffer`; returns how many bytes. 0 says that it is over (or that `buffer` is empty).
    /// A closed standard input is over.
    ///
    /// ```no_run
    /// # giambio::run(async {
    /// let mut buffer = [0; 4096];
    /// loop {
    ///     match giambio::stdin().receive(&mut buffer).await? {
    ///         0 => break,
    ///         count => giambio::stdout().send_all(&buffer[..count]).await?,
    ///     }
    /// }
    /// # Ok::<(), std::io::Error>(()) })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// The system's: [`IsADirectory`](io::ErrorKind::IsADirectory) if it is a folder.
    /// [`QuotaExceeded`](io::ErrorKind::QuotaExceeded): there is no thread to read it.
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation) The thread goes on waiting; what it then reads is for who asks next.
    #[track_caller]
    pub fn receive(&self, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
        let mut place = Place::default();
        poll_fn(move |cx| self.poll_received(cx, Some(&mut place), buffer))
    }

    /// The next line, without its end, which is `"\n"` or `"\r\n"`; `None`: the input is over. The last line needs no end.
    ///
    /// # Errors
    /// [`InvalidData`](io::ErrorKind::InvalidData): the line is longer than 1 MiB, or not UTF-8; it stays for
    /// [`receive`](Stdin::receive). Else as there.
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation)
    #[track_caller]
    pub fn receive_line(&self) -> impl Future<Output = io::Result<Option<String>>> {
        // Of the whole input: others may take some of it meanwhile.
        let mut looked_at = 0_u64;
        let mut place = Place::default();
        poll_fn(move |cx| {
            self.poll_take(cx, Some(&mut place), |buffered, is_over| {
                let bytes = &buffered.bytes;
                let new = usize::try_from(looked_at.saturating_sub(buffered.taken)).unwrap_or(0);
                let end = bytes[new..].iter().position(|byte| *byte == b'\n').map(|at| new + at);
                let length = match end {
                    Some(end) => end + 1,
                    None if is_over => bytes.len(),
                    None if bytes.strip_suffix(b"\r").unwrap_or(bytes).len() > LONGEST_LINE => {
                        let text = format!("a line has more than {LONGEST_LINE} bytes");
                        return Some(Err(io::Error::new(io::ErrorKind::InvalidData, text)));
                    }
                    None => {
                        looked_at = buffered.taken + bytes.len() as u64;
                        return None;
                    }
                };
                if length == 0 {
                    return Some(Ok(None));
                }
                let line = &bytes[..length];
                let line = line.strip_suffix(b"\n").map_or(line, |line| line.strip_suffix(b"\r").unwrap_or(line));
                let text = str::from_utf8(line).map(str::to_owned);
                Some(match text {
                    Ok(text) => {
                        buffered.take(length);
                        Ok(Some(text))
                    }
                    Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error)),
                })
            })
        })
    }

    pub(crate) fn poll_received(
        &self,
        cx: &mut Context<'_>,
        place: Option<&mut Place>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_take(cx, place, |buffered, is_over| {
            let count = buffered.bytes.len().min(buffer.len());
            if count == 0 && !buffer.is_empty() && !is_over {
                return None;
            }
            buffer[..count].copy_from_slice(&buffered.bytes[..count]);
            buffered.take(count);
            Some(Ok(count))
        })
    }

    /// Has `take` take from the bytes, or say by `None` that there are too few, unless no more will come. Who has no `place`
    /// stays among those who wait until something comes, whatever becomes of him.
    fn poll_take<T>(
        &self,
        cx: &mut Context<'_>,
        place: Option<&mut Place>,
        mut take: impl FnMut(&mut Buffered, bool) -> Option<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let go = ready!(poll_proceed(cx));
        let new = cx.waker().clone();
        let process = Some(Process::remembered());
        let mut state = lock(&self.0);
        if mem::replace(&mut state.process, process) != process {
            state.is_reading = false; // by a thread of the process that this one was forked from
        }
        let taken = match take(&mut state.buffered, false) {
            None => match state.outcome.take() {
                Some(Ok(())) => take(&mut state.buffered, true),
                Some(Err(error)) => Some(Err(error)),
                None => None,
            },
            taken => taken,
        };
        if let Some(taken) = taken {
            drop(state);
            go.made_progress();
            return Poll::Ready(taken);
        }
        if !state.is_reading {
            READER.enqueue(Arc::new(Read))?;
            state.is_reading = true;
        }
        let old = match place {
            Some(place) => {
                let number = *place.0.get_or_insert_with(|| state.new_number());
                state.waiting.insert(number, new)
            }
            None if state.waiting.values().any(|waker| waker.will_wake(&new)) => Some(new),
            None => {
                let number = state.new_number();
                state.waiting.insert(number, new)
            }
        };
        drop(state);
        drop(old);
        go.waits_for("the standard input");
        Poll::Pending
    }
}

/// A place among those who wait, from when it is first needed. Who drops it waits no more.
#[derive(Debug, Default)]
#[cfg_attr(not(feature = "stream"), allow(unreachable_pub, reason = "streams show it"))]
pub struct Place(Option<u64>);

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(number) = self.0 {
            let waker = lock(&STDIN.0).waiting.remove(&number);
            discard(waker);
        }
    }
}

/// Reads once.
struct Read;

impl Job for Read {
    fn run(&self) {
        let mut piece = [0; PIECE];
        let read = system::read(&mut piece);
        let mut state = lock(&STDIN.0);
        state.is_reading = false;
        match read {
            Ok(0) => state.outcome = Some(Ok(())),
            Ok(count) => state.buffered.bytes.extend(&piece[..count]),
            Err(error) => state.outcome = Some(Err(error)),
        }
        let waiting = mem::take(&mut state.waiting);
        drop(state);
        wake_all(waiting.into_values());
    }
}
