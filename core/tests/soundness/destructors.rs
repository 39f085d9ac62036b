//! Handles, and what destructors do with them.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::common::*;
use crate::every_kind::rest;
use giambio_core::{Task, cancel_scope, checkpoint, nursery};

#[test]
fn a_child_may_own_its_own_handle() {
    run_virtual(async {
        let live = &Live::new();
        nursery(async |n| {
            for i in 0..10 {
                let own = Rc::new(Cell::new(None::<Task<'_, ()>>));
                let inside = own.clone();
                let task = n.spawn_value(async move {
                    let _object = live.object();
                    checkpoint().await;
                    let task = inside.take();
                    if i % 2 == 0 {
                        forever::<()>().await;
                    }
                    drop(task);
                    Ok(())
                });
                own.set(Some(task));
            }
            rest().await;
            assert_eq!(live.left(), 5);
            n.cancel_children();
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(live.left(), 0);
    });
}

#[test]
fn a_childs_result_may_hold_its_own_handle() {
    struct Knot<'a>(#[allow(dead_code)] Option<Task<'a, Rc<Knot<'a>>>>, #[allow(dead_code)] Object);
    run_virtual(async {
        let live = &Live::new();
        nursery(async |n| {
            let own = Rc::new(Cell::new(None::<Task<'_, Rc<Knot<'_>>>>));
            let inside = own.clone();
            own.set(Some(n.spawn_value(async move {
                checkpoint().await;
                Ok(Rc::new(Knot(inside.take(), live.object())))
            })));
            rest().await;
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        // The knot can't be untied by its handle; whoever ends the nursery cuts it.
        assert!(live.left() <= 1);
    });
}

#[test]
fn a_destructor_of_a_child_may_use_handles_of_its_siblings() {
    run_virtual(async {
        let seen = &RefCell::new(Vec::new());
        let result = nursery(async |n| {
            let tasks = Rc::new(RefCell::new(Vec::<Task<'_, u32>>::new()));
            for i in 0..10 {
                let all = tasks.clone();
                let task = n.spawn_value(async move {
                    let _end = on_drop(|| {
                        for task in all.borrow().iter() {
                            seen.borrow_mut().push((task.is_finished(), task.status()));
                            task.cancel();
                        }
                    });
                    forever::<()>().await;
                    Ok(i)
                });
                tasks.borrow_mut().push(task);
            }
            rest().await;
            Err::<(), _>(())
        })
        .await;
        assert_eq!(result, Err(()));
        assert_eq!(seen.borrow().len(), 100);
    });
}

#[test]
fn a_destructor_may_drop_the_handles_and_results_of_its_siblings() {
    run_virtual(async {
        let live = &Live::new();
        let result = nursery(async |n| {
            let tasks = Rc::new(RefCell::new(Vec::<Task<'_, Object>>::new()));
            for i in 0..10 {
                let all = tasks.clone();
                let task = n.spawn_value(async move {
                    let _end = on_drop(move || drop(all.take()));
                    if i % 2 == 0 {
                        forever::<()>().await;
                    }
                    Ok(live.object())
                });
                tasks.borrow_mut().push(task);
            }
            checkpoint().await;
            Err::<(), _>(())
        })
        .await;
        assert_eq!((result, live.left()), (Err(()), 0));
    });
}

#[test]
fn a_destructor_may_end_the_nursery_or_cancel_the_scope() {
    for way in 0..3 {
        run_virtual(async {
            let live = &Live::new();
            let left = cancel_scope(async |scope| {
                nursery(async |n| {
                    for _ in 0..10 {
                        n.spawn(async move {
                            let _object = live.object();
                            let _end = on_drop(|| match way {
                                0 => n.fail("from a destructor"),
                                1 => n.cancel_children(),
                                _ => scope.cancel(),
                            });
                            forever().await
                        });
                    }
                    let last = n.spawn(async {
                        let _end = on_drop(|| scope.cancel());
                        forever().await
                    });
                    rest().await;
                    last.cancel();
                    rest().await;
                    Err::<(), _>("body")
                })
                .await
            })
            .await;
            let _ = left;
            assert_eq!(live.left(), 0, "way {way}");
        });
    }
}

#[test]
fn zero_sized_and_huge_children_live_and_die_well() {
    run_virtual(async {
        nursery(async |n| {
            for _ in 0..100 {
                n.spawn(std::future::ready(Ok(())));
            }
            let big = n.spawn_value(async {
                let bytes = [7u8; 10_000];
                checkpoint().await;
                Ok(bytes)
            });
            assert!(big.await.unwrap().iter().all(|byte| *byte == 7));
            #[repr(align(256))]
            struct Aligned([u8; 256]);
            let aligned = n.spawn_value(async {
                let aligned = Aligned([3; 256]);
                checkpoint().await;
                assert_eq!(std::ptr::from_ref(&aligned).addr() % 256, 0);
                Ok(aligned)
            });
            assert_eq!(aligned.await.unwrap().0[255], 3);
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn a_childs_result_that_holds_its_own_handle_is_dropped_before_its_memory_is_given_away() {
    /// The first word is what an allocator overwrites first.
    #[repr(C)]
    struct Own<'a, const N: usize>(u64, [u64; N], Option<Task<'a, Own<'a, N>>>);
    impl<const N: usize> Drop for Own<'_, N> {
        fn drop(&mut self) {
            drop(self.2.take());
            // Whoever gets the memory of this now would write over it.
            let other = Box::new([0_u64; N]);
            assert_eq!(std::hint::black_box(&*other), &[0; N]);
            assert_eq!((std::hint::black_box(self.0), self.1), (7, [7; N]));
        }
    }
    fn check<const N: usize>() {
        run_virtual(async {
            nursery(async |n| {
                let own = Rc::new(Cell::new(None));
                let inside = own.clone();
                own.set(Some(n.spawn_value(async move {
                    checkpoint().await;
                    Ok(Own::<N>(7, [7; N], inside.take()))
                })));
                rest().await;
                Ok::<_, ()>(())
            })
            .await
            .unwrap();
        });
    }
    check::<1>();
    check::<12>();
    check::<90>();
    check::<250>();
    check::<5_000>();
}
