//! Events, channels and locks: those of one runtime's tasks lie anywhere, those that others use too are of the kind `Shared`.

use giambio::channel::{Broadcast, Channel, Pipe, Priority, Rendezvous};
use giambio::sync::{Event, Mutex, Semaphore, Shared};
use giambio::{nursery, run};

static STARTED: Event<Shared> = Event::shared();
static NUMBERS: Channel<u32, 4, Shared> = Channel::shared();
static URGENT: Priority<u32, 4, Shared> = Priority::shared();
static NEWS: Broadcast<u32, 4, Shared> = Broadcast::shared();
static BYTES: Pipe<4, Shared> = Pipe::shared();
static COUNTER: Rendezvous<u32, Shared> = Rendezvous::shared();
static TOTAL: Mutex<u32, Shared> = Mutex::shared(0);
static PERMITS: Semaphore<Shared> = Semaphore::shared(3);

#[test]
fn in_a_static() {
    let other = std::thread::spawn(|| {
        NUMBERS.try_send(7).unwrap();
        run(async { *TOTAL.lock().await += 7 });
        PERMITS.add(1);
        STARTED.set();
    });
    run(async {
        STARTED.wait().await;
        assert_eq!(NUMBERS.receive().await, Ok(7));
        assert_eq!(*TOTAL.lock().await, 7);
        assert_eq!(PERMITS.acquire(4).await.unwrap().count(), 4);
    });
    other.join().unwrap();
}

#[test]
fn channels_of_each_kind_in_a_static() {
    let mut subscriber = NEWS.subscribe();
    let other = std::thread::spawn(|| {
        URGENT.try_send((1, 7)).unwrap();
        NEWS.send(7).unwrap();
        BYTES.try_send(b"7").unwrap();
        run(COUNTER.send(7)).unwrap();
    });
    run(async {
        assert_eq!(URGENT.receive().await, Ok((1, 7)));
        assert_eq!(subscriber.receive().await, Ok(7));
        assert_eq!(BYTES.receive(&mut [0; 4]).await, 1);
        assert_eq!(COUNTER.receive().await, Ok(7));
    });
    other.join().unwrap();
}

#[test]
fn borrowed_by_another_thread() {
    let started = Event::shared();
    std::thread::scope(|threads| {
        threads.spawn(|| started.set());
        run(started.wait());
    });
}

#[test]
fn a_guard_that_goes_to_another_thread() {
    let total = Mutex::shared(0);
    let guard = run(total.lock());
    std::thread::scope(|threads| {
        threads.spawn(move || drop(guard));
    });
}

#[test]
fn among_the_tasks_of_one_runtime() {
    let started = Event::new();
    let numbers = Channel::<u32, 4>::new();
    run(nursery(async |n| {
        n.spawn(async {
            started.wait().await;
            assert_eq!(numbers.receive().await, Ok(7));
            Ok::<_, ()>(())
        });
        numbers.try_send(7).unwrap();
        started.set();
        Ok(())
    }))
    .unwrap();
}

#[test]
fn made_here_and_used_there() {
    let event = Event::new();
    std::thread::spawn(move || event.set()).join().unwrap();
}
