//! `n` may be a field: of what the body and the children use.

use std::cell::Cell;

use giambio::{Nursery, nursery, run};

struct Server<'scope, 'env> {
    n: Nursery<'scope, 'env, &'static str>,
    served: &'env Cell<u32>,
}

impl<'scope, 'env> Server<'scope, 'env> {
    fn serve(&self, request: u32) {
        let served = self.served;
        self.n.spawn(async move {
            served.set(served.get() + request);
            Ok(())
        });
    }
}

#[test]
fn a_method_spawns() {
    let served = Cell::new(0);
    run(nursery(async |n| {
        let server = Server { n, served: &served };
        server.serve(1);
        server.serve(2);
        Ok(())
    }))
    .unwrap();
    assert_eq!(served.get(), 3);
}

#[test]
fn a_child_has_it() {
    let served = Cell::new(0);
    run(nursery(async |n| {
        let server = Server { n, served: &served };
        n.spawn(async move {
            server.serve(3);
            Ok(())
        });
        Ok(())
    }))
    .unwrap();
    assert_eq!(served.get(), 3);
}
