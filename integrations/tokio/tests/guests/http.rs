//! tokio's world in nurseries: hyper's server and its client with a pool, which spawns on tokio, as reqwest, axum and tonic do.

use std::cell::Cell;
use std::convert::Infallible;
use std::time::Duration;

use giambio::{cancel_scope, nursery, sleep};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

use crate::hosts::{Failure, MS, in_each_host};

struct Leaves<'a>(&'a Cell<u32>);

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

#[test]
fn http_servers_and_clients_are_children_and_are_cancelled_as_such() {
    in_each_host(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, left) = (&Cell::new(0), &Cell::new(0));
        let ended = cancel_scope(async |scope| {
            nursery(async |n| {
                n.spawn(async {
                    let served: Result<Infallible, Failure> = nursery(async |connections| {
                        loop {
                            let (stream, _) = listener.accept().await?;
                            connections.spawn(async move {
                                // It borrows, and isn't `Send`.
                                let answer = service_fn(move |request: Request<Incoming>| async move {
                                    asked.set(asked.get() + 1);
                                    let _leaves = Leaves(left);
                                    if request.uri().path() == "/slow" {
                                        sleep(Duration::from_secs(3600)).await;
                                    }
                                    sleep(MS).await;
                                    Ok::<_, Infallible>(Response::new(Full::new(Bytes::from("hello"))))
                                });
                                hyper::server::conn::http1::Builder::new()
                                    .serve_connection(TokioIo::new(stream), answer)
                                    .await?;
                                Ok::<_, Failure>(())
                            });
                        }
                    })
                    .await;
                    served.map(drop)
                });
                let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
                for _ in 0..3 {
                    let answer = client.get(format!("http://{address}/").parse()?).await?;
                    assert_eq!(answer.into_body().collect().await?.to_bytes(), "hello");
                }
                n.spawn(async move {
                    client.get(format!("http://{address}/slow").parse()?).await?;
                    Ok(())
                });
                while asked.get() < 4 {
                    sleep(MS).await;
                }
                assert_eq!(left.get(), 3);
                scope.cancel();
                Ok::<_, Failure>(())
            })
            .await
        });
        assert!(ended.await.is_err(), "cancelled");
        assert_eq!(left.get(), 4, "the handler was dropped with its connection");
    });
}
