//! What the tests share: virtual worlds to run in, leaf futures, and instruments that notice what a runtime must not do. None
//! of it uses more of the core than a leaf future may.
#![allow(dead_code, unused_imports)] // each test program uses a part

mod chance;
mod itself;
mod leaves;
mod memory;
mod probes;
mod world;

pub(crate) use chance::*;
pub(crate) use itself::*;
pub(crate) use leaves::*;
pub(crate) use memory::*;
pub(crate) use probes::*;
pub(crate) use world::*;
