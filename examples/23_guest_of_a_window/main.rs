//! A guest of a loop of one's own, as a window has one: it waits for the window's events and for giambio's descriptor at once.
//!
//! The window is made up, its keys are pressed by another thread. Its loop is what matters: `window/unix.rs`.
//!
//! ```text
//! [window] opened
//! [task] waits for keys
//! [window] key a
//! [task] so far: a
//! [window] key b
//! [task] so far: ab
//! [task] no key for 800 ms
//! [window] key c
//! [task] so far: abc
//! [window] closed
//! the program has ended with "abc"
//! ```

mod window;

fn main() -> std::io::Result<()> {
    window::main()
}
