//! Account updates: one subscription of TWS, any number of readers.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ibapi::accounts::AccountUpdate;
use ibapi::accounts::types::AccountId;
use ibapi::subscriptions::SubscriptionItem;
use rust_decimal::Decimal;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use crate::account::one_account;
use crate::codes;
use crate::connection::Gateway;
use crate::convert;
use crate::feed::{Freshness, Pending};
use crate::model::{AccountBatch, AccountValue, Error, PortfolioItem, Result};
use crate::session::Session;
use crate::shared::{Hub, Line, Reader, Source, before_cancel, pump};

/// How many different values and positions wait for a slow reader. A newer
/// value takes the place of the older one of its kind; only what would be new
/// beyond this is dropped.
const WAITING: usize = 10_000;

/// The account updates of a gateway. TWS has one subscription at a time.
pub(crate) type AccountHub = Hub<String, AccountUpdates>;

/// The updates of one account.
pub(crate) struct AccountUpdates {
    account: String,
}

/// A reader of an account's updates. Dropping it ends its part; the
/// subscription of TWS ends a short time after that of the last one.
pub struct AccountStream {
    reader: Reader<Changes>,
}

impl std::fmt::Debug for AccountStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccountStream").finish_non_exhaustive()
    }
}

impl AccountStream {
    /// Waits for a change, at most `timeout`, and takes everything that has
    /// come since; an empty batch when the time passed quietly. A connection
    /// that breaks does not end the stream: its batches are stale until it is
    /// back, then one says how long the gap was, and everything is sent once
    /// more. `None` after the end was told.
    ///
    /// # Errors
    /// Why the stream ended, once: what TWS has against it, or `NotConnected`
    /// when the connection was closed on request.
    pub async fn next(&mut self, timeout: Duration) -> Result<Option<AccountBatch>> {
        self.reader.next(timeout).await
    }
}

/// What one account has, by kind: as a whole, or as changed since a read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    values: HashMap<(String, Option<String>), AccountValue>,
    portfolio: HashMap<String, PortfolioItem>,
    /// Of what is known: the portfolio before the subscription began anew.
    before: HashMap<String, PortfolioItem>,
    updated: Option<OffsetDateTime>,
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
        let key = key(&item);
        if self.portfolio.len() >= WAITING && !self.portfolio.contains_key(&key) {
            self.lost = self.lost.saturating_add(1);
        } else {
            self.portfolio.insert(key, item);
        }
    }

    fn complete(&mut self) {
        self.completed_now = !self.complete;
        self.complete = true;
        self.before.clear();
    }

    /// What was held before and is not among what has been told since: TWS says
    /// nothing of what was closed meanwhile.
    fn closed(&self) -> Vec<PortfolioItem> {
        let gone = self.before.iter().filter(|(key, item)| {
            !self.portfolio.contains_key(*key) && !item.position.quantity.is_zero()
        });
        gone.map(|(_, item)| {
            let mut closed = item.clone();
            closed.position.quantity = Decimal::ZERO;
            closed.position.average_cost = None;
            closed.market_value = Some(Decimal::ZERO);
            closed.unrealized_pnl = None;
            closed.realized_pnl = None;
            closed
        })
        .collect()
    }
}

/// What tells one position of an account from another.
fn key(item: &PortfolioItem) -> String {
    let contract = &item.position.contract;
    match contract.con_id {
        Some(con_id) => con_id.to_string(),
        None => convert::contract::describe(contract),
    }
}

impl Pending for Changes {
    type Batch = AccountBatch;

    fn is_empty(&self) -> bool {
        self.values.is_empty() && self.portfolio.is_empty() && self.lost == 0 && !self.completed_now
    }

    fn take(&mut self, freshness: Freshness) -> AccountBatch {
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
            updated: self.updated,
            stale: freshness.is_stale,
            gap: freshness.gap,
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
    #[tracing::instrument(level = "debug", name = "gateway.subscribe_account", skip_all, fields(gateway = self.name()))]
    pub async fn subscribe_account(&self, account: Option<&str>) -> Result<AccountStream> {
        let session = self.session()?;
        let account = one_account(&session, account)?;
        let source = || AccountUpdates {
            account: account.clone(),
        };
        let full = |lines: &[Arc<Line<AccountUpdates>>]| {
            let watched: Vec<_> = lines
                .iter()
                .map(|line| line.source.account.as_str())
                .collect();
            Error::Pacing(format!(
                "TWS streams one account at a time, and {} is being watched. Try again when that \
                 has ended.",
                watched.join(", ")
            ))
        };
        let joining = self
            .data()
            .accounts
            .join(account.clone(), "", self.sessions(), source, full);
        let limit = session.config.request_timeout;
        let reader = tokio::time::timeout(limit, joining).await;
        let reader =
            reader.unwrap_or_else(|_| Err(codes::timed_out("the end of other updates")))?;
        Ok(AccountStream { reader })
    }
}

impl Source for AccountUpdates {
    type State = Changes;

    fn what(&self) -> String {
        format!("the updates of account {}", self.account)
    }

    async fn follow(
        line: Arc<Line<Self>>,
        session: Arc<Session>,
        stop: CancellationToken,
    ) -> Result<()> {
        let what = line.source.what();
        let failed = |error: &ibapi::Error| codes::client_error(error, &what);
        let id = AccountId(line.source.account.clone());
        let mut updates = loop {
            match session.client.account_updates(&id).await {
                // The subscription of a moment ago is still saying goodbye.
                Err(ibapi::Error::AccountUpdatesInUse { .. }) => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    if stop.is_cancelled() {
                        return Ok(());
                    }
                }
                other => break other.map_err(|error| failed(&error))?,
            }
        };
        let outcome = pump(&mut updates, &stop, failed, |item| {
            let now = OffsetDateTime::now_utc();
            match item {
                SubscriptionItem::Data(update) => hand_on(&line, &update, now),
                SubscriptionItem::Notice(notice) if notice.code == ibapi::SUBSCRIPTION_LAG_CODE => {
                    line.tell(now, |changes| changes.lost = changes.lost.saturating_add(1));
                }
                SubscriptionItem::Notice(_) => {}
            }
            Ok(())
        })
        .await;
        before_cancel(&session).await;
        updates.cancel().await;
        outcome
    }

    fn begin(known: &Changes) -> Changes {
        let mut all = known.clone();
        all.completed_now = all.complete;
        all.before.clear();
        all
    }

    fn renew(known: &mut Changes) {
        known.before = std::mem::take(&mut known.portfolio);
        known.values.clear();
        known.complete = false;
    }

    fn renew_pending(pending: &mut Changes) {
        pending.complete = false;
    }
}

fn hand_on(line: &Line<AccountUpdates>, update: &AccountUpdate, now: OffsetDateTime) {
    let account = &line.source.account;
    match update {
        AccountUpdate::AccountValue(value) => {
            let of = value.account.as_ref().unwrap_or(account);
            let row =
                convert::account::account_value(of, &value.key, &value.value, &value.currency);
            if let Some(row) = row.filter(|row| row.account == *account) {
                line.tell(now, |changes| {
                    changes.updated = Some(now);
                    changes.add_value(row.clone());
                });
            }
        }
        AccountUpdate::PortfolioValue(item) => {
            if let Some(item) = convert::account::portfolio(item, account) {
                line.tell(now, |changes| {
                    changes.updated = Some(now);
                    changes.add_item(item.clone());
                });
            }
        }
        AccountUpdate::UpdateTime(_) => {}
        AccountUpdate::End => {
            for item in line.with_known(Changes::closed) {
                line.tell(now, |changes| changes.add_item(item.clone()));
            }
            line.tell(now, Changes::complete);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Contract, Position, Value};

    fn value(tag: &str, text: &str) -> AccountValue {
        AccountValue {
            account: "DU1".into(),
            tag: tag.into(),
            value: Value::Text(text.into()),
            currency: None,
        }
    }

    fn line() -> Line<AccountUpdates> {
        let source = AccountUpdates {
            account: "DU1".into(),
        };
        Line::new(source, Arc::default())
    }

    #[tokio::test]
    #[expect(clippy::unwrap_used, reason = "a test says what it expects")]
    async fn a_later_reader_begins_with_everything_known() {
        let (line, now) = (line(), OffsetDateTime::now_utc());
        let mut first = line.join("").unwrap();
        line.tell(now, |changes| changes.add_value(value("A", "1")));
        line.tell(now, Changes::complete);
        let mut second = line.join("").unwrap();
        line.tell(now, |changes| changes.add_value(value("A", "2")));
        let wait = Duration::from_secs(5);
        for stream in [&mut first, &mut second] {
            let batch = stream.next(wait).await.unwrap().unwrap();
            assert_eq!(batch.values, [value("A", "2")]);
            assert!(batch.complete && !batch.stale);
        }
        let quiet = first.next(Duration::ZERO).await.unwrap().unwrap();
        assert!(quiet.values.is_empty() && quiet.complete);
    }

    fn held(con_id: i32, quantity: i64) -> PortfolioItem {
        PortfolioItem {
            position: Position {
                account: "DU1".into(),
                contract: Contract {
                    con_id: Some(con_id),
                    ..Contract::us_stock("X")
                },
                quantity: quantity.into(),
                average_cost: None,
            },
            market_price: None,
            market_value: Some(Decimal::ONE),
            unrealized_pnl: None,
            realized_pnl: None,
        }
    }

    #[test]
    fn what_was_closed_in_a_gap_is_told_as_closed() {
        let mut known = Changes::default();
        for item in [held(1, 10), held(2, 20), held(3, 0)] {
            known.add_item(item);
        }
        known.complete();
        AccountUpdates::renew(&mut known);
        known.add_item(held(2, 21));
        let closed = known.closed();
        let all: Vec<_> = closed.iter().map(key).collect();
        assert_eq!(all, ["1"]);
        assert!(closed.iter().all(|item| item.position.quantity.is_zero()));
        known.complete();
        assert!(known.closed().is_empty());
    }

    #[test]
    fn only_what_is_new_beyond_the_bound_is_lost() {
        let mut changes = Changes::default();
        for number in 0..=WAITING {
            changes.add_value(value(&number.to_string(), "x"));
        }
        changes.add_value(value("0", "newer"));
        let batch = changes.take(Freshness::default());
        assert_eq!((batch.values.len(), batch.lost), (WAITING, 1));
        assert_eq!(batch.values.first(), Some(&value("0", "newer")));
    }
}
