//! The script of the runtime; where memory.x is, the board says.

fn main() {
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
}
