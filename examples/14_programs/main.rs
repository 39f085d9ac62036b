//! Programs in a row, each with its output in the next one's input, as `sort | uniq -c` has them in a shell; and one that does not end
//! by itself. None is left when the scope is.
//!
//! ```text
//! 1 dog
//! 2 fox
//! 3 the
//! `sleep` was given up after 100 ms, and is gone
//! cannot run `no-such-program`
//! ```

mod pipeline;

fn main() -> std::io::Result<()> {
    pipeline::main()
}
