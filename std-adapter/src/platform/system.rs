compile_error!(
    "giambio does not know this operating system: add a file beside std-adapter/src/platform/unix.rs that offers the \
     same names, and choose it in std-adapter/src/platform/mod.rs"
);
