//! The echo server of the tutorial: a listener, and a task for each client.
//!
//! ```text
//! $ cargo run --release --example echo_server           $ nc localhost 1500
//!                                                       Welcome to the server pal, feel free to send me something!
//!                                                       -> async server test
//!                                                       Got: async server test
//!                                                       -> exit
//!                                                       Shutting down the server
//! ```
//!
//! Its log goes to standard error (`RUST_LOG=warn` or `--quiet` for less of it):
//!
//! ```text
//!  INFO Serving asynchronously at localhost:1500
//!  INFO 127.0.0.1:52239 connected
//!  INFO Got: b'async server test\n' from 127.0.0.1:52239
//!  INFO Echoed back b'async server test\n' to 127.0.0.1:52239
//! ERROR Exiting due to a shutdown request from 127.0.0.1:52239
//! ```
//!
//! Exit status: 0 after Ctrl+C, 1 after an error, 2 for arguments that make no sense.

mod handler;

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::{env, io};

use clap::{Arg, ArgAction, Command};
use giambio::Interrupted;
use giambio::net::{self, TcpListener, TcpStream, ToAddresses, lookup};
use handler::{ExitRequest, handler};
use log::{error, info};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Where `handler` finds its macros.
mod log {
    pub(crate) use tracing::{error, info, warn};
}

impl handler::Stream for TcpStream {
    type Error = io::Error;

    fn receive(&mut self, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
        TcpStream::receive(self, buffer)
    }

    async fn send_all(&mut self, data: &[u8]) -> io::Result<()> {
        TcpStream::send_all(self, data).await
    }
}

/// Listens, and serves each client until one of them says `exit`.
async fn serve(address: &str) -> Result<(), Box<dyn Error>> {
    let listener = listen(address).await.map_err(|error| format!("bind error: can't listen at {address}: {error}"))?;
    let (host, _) = address.rsplit_once(':').unwrap_or((address, ""));
    info!("Serving asynchronously at {host}:{}", listener.local_addr()?.port());
    net::serve(listener, |stream: TcpStream, peer| {
        info!("{peer} connected");
        let _ = stream.set_nodelay(true); // answers go out at once; if it fails, a little later
        handler(stream, peer)
    })
    .on_error(|_, exit: ExitRequest<_>| Err::<(), Box<dyn Error>>(exit.into()))
    .await
}

/// Where a name has addresses of both kinds, IPv4 comes first.
async fn listen(address: &str) -> io::Result<TcpListener> {
    let mut addresses = lookup(address).await?;
    addresses.sort_by_key(SocketAddr::is_ipv6);
    TcpListener::bind(addresses).await
}

fn main() -> ExitCode {
    let arguments = Command::new("echo_server")
        .about("Echoes what its clients send; `exit` from a client, or Ctrl+C, ends it.")
        .after_help("RUST_LOG=off|error|warn|info|debug|trace says how much to log; `info` unless it is set.")
        .arg(
            Arg::new("address")
                .value_name("ADDRESS:PORT")
                .help("Where to listen; with port 0 the system picks one, which the log tells")
                .default_value("localhost:1500")
                .value_parser(|text: &str| text.to_target().map(|_| text.to_owned())),
        )
        .arg(Arg::new("quiet").short('q').long("quiet").help("Log errors only").action(ArgAction::SetTrue))
        .get_matches();
    start_logging(arguments.get_flag("quiet"));
    let address: &String = arguments.get_one("address").expect("it has a default");
    match giambio::run_or_ctrl_c(serve(address)) {
        Err(Interrupted) => {
            info!("Ctrl+C detected, exiting");
            ExitCode::SUCCESS
        }
        Ok(Err(error)) => {
            error!("Exiting due to a {error}");
            ExitCode::FAILURE
        }
        Ok(Ok(())) => ExitCode::SUCCESS, // nobody asks it to stop
    }
}

fn start_logging(quiet: bool) {
    let wanted = env::var("RUST_LOG").ok().and_then(|text| text.parse().ok());
    let levels = match quiet {
        true => Targets::new().with_default(LevelFilter::ERROR),
        false => wanted.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO)),
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_target(false).log_internal_errors(false); // without a reader of the log, it serves on
    tracing_subscriber::registry().with(levels).with(lines).init();
}
