//! A question by UDP, which may get lost: who asks, asks again.
//!
//! The server answers each question where it came from, as an echo does, but for those that it loses. The client numbers its
//! questions, as DNS does, so that a late answer is not taken for the next one's; it waits longer each time, and gives up in
//! the end.
//!
//! ```text
//! The question for one.example was lost
//! one.example: 192.0.2.1 after 2 questions
//! two.example: 192.0.2.2 after 1 questions
//! The question for silent.example was lost
//! The question for silent.example was lost
//! The question for silent.example was lost
//! silent.example: nobody answers
//! ```

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use giambio::net::UdpSocket;
use giambio::{move_on_after, nursery};

/// So often a client asks.
const QUESTIONS: u32 = 3;
/// So long it waits at first.
const PATIENCE: Duration = Duration::from_millis(100);

/// Answers all questions that are not lost: the first for one name, all for another.
async fn serve(socket: &UdpSocket) -> io::Result<()> {
    let (mut buffer, mut asked) = ([0; 512], 0);
    loop {
        let (received, client) = socket.receive_from(&mut buffer).await?;
        let question = &buffer[..received.length];
        // What is cut or has no number is no question.
        let Some((number, name)) = question.split_first_chunk::<2>().filter(|_| !received.is_cut) else { continue };
        asked += 1;
        let address = match name {
            b"one.example" if asked > 1 => Ipv4Addr::new(192, 0, 2, 1),
            b"two.example" => Ipv4Addr::new(192, 0, 2, 2),
            lost => {
                println!("The question for {} was lost", String::from_utf8_lossy(lost));
                continue;
            }
        };
        socket.send_to(&[&number[..], &address.octets()].concat(), client).await?;
    }
}

/// Asks until there is an answer. `None`: there is none.
async fn ask(server: SocketAddr, name: &str) -> io::Result<Option<(Ipv4Addr, u32)>> {
    let socket = UdpSocket::bind("127.0.0.1:0").await?;
    socket.connect(server).await?; // what comes from elsewhere is no answer
    for question in 1..=QUESTIONS {
        let number = (question as u16).to_be_bytes();
        socket.send(&[&number[..], name.as_bytes()].concat()).await?;
        let answer = move_on_after(PATIENCE * question, async {
            let mut buffer = [0; 512];
            loop {
                let received = socket.receive(&mut buffer).await?;
                if let [first, second, address @ ..] = &buffer[..received.length]
                    && [*first, *second] == number
                    && let Ok(octets) = <[u8; 4]>::try_from(address)
                {
                    return Ok::<_, io::Error>(Ipv4Addr::from(octets));
                }
            }
        });
        if let Some(address) = answer.await {
            return Ok(Some((address?, question)));
        }
    }
    Ok(None)
}

fn main() -> io::Result<()> {
    giambio::run(async {
        let socket = UdpSocket::bind("127.0.0.1:0").await?;
        let server = socket.local_addr()?;
        nursery(async |n| {
            n.child().daemon().spawn(serve(&socket));
            for name in ["one.example", "two.example", "silent.example"] {
                match ask(server, name).await? {
                    Some((address, questions)) => println!("{name}: {address} after {questions} questions"),
                    None => println!("{name}: nobody answers"),
                }
            }
            Ok(())
        })
        .await
    })
}
