//! An error may be a `&'static str`, a `Box<dyn Error>`, or borrow from outside the nursery.

use std::error::Error;

use giambio::{nursery, run};

#[test]
fn words() {
    let result: Result<(), &'static str> = run(nursery(async |n| {
        n.spawn(async { Err("no such host") });
        Ok(())
    }));
    assert_eq!(result, Err("no such host"));
}

#[test]
fn boxed() {
    let result: Result<(), Box<dyn Error>> = run(nursery(async |n| {
        n.spawn(async { Err("no such host".into()) });
        Ok(())
    }));
    assert_eq!(result.unwrap_err().to_string(), "no such host");
}

#[test]
fn boxed_for_other_threads() {
    let result: Result<(), Box<dyn Error + Send + Sync>> = run(nursery(async |n| {
        n.spawn(async { Err("no such host".into()) });
        Ok(())
    }));
    assert_eq!(result.unwrap_err().to_string(), "no such host");
}

#[derive(Debug, PartialEq)]
struct Unknown<'a> {
    host: &'a str,
}

#[test]
fn borrowed() {
    let hosts = String::from("one two");
    let result: Result<(), Unknown<'_>> = run(nursery(async |n| {
        for host in hosts.split(' ') {
            n.spawn(async move { Err(Unknown { host }) });
        }
        Ok(())
    }));
    assert_eq!(result, Err(Unknown { host: "one" }));
}
