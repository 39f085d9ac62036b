//! What those take who wait, and what is waited for.
// A tool may have the compiler lay types out at random.
#![cfg(all(target_pointer_width = "64", not(giambio_no_spare)))]

#[cfg(feature = "heapless")]
use giambio_core::channel::{Broadcast, Channel, OneShot, Pipe, Priority, Rendezvous};
use giambio_core::sync::{Barrier, Condition, Event, Latch, Limiter, Mutex, OnceCell, RwLock, Semaphore, Watch};

/// With feature `introspect` a wait keeps the place where it was asked for, in 8 bytes, once. Without the feature nobody pays
/// for it.
#[test]
fn who_waits_keeps_the_place_with_feature_introspect_alone() {
    let place = if cfg!(feature = "introspect") { 8 } else { 0 };
    let (event, mutex, semaphore, lock) = (Event::new(), Mutex::new(()), Semaphore::new(1), RwLock::new(()));
    let (condition, barrier, watch, cell) =
        (Condition::new(), Barrier::new(2), Watch::new(0_u64), OnceCell::<u64>::new());
    let latch = Latch::new(1);
    let mut watcher = watch.watcher();
    let found = [
        size_of_val(&event.wait()) - place,
        size_of_val(&mutex.lock()) - place,
        size_of_val(&semaphore.acquire(1)) - place,
        size_of_val(&lock.read()) - place,
        size_of_val(&condition.wait_for(|| Some(()))) - place,
        size_of_val(&barrier.wait()) - place,
        size_of_val(&latch.wait()) - place,
        size_of_val(&watcher.changed()) - place,
        size_of_val(&cell.get_or_try_init(async || Ok::<_, ()>(1))) - place,
    ];
    assert_eq!(found, [64, 72, 112, 80, 88, 88, 64, 80, 80]);
}

/// Who uses a value shielded keeps its wait once; the use has that room afterwards.
#[test]
fn who_uses_a_value_shielded_keeps_one_wait() {
    let mutex = Mutex::new(());
    let more = if cfg!(feature = "introspect") { 40 } else { 0 };
    let uses = size_of_val(&mutex.use_shielded(async |()| ()));
    assert!(uses <= 288 + more, "{uses} bytes");
}

/// Also those who wait for channels.
#[cfg(feature = "heapless")]
#[test]
fn who_waits_for_a_channel_keeps_the_place_with_feature_introspect_alone() {
    let place = if cfg!(feature = "introspect") { 8 } else { 0 };
    let (channel, counter, pipe) = (Channel::<u64, 4>::new(), Rendezvous::<u64>::new(), Pipe::<4>::new());
    let (news, answer) = (Broadcast::<u64, 4>::new(), OneShot::<u64>::new());
    let mut subscriber = news.subscribe();
    let found = [
        size_of_val(&channel.send(1)) - place,
        size_of_val(&channel.slot()) - place,
        size_of_val(&channel.receive()) - place,
        size_of_val(&counter.send(1)) - place,
        size_of_val(&counter.receive()) - place,
        size_of_val(&pipe.send(&[])) - place,
        size_of_val(&pipe.receive(&mut [])) - place,
        size_of_val(&pipe.send_all(&[])) - place,
        size_of_val(&pipe.receive_exact(&mut [])) - place,
        size_of_val(&subscriber.receive()) - place,
        size_of_val(&answer.receive()) - place,
    ];
    assert_eq!(found, [80, 72, 64, 104, 64, 80, 80, 120, 120, 72, 64]);
}

/// The same for what they wait for: its name, and who makes a cell's value.
#[test]
fn what_is_waited_for_keeps_its_name_with_feature_introspect_alone() {
    let name = if cfg!(feature = "introspect") { 16 } else { 0 };
    let found = [
        size_of::<Event>() - name,
        size_of::<Mutex<u64>>() - name,
        size_of::<Semaphore>() - name,
        // Two lines.
        size_of::<Limiter>() - 2 * name,
        size_of::<RwLock<u64>>() - name,
        size_of::<Condition>() - name,
        size_of::<Barrier>() - name,
        size_of::<Latch>() - name,
        size_of::<Watch<u64>>() - name,
        size_of::<OnceCell<u64>>() - name - name / 2,
    ];
    assert_eq!(found, [32, 64, 48, 72, 40, 32, 48, 32, 48, 64]);
}

/// The same for channels, whose two lines have it each.
#[cfg(feature = "heapless")]
#[test]
fn channels_keep_their_names_with_feature_introspect_alone() {
    let name = if cfg!(feature = "introspect") { 16 } else { 0 };
    let found = [
        size_of::<Channel<u64, 4>>() - 2 * name,
        size_of::<Priority<u64, 4>>() - 2 * name,
        size_of::<Rendezvous<u64>>() - 2 * name,
        size_of::<Pipe<4>>() - 2 * name,
        size_of::<Broadcast<u64, 4>>() - name,
        size_of::<OneShot<u64>>() - name,
    ];
    assert_eq!(found, [160, 216, 128, 192, 112, 40]);
}
