//! Account updates: one subscription of TWS, any number of readers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures::StreamExt;
use ibapi::accounts::AccountUpdate;
use ibapi::accounts::types::AccountId;
use ibapi::subscriptions::{Subscription, SubscriptionItem};
use tokio::sync::watch;

use crate::account::one_account;
use crate::codes;
use crate::connection::Gateway;
use crate::convert;
use crate::feed::{Feed, Pending};
use crate::model::{AccountBatch, AccountValue, Error, PortfolioItem, Result};
use crate::session::Session;

/// How many different values and positions wait for a slow reader. A newer
/// value takes the place of the older one of its kind; only what would be new
/// beyond this is dropped.
const WAITING: usize = 10_000;

/// A running account subscription. Dropping it ends the subscription, and with
/// the last one for an account also that of TWS.
pub struct AccountStream {
    feed: Arc<Feed<Changes>>,
    /// Counts the readers of the upstream: dropped with the stream.
    _reader: watch::Receiver<()>,
}

impl std::fmt::Debug for AccountStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccountStream").finish_non_exhaustive()
    }
}

impl AccountStream {
    /// Waits for a change, at most `timeout`, and takes everything that has
    /// come since; an empty batch when the time passed quietly. `None` after
    /// the end was told.
    ///
    /// # Errors
    /// Why the stream ended, once.
    pub async fn next(&mut self, timeout: Duration) -> Result<Option<AccountBatch>> {
        self.feed.next(timeout).await
    }
}

/// What one account has, by kind: as a whole, or as changed since a read.
#[derive(Clone, Debug, Default)]
struct Changes {
    values: HashMap<(String, Option<String>), AccountValue>,
    portfolio: HashMap<String, PortfolioItem>,
    complete: bool,
    completed_now: bool,
    lost: u32,
}

impl Changes {
    fn add_value(&mut self, value: AccountValue) {
        let key = (value.tag.clone(), value.currency.clone());
        if self.values.len() >= WAITING && !self.values.contains_key(&key) {
            self.lost = self.lost.saturating_add(1);
        } else {
            self.values.insert(key, value);
        }
    }

    fn add_item(&mut self, item: PortfolioItem) {
        let contract = &item.position.contract;
        let key = match contract.con_id {
            Some(con_id) => con_id.to_string(),
            None => convert::contract::describe(contract),
        };
        if self.portfolio.len() >= WAITING && !self.portfolio.contains_key(&key) {
            self.lost = self.lost.saturating_add(1);
        } else {
            self.portfolio.insert(key, item);
        }
    }

    fn complete(&mut self) {
        self.completed_now = !self.complete;
        self.complete = true;
    }
}

impl Pending for Changes {
    type Batch = AccountBatch;

    fn is_empty(&self) -> bool {
        self.values.is_empty() && self.portfolio.is_empty() && self.lost == 0 && !self.completed_now
    }

    fn take(&mut self) -> AccountBatch {
        let mut values: Vec<_> = self.values.drain().map(|(_, value)| value).collect();
        values.sort_by(|a, b| (&a.tag, &a.currency).cmp(&(&b.tag, &b.currency)));
        let mut portfolio: Vec<_> = self.portfolio.drain().map(|(_, item)| item).collect();
        portfolio.sort_by(|a, b| {
            let key = |item: &PortfolioItem| {
                let contract = &item.position.contract;
                (contract.symbol.clone(), contract.con_id)
            };
            key(a).cmp(&key(b))
        });
        self.completed_now = false;
        AccountBatch {
            values,
            portfolio,
            complete: self.complete,
            lost: std::mem::take(&mut self.lost),
        }
    }
}

/// The account subscription of a connection. TWS has one at a time.
#[derive(Default)]
pub(crate) struct AccountHub {
    upstream: tokio::sync::Mutex<Option<Arc<Upstream>>>,
}

/// One subscription of TWS, with its readers.
struct Upstream {
    account: String,
    state: Mutex<Shared>,
    /// Its receivers are the readers: closed when there are none.
    readers: watch::Sender<()>,
}

#[derive(Default)]
struct Shared {
    /// Everything that has come: what a later reader begins with.
    known: Changes,
    feeds: Vec<Weak<Feed<Changes>>>,
    over: bool,
}

impl Upstream {
    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A reader that begins with everything known; none if it is over.
    fn join(&self) -> Option<AccountStream> {
        let mut shared = self.shared();
        if shared.over {
            return None;
        }
        let feed = Arc::new(Feed::<Changes>::default());
        let mut known = shared.known.clone();
        known.completed_now = known.complete;
        feed.update(|changes| *changes = known);
        shared.feeds.push(Arc::downgrade(&feed));
        Some(AccountStream {
            feed,
            _reader: self.readers.subscribe(),
        })
    }

    /// Hands a change to everyone.
    fn tell(&self, change: impl Fn(&mut Changes)) {
        let mut shared = self.shared();
        change(&mut shared.known);
        shared.feeds.retain(|feed| match feed.upgrade() {
            Some(feed) => {
                feed.update(&change);
                true
            }
            None => false,
        });
    }

    /// Whether nobody reads any more; if so, nobody can join either.
    fn is_deserted(&self) -> bool {
        let mut shared = self.shared();
        let deserted = self.readers.receiver_count() == 0;
        shared.over |= deserted;
        deserted
    }

    fn end(&self, error: &Error) {
        let mut shared = self.shared();
        shared.over = true;
        for feed in shared.feeds.drain(..).filter_map(|feed| feed.upgrade()) {
            feed.end(error.clone());
        }
    }
}

impl Gateway {
    /// Values and portfolio of one account as they change (TWS
    /// `reqAccountUpdates`). Without an account: of the only one. Any number
    /// of callers can watch one account.
    ///
    /// # Errors
    /// `Pacing` while another account is watched: TWS streams one at a time.
    /// `InvalidRequest` as for [`pnl`](Self::pnl).
    pub async fn subscribe_account(&self, account: Option<&str>) -> Result<AccountStream> {
        let session = self.session()?;
        let account = one_account(&session, account)?;
        let what = format!("the updates of account {account}");
        let work = {
            let session = session.clone();
            async move { session.watch_account(account).await }
        };
        session
            .run(&what, session.config.request_timeout, work)
            .await
    }
}

impl Session {
    async fn watch_account(self: &Arc<Self>, account: String) -> Result<AccountStream> {
        let mut running = self.accounts.upstream.lock().await;
        if let Some(upstream) = running.as_ref() {
            if upstream.account == account {
                if let Some(stream) = upstream.join() {
                    return Ok(stream);
                }
            } else if !upstream.is_deserted() {
                return Err(Error::Pacing(format!(
                    "TWS streams one account at a time, and {} is being watched. Try again when \
                     that has ended.",
                    upstream.account
                )));
            }
        }
        let what = format!("the updates of account {account}");
        let id = AccountId(account.clone());
        let mut updates = loop {
            match self.client.account_updates(&id).await {
                // The subscription of a moment ago is still saying goodbye.
                Err(ibapi::Error::AccountUpdatesInUse { .. }) => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                other => break other.map_err(|error| codes::client_error(&error, &what))?,
            }
        };
        let upstream = Arc::new(Upstream {
            account,
            state: Mutex::default(),
            readers: watch::Sender::new(()),
        });
        let stream = upstream
            .join()
            .ok_or_else(|| Error::Other(format!("{what} ended before they began. Try again.")))?;
        *running = Some(Arc::clone(&upstream));
        drop(running);
        let session = Arc::clone(self);
        self.tasks.spawn(async move {
            let error = tokio::select! {
                () = session.closing.cancelled() => {
                    codes::client_error(&ibapi::Error::Shutdown, &what)
                }
                () = deserted(&upstream) => codes::client_error(&ibapi::Error::Cancelled, &what),
                error = pump(&upstream, &mut updates, &what) => error,
            };
            updates.cancel().await;
            upstream.end(&error);
        });
        Ok(stream)
    }
}

/// Waits until nobody reads any more.
async fn deserted(upstream: &Upstream) {
    loop {
        upstream.readers.closed().await;
        if upstream.is_deserted() {
            return;
        }
    }
}

/// Hands on what TWS sends, until it ends.
async fn pump(upstream: &Upstream, updates: &mut Subscription<AccountUpdate>, what: &str) -> Error {
    loop {
        match updates.next().await {
            Some(Ok(SubscriptionItem::Data(update))) => hand_on(upstream, &update),
            Some(Ok(SubscriptionItem::Notice(notice))) => {
                if notice.code == ibapi::SUBSCRIPTION_LAG_CODE {
                    upstream.tell(|changes| changes.lost = changes.lost.saturating_add(1));
                }
            }
            Some(Err(error)) => return codes::client_error(&error, what),
            None => return codes::client_error(&ibapi::Error::Shutdown, what),
        }
    }
}

fn hand_on(upstream: &Upstream, update: &AccountUpdate) {
    let account = &upstream.account;
    match update {
        AccountUpdate::AccountValue(value) => {
            let of = value.account.as_ref().unwrap_or(account);
            let row =
                convert::account::account_value(of, &value.key, &value.value, &value.currency);
            if let Some(row) = row.filter(|row| row.account == *account) {
                upstream.tell(|changes| changes.add_value(row.clone()));
            }
        }
        AccountUpdate::PortfolioValue(item) => {
            if let Some(item) = convert::account::portfolio(item, account) {
                upstream.tell(|changes| changes.add_item(item.clone()));
            }
        }
        AccountUpdate::UpdateTime(_) => {}
        AccountUpdate::End => upstream.tell(Changes::complete),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Value;

    fn value(tag: &str, text: &str) -> AccountValue {
        AccountValue {
            account: "DU1".into(),
            tag: tag.into(),
            value: Value::Text(text.into()),
            currency: None,
        }
    }

    fn upstream() -> Upstream {
        Upstream {
            account: "DU1".into(),
            state: Mutex::default(),
            readers: watch::Sender::new(()),
        }
    }

    #[tokio::test]
    #[expect(clippy::unwrap_used, reason = "a test says what it expects")]
    async fn a_later_reader_begins_with_everything_known() {
        let upstream = upstream();
        let mut first = upstream.join().unwrap();
        upstream.tell(|changes| changes.add_value(value("A", "1")));
        upstream.tell(Changes::complete);
        let mut second = upstream.join().unwrap();
        upstream.tell(|changes| changes.add_value(value("A", "2")));
        let wait = Duration::from_secs(5);
        for stream in [&mut first, &mut second] {
            let batch = stream.next(wait).await.unwrap().unwrap();
            assert_eq!(batch.values, [value("A", "2")]);
            assert!(batch.complete);
        }
        let quiet = first.next(Duration::ZERO).await.unwrap().unwrap();
        assert!(quiet.values.is_empty() && quiet.complete);
    }

    #[test]
    fn it_is_over_when_the_last_reader_left() {
        let upstream = upstream();
        let reader = upstream.join();
        assert!(!upstream.is_deserted());
        drop(reader);
        assert!(upstream.is_deserted());
        assert!(upstream.join().is_none());
    }

    #[test]
    fn only_what_is_new_beyond_the_bound_is_lost() {
        let mut changes = Changes::default();
        for number in 0..=WAITING {
            changes.add_value(value(&number.to_string(), "x"));
        }
        changes.add_value(value("0", "newer"));
        let batch = changes.take();
        assert_eq!((batch.values.len(), batch.lost), (WAITING, 1));
        assert_eq!(batch.values.first(), Some(&value("0", "newer")));
    }
}
