//! The chat room, with real clients.
#![cfg(unix)]

mod common;

use common::Client;
use common::programs::example;
use common::server::Server;

#[test]
fn what_one_says_is_told_to_all_others_and_to_nobody_twice() {
    let server = Server::start_as(example("13_chat_room").arg("127.0.0.1:0"));
    let mut clients: Vec<Client> = Vec::new();
    for _ in 0..3 {
        let mut client = Client::connect(server.address);
        // Who comes is in the room when the others hear it: it subscribes before it is listened to. The first is there before
        // any other.
        if !clients.is_empty() {
            client.send("here I am\n");
        }
        let told = format!("{}: here I am\n", client.name());
        clients.iter_mut().for_each(|other| other.expect(&told));
        clients.push(client);
    }
    let names: Vec<String> = clients.iter().map(Client::name).collect();
    let (first, rest) = clients.split_first_mut().unwrap();
    let (second, third) = rest.split_first_mut().unwrap();
    let third = &mut third[0];

    first.send("hello\nhow are you?\n");
    for other in [&mut *second, &mut *third] {
        other.expect(&format!("{0}: hello\n{0}: how are you?\n", names[0]));
    }
    second.send("in ");
    second.send("two pieces\n");
    for other in [&mut *first, &mut *third] {
        other.expect(&format!("{}: in two pieces\n", names[1]));
    }
    let long = "x".repeat(1500);
    third.send(&format!("{long}\n"));
    let told = format!("{0}: {1}\n{0}: {2}\n", names[2], &long[..1000], &long[1000..]);
    first.expect(&told);
    second.expect(&told);
    server.press_ctrl_c();
    assert!(server.wait().status.success());
}
