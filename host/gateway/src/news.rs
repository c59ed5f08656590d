//! A hint that something has happened: not what, only that who reads accounts
//! and orders again and again may do so now.

use std::sync::Arc;

use tokio::sync::watch;

use crate::connection::Gateway;
use crate::gateways::Gateways;
use crate::session::Session;

/// Follows the news of all gateways: connections that open and close, and
/// whatever TWS tells of orders, their executions and their commissions. Values
/// of accounts and quotes are no news.
pub struct News {
    of: Vec<Source>,
}

/// The news of one gateway.
struct Source {
    sessions: watch::Receiver<Option<Arc<Session>>>,
    /// Those of the session's order book.
    orders: Option<watch::Receiver<u64>>,
}

impl Gateways {
    /// Follows the news from now on.
    pub fn news(&self) -> News {
        News {
            of: self.iter().map(Source::new).collect(),
        }
    }
}

impl News {
    /// Whether there is some that was not waited for.
    pub fn has_some(&self) -> bool {
        self.of.iter().any(Source::has_some)
    }

    /// Waits until there is some since the last time.
    pub async fn next(&mut self) {
        let all = self.of.iter_mut().map(|source| Box::pin(source.next()));
        let all: Vec<_> = all.collect();
        if all.is_empty() {
            return std::future::pending().await;
        }
        futures::future::select_all(all).await;
    }
}

impl std::fmt::Debug for News {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = formatter.debug_struct("News");
        debug.field("has_some", &self.has_some());
        debug.finish_non_exhaustive()
    }
}

impl Source {
    fn new(gateway: &Gateway) -> Self {
        let mut source = Self {
            sessions: gateway.sessions(),
            orders: None,
        };
        source.follow();
        source
    }

    /// Turns to the order book of the present session.
    fn follow(&mut self) {
        let session = self.sessions.borrow_and_update();
        self.orders = session.as_ref().map(|session| session.book.changes());
    }

    fn has_some(&self) -> bool {
        let changed = |of: Option<bool>| of == Some(true);
        let orders = self.orders.as_ref();
        changed(self.sessions.has_changed().ok())
            || changed(orders.and_then(|orders| orders.has_changed().ok()))
    }

    async fn next(&mut self) {
        let orders = async {
            // Without a book, or with one that nobody writes any more, there
            // is none to wait for.
            let told = match &mut self.orders {
                Some(orders) => orders.changed().await.is_ok(),
                None => false,
            };
            if !told {
                std::future::pending::<()>().await;
            }
        };
        let is_session = tokio::select! {
            changed = self.sessions.changed() => match changed {
                Ok(()) => true,
                Err(_) => std::future::pending().await,
            },
            () = orders => false,
        };
        if is_session {
            self.follow();
        }
    }
}
