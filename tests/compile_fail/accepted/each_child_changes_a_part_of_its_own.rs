//! `&mut` to different things, one a child.

use giambio::{nursery, run};

#[test]
fn one_element_each() {
    let mut numbers = [1, 2, 3];
    run(nursery(async |n| {
        for number in &mut numbers {
            n.spawn(async move {
                *number *= 2;
                Ok::<_, ()>(())
            });
        }
        Ok(())
    }))
    .unwrap();
    assert_eq!(numbers, [2, 4, 6]);
}

#[test]
fn one_chunk_each() {
    let mut bytes = [1_u8; 64];
    run(nursery(async |n| {
        for chunk in bytes.chunks_mut(16) {
            n.spawn(async move {
                chunk.fill(7);
                Ok::<_, ()>(())
            });
        }
        Ok(())
    }))
    .unwrap();
    assert_eq!(bytes, [7; 64]);
}

#[derive(Default)]
struct Counters {
    received: u32,
    sent: u32,
}

#[test]
fn one_field_each() {
    let mut counters = Counters::default();
    run(nursery(async |n| {
        let Counters { received, sent } = &mut counters;
        n.spawn(async {
            *received += 1;
            Ok::<_, ()>(())
        });
        n.spawn(async {
            *sent += 2;
            Ok(())
        });
        Ok(())
    }))
    .unwrap();
    assert_eq!((counters.received, counters.sent), (1, 2));
}

#[test]
fn one_variable_for_one_child() {
    let mut count = 0;
    run(nursery(async |n| {
        n.spawn(async {
            count += 1;
            Ok::<_, ()>(())
        });
        Ok(())
    }))
    .unwrap();
    assert_eq!(count, 1);
}
