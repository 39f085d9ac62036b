//! `async` methods of traits may take `n`.

use std::cell::Cell;

use giambio::{Nursery, nursery, run};

trait Service<'env> {
    async fn start(&'env self, n: Nursery<'_, 'env, &'static str>) -> Result<(), &'static str>;
}

struct Heartbeat {
    beats: Cell<u32>,
}

impl<'env> Service<'env> for Heartbeat {
    async fn start(&'env self, n: Nursery<'_, 'env, &'static str>) -> Result<(), &'static str> {
        n.spawn(async {
            self.beats.set(self.beats.get() + 1);
            Ok(())
        });
        Ok(())
    }
}

async fn start_all<'env, S: Service<'env>>(services: &'env [S]) -> Result<(), &'static str> {
    nursery(async |n| {
        for service in services {
            service.start(n).await?;
        }
        Ok(())
    })
    .await
}

#[test]
fn through_a_generic_function() {
    let services = [1, 2].map(|beats| Heartbeat { beats: Cell::new(beats) });
    run(start_all(&services)).unwrap();
    assert_eq!(services.map(|service| service.beats.get()), [2, 3]);
}
