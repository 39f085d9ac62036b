//! Twin: accepted/a_method_spawns_what_borrows_self.rs
//! Says: lifetime may not live long enough
//!
//! What the compiler advises, `Nursery<'a, 'a, _>`, fails at the caller; `'env` for both is right.

use std::io;

use giambio::{Nursery, nursery, run};

struct Server;

impl Server {
    async fn serve(&self) -> io::Result<()> {
        Ok(())
    }

    fn start(&self, n: Nursery<'_, '_, io::Error>) {
        n.spawn(self.serve());
    }
}

fn main() -> io::Result<()> {
    let server = Server;
    run(nursery(async |n| {
        server.start(n);
        Ok(())
    }))
}
