//! What tasks wait for that the system tells.
#![cfg(feature = "introspect")]

use std::convert::Infallible;
use std::future::pending;

use crate::common::{narrow_pair, settle};
use giambio::introspect::{Dump, NodeKind, dump};
use giambio::net::{TcpListener, UdpSocket};
use giambio::{nursery, run};

/// What the task of this name waits for.
fn waits(dump: &Dump, name: &str) -> String {
    let task = dump.nodes.iter().find_map(|node| match &node.kind {
        NodeKind::Task(task) if task.name == name => task.waits.as_ref(),
        _ => None,
    });
    let [wait] = &task.unwrap()[..] else { panic!("{task:?}") };
    format!("{} {}", wait.what, wait.name.as_deref().unwrap_or("-"))
}

#[test]
fn a_task_that_waits_for_a_socket_says_for_which_and_in_which_direction() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let (left, right) = narrow_pair().await;
        let Ok(()) = nursery(async |n| {
            n.child().name("acceptor").spawn(async { Ok::<_, Infallible>(_ = listener.accept().await) });
            n.child().name("reader").spawn(async { Ok(_ = left.receive(&mut [0]).await) });
            n.child().name("writer").spawn(async { Ok(_ = left.send_all(&[0; 10_000_000]).await) });
            n.child().name("hearer").spawn(async { Ok(_ = socket.receive_from(&mut [0]).await) });
            n.child().name("other").spawn(async { Ok(pending().await) });
            settle().await;
            let dump = dump().await;
            let [port, peer] = [left.local_addr(), left.peer_addr()].map(|address| address.unwrap().port().to_string());
            let reader = waits(&dump, "reader");
            assert!(reader.starts_with("readiness to read TcpStream"), "{reader}");
            assert!(reader.contains(&port) && reader.contains(&peer), "{reader}");
            let writer = waits(&dump, "writer");
            assert!(writer.starts_with("readiness to write TcpStream"), "{writer}");
            let acceptor = waits(&dump, "acceptor");
            assert!(acceptor.starts_with("readiness to read TcpListener"), "{acceptor}");
            let hearer = waits(&dump, "hearer");
            assert!(hearer.starts_with("readiness to read UdpSocket"), "{hearer}");
            assert!(dump.to_string().contains(&format!("waits for {}", reader.split(' ').next().unwrap())), "{dump}");
            n.cancel_children();
            Ok(())
        })
        .await;
        drop(right);
    });
}
