//! Files on Unix: links, permissions, names that are no text, what is full, what has limits, what has another end.
#![cfg(unix)]

mod common;

use std::env;
use std::ffi::OsStr;
use std::fs as std_fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use common::{kind, words_of_itself};
use giambio::fs::{self, File, OpenOptions};
use giambio::{fail_after, run};

const LONG: Duration = Duration::from_secs(30);

fn in_a_folder(test: impl AsyncFnOnce(&Path)) {
    run(fs::in_temporary_folder(test)).unwrap();
}

fn mode(path: &Path) -> u32 {
    std_fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn links_are_read_and_permissions_are_those_of_what_they_lead_to() {
    in_a_folder(async |folder| {
        let (target, link) = (folder.join("target"), folder.join("link"));
        symlink("target", &link).unwrap();
        assert_eq!(fs::read_link(&link).await.unwrap(), Path::new("target"));
        assert!(!fs::try_exists(&link).await.unwrap(), "it leads nowhere");
        assert_eq!(kind(fs::canonicalize(&link).await), Some(ErrorKind::NotFound));

        fs::write(&target, "").await.unwrap();
        assert_eq!(fs::canonicalize(&link).await.unwrap(), fs::canonicalize(&target).await.unwrap());
        fs::set_permissions(&link, std_fs::Permissions::from_mode(0o604)).await.unwrap();
        assert_eq!(mode(&target), 0o604);
    });
}

#[test]
fn an_atomic_write_over_a_link_keeps_the_link_its_target_and_the_mode() {
    in_a_folder(async |folder| {
        let (target, link, links) = (folder.join("deep/target"), folder.join("link"), folder.join("links"));
        std_fs::create_dir(folder.join("deep")).unwrap();
        std_fs::write(&target, "old").unwrap();
        std_fs::set_permissions(&target, std_fs::Permissions::from_mode(0o640)).unwrap();
        symlink("deep/target", &link).unwrap();
        symlink("link", &links).unwrap();
        fs::write_atomically(&links, "new").await.unwrap();
        assert!(std_fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(std_fs::symlink_metadata(&links).unwrap().is_symlink());
        assert_eq!((std_fs::read_to_string(&target).unwrap().as_str(), mode(&target)), ("new", 0o640));
        assert_eq!(std_fs::read_dir(folder.join("deep")).unwrap().count(), 1);

        // A link to what is not there yet makes that.
        symlink("deep/later", folder.join("early")).unwrap();
        fs::write_atomically(folder.join("early"), "x").await.unwrap();
        assert_eq!(std_fs::read_to_string(folder.join("deep/later")).unwrap(), "x");

        // A new file has the mode that every new file has.
        std_fs::write(folder.join("usual"), "").unwrap();
        assert_eq!(mode(&folder.join("deep/later")), mode(&folder.join("usual")));

        // What is no file stays what it is.
        let socket = folder.join("socket");
        let _listens = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let error = fs::write_atomically(&socket, "x").await.unwrap_err();
        assert!(error.kind() == ErrorKind::InvalidInput && error.to_string().contains("socket\""), "{error}");
        assert!(!std_fs::symlink_metadata(&socket).unwrap().is_file());

        symlink("b", folder.join("a")).unwrap();
        symlink("a", folder.join("b")).unwrap();
        let error = fs::write_atomically(folder.join("a"), "").await.unwrap_err();
        assert!(error.to_string().contains("lead to each other"), "{error}");
    });
}

#[test]
fn links_are_followed_by_a_walk_that_is_told_to_and_never_for_ever() {
    in_a_folder(async |folder| {
        std_fs::create_dir_all(folder.join("a/b")).unwrap();
        std_fs::create_dir(folder.join("c")).unwrap();
        std_fs::write(folder.join("c/file"), "").unwrap();
        symlink("../..", folder.join("a/b/up")).unwrap(); // a loop
        symlink("../c", folder.join("a/side")).unwrap(); // none
        symlink("nowhere", folder.join("dangling")).unwrap();
        let (mut paths, mut errors) = (Vec::new(), Vec::new());
        let mut walk = fs::walk(folder).follow_links();
        loop {
            match walk.next().await {
                Ok(Some(entry)) => paths.push(entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned()),
                Ok(None) => break,
                Err(error) => errors.push(error.to_string()),
            }
            assert!(paths.len() < 100);
        }
        paths.sort();
        assert_eq!(paths, ["a", "a/b", "a/b/up", "a/side", "a/side/file", "c", "c/file"]);
        errors.sort();
        assert_eq!(errors.len(), 2, "{errors:?}");
        assert!(errors.iter().any(|error| error.contains("a/b/up") && error.contains("for ever")), "{errors:?}");
        assert!(errors.iter().any(|error| error.contains("dangling")), "{errors:?}");

        let mut count = 0;
        let mut walk = fs::walk(folder);
        while let Some(entry) = walk.next().await.unwrap() {
            count += 1;
            assert_eq!(
                entry.file_type().is_symlink(),
                ["up", "side", "dangling"].contains(&entry.file_name().to_str().unwrap())
            );
        }
        assert_eq!(count, 7);
    });
}

#[test]
fn names_need_not_be_text() {
    in_a_folder(async |folder| {
        let path = folder.join(OsStr::from_bytes(b"not\xfftext\n"));
        fs::write(&path, "x").await.unwrap();
        assert_eq!(fs::read_dir(folder).next().await.unwrap().unwrap().into_path(), path);
        fs::remove_file(&path).await.unwrap();
        let error = fs::read(&path).await.unwrap_err().to_string();
        assert!(error.contains("not\\xFFtext\\n"), "{error}");
    });
}

/// To open one waits for its other end, where no cancellation reaches: tokio's and others' hang there.
#[test]
fn a_fifo_without_another_end_is_refused() {
    in_a_folder(async |folder| {
        let path = folder.join("fifo");
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        let mut writes = OpenOptions::new();
        writes.write(true);
        let all = async {
            for error in [
                fs::read(&path).await.unwrap_err(),
                fs::write(&path, "x").await.unwrap_err(),
                File::open(&path).await.unwrap_err(),
                writes.open(&path).await.unwrap_err(),
                fs::copy(&path, folder.join("to")).await.unwrap_err(),
            ] {
                assert_eq!(error.kind(), ErrorKind::Unsupported);
                assert!(error.to_string().contains("FIFO") && error.to_string().contains("fifo\""), "{error}");
            }
        };
        fail_after(LONG, all).await.unwrap();
    });
}

/// `/proc/kmsg` would say that it would block.
#[test]
fn a_file_that_was_opened_is_in_no_mode_of_its_own() {
    in_a_folder(async |folder| {
        let flags = |path: &Path| {
            fs::with_file(OpenOptions::new().read(true), path.to_owned(), |file| {
                Ok(rustix::fs::fcntl_getfl(file)? & rustix::fs::OFlags::NONBLOCK)
            })
        };
        std_fs::write(folder.join("file"), "x").unwrap();
        for path in [&folder.join("file"), folder, Path::new("/dev/null")] {
            assert!(flags(path).await.unwrap().is_empty(), "{}", path.display());
        }
    });
}

#[test]
fn what_else_the_options_of_the_standard_library_say_is_kept() {
    in_a_folder(async |folder| {
        let (target, link, fifo) = (folder.join("target"), folder.join("link"), folder.join("fifo"));
        std_fs::write(&target, "x").unwrap();
        symlink("target", &link).unwrap();
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let mut options = std_fs::OpenOptions::new();
        options.read(true).custom_flags(libc::O_NOFOLLOW);
        let options = OpenOptions::from(options);
        assert_eq!(kind(options.open(&target).await), None);
        let error = options.open(&link).await.expect_err("the link was followed");
        assert!(error.to_string().contains("link\""), "{error}");
        let refused = fail_after(LONG, options.open(&fifo)).await.expect("it waits for another end");
        assert_eq!(kind(refused), Some(ErrorKind::Unsupported));
    });
}

#[test]
fn devices_are_read_and_written() {
    run(async {
        assert_eq!(fs::read("/dev/null").await.unwrap(), b"");
        fs::write("/dev/null", "gone").await.unwrap();
        let zero = File::open("/dev/zero").await.unwrap();
        let (buffer, count) = zero.read_at(vec![1; 5], 0).await;
        assert_eq!((buffer, count.unwrap()), (vec![0; 5], 5));
    });
}

#[test]
fn what_may_not_be_read_or_written_is_told() {
    if std_fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0) {
        // Root may do everything; a folder of the system's own is closed to it, too.
        run(async {
            let error = fs::write("/proc/version", "x").await.unwrap_err();
            assert!(error.to_string().contains("\"/proc/version\""), "{error}");
        });
        return;
    }
    in_a_folder(async |folder| {
        let path = folder.join("closed");
        std_fs::write(&path, "").unwrap();
        std_fs::set_permissions(&path, std_fs::Permissions::from_mode(0o000)).unwrap();
        assert_eq!(kind(fs::read(&path).await), Some(ErrorKind::PermissionDenied));
        assert_eq!(kind(fs::write(&path, "").await), Some(ErrorKind::PermissionDenied));
    });
}

#[test]
fn a_copy_keeps_the_mode_and_never_empties_what_it_reads() {
    in_a_folder(async |folder| {
        let (from, to, same) = (folder.join("from"), folder.join("to"), folder.join("same"));
        std_fs::write(&from, "text").unwrap();
        std_fs::set_permissions(&from, std_fs::Permissions::from_mode(0o750)).unwrap();
        std_fs::hard_link(&from, &same).unwrap();
        fs::copy(&from, &to).await.unwrap();
        assert_eq!(mode(&to), 0o750);
        for path in [&from, &same] {
            assert_eq!(kind(fs::copy(&from, path).await), Some(ErrorKind::InvalidInput));
        }
        assert_eq!(std_fs::read(&from).unwrap(), b"text");
        // Root may change the mode of a device, which is everybody's.
        let before = mode("/dev/null".as_ref());
        fs::copy(&from, "/dev/null").await.unwrap();
        assert_eq!(mode("/dev/null".as_ref()), before);
    });
}

/// This program once more, with limits that the shell sets.
fn with_limits(limits: &str, test: &str) {
    let script = format!("{limits}; exec \"$0\" \"$@\" --exact {test} --nocapture");
    let mut child = Command::new("sh");
    child.args(["-c", &script]).args(words_of_itself()).env("GIAMBIO_LIMITED", "1");
    child.env("ASAN_OPTIONS", "detect_leaks=0"); // who has given up root may not look for leaks
    let output = child.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
}

fn is_limited() -> bool {
    env::var_os("GIAMBIO_LIMITED").is_some()
}

#[test]
fn a_file_that_gets_too_large_is_told() {
    if !is_limited() {
        // The signal would end the process.
        return with_limits("trap '' XFSZ; ulimit -f 2048", "a_file_that_gets_too_large_is_told");
    }
    in_a_folder(async |folder| {
        let path = folder.join("large");
        for error in [
            fs::write(&path, vec![7; 8 << 20]).await.unwrap_err(),
            fs::write_atomically(&path, vec![7; 8 << 20]).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::FileTooLarge);
            assert!(error.to_string().contains("large\""), "{error}");
        }
        assert!(std_fs::metadata(&path).unwrap().len() <= 2 << 20);
        assert_eq!(std_fs::read_dir(folder).unwrap().count(), 1);
    });
}

#[test]
fn no_descriptors_left_is_told_with_the_path() {
    if !is_limited() {
        return with_limits("ulimit -n 32", "no_descriptors_left_is_told_with_the_path");
    }
    in_a_folder(async |folder| {
        let path = folder.join("file");
        fs::write(&path, "x").await.unwrap();
        let mut files = Vec::new();
        let error = loop {
            match File::open(&path).await {
                Ok(file) => files.push(file),
                Err(error) => break error,
            }
        };
        assert!(files.len() < 32);
        assert!(error.to_string().contains("file\""), "{error}");
        assert!(fs::write_atomically(&path, "y").await.is_err());
        assert!(fs::read_dir(folder).next().await.is_err());
        drop(files);
        assert_eq!(fs::read(&path).await.unwrap(), b"x");
    });
}

#[test]
fn an_atomic_write_in_a_folder_that_can_not_be_read_changes_nothing() {
    const NAME: &str = "an_atomic_write_in_a_folder_that_can_not_be_read_changes_nothing";
    if !is_limited() {
        return with_limits(":", NAME);
    }
    if rustix::process::geteuid().is_root() {
        // Root may read every folder, and this process does nothing else. SAFETY: it is given a number.
        assert_eq!(unsafe { libc::seteuid(65_534) }, 0);
    }
    in_a_folder(async |folder| {
        let folder = folder.join("writable");
        let path = folder.join("file");
        std_fs::create_dir(&folder).unwrap();
        std_fs::write(&path, "old").unwrap();
        std_fs::set_permissions(&folder, std_fs::Permissions::from_mode(0o300)).unwrap();
        assert_eq!(kind(fs::write_atomically(&path, "new").await), Some(ErrorKind::PermissionDenied));
        assert_eq!(std_fs::read_to_string(&path).unwrap(), "old");
        std_fs::set_permissions(&folder, std_fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(std_fs::read_dir(&folder).unwrap().count(), 1);
    });
}

#[test]
fn what_is_made_of_a_private_file_is_private_from_the_first_moment_on() {
    in_a_folder(async |folder| {
        assert_eq!(mode(folder), 0o700);
        let (from, to) = (folder.join("key"), folder.join("copy"));
        std_fs::write(&from, "secret").unwrap();
        std_fs::set_permissions(&from, std_fs::Permissions::from_mode(0o600)).unwrap();
        let watched = to.clone();
        fs::copy_with(&from, &to, move |_, _| assert_eq!(mode(&watched), 0o600)).await.unwrap();
        // Also where another was there.
        std_fs::set_permissions(&to, std_fs::Permissions::from_mode(0o644)).unwrap();
        let watched = to.clone();
        fs::copy_with(&from, &to, move |_, _| assert_eq!(mode(&watched), 0o600)).await.unwrap();
    });
}
