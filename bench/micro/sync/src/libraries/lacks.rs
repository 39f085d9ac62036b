//! What a library doesn't have.

use super::{Bell, Broadcast, Channel, Lock, OneShot, Permits, Watch};

/// Not there: the program ends, and the table has a gap.
pub(crate) struct Lacks;

fn lacks() -> ! {
    micro_suite::lacks("like that")
}

impl Lock for Lacks {
    fn new() -> Self {
        lacks()
    }

    async fn lock(&self) -> Box<u64> {
        lacks()
    }
}

impl Permits for Lacks {
    fn new() -> Self {
        lacks()
    }

    async fn acquire(&self) {
        lacks()
    }
}

impl Channel for Lacks {
    type Sender = ();
    type Receiver = ();

    fn new() -> ((), ()) {
        lacks()
    }

    fn one_more_sender((): &()) {
        lacks()
    }

    fn one_more_receiver((): &()) {
        lacks()
    }

    async fn send((): &mut (), _: u64) {
        lacks()
    }

    async fn receive((): &mut ()) -> u64 {
        lacks()
    }
}

impl OneShot for Lacks {
    async fn once(_: u64) -> u64 {
        lacks()
    }
}

impl Broadcast for Lacks {
    type Subscriber = ();

    fn new() -> Self {
        lacks()
    }

    fn subscribe(&'static self) {
        lacks()
    }

    fn send(&self, _: u64) {
        lacks()
    }

    async fn receive((): &mut ()) -> u64 {
        lacks()
    }
}

impl Watch for Lacks {
    type Watcher = ();

    fn new() -> Self {
        lacks()
    }

    fn watcher(&'static self) {
        lacks()
    }

    fn set(&self, _: u64) {
        lacks()
    }

    async fn changed((): &mut ()) -> u64 {
        lacks()
    }
}

impl Bell for Lacks {
    fn new() -> Self {
        lacks()
    }

    fn ring(&self) {
        lacks()
    }

    async fn wait(&self) {
        lacks()
    }
}
