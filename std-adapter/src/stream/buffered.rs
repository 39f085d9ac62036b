//! A stream that is received from in pieces of its own: lines, what ends with a certain byte, frames.
//!
//! What comes is kept in a buffer, and a piece leaves it whole, in the poll that returns it. So nothing is lost with a future
//! that is dropped half way.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::str;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncBufRead, AsyncRead};
use memchr::memchr;

use super::incoming::Incoming;

/// How much room there is at first, and at least when it is received again.
const ROOM: usize = 8 << 10;

/// How long a piece may be by default.
const LIMIT: usize = 1 << 20;

/// Receives from a stream, by lines or other pieces: from a [`ByteStream`](super::ByteStream) or its half, owned or by
/// reference.
///
/// ```
/// use giambio::net::TcpStream;
/// use giambio::stream::Buffered;
///
/// async fn greet(stream: &TcpStream) -> std::io::Result<()> {
///     let mut from = Buffered::new(stream);
///     while let Some(name) = from.receive_line().await? {
///         stream.send_all(format!("hello, {name}\n").as_bytes()).await?;
///     }
///     Ok(())
/// }
/// ```
///
/// No line and no other piece whose length the other side says may be longer than a [limit](Buffered::limit), 1 MiB by default:
/// whoever sends may send for ever.
///
/// It is `futures-io`'s [`AsyncRead`] and [`AsyncBufRead`], if the stream is an `AsyncRead`.
pub struct Buffered<R> {
    from: R,
    buffer: Buffer,
}

/// What was received, and not yet taken.
struct Buffer {
    bytes: Vec<u8>,
    /// The part of it from here
    start: usize,
    /// to here.
    end: usize,
    limit: usize,
}

impl<R> Buffered<R> {
    /// Receives from `from`.
    pub fn new(from: R) -> Buffered<R> {
        Buffered { from, buffer: Buffer { bytes: Vec::new(), start: 0, end: 0, limit: LIMIT } }
    }

    /// How long a piece may be, a line, say, or a frame, without what ends it. With 0 there are none but empty ones. It is none
    /// of [`receive_exact`](Buffered::receive_exact), whose caller says how much.
    ///
    /// ```
    /// use giambio::net::{TcpListener, TcpStream};
    /// use giambio::stream::Buffered;
    /// use std::io::ErrorKind;
    ///
    /// # giambio::run(async {
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let stream = TcpStream::connect(listener.local_addr()?).await?;
    /// # let (peer, _) = listener.accept().await?;
    /// stream.send_all(b"a line that is far too long\n").await?;
    /// let mut from = Buffered::new(&peer).limit(16);
    /// assert_eq!(from.receive_line().await.unwrap_err().kind(), ErrorKind::InvalidData);
    /// let (_peer, rest) = from.into_parts(); // nothing is lost
    /// assert_eq!(rest, b"a line that is far too long\n");
    /// # Ok::<(), std::io::Error>(()) })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Buffered<R> {
        self.buffer.limit = limit;
        self
    }

    /// What was received, and not yet taken.
    pub fn buffered(&self) -> &[u8] {
        self.buffer.rest()
    }

    /// The stream.
    pub fn get_ref(&self) -> &R {
        &self.from
    }

    /// The stream, and what was received from it and not yet taken.
    pub fn into_parts(mut self) -> (R, Vec<u8>) {
        self.buffer.make_room(0);
        self.buffer.bytes.truncate(self.buffer.end);
        (self.from, self.buffer.bytes)
    }
}

impl<R: Incoming> Buffered<R> {
    /// As [`ByteStream::receive`](super::ByteStream::receive): what is in the buffer, if there is anything, else what comes.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Panics
    /// As there.
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation)
    #[track_caller]
    pub fn receive(&mut self, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
        async move {
            if !buffer.is_empty() && self.buffer.rest().is_empty() {
                fill(&self.from, &mut self.buffer).await?;
            }
            Ok(self.buffer.take(buffer))
        }
    }

    /// Fills `buffer` to the end. Nothing is taken before there is enough, so as much is kept here meanwhile. It has no
    /// [limit](Buffered::limit) but `buffer`: where its length is what the other side has said, look at that before.
    ///
    /// ```
    /// use giambio::stream::{Buffered, Incoming, Outgoing, duplex};
    /// use std::io;
    ///
    /// /// A line that says how long the body is, and the body.
    /// async fn message(from: &mut Buffered<impl Incoming>) -> io::Result<Option<Vec<u8>>> {
    ///     let Some(line) = from.receive_line().await? else { return Ok(None) };
    ///     let length = line.parse().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    ///     if length > 1 << 20 {
    ///         return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a body of {length} bytes")));
    ///     }
    ///     let mut body = vec![0; length];
    ///     from.receive_exact(&mut body).await?;
    ///     Ok(Some(body))
    /// }
    ///
    /// giambio::testing::run(async {
    ///     let (ours, theirs) = duplex(1000);
    ///     ours.send_all(b"12\nhello\nworld!2\nok").await?;
    ///     ours.finish().await?;
    ///     let mut from = Buffered::new(theirs).limit(10); // of a line
    ///     assert_eq!(message(&mut from).await?.unwrap(), b"hello\nworld!");
    ///     assert_eq!(message(&mut from).await?.unwrap(), b"ok");
    ///     assert!(message(&mut from).await?.is_none());
    ///     io::Result::Ok(())
    /// })?;
    /// # io::Result::Ok(())
    /// ```
    ///
    /// # Errors
    /// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) if the stream ends before; what came stays. Else as
    /// [`receive`](Buffered::receive).
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation)
    #[track_caller]
    pub fn receive_exact(&mut self, buffer: &mut [u8]) -> impl Future<Output = io::Result<()>> {
        async move {
            self.have(buffer.len()).await?;
            self.buffer.take(buffer);
            Ok(())
        }
    }

    /// The next line, without its end, which is `"\n"` or `"\r\n"`; `None`: the stream is over. The last line needs no end.
    ///
    /// # Errors
    /// [`InvalidData`](io::ErrorKind::InvalidData): the line is longer than the [limit](Buffered::limit), or not UTF-8. It
    /// stays in the buffer; [`until`](Buffered::until) takes what is not UTF-8. Else as [`receive`](Buffered::receive).
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation)
    #[track_caller]
    pub fn receive_line(&mut self) -> impl Future<Output = io::Result<Option<String>>> {
        async move {
            let length = self.piece(b'\n', b"\r").await?;
            if length == 0 {
                return Ok(None);
            }
            let bytes = &self.buffer.rest()[..length];
            let line = bytes.strip_suffix(b"\n").map_or(bytes, |line| line.strip_suffix(b"\r").unwrap_or(line));
            let line = str::from_utf8(line).map_err(no_text)?.to_owned();
            self.buffer.start += length;
            Ok(Some(line))
        }
    }

    /// The lines that come, one after the other.
    ///
    /// ```
    /// # use giambio::{net::TcpStream, stream::Buffered};
    /// # async fn count(stream: &TcpStream) -> std::io::Result<usize> {
    /// let mut count = 0;
    /// let mut from = Buffered::new(stream);
    /// let mut lines = from.lines();
    /// while let Some(line) = lines.next().await? {
    ///     count += line.len();
    /// }
    /// # Ok(count) }
    /// ```
    pub fn lines(&mut self) -> Lines<'_, R> {
        Lines(self)
    }

    /// What comes until `end`, and that; without it, if the stream ends before. `None`: the stream is over.
    ///
    /// # Errors
    /// [`InvalidData`](io::ErrorKind::InvalidData): it is longer than the [limit](Buffered::limit); it stays in the buffer.
    /// Else as [`receive`](Buffered::receive).
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation)
    #[track_caller]
    pub fn until(&mut self, end: u8) -> impl Future<Output = io::Result<Option<Vec<u8>>>> {
        async move {
            let length = self.piece(end, b"").await?;
            let piece = self.buffer.rest()[..length].to_vec();
            self.buffer.start += length;
            Ok((length > 0).then_some(piece))
        }
    }

    /// The next frame: so many bytes as the four before it say, the most significant first. `None`: the stream is over.
    /// [`send_frame`](super::ByteStream::send_frame) sends them.
    ///
    /// ```
    /// use giambio::net::{TcpListener, TcpStream};
    /// use giambio::stream::Buffered;
    ///
    /// # giambio::run(async {
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let stream = TcpStream::connect(listener.local_addr()?).await?;
    /// # let (peer, _) = listener.accept().await?;
    /// stream.send_frame(b"any \n bytes").await?;
    /// stream.send_all(b"key=value;").await?;
    /// let mut from = Buffered::new(&peer);
    /// assert_eq!(from.receive_frame().await?.unwrap(), b"any \n bytes");
    /// assert_eq!(from.until(b'=').await?.unwrap(), b"key=");
    /// # Ok::<(), std::io::Error>(()) })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidData`](io::ErrorKind::InvalidData): the frame is longer than the [limit](Buffered::limit); it is not taken.
    /// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof): the stream ends within one. Else as [`receive`](Buffered::receive).
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation)
    #[track_caller]
    pub fn receive_frame(&mut self) -> impl Future<Output = io::Result<Option<Vec<u8>>>> {
        async move {
            if self.buffer.rest().is_empty() && fill(&self.from, &mut self.buffer).await? == 0 {
                return Ok(None);
            }
            self.have(4).await?;
            let mut length = [0; 4];
            length.copy_from_slice(&self.buffer.rest()[..4]);
            let length = u32::from_be_bytes(length) as usize;
            if length > self.buffer.limit {
                return Err(too_long(format_args!("a frame has {length} bytes"), self.buffer.limit));
            }
            self.have(4 + length).await?;
            let frame = self.buffer.rest()[4..][..length].to_vec();
            self.buffer.start += 4 + length;
            Ok(Some(frame))
        }
    }

    /// Receives until there are so many bytes in the buffer.
    async fn have(&mut self, length: usize) -> io::Result<()> {
        while self.buffer.rest().len() < length {
            if fill(&self.from, &mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    /// Receives until there is an `end` in the buffer, or the stream has ended; how much that is, with the `end`. A `prefix`
    /// last before that belongs to it, and is not counted.
    async fn piece(&mut self, end: u8, prefix: &[u8]) -> io::Result<usize> {
        let mut looked_at = 0;
        loop {
            let rest = self.buffer.rest();
            let length = memchr(end, &rest[looked_at..]).map(|at| looked_at + at);
            let (piece, limit) = (&rest[..length.unwrap_or(rest.len())], self.buffer.limit);
            let so_far = piece.strip_suffix(prefix).unwrap_or(piece).len();
            if so_far > limit {
                return Err(long_line(so_far, limit));
            }
            if let Some(length) = length {
                return Ok(length + 1);
            }
            looked_at = rest.len();
            if fill(&self.from, &mut self.buffer).await? == 0 {
                return if looked_at > limit { Err(long_line(looked_at, limit)) } else { Ok(looked_at) };
            }
        }
    }
}

fn no_text(error: std::str::Utf8Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("a line is not UTF-8: {error}"))
}

fn long_line(so_far: usize, limit: usize) -> io::Error {
    too_long(format_args!("a line has {so_far} bytes so far"), limit)
}

fn too_long(what: impl fmt::Display, limit: usize) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{what}, more than the {limit} that it may have"))
}

/// Receives into the buffer; 0: the stream has ended.
fn fill<'a, R: Incoming>(from: &'a R, buffer: &'a mut Buffer) -> impl Future<Output = io::Result<usize>> + 'a {
    let mut claim = R::Claim::default();
    poll_fn(move |cx| {
        let count = ready!(from.poll_receive(cx, &mut claim, buffer.make_room(ROOM)))?;
        buffer.end += count;
        Poll::Ready(Ok(count))
    })
}

impl Buffer {
    fn rest(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Moves as much as fits to the beginning of `to`.
    fn take(&mut self, to: &mut [u8]) -> usize {
        let count = self.rest().len().min(to.len());
        to[..count].copy_from_slice(&self.rest()[..count]);
        self.start += count;
        count
    }

    /// What is behind the rest, at least so many bytes. The rest comes to the front when there is not enough behind it, and
    /// half of the bytes are free: so each is moved once for each that was taken.
    fn make_room(&mut self, room: usize) -> &mut [u8] {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        if room == 0 || self.bytes.len() - self.end < room && self.start >= self.end - self.start {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.bytes.len() - self.end < room {
            let length = (self.bytes.len() * 2).max(self.end + room);
            self.bytes.resize(length, 0);
        }
        &mut self.bytes[self.end..]
    }
}

/// Made by [`Buffered::lines`].
pub struct Lines<'a, R>(&'a mut Buffered<R>);

impl<R: Incoming> Lines<'_, R> {
    /// As [`Buffered::receive_line`].
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation)
    #[track_caller]
    #[allow(clippy::should_implement_trait, reason = "it waits")]
    pub fn next(&mut self) -> impl Future<Output = io::Result<Option<String>>> {
        self.0.receive_line()
    }
}

impl<R: AsyncRead + Unpin> AsyncBufRead for Buffered<R> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let Buffered { from, buffer } = self.get_mut();
        if buffer.rest().is_empty() {
            let count = ready!(Pin::new(from).poll_read(cx, buffer.make_room(ROOM)))?;
            buffer.end += count;
        }
        Poll::Ready(Ok(buffer.rest()))
    }

    fn consume(self: Pin<&mut Self>, count: usize) {
        let buffer = &mut self.get_mut().buffer;
        buffer.start = (buffer.start + count).min(buffer.end);
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Buffered<R> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        if !buffer.is_empty() {
            ready!(self.as_mut().poll_fill_buf(cx))?;
        }
        Poll::Ready(Ok(self.get_mut().buffer.take(buffer)))
    }
}

impl<R: fmt::Debug> fmt::Debug for Buffered<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let buffered = self.buffered().len();
        f.debug_struct("Buffered").field("from", &self.from).field("buffered", &buffered).finish_non_exhaustive()
    }
}

impl<R: fmt::Debug> fmt::Debug for Lines<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lines").field(&self.0).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use giambio_core::testing::{cancel_everywhere, run};

    use super::super::ends::tests::Script;
    use super::*;

    const LINES: [&str; 5] = ["one", "", "two\r in the middle", "three", "without end"];

    /// The lines, in pieces that end anywhere.
    fn script(pieces: usize) -> Script {
        let text = b"one\n\ntwo\r in the middle\r\nthree\r\nwithout end";
        Script::of(&text.chunks(pieces).collect::<Vec<_>>())
    }

    #[test]
    fn a_line_is_a_line_in_whatever_pieces_it_comes() {
        for pieces in [1, 2, 3, 5, 8, 100] {
            run(async {
                let mut from = Buffered::new(script(pieces));
                let mut lines = from.lines();
                for line in LINES {
                    assert_eq!(lines.next().await.unwrap().as_deref(), Some(line));
                }
                assert_eq!(lines.next().await.unwrap(), None);
                assert_eq!(lines.next().await.unwrap(), None);
            });
        }
    }

    /// Each line is received by a future of its own, which is dropped at each of its suspensions; the next one gets all of it.
    #[test]
    #[allow(clippy::await_holding_refcell_ref, reason = "nobody else borrows it meanwhile")]
    fn no_byte_is_lost_with_a_future_that_is_dropped() {
        let (from, got) = (RefCell::new(None), RefCell::new(Vec::new()));
        cancel_everywhere(
            || {
                *from.borrow_mut() = Some(Buffered::new(script(2)));
                got.borrow_mut().clear();
                async {
                    let mut from = from.borrow_mut();
                    let from = from.as_mut().unwrap();
                    while let Some(line) = from.receive_line().await.unwrap() {
                        got.borrow_mut().push(line);
                    }
                }
            },
            |_| {
                // The rest is received by others.
                let mut rest = from.take().unwrap();
                let mut got = got.take();
                run(async {
                    while let Some(line) = rest.receive_line().await.unwrap() {
                        got.push(line);
                    }
                });
                assert_eq!(got, LINES);
            },
        );
    }

    #[test]
    fn a_piece_has_its_end_with_it_unless_the_stream_has_none() {
        run(async {
            let mut from = Buffered::new(Script::of(&[b"a;b", b"c;d"]));
            assert_eq!(from.until(b';').await.unwrap().unwrap(), b"a;");
            assert_eq!(from.until(b';').await.unwrap().unwrap(), b"bc;");
            assert_eq!(from.until(b';').await.unwrap().unwrap(), b"d");
            assert_eq!(from.until(b';').await.unwrap(), None);
        });
    }

    #[test]
    fn what_is_too_long_or_no_text_stays() {
        run(async {
            let mut from = Buffered::new(Script::of(&[b"12345\n123456\n"])).limit(5);
            assert_eq!(from.receive_line().await.unwrap().unwrap(), "12345");
            for _ in 0..2 {
                let error = from.receive_line().await.unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::InvalidData);
                assert_eq!(error.to_string(), "a line has 6 bytes so far, more than the 5 that it may have");
            }
            assert_eq!(from.buffered(), b"123456\n");
            assert_eq!(from.limit(6).receive_line().await.unwrap().unwrap(), "123456");

            let mut from = Buffered::new(Script::of(&[b"\xff\n!"]));
            let error = from.receive_line().await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            assert!(error.to_string().starts_with("a line is not UTF-8: "), "{error}");
            assert_eq!(from.until(b'\n').await.unwrap().unwrap(), b"\xff\n");
            assert_eq!(from.into_parts().1, b"!");

            let mut from = Buffered::new(Script::of(&[b"\n", b"a\n"])).limit(0);
            assert_eq!(from.receive_line().await.unwrap().unwrap(), "");
            assert!(from.receive_line().await.is_err());
        });
    }

    #[test]
    fn what_ends_a_line_does_not_count() {
        // In whatever pieces it comes, with a `\r` last that may belong to the end.
        for pieces in [&[&b"12345\r\n"[..]][..], &[b"12345\r", b"\n"], &[b"12345", b"\r", b"\n"], &[b"12345\n"]] {
            run(async {
                let mut from = Buffered::new(Script::of(pieces)).limit(5);
                assert_eq!(from.receive_line().await.unwrap().unwrap(), "12345");
            });
        }
        for pieces in [&[&b"123456\r\n"[..]][..], &[b"12345\r\r\n"], &[b"12345\rx\n"], &[b"12345\r"]] {
            run(async {
                let mut from = Buffered::new(Script::of(pieces)).limit(5);
                assert_eq!(from.receive_line().await.unwrap_err().kind(), io::ErrorKind::InvalidData);
            });
        }
        run(async {
            let mut from = Buffered::new(Script::of(&[b"12345\r\n"])).limit(5);
            assert_eq!(from.until(b'\n').await.unwrap_err().kind(), io::ErrorKind::InvalidData);
        });
    }

    #[test]
    fn bytes_may_be_taken_between_lines() {
        run(async {
            let mut from = Buffered::new(Script::of(&[b"head\nbo", b"dy!"]));
            assert_eq!(from.receive_line().await.unwrap().unwrap(), "head");
            let mut body = [0; 4];
            from.receive_exact(&mut body).await.unwrap();
            assert_eq!(&body, b"body");
            assert_eq!(from.receive(&mut []).await.unwrap(), 0);
            assert_eq!(from.receive(&mut body).await.unwrap(), 1);
            assert_eq!(from.receive(&mut body).await.unwrap(), 0);
            assert_eq!(from.receive_exact(&mut body).await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        });
    }

    /// The limit is for what the other side may make long: a header's is not its body's.
    #[test]
    fn a_body_may_be_longer_than_a_line() {
        run(async {
            let body = [7; 3 * ROOM];
            let mut from = Buffered::new(Script::of(&[b"head\n", &body[..5], &body[5..], b"tail\n"])).limit(4);
            assert_eq!(from.receive_line().await.unwrap().unwrap(), "head");
            let mut received = [0; 3 * ROOM];
            from.receive_exact(&mut received).await.unwrap();
            assert_eq!(received, body);
            assert_eq!(from.receive_line().await.unwrap().unwrap(), "tail");
        });
    }

    #[test]
    fn frames_come_whole_or_say_why_not() {
        run(async {
            let mut from = Buffered::new(Script::of(&[b"\0\0", b"\0\x03abc\0\0\0\0\0", b"\0\0\x01"])).limit(3);
            assert_eq!(from.receive_frame().await.unwrap().unwrap(), b"abc");
            assert_eq!(from.receive_frame().await.unwrap().unwrap(), b"");
            assert_eq!(from.receive_frame().await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
            let mut from = Buffered::new(Script::of(&[b"\0\0\0\x04abcd"])).limit(3);
            let error = from.receive_frame().await.unwrap_err();
            assert_eq!(error.to_string(), "a frame has 4 bytes, more than the 3 that it may have");
            assert_eq!(from.limit(4).receive_frame().await.unwrap().unwrap(), b"abcd");
            assert_eq!(Buffered::new(Script::default()).receive_frame().await.unwrap(), None);
        });
    }

    #[test]
    fn a_long_line_is_looked_at_and_moved_once() {
        let mut buffer = Buffer { bytes: Vec::new(), start: 0, end: 0, limit: LIMIT };
        for _ in 0..1_000 {
            buffer.make_room(ROOM)[..1_000].fill(7);
            buffer.end += 1_000;
            buffer.start += 900; // others take most of it
        }
        assert_eq!(buffer.rest().len(), 100_000);
        assert!(buffer.bytes.len() <= 4 * 100_000 + ROOM, "{}", buffer.bytes.len());
    }
}
