//! The guest, and a program that uses both worlds.

use std::future::poll_fn;
use std::io;
use std::os::fd::AsFd;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use async_io::{Async, Timer};
use futures_lite::future::zip;
use giambio::net::UdpSocket;
use giambio::{Idle, Next, Runtime, StdClock, nursery, sleep};

/// Runs a giambio program in an executor of smol's.
async fn guest<F: Future>(main: F) -> io::Result<F::Output> {
    let clock = StdClock::new();
    let mut idle = Idle::new(clock)?;
    let mut runtime = pin!(Runtime::new(clock, main).with_notify(idle.waker()));
    let descriptor = Async::new(idle.as_fd().try_clone_to_owned()?)?;
    let mut timer = Timer::never();
    poll_fn(|cx| {
        let mut looked = Ok(());
        let look = |cx: &mut Context<'_>| {
            // At last it is not ready, and wakes us when it is.
            while looked.is_ok()
                && let Poll::Ready(ready) = descriptor.poll_readable(cx)
            {
                idle.look();
                looked = ready;
            }
        };
        // Afterwards, what else wakes a task on this thread wakes us.
        let until = match runtime.as_mut().look_and_turn_in(cx, look) {
            Next::Finished(value) => return Poll::Ready(Ok(value)),
            Next::Wait(until) => until,
        };
        looked?;
        let rests = match idle.arm(until) {
            Some(Duration::ZERO) => false,
            Some(limit) => {
                timer.set_after(limit);
                Pin::new(&mut timer).poll(cx).is_pending()
            }
            None => true,
        };
        if !rests {
            cx.waker().wake_by_ref(); // when the others have had their turn
        }
        Poll::Pending
    })
    .await
}

async fn program() -> io::Result<u32> {
    let socket = UdpSocket::bind("127.0.0.1:0").await?;
    let address = socket.local_addr()?;
    nursery(async |n| {
        // Children borrow, whosever futures they await.
        n.spawn(async {
            let mut buffer = [0; 16];
            let (received, _) = socket.receive_from(&mut buffer).await?;
            println!("giambio's socket has received: {}", String::from_utf8_lossy(&buffer[..received.length]));
            Ok(())
        });
        n.spawn(async {
            Timer::after(Duration::from_millis(50)).await;
            println!("smol's timer has gone off");
            Ok(())
        });
        let theirs = Async::<std::net::UdpSocket>::bind(([127, 0, 0, 1], 0))?;
        theirs.send_to(b"ping", address).await?;
        sleep(Duration::from_millis(100)).await;
        println!("giambio's sleep is over");
        Ok(42)
    })
    .await
}

async fn counts() -> u32 {
    let mut count = 0;
    while count < 3 {
        Timer::after(Duration::from_millis(10)).await;
        count += 1;
    }
    count
}

pub(crate) fn main() -> io::Result<()> {
    let (ended, count) = async_io::block_on(zip(guest(program()), counts()));
    println!("the guest has ended with {}, beside a task of smol's that counted to {count}", ended??);
    Ok(())
}
