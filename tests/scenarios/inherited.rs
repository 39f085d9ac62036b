//! Spans of `tracing` and contexts of tokio's runtimes are inherited by children, by the real crates: what a wrapper enters
//! in each poll, and when it drops what is inside, is entered in all that runs and is dropped inside (law NESTED-POLL).
//! Without a wrapper of ours.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use giambio::{finally, move_on_after, nursery, run, sleep};
use tokio::runtime::{Builder, Handle, Runtime};
use tracing::{Instrument, Span, info_span};

/// Is polled, and dropped, in a runtime's context.
struct InContext<F> {
    handle: Handle,
    future: Option<Pin<Box<F>>>,
}

fn in_context<F: Future>(runtime: &Runtime, future: F) -> InContext<F> {
    InContext { handle: runtime.handle().clone(), future: Some(Box::pin(future)) }
}

impl<F: Future> Future for InContext<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        let _entered = this.handle.enter();
        this.future.as_mut().expect("it is there until it is dropped").as_mut().poll(cx)
    }
}

impl<F> Drop for InContext<F> {
    fn drop(&mut self) {
        let _entered = self.handle.enter();
        self.future = None;
    }
}

/// What is current: the name of the span, and which runtime.
#[derive(Clone, Debug, PartialEq)]
struct Around(Option<&'static str>, Option<tokio::runtime::Id>);

fn around() -> Around {
    let span = Span::current().metadata().map(|span| span.name());
    Around(span, Handle::try_current().ok().map(|handle| handle.id()))
}

/// Looks when it is dropped.
struct Looks(Around);

impl Drop for Looks {
    fn drop(&mut self) {
        assert_eq!(around(), self.0, "while it is dropped");
    }
}

const MOMENT: Duration = Duration::from_millis(1);

/// Looks in each way in which code comes to run.
async fn looks(expected: Around) -> Result<(), ()> {
    assert_eq!(around(), expected);
    let _looks = Looks(expected.clone());
    sleep(MOMENT).await;
    assert_eq!(around(), expected);
    let clean_up = async || {
        assert_eq!(around(), expected);
        sleep(MOMENT).await;
        assert_eq!(around(), expected);
    };
    finally(sleep(MOMENT), clean_up).await;
    assert_eq!(around(), expected);
    Ok(())
}

/// Three generations, and a child that enters something else.
async fn family(expected: Around, other: &Runtime) -> Result<(), ()> {
    nursery(async |n| {
        n.spawn(looks(expected.clone()));
        n.spawn(async {
            nursery(async |n| {
                n.spawn(looks(expected.clone()));
                let deeper = Around(Some("deeper"), Some(other.handle().id()));
                n.spawn(in_context(other, looks(deeper)).instrument(info_span!("deeper")));
                Ok(())
            })
            .await
        });
        looks(expected.clone()).await
    })
    .await
}

fn with_spans<R>(f: impl FnOnce() -> R) -> R {
    tracing::subscriber::with_default(tracing_subscriber::registry(), f)
}

#[test]
fn spans_of_tracing_and_contexts_of_tokio_are_those_of_where_the_nursery_is() {
    let [left, right, other] = [(); 3].map(|()| Builder::new_current_thread().build().unwrap());
    let none = Around(None, None);
    with_spans(|| {
        run(async {
            // Side by side, and neither sees the other's.
            nursery(async |n| {
                let of = |name, runtime: &Runtime| Around(Some(name), Some(runtime.handle().id()));
                let left = in_context(&left, family(of("left", &left), &other));
                n.spawn(left.instrument(info_span!("left")));
                let right = in_context(&right, family(of("right", &right), &other).instrument(info_span!("right")));
                n.spawn(right);
                n.spawn(family(none.clone(), &other));
                Ok::<_, ()>(())
            })
            .await
            .unwrap();
            assert_eq!(around(), none);
            // Cut off half-way, with clean-ups.
            let cut = Around(Some("cut"), Some(left.handle().id()));
            for moments in 0..6 {
                let family = in_context(&left, family(cut.clone(), &other)).instrument(info_span!("cut"));
                move_on_after(MOMENT * moments / 2, family).await;
                assert_eq!(around(), none);
            }
        });
    });
}

#[test]
fn what_needs_a_runtime_of_tokio_runs_in_any_child_inside_of_its_context() {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    let sum = run(in_context(
        &runtime,
        nursery(async |n| {
            let tasks = [1, 2, 3].map(|number| {
                n.spawn_value(async move {
                    // Both look for the runtime that they are called in.
                    tokio::time::sleep(MOMENT).await;
                    tokio::spawn(async move { number }).await
                })
            });
            let mut sum = 0;
            for task in tasks {
                sum += task.await.unwrap();
            }
            Ok(sum)
        }),
    ));
    assert_eq!(sum.unwrap(), 6);
}
