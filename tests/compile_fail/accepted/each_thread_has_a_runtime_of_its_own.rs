//! What goes to another thread is the code that opens a runtime there; and wakers.

use std::pin::pin;
use std::task::Waker;
use std::thread;

use giambio::net::TcpStream;
use giambio::{Next, Runtime, VirtualClock, nursery, run};

#[test]
fn a_runtime_is_made_where_it_turns() {
    let thread = thread::spawn(|| {
        let clock = VirtualClock::<1000>::new();
        let mut runtime = pin!(Runtime::new(&clock, async { 7 }));
        matches!(runtime.as_mut().turn(), Next::Finished(7))
    });
    assert!(thread.join().unwrap());
}

#[test]
fn a_nursery_is_opened_where_it_is_polled() {
    let thread = thread::spawn(|| {
        run(nursery(async |n| {
            let task = n.spawn_value(async { Ok::<_, ()>(7) });
            Ok(task.await.unwrap())
        }))
    });
    assert_eq!(thread.join().unwrap(), Ok(7));
}

#[test]
fn a_socket_is_wrapped_where_it_is_used() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let thread = thread::spawn(|| {
        run(async {
            let socket = TcpStream::from(socket);
            socket.local_addr().unwrap()
        })
    });
    assert!(thread.join().unwrap().ip().is_loopback());
}

#[test]
fn wakers_go_anywhere() {
    fn anywhere<T: Send + Sync + 'static>() {}
    anywhere::<Waker>();
}
