compile_error!(
    "giambio knows no reactor for this operating system: add a file beside std-adapter/src/reactor/epoll.rs that offers \
     the same names, and choose it in std-adapter/src/reactor/mod.rs; where the crate `polling` knows the system, \
     choosing portable.rs is enough"
);
