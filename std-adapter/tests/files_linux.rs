//! Files on Linux, which has a disk that is always full.
#![cfg(target_os = "linux")]

mod common;

use std::io::ErrorKind;

use common::kind;
use giambio::fs::{self, OpenOptions};
use giambio::run;

#[test]
fn a_full_disk_is_told_with_the_path_each_time() {
    run(async {
        for _ in 0..2 {
            let error = fs::write("/dev/full", "x").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::StorageFull);
            assert!(error.to_string().starts_with("can't write \"/dev/full\": "), "{error}");
        }
        // tokio#6325: a second attempt after a failure that reports success.
        let mut options = OpenOptions::new();
        let file = options.write(true).open("/dev/full").await.unwrap();
        for _ in 0..2 {
            assert_eq!(kind(file.write_at(b"x".to_vec(), 0).await.1), Some(ErrorKind::StorageFull));
        }
    });
}
