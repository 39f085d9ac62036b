//! Yes or no, in a word.

/// A `bool` without padding behind it. Rust moves what has padding in its middle by `memcpy`, even if all of it is constant and
/// has just been made; without, it is made where it stays: 800 to 1,000 bytes less of a chip's code that calls `memcpy` for
/// nothing else (`cargo xtask bench-embedded giambio said`, a channel or mutex of one executor).
#[derive(Clone, Copy)]
pub(crate) struct Flag(usize);

impl Flag {
    pub(crate) const NO: Flag = Flag(0);
    pub(crate) const YES: Flag = Flag(1);

    pub(crate) const fn is(self) -> bool {
        self.0 != 0
    }
}
