//! Interrupts at every moment, in a program with a critical section that fires them; see `tests/`.
