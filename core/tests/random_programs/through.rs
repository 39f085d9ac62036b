//! Foreign combinators, and other unusual ways of polling, that must make no difference.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use giambio_core::nursery;

use crate::code::Way;
use crate::common::poll_once;
use crate::real::{Failure, Run};

/// Runs `code` that way.
pub(crate) async fn through(way: Way, mut code: Run<'_>) -> Result<(), Failure> {
    match way {
        Way::Set => {
            let mut set: FuturesUnordered<_> = [code].into_iter().collect();
            set.next().await.expect("there is one in it")
        }
        Way::OwnWaker => {
            poll_fn(|cx| {
                let waker = Waker::from(Arc::new(Forward(cx.waker().clone())));
                code.as_mut().poll(&mut Context::from_waker(&waker))
            })
            .await
        }
        Way::Twice => {
            poll_fn(|cx| {
                if let Poll::Ready(result) = code.as_mut().poll(cx) {
                    return Poll::Ready(result);
                }
                code.as_mut().poll(cx)
            })
            .await
        }
        Way::Noisy => {
            let mut left = 5;
            poll_fn(|cx| {
                if left > 0 {
                    left -= 1;
                    cx.waker().wake_by_ref();
                }
                code.as_mut().poll(cx)
            })
            .await
        }
        Way::Late => Late { code, refused: false, left: 10 }.await,
        Way::Moves => {
            let mut first = None;
            let result = nursery(async |n| {
                n.spawn(async {
                    first = Some(poll_once(code.as_mut()).await);
                    Ok(())
                });
                Ok::<_, Failure>(())
            });
            result.await?;
            match first {
                Some(Poll::Ready(result)) => result,
                _ => code.await,
            }
        }
    }
}

struct Forward(Waker);

impl Wake for Forward {
    fn wake(self: Arc<Self>) {
        self.0.wake_by_ref();
    }
}

/// Refuses every other poll, and wakes itself for one more; not for ever.
struct Late<'a> {
    code: Run<'a>,
    refused: bool,
    left: u32,
}

impl Future for Late<'_> {
    type Output = Result<(), Failure>;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.refused = !self.refused && self.left > 0;
        if self.refused {
            self.left -= 1;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.code.as_mut().poll(cx)
    }
}
