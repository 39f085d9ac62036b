//! `raw-echo PORT`: the limit. A bare epoll loop, edge-triggered: a read that did not fill the buffer has emptied the
//! socket, so it is not asked again. One buffer for all connections, no tasks, nobody who could wait for a slow client.

use std::os::fd::IntoRawFd;

use bench_common::{BUFFER, server_arguments};

const EVENTS: usize = 1024;

fn main() {
    let (listener, _) = server_arguments();
    let listener = listener.into_raw_fd();
    let mut buffer = vec![0; BUFFER];
    let mut events = vec![libc::epoll_event { events: 0, u64: 0 }; EVENTS];
    // SAFETY: it takes flags.
    let epoll = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
    watch(epoll, listener, libc::EPOLLIN);
    loop {
        // SAFETY: there is room for so many events.
        let count = unsafe { libc::epoll_wait(epoll, events.as_mut_ptr(), EVENTS as i32, -1) };
        for event in &events[..count.max(0) as usize] {
            let socket = event.u64 as i32;
            if socket != listener {
                echo(socket, &mut buffer);
                continue;
            }
            // SAFETY: the peer's address is not asked for.
            let client =
                unsafe { libc::accept4(socket, std::ptr::null_mut(), std::ptr::null_mut(), libc::SOCK_NONBLOCK) };
            if client >= 0 {
                watch(epoll, client, libc::EPOLLIN | libc::EPOLLRDHUP | libc::EPOLLET);
            }
        }
    }
}

fn watch(epoll: i32, socket: i32, events: i32) {
    let mut event = libc::epoll_event { events: events as u32, u64: socket as u64 };
    // SAFETY: the event is ours.
    assert_eq!(0, unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, socket, &mut event) });
}

fn echo(socket: i32, buffer: &mut [u8]) {
    loop {
        // SAFETY: the buffer is ours, and as long as that.
        let count = unsafe { libc::recv(socket, buffer.as_mut_ptr().cast(), buffer.len(), 0) };
        if count > 0 {
            send_all(socket, &buffer[..count as usize]);
            if count as usize == buffer.len() {
                continue;
            }
        } else if count == 0 || !would_block() {
            // SAFETY: it is the connection's, and nobody else has it.
            unsafe { libc::close(socket) };
        }
        return;
    }
}

fn send_all(socket: i32, mut data: &[u8]) {
    while !data.is_empty() {
        // SAFETY: the data is there.
        let count = unsafe { libc::send(socket, data.as_ptr().cast(), data.len(), libc::MSG_NOSIGNAL) };
        if count > 0 {
            data = &data[count as usize..];
        } else if would_block() {
            // Others suspend a task here. With one message in flight it does not happen.
            let mut wait = libc::pollfd { fd: socket, events: libc::POLLOUT, revents: 0 };
            // SAFETY: it is one, and ours.
            unsafe { libc::poll(&mut wait, 1, -1) };
        } else {
            return;
        }
    }
}

fn would_block() -> bool {
    std::io::Error::last_os_error().kind() == std::io::ErrorKind::WouldBlock
}
