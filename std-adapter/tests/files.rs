//! Files: what is written is there, what is cancelled has ended, what fails says where.

mod common;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::error::Error;
use std::fs as std_fs;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use common::{kind, poll_once};
use giambio::fs::{self, File, OpenOptions, PathError, with_file};
use giambio::{builder, is_abandoned, move_on_after, nursery, run, unblock};

fn in_a_folder(test: impl AsyncFnOnce(&Path)) {
    run(fs::in_temporary_folder(test)).unwrap();
}

fn noise(length: usize) -> Vec<u8> {
    (0..length as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

/// The error names the path, and says what was to be done; the system's is inside.
#[track_caller]
fn names<'a>(error: &'a io::Error, what: &str, path: &Path) -> &'a PathError {
    let inside = error.get_ref().and_then(|inside| inside.downcast_ref::<PathError>());
    let inside = inside.unwrap_or_else(|| panic!("{error:?} names no path"));
    assert_eq!((inside.what(), inside.path()), (what, path));
    assert_eq!(inside.source().unwrap().downcast_ref::<io::Error>().unwrap().kind(), error.kind());
    inside
}

/// Names it these two paths, and the system's number?
#[track_caller]
fn names_both(error: &io::Error, what: &str, path: &Path, other: &Path) {
    let inside = names(error, what, path);
    assert!(error.to_string().contains(&format!("{path:?} to {other:?}: ")), "{error}");
    assert_eq!(inside.other_path(), Some(other));
    assert!(inside.raw_os_error().is_some(), "{error}");
}

#[test]
fn what_is_written_is_read() {
    in_a_folder(async |folder| {
        let path = folder.join("file");
        for bytes in [noise(10_000_000), noise(3), noise(0)] {
            fs::write(&path, bytes.clone()).await.unwrap();
            assert!(fs::read(&path).await.unwrap() == bytes);
            fs::write_atomically(&path, bytes.clone()).await.unwrap();
            assert!(fs::read(&path).await.unwrap() == bytes);
        }
        fs::write(&path, "text").await.unwrap();
        assert_eq!(fs::read_to_string(&path).await.unwrap(), "text");
        fs::write(&path, b"\xff").await.unwrap();
        assert_eq!(kind(fs::read_to_string(&path).await), Some(ErrorKind::InvalidData));
        fs::rename(&path, folder.join("other")).await.unwrap();
        assert_eq!(fs::metadata(folder.join("other")).await.unwrap().len(), 1);
        fs::remove_file(folder.join("other")).await.unwrap();
        assert_eq!(kind(fs::symlink_metadata(folder.join("other")).await), Some(ErrorKind::NotFound));
    });
}

#[test]
fn names_lead_where_they_are_made_to_lead() {
    in_a_folder(async |folder| {
        let [one, two, inside] = ["one", "two", "inside"].map(|name| folder.join(name));
        assert!(!fs::try_exists(&one).await.unwrap());
        fs::write(&one, "text").await.unwrap();
        fs::hard_link(&one, &two).await.unwrap();
        assert_eq!(kind(fs::hard_link(&one, &two).await), Some(ErrorKind::AlreadyExists));
        fs::write(&two, "other").await.unwrap();
        assert_eq!(fs::read_to_string(&one).await.unwrap(), "other");
        fs::create_dir(&inside).await.unwrap();
        assert_eq!(kind(fs::create_dir(&inside).await), Some(ErrorKind::AlreadyExists));
        let around = inside.join("..").join("one");
        assert_eq!(fs::canonicalize(around).await.unwrap(), fs::canonicalize(&one).await.unwrap());
        assert!(fs::read_link(&one).await.is_err(), "it is no link");
    });
}

#[test]
fn each_error_names_its_path() {
    in_a_folder(async |folder| {
        let missing = folder.join("no").join("file");
        names(&fs::read(&missing).await.unwrap_err(), "open", &missing);
        names(&fs::read_to_string(&missing).await.unwrap_err(), "open", &missing);
        names(&fs::write(&missing, "").await.unwrap_err(), "open", &missing);
        names(&fs::write_atomically(&missing, "").await.unwrap_err(), "write", &missing);
        names(&fs::copy(&missing, folder.join("to")).await.unwrap_err(), "open", &missing);
        names(&fs::metadata(&missing).await.unwrap_err(), "look at", &missing);
        names(&fs::remove_file(&missing).await.unwrap_err(), "remove", &missing);
        names(&fs::remove_dir(&missing).await.unwrap_err(), "remove the folder", &missing);
        names(&fs::read_dir(&missing).next().await.unwrap_err(), "open the folder", &missing);
        names(&fs::walk(&missing).next().await.unwrap_err(), "open the folder", &missing);
        names(&File::open(&missing).await.unwrap_err(), "open", &missing);
        names(&fs::create_dir(&missing).await.unwrap_err(), "make the folder", &missing);
        names(&fs::read_link(&missing).await.unwrap_err(), "read the link", &missing);
        names(&fs::canonicalize(&missing).await.unwrap_err(), "find", &missing);
        let permissions = fs::metadata(folder).await.unwrap().permissions();
        names(&fs::set_permissions(&missing, permissions).await.unwrap_err(), "set the permissions of", &missing);
        let (there, new) = (folder.join("there"), folder.join("new"));
        let error = fs::hard_link(&there, &new).await.unwrap_err();
        names_both(&error, "make the link", &new, &there);
        let error = fs::rename(&missing, &new).await.unwrap_err();
        names_both(&error, "rename", &missing, &new);
        assert_eq!(kind(fs::write_atomically(folder.to_owned(), "").await), Some(ErrorKind::IsADirectory));
    });
}

#[test]
fn a_name_with_a_nul_is_refused_and_shown() {
    run(async {
        let path = Path::new("nul\0byte");
        for error in [
            fs::read(path).await.unwrap_err(),
            fs::write(path, "").await.unwrap_err(),
            fs::create_dir_all(path).await.unwrap_err(),
            fs::read_dir(path).next().await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains("\"nul\\0byte\""), "{error}");
        }
    });
}

/// tokio#2307 and its kin: a write that a runtime dropped with the file.
#[test]
fn no_write_outlives_its_scope() {
    in_a_folder(async |folder| {
        let path = folder.join("large");
        let data = noise(64 << 20);
        for patience in [0, 1, 3, 10, 30] {
            move_on_after(Duration::from_millis(patience), fs::write(&path, data.clone())).await;
            // Nobody writes any more: what is there is the beginning, and stays so.
            let before = std_fs::read(&path).unwrap_or_default();
            assert!(data.starts_with(&before));
            assert_eq!(before.len() % (4 << 20), 0, "it stops between two pieces");
            unblock(|| std::thread::sleep(Duration::from_millis(5))).await;
            assert_eq!(std_fs::read(&path).unwrap_or_default().len(), before.len());
        }
    });
}

#[test]
fn what_has_begun_is_waited_for_and_what_has_not_never_begins() {
    in_a_folder(async |folder| {
        let (first, second) = (folder.join("first"), folder.join("second"));
        let (ended, begun) = (Arc::new(AtomicBool::new(false)), Arc::new(Barrier::new(2)));
        let one = std::num::NonZeroUsize::new(1).unwrap();
        let (theirs, begins, path) = (ended.clone(), begun.clone(), first.clone());
        // One thread, so that the second waits behind the first.
        std::thread::spawn(move || builder().blocking_threads(one).run(async {})).join().unwrap();
        let mut both = Box::pin(move_on_after(
            Duration::ZERO,
            nursery(async |n| {
                let mut options = OpenOptions::new();
                options.write(true).create(true);
                n.spawn(async move {
                    with_file(&options, path, move |file| {
                        begins.wait();
                        while !is_abandoned() {
                            std::thread::yield_now();
                        }
                        std::thread::sleep(Duration::from_millis(10));
                        file.write_all(b"to the end")?;
                        theirs.store(true, SeqCst);
                        Ok(())
                    })
                    .await
                });
                n.spawn(fs::write(&second, "never"));
                Ok::<(), io::Error>(())
            }),
        ));
        assert!(poll_once(&mut both).await.is_none());
        begun.wait();
        assert!(both.await.is_none());
        assert!(ended.load(SeqCst));
        assert_eq!(std_fs::read(&first).unwrap(), b"to the end");
        assert!(!second.exists());
        let usual = std::num::NonZeroUsize::new(256).unwrap();
        std::thread::spawn(move || builder().blocking_threads(usual).run(async {})).join().unwrap();
    });
}

#[test]
fn an_atomic_write_that_is_cancelled_leaves_the_old_file_or_the_new_one_and_nothing_else() {
    in_a_folder(async |folder| {
        let path = folder.join("file");
        let (old, new) = (noise(1 << 20), noise(9 << 20));
        for micros in (0..20).map(|n| n * n * 100) {
            std_fs::write(&path, &old).unwrap();
            move_on_after(Duration::from_micros(micros), fs::write_atomically(&path, new.clone())).await;
            let now = std_fs::read(&path).unwrap();
            assert!(now == old || now == new);
            assert_eq!(std_fs::read_dir(folder).unwrap().count(), 1);
        }
    });
}

#[test]
fn a_copy_tells_how_far_it_is() {
    in_a_folder(async |folder| {
        let (from, to) = (folder.join("from"), folder.join("to"));
        std_fs::write(&from, noise(9 << 20)).unwrap();
        std_fs::write(&to, noise(20 << 20)).unwrap(); // is gone
        let seen = Arc::new(AtomicU64::new(0));
        let tells = seen.clone();
        let copied = fs::copy_with(&from, &to, move |done, all| {
            assert_eq!(all, 9 << 20);
            assert!(done >= tells.swap(done, SeqCst));
        });
        assert_eq!(copied.await.unwrap(), 9 << 20);
        assert_eq!(seen.load(SeqCst), 9 << 20);
        assert!(std_fs::read(&to).unwrap() == noise(9 << 20));
        std_fs::write(&from, "").unwrap();
        assert_eq!(fs::copy(&from, &to).await.unwrap(), 0);
        assert_eq!(std_fs::read(&to).unwrap(), b"");
        let what = if cfg!(windows) { "open" } else { "copy" }; // where a folder can't be opened
        names(&fs::copy(folder, &to).await.unwrap_err(), what, folder);
    });
}

#[test]
fn a_file_is_read_and_written_at_places_and_buffers_come_back() {
    in_a_folder(async |folder| {
        let path = folder.join("file");
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create_new(true).open(&path).await.unwrap();
        let outcome = nursery(async |n| {
            for part in 0..100_u64 {
                let file = &file;
                n.spawn(async move {
                    let (buffer, written) = file.write_at(vec![part as u8; 1_000], part * 1_000).await;
                    assert_eq!((buffer.len(), buffer.capacity()), (1_000, 1_000));
                    written
                });
            }
            Ok::<(), io::Error>(())
        });
        outcome.await.unwrap();
        file.sync().await.unwrap();
        assert_eq!(file.metadata().await.unwrap().len(), 100_000);
        let (buffer, count) = file.read_at(vec![0; 2_000], 98_500).await;
        assert_eq!(count.unwrap(), 1_500);
        assert_eq!((buffer[0], buffer[499], buffer[500], buffer[1_499], buffer[1_500]), (98, 98, 99, 99, 0));
        assert_eq!(file.read_at(Vec::new(), 0).await.1.unwrap(), 0);
        assert_eq!(file.read_at(vec![0], u64::MAX >> 1).await.1.unwrap_or_default(), 0);
        file.set_len(10).await.unwrap();
        let other = file.clone();
        assert_eq!(kind(file.close().await), Some(ErrorKind::ResourceBusy));
        other.close().await.unwrap();
        assert_eq!(kind(options.open(&path).await), Some(ErrorKind::AlreadyExists));
        let reads = File::open(&path).await.unwrap();
        let (buffer, written) = reads.write_at(b"x".to_vec(), 0).await;
        assert_eq!(buffer, b"x");
        names(&written.unwrap_err(), "write", &path);
    });
}

#[test]
fn a_thousand_entries_are_each_found_once_whoever_gives_up_between() {
    in_a_folder(async |folder| {
        let expected: BTreeSet<String> = (0..1_000).map(|n| format!("file {n}")).collect();
        for name in &expected {
            std_fs::write(folder.join(name), "").unwrap();
        }
        let found = RefCell::new(Vec::new());
        let mut entries = fs::read_dir(folder);
        loop {
            // Some waits are cut short: what they would have got comes next.
            match move_on_after(Duration::ZERO, entries.next()).await {
                Some(entry) => match entry.unwrap() {
                    Some(entry) => found.borrow_mut().push(entry),
                    None => break,
                },
                None => unblock(|| ()).await,
            }
        }
        let found = found.into_inner();
        assert!(found.iter().all(|entry| entry.file_type().is_file() && entry.depth() == 1));
        assert_eq!(found.len(), 1_000);
        assert_eq!(
            found.iter().map(|entry| entry.file_name().to_str().unwrap().to_owned()).collect::<BTreeSet<_>>(),
            expected
        );
        assert!(entries.next().await.unwrap().is_none());
    });
}

#[test]
fn a_walk_finds_everything() {
    in_a_folder(async |folder| {
        std_fs::create_dir_all(folder.join("a/b/c")).unwrap();
        std_fs::create_dir(folder.join("d")).unwrap();
        std_fs::write(folder.join("a/b/file"), "").unwrap();
        let mut found = BTreeSet::new();
        let mut walk = fs::walk(folder);
        while let Some(entry) = walk.next().await.unwrap() {
            let path = entry.path().strip_prefix(folder).unwrap().to_owned();
            assert_eq!(entry.depth(), path.components().count());
            assert!(found.insert(path.to_str().unwrap().replace('\\', "/")));
        }
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["a", "a/b", "a/b/c", "a/b/file", "d"]);
    });
}

#[test]
fn what_is_temporary_goes_with_its_scope() {
    let mut kept = None;
    run(async {
        let folder = fs::in_temporary_folder(async |folder| {
            fs::write(folder.join("file"), "x").await.unwrap();
            fs::create_dir_all(folder.join("a/b")).await.unwrap();
            folder.to_owned()
        });
        assert!(!folder.await.unwrap().exists());
        let cancelled = fs::in_temporary_folder(async |folder| {
            kept = Some(folder.to_owned());
            giambio::sleep(Duration::from_secs(60)).await
        });
        assert!(move_on_after(Duration::from_millis(20), cancelled).await.is_none());
        let file = fs::temporary_file().await.unwrap();
        file.write_at(b"some".to_vec(), 0).await.1.unwrap();
        assert_eq!(file.read_at(vec![0; 9], 2).await.1.unwrap(), 2);
        file.close().await.unwrap();
    });
    assert!(kept.is_none_or(|folder| !folder.exists()));
}

#[test]
fn a_file_may_be_had_for_many_small_steps() {
    in_a_folder(async |folder| {
        let path = folder.join("file");
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true);
        let text = with_file(&options, &path, |file| {
            for number in 0..5 {
                writeln!(file, "{number}")?;
            }
            file.seek(SeekFrom::Start(2))?;
            let mut text = String::new();
            file.read_to_string(&mut text)?;
            Ok(text)
        });
        assert_eq!(text.await.unwrap(), "1\n2\n3\n4\n");
        let failed = with_file(&options, &path, |_| Err::<(), _>(ErrorKind::TimedOut.into()));
        assert_eq!(kind(failed.await), Some(ErrorKind::TimedOut));
    });
}

/// By whatever path that leads there.
#[test]
fn a_copy_of_a_file_to_itself_is_refused_and_leaves_it_whole() {
    in_a_folder(async |folder| {
        let path = folder.join("data");
        std_fs::create_dir(folder.join("beside")).unwrap();
        std_fs::write(&path, "text").unwrap();
        std_fs::hard_link(&path, folder.join("link")).unwrap();
        for same in [path.clone(), folder.join("beside").join("..").join("data"), folder.join("link")] {
            assert_eq!(kind(fs::copy(&path, &same).await), Some(ErrorKind::InvalidInput), "{}", same.display());
            assert_eq!(std_fs::read(&path).unwrap(), b"text");
        }
    });
}

#[test]
fn a_temporary_folder_may_be_gone_before_its_time() {
    run(async {
        let value = fs::in_temporary_folder(async |folder| {
            std_fs::remove_dir(folder).unwrap();
            7
        });
        assert_eq!(value.await.unwrap(), 7);
    });
}

#[test]
fn what_is_appended_to_is_written_at_its_end_wherever_a_call_says() {
    run(fs::in_temporary_folder(async |folder| {
        let path = folder.join("log");
        fs::write(&path, "one ").await.unwrap();
        let file = fs::OpenOptions::new().append(true).open(&path).await.unwrap();
        file.write_at(b"two".to_vec(), 0).await.1.unwrap();
        file.close().await.unwrap();
        assert_eq!(fs::read(&path).await.unwrap(), b"one two");
    }))
    .unwrap();
}
