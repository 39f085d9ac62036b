//! `?` converts errors, in the body and in children.

use std::fmt;
use std::num::ParseIntError;

use giambio::{Cancelled, TimedOut, nursery, run};

#[derive(Debug)]
enum Failure {
    Parse(ParseIntError),
    Cancelled(Cancelled),
    TimedOut(TimedOut),
}

impl From<ParseIntError> for Failure {
    fn from(error: ParseIntError) -> Self {
        Failure::Parse(error)
    }
}

impl From<Cancelled> for Failure {
    fn from(error: Cancelled) -> Self {
        Failure::Cancelled(error)
    }
}

impl From<TimedOut> for Failure {
    fn from(error: TimedOut) -> Self {
        Failure::TimedOut(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Parse(error) => error.fmt(f),
            Failure::Cancelled(error) => error.fmt(f),
            Failure::TimedOut(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Failure {}

async fn sum(words: &[&str]) -> Result<i64, Failure> {
    nursery(async |n| {
        let first: i64 = words[0].parse()?;
        let second = n.spawn_value(async { Ok(words[1].parse::<i64>()?) });
        Ok(first + second.await?)
    })
    .await
}

#[test]
fn in_a_typed_function() {
    assert_eq!(run(sum(&["1", "2"])).unwrap(), 3);
    assert!(matches!(run(sum(&["1", "two"])), Err(Failure::Parse(_))));
}

#[test]
fn into_a_boxed_error() {
    async fn boxed() -> Result<(), Box<dyn std::error::Error>> {
        nursery(async |n| {
            n.spawn(async {
                "1".parse::<u8>()?;
                Ok(())
            });
            sum(&["1", "2"]).await?;
            Ok(())
        })
        .await
    }
    run(boxed()).unwrap();
}
