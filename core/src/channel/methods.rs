//! What channels have that are made as [`Channel`](super::Channel) is, where the words stand.

macro_rules! methods {
    (waiting $value:ty) => {
        /// As [`Channel::try_send`](super::Channel::try_send).
        ///
        /// # Errors
        /// The channel is full, or closed; the value is handed back.
        pub fn try_send(&self, value: $value) -> Result<(), TrySendError<$value>> {
            self.buffered.try_send(value)
        }

        /// As [`Channel::send`](super::Channel::send).
        ///
        /// # Errors
        /// The channel is closed, or is while this waits; the value is handed back.
        ///
        /// # Cancellation
        /// [**Restartable; loses its place.**](crate#cancellation) [`Send::into_value`] hands the value back.
        #[track_caller]
        pub fn send(&self, value: $value) -> Send<'_, Self> {
            Send::new(self, value)
        }

        /// As [`Channel::try_slot`](super::Channel::try_slot).
        ///
        /// # Errors
        /// The channel is full, or closed.
        pub fn try_slot(&self) -> Result<Slot<'_, Self>, TrySendError<()>> {
            self.buffered.try_slot().map(|()| Slot::new(self))
        }

        /// As [`Channel::slot`](super::Channel::slot).
        ///
        /// # Errors
        /// The channel is closed, or is while this waits.
        ///
        /// # Cancellation
        /// [**Restartable; loses its place.**](crate#cancellation) Dropped after its turn had come, it leaves the place to
        /// the next.
        #[track_caller]
        pub fn slot(&self) -> impl Future<Output = Result<Slot<'_, Self>, Closed>> {
            Slot::wait(self)
        }

        methods!($value);
    };
    ($value:ty) => {
        /// As [`Channel::named`](super::Channel::named).
        #[must_use]
        pub const fn named(mut self, name: &'static str) -> Self {
            self.buffered.set_name(name);
            self
        }

        /// As [`Channel::try_receive`](super::Channel::try_receive).
        ///
        /// # Errors
        /// No value is there that is promised to nobody, or none will ever be.
        pub fn try_receive(&self) -> Result<$value, TryReceiveError> {
            self.buffered.try_receive()
        }

        /// As [`Channel::receive`](super::Channel::receive).
        ///
        /// # Errors
        /// The channel is closed, and nothing is left in it.
        ///
        /// # Cancellation
        /// [**Restartable; loses its place.**](crate#cancellation) No value is lost: dropped after its turn had come, it
        /// leaves the value to the next.
        #[track_caller]
        pub fn receive(&self) -> impl Future<Output = Result<$value, Closed>> {
            deliver(self.buffered.receive(CallSite::here()))
        }

        /// As [`Channel::close`](super::Channel::close).
        pub fn close(&self) {
            self.buffered.close();
        }

        /// As [`Channel::is_closed`](super::Channel::is_closed).
        pub fn is_closed(&self) -> bool {
            self.buffered.is_closed()
        }

        /// As [`Channel::drain`](super::Channel::drain).
        pub fn drain(&self) -> impl Iterator<Item = $value> {
            self.buffered.drain()
        }

        /// As [`Channel::sender`](super::Channel::sender).
        pub fn sender(&self) -> Sender<'_, Self> {
            Sender::new(self)
        }

        /// As [`Channel::receiver`](super::Channel::receiver).
        pub fn receiver(&self) -> Receiver<'_, Self> {
            Receiver::new(self)
        }

        /// How many values are in it.
        pub fn len(&self) -> usize {
            self.buffered.len()
        }

        /// Is nothing in it?
        pub fn is_empty(&self) -> bool {
            self.len() == 0
        }

        /// As [`Channel::peak`](super::Channel::peak).
        pub fn peak(&self) -> usize {
            self.buffered.peak()
        }
    };
}

pub(super) use methods;
