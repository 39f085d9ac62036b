//! The examples of giambio; each is a program of its own, in `examples/`.
