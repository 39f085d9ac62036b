//! Nothing is allocated for a message.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::pair;
use futures_lite::future::zip;
use giambio::run;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`, which is the same.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_message_allocates_nothing() {
    run(async {
        let (client, server) = pair().await;
        let mut buffer = [0; 64];
        let exchange = async |rounds: usize, buffer: &mut [u8]| {
            let echo = async {
                let mut buffer = [0; 64];
                for _ in 0..rounds {
                    let count = server.receive(&mut buffer).await.unwrap();
                    server.send_all(&buffer[..count]).await.unwrap();
                }
            };
            let ask = async {
                for _ in 0..rounds {
                    client.send_all(b"ping").await.unwrap();
                    client.receive(buffer).await.unwrap();
                }
            };
            zip(echo, ask).await;
        };
        exchange(10, &mut buffer).await;
        let before = ALLOCATIONS.get();
        exchange(1000, &mut buffer).await;
        assert_eq!(ALLOCATIONS.get() - before, 0);
    });
}
