//! Programs that end with their scope, on a Linux that refuses what would tell of their end.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

#[path = "common/child.rs"]
mod child;

use std::cell::Cell;
use std::fs;
use std::process::Stdio;
use std::time::Duration;

use giambio::process::{Spawn, output, run_in};
use giambio::{fail_after, run, sleep};

const LONG: Duration = Duration::from_secs(15);

fn sh(script: &str) -> Spawn {
    Spawn::new("sh").args(["-c", script])
}

fn number(line: &str) -> u32 {
    line.trim().parse().unwrap()
}

/// Waits until a process is gone, or a zombie that nobody reaps.
async fn until_gone(id: u32) {
    let runs = || {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
    };
    while runs() {
        sleep(Duration::from_millis(1)).await;
    }
}

/// As where there is no descriptor left for what would tell of a child's end.
#[test]
fn a_group_ends_with_its_scope_where_nothing_tells_that_its_leader_has_ended() {
    child::Child::doing(|| {
        refuse_waitid();
        run(fail_after(LONG, async {
            let said = output(sh("sleep 60 >/dev/null 2>&1 & echo $!").group(true)).await.unwrap();
            assert!(said.status.success());
            until_gone(number(&String::from_utf8(said.stdout).unwrap())).await;
            let line = Cell::new(String::new());
            let polite = sh("trap 'exit 3' TERM; sleep 60 >/dev/null 2>&1 & echo $!; while :; do sleep 0.01; done");
            let ((), ended) = run_in(polite.group(true).stdout(Stdio::piped()).grace(LONG), async |child| {
                let mut buffer = [0; 20];
                let length = child.stdout().unwrap().receive(&mut buffer).await.unwrap();
                line.set(String::from_utf8(buffer[..length].to_vec()).unwrap());
                assert!(child.try_wait().unwrap().is_none());
            })
            .await
            .unwrap();
            assert_eq!(ended.code(), Some(3), "it is asked to end, and waited for");
            until_gone(number(&line.take())).await;
        }))
        .expect("nothing hangs");
    })
    .join();
}

/// From now on `waitid` is not permitted to this process.
fn refuse_waitid() {
    let step = |code: u32, yes, no, k| libc::sock_filter { code: code as u16, jt: yes, jf: no, k };
    let mut steps = [
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0), // the number of the call
        step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, libc::SYS_waitid as u32),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ERRNO | libc::EPERM as u32),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let filter = libc::sock_fprog { len: 4, filter: steps.as_mut_ptr() };
    // SAFETY: the filter is whole, and is copied.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &filter), 0);
    }
}
