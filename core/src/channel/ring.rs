//! Bytes on their way.

/// Up to `N` bytes, of which the first that went in comes out first.
pub(super) struct Ring<const N: usize> {
    bytes: [u8; N],
    /// Where the first lies.
    first: usize,
    len: usize,
}

impl<const N: usize> Ring<N> {
    pub(super) const fn new() -> Self {
        Ring { bytes: [0; N], first: 0, len: 0 }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) const fn room(&self) -> usize {
        N - self.len
    }

    /// Puts in as many as there is room for, and says how many.
    pub(super) fn put(&mut self, data: &[u8]) -> usize {
        let count = data.len().min(self.room());
        let at = Self::wrap(self.first + self.len);
        let (up_to_the_end, rest) = data[..count].split_at(count.min(N - at));
        self.bytes[at..][..up_to_the_end.len()].copy_from_slice(up_to_the_end);
        self.bytes[..rest.len()].copy_from_slice(rest);
        self.len += count;
        count
    }

    /// Takes out as many as there are and `buffer` has room for, and says how many.
    pub(super) fn take(&mut self, buffer: &mut [u8]) -> usize {
        let count = buffer.len().min(self.len);
        let (up_to_the_end, rest) = buffer[..count].split_at_mut(count.min(N - self.first));
        up_to_the_end.copy_from_slice(&self.bytes[self.first..][..up_to_the_end.len()]);
        rest.copy_from_slice(&self.bytes[..rest.len()]);
        self.first = Self::wrap(self.first + count);
        self.len -= count;
        count
    }

    const fn wrap(at: usize) -> usize {
        if at >= N { at - N } else { at }
    }
}
