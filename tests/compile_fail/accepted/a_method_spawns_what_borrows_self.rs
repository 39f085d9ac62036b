//! A method's children may borrow `self`, if it lives outside the nursery: for `'env`.

use std::cell::Cell;
use std::io;

use giambio::{Nursery, checkpoint, nursery, run};

#[derive(Default)]
struct Server {
    served: Cell<u32>,
}

impl Server {
    async fn serve(&self, _client: u32) -> io::Result<()> {
        checkpoint().await;
        self.served.set(self.served.get() + 1);
        Ok(())
    }

    /// Both children borrow: the one its caller's server, the other what was lent with it.
    fn start<'env>(&'env self, n: Nursery<'_, 'env, io::Error>, first: &'env u32) {
        n.spawn(self.serve(*first));
        n.spawn(async move { self.serve(*first + 1).await });
    }

    /// So may children of children.
    async fn accept<'env>(&'env self, n: Nursery<'_, 'env, io::Error>) -> io::Result<()> {
        for client in 0..3 {
            n.spawn(self.serve(client));
        }
        Ok(())
    }
}

#[test]
fn children_of_a_method_use_self() -> io::Result<()> {
    let (server, first) = (Server::default(), 7);
    run(nursery(async |n| {
        server.start(n, &first);
        n.spawn(server.accept(n));
        Ok(())
    }))?;
    assert_eq!(server.served.get(), 5);
    Ok(())
}
