//! Who accepts connections need not serve them: a doorkeeper passes each on to a worker, which may be another program, by a
//! socket between programs of one machine.
//!
//! ```text
//! The doorkeeper passes a connection on
//! The worker has 1 descriptor, for: greet him
//! The client hears: hello from the worker
//! ```

mod passing;

fn main() -> std::io::Result<()> {
    passing::main()
}
