//! Sharing without a connection: who joins, who leaves, and for whom there is
//! room.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::feed::{Freshness, Pending};

#[derive(Clone, Debug, Default)]
struct Numbers(Vec<u32>);

impl Pending for Numbers {
    type Batch = Vec<u32>;

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn take(&mut self, _freshness: Freshness) -> Vec<u32> {
        std::mem::take(&mut self.0)
    }
}

struct Nothing(&'static str);

impl Source for Nothing {
    type State = Numbers;

    fn what(&self) -> String {
        self.0.to_owned()
    }

    async fn follow(
        _line: Arc<Line<Self>>,
        _session: Arc<Session>,
        stop: CancellationToken,
    ) -> Result<()> {
        stop.cancelled().await;
        Ok(())
    }
}

/// A hub whose gateway never has a connection.
struct Setup {
    hub: Hub<&'static str, Nothing>,
    sessions: watch::Sender<Option<Arc<Session>>>,
}

impl Setup {
    fn new(limit: usize, idle: Duration) -> Self {
        Self {
            hub: Hub::new(limit, idle, Arc::default()),
            sessions: watch::Sender::new(None),
        }
    }

    async fn join(&self, key: &'static str) -> Result<Reader<Numbers>> {
        let full = |lines: &[Arc<Line<Nothing>>]| {
            let names: Vec<_> = lines.iter().map(|line| line.source.what()).collect();
            Error::Pacing(names.join(" "))
        };
        let sessions = self.sessions.subscribe();
        let source = || Nothing(key);
        self.hub.join(key, "test", sessions, source, full).await
    }

    async fn until_gone(&self, key: &'static str) {
        while self.hub.line(&key).is_some() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

const HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn readers_of_one_key_share_a_line() {
    let setup = Setup::new(9, HOUR);
    let first = setup.join("a").await;
    let second = setup.join("a").await;
    assert!(first.is_ok() && second.is_ok());
    let line = setup.hub.line(&"a");
    assert_eq!(line.map(|line| holders(&line).len()), Some(2));
    drop(first);
    let line = setup.hub.line(&"a");
    assert_eq!(
        line.map(|line| holders(&line)),
        Some(vec!["test".to_owned()])
    );
}

#[tokio::test]
async fn a_line_ends_when_nobody_has_read_it_for_long_enough() {
    let setup = Setup::new(9, Duration::from_millis(20));
    let reader = setup.join("a").await;
    let line = setup.hub.line(&"a");
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert!(setup.hub.line(&"a").is_some(), "somebody reads it");
    drop(reader);
    setup.until_gone("a").await;
    assert!(line.is_some_and(|line| line.join("late").is_none()));
    assert!(setup.join("a").await.is_ok());
}

#[tokio::test]
async fn only_a_line_that_nobody_reads_makes_room() {
    let setup = Setup::new(2, HOUR);
    let first = setup.join("a").await;
    let second = setup.join("b").await;
    let refused = setup.join("c").await.err();
    assert!(matches!(refused, Some(Error::Pacing(names)) if names.len() == 3));
    drop(first);
    let third = setup.join("c").await;
    assert!(third.is_ok() && setup.hub.line(&"a").is_none());
    assert!(setup.join("a").await.is_err());
    drop((second, third));
    let (again, other) = (setup.join("a").await, setup.join("d").await);
    assert!(again.is_ok() && other.is_ok());
}

#[tokio::test]
async fn all_readers_learn_of_the_end() {
    let setup = Setup::new(9, HOUR);
    let mut readers = [
        setup.join("a").await,
        setup.join("a").await,
        setup.join("b").await,
    ];
    let error = Error::NotConnected("over".into());
    setup.hub.end(&error);
    for reader in readers.iter_mut().flatten() {
        assert_eq!(reader.next(HOUR).await, Err(error.clone()));
        assert_eq!(reader.next(HOUR).await, Ok(None));
    }
    setup.until_gone("a").await;
    setup.until_gone("b").await;
}

#[tokio::test]
async fn a_gateway_that_is_gone_ends_its_lines() {
    let setup = Setup::new(9, HOUR);
    let reader = setup.join("a").await;
    let Setup { hub, sessions } = setup;
    drop(sessions);
    let mut reader = reader.ok();
    let ended = match &mut reader {
        Some(reader) => reader.next(HOUR).await.err(),
        None => None,
    };
    assert!(matches!(ended, Some(Error::NotConnected(_))));
    while hub.line(&"a").is_some() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
