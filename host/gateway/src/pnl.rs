//! Profit and loss: one subscription for each account, and for each position,
//! that somebody asks for.

use std::sync::Arc;
use std::time::Duration;

use ibapi::accounts::types::{AccountId, ContractId};
use ibapi::subscriptions::SubscriptionItem;
use time::OffsetDateTime;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::account::one_account;
use crate::codes;
use crate::connection::Gateway;
use crate::convert::decimal;
use crate::farms::FarmState;
use crate::feed::{Freshness, Pending};
use crate::model::{AccountPnl, Error, Position, PositionPnl, Result};
use crate::session::Session;
use crate::shared::{Hub, Line, Reader, Source, before_cancel, pump};

/// TWS may send profit and loss before it has computed them: how long to wait
/// for numbers once the first answer has come.
const NUMBERS_FOLLOW: Duration = Duration::from_secs(2);

/// Profit and loss of accounts, by account.
pub(crate) type PnlHub = Hub<String, OfAccount>;

/// Profit and loss of positions, by account and contract.
pub(crate) type PositionPnlHub = Hub<(String, i32), OfPosition>;

/// Profit and loss of an account.
pub(crate) struct OfAccount(String);

/// Profit and loss of a position of an account.
pub(crate) struct OfPosition(String, i32);

/// The latest that TWS has sent, and when.
#[derive(Clone, Debug)]
pub(crate) struct Latest<T> {
    row: Option<(T, OffsetDateTime)>,
    is_news: bool,
}

impl<T> Default for Latest<T> {
    fn default() -> Self {
        Self {
            row: None,
            is_news: false,
        }
    }
}

impl<T> Latest<T> {
    fn set(&mut self, row: T, now: OffsetDateTime) {
        self.row = Some((row, now));
        self.is_news = true;
    }
}

impl<T: Clone + Send> Pending for Latest<T> {
    /// The row, when it was received, and whether it can be relied on.
    type Batch = Option<(T, OffsetDateTime, Freshness)>;

    fn is_empty(&self) -> bool {
        !self.is_news
    }

    fn take(&mut self, freshness: Freshness) -> Self::Batch {
        self.is_news = false;
        let (row, received) = self.row.clone()?;
        Some((row, received, freshness))
    }
}

impl Gateway {
    /// Profit and loss of an account (TWS `reqPnL`). Without an account: of
    /// the only one. TWS keeps it up to date for as long as somebody asks.
    ///
    /// # Errors
    /// `InvalidRequest` naming the accounts if there are several, or if the
    /// given one is not among them; `TimedOut`.
    #[tracing::instrument(level = "debug", name = "gateway.pnl", skip_all, fields(gateway = self.name()))]
    pub async fn pnl(&self, account: Option<&str>) -> Result<AccountPnl> {
        let session = self.session()?;
        let account = one_account(&session, account)?;
        let source = || OfAccount(account.clone());
        let what = source().what();
        let limit = session.config.request_timeout;
        let hub = &self.data().pnl;
        let reader = hub.join(account.clone(), "", self.sessions(), source, |_| busy());
        settled(reader.await?, limit, &what).await
    }

    /// Profit and loss of one position (TWS `reqPnLSingle`).
    ///
    /// # Errors
    /// `NotFound` if the account has no such position; `InvalidRequest` as for
    /// [`pnl`](Self::pnl).
    #[tracing::instrument(level = "debug", name = "gateway.pnl_single", skip_all, fields(gateway = self.name()))]
    pub async fn pnl_single(&self, account: Option<&str>, con_id: i32) -> Result<PositionPnl> {
        if con_id <= 0 {
            return Err(Error::invalid(format!(
                "conId {con_id} is not a contract number. Take it from ibkr_get_positions."
            )));
        }
        let session = self.session()?;
        let account = one_account(&session, account)?;
        // TWS stays silent, or sends zeros, for what the account never held.
        let held = self.all_positions().await?;
        let is_it = |position: &Position| {
            position.account == account && position.contract.con_id == Some(con_id)
        };
        if !held.iter().any(is_it) {
            return Err(Error::no_position(&account, con_id));
        }
        let source = || OfPosition(account.clone(), con_id);
        let what = source().what();
        let limit = session.config.request_timeout;
        let hub = &self.data().position_pnl;
        let key = (account.clone(), con_id);
        let reader = hub.join(key, "", self.sessions(), source, |_| busy());
        settled(reader.await?, limit, &what).await
    }
}

fn busy() -> Error {
    Error::Pacing(
        "Profit and loss of too many positions are watched at once. Try again in a moment."
            .to_owned(),
    )
}

/// A row that profit and loss are read from.
trait Computed: Clone + Send {
    /// Whether TWS has computed it.
    fn is_computed(&self) -> bool;

    /// Says when it held, and whether it can be relied on.
    fn at(self, as_of: OffsetDateTime, stale: bool) -> Self;
}

impl Computed for AccountPnl {
    fn is_computed(&self) -> bool {
        self.daily.is_some() && self.unrealized.is_some()
    }

    fn at(self, as_of: OffsetDateTime, stale: bool) -> Self {
        Self {
            as_of,
            stale,
            ..self
        }
    }
}

impl Computed for PositionPnl {
    fn is_computed(&self) -> bool {
        self.unrealized.is_some() && self.value.is_some()
    }

    fn at(self, as_of: OffsetDateTime, stale: bool) -> Self {
        Self {
            as_of,
            stale,
            ..self
        }
    }
}

/// The first row with numbers, or what there is when none follow.
async fn settled<T: Computed>(
    mut reader: Reader<Latest<T>>,
    limit: Duration,
    what: &str,
) -> Result<T> {
    let begin = Instant::now();
    let mut deadline = begin + limit;
    let mut latest = None;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if let Some(Some((row, received, freshness))) = reader.next(left).await? {
            let row = row.at(freshness.as_of(received), freshness.is_stale);
            if row.is_computed() {
                return Ok(row);
            }
            if latest.is_none() {
                deadline = deadline.min(Instant::now() + NUMBERS_FOLLOW);
            }
            latest = Some(row);
        }
        if Instant::now() >= deadline {
            return latest.ok_or_else(|| codes::timed_out(what));
        }
    }
}

/// TWS computes them from quotes, so they stand still with these.
fn troubled(farms: &FarmState) -> Option<OffsetDateTime> {
    let troubles = [farms.cut_off, farms.without_market_data()];
    troubles.into_iter().flatten().min()
}

impl Source for OfAccount {
    type State = Latest<AccountPnl>;

    fn what(&self) -> String {
        format!("profit and loss of {}", self.0)
    }

    async fn follow(
        line: Arc<Line<Self>>,
        session: Arc<Session>,
        stop: CancellationToken,
    ) -> Result<()> {
        let what = line.source.what();
        let failed = |error: &ibapi::Error| codes::client_error(error, &what);
        let id = AccountId(line.source.0.clone());
        let rows = session.client.pnl(&id, None).await;
        let mut rows = rows.map_err(|error| failed(&error))?;
        let outcome = pump(&mut rows, &stop, failed, |item| {
            let now = OffsetDateTime::now_utc();
            if let SubscriptionItem::Data(row) = item {
                let row = AccountPnl {
                    daily: decimal::decimal(row.daily_pnl),
                    unrealized: decimal::maybe(row.unrealized_pnl),
                    realized: decimal::maybe(row.realized_pnl),
                    as_of: now,
                    stale: false,
                };
                line.tell(now, |latest| latest.set(row.clone(), now));
            }
            Ok(())
        })
        .await;
        before_cancel(&session).await;
        rows.cancel().await;
        outcome
    }

    fn is_urgent(&self) -> bool {
        true
    }

    fn troubled(farms: &FarmState) -> Option<OffsetDateTime> {
        troubled(farms)
    }
}

impl Source for OfPosition {
    type State = Latest<PositionPnl>;

    fn what(&self) -> String {
        format!("profit and loss of conId {}", self.1)
    }

    async fn follow(
        line: Arc<Line<Self>>,
        session: Arc<Session>,
        stop: CancellationToken,
    ) -> Result<()> {
        let what = line.source.what();
        let failed = |error: &ibapi::Error| codes::client_error(error, &what);
        let id = AccountId(line.source.0.clone());
        let contract = ContractId(line.source.1);
        let rows = session.client.pnl_single(&id, contract, None).await;
        let mut rows = rows.map_err(|error| failed(&error))?;
        let outcome = pump(&mut rows, &stop, failed, |item| {
            let now = OffsetDateTime::now_utc();
            if let SubscriptionItem::Data(row) = item {
                let row = PositionPnl {
                    quantity: decimal::decimal(row.position).unwrap_or_default(),
                    daily: decimal::decimal(row.daily_pnl),
                    unrealized: decimal::decimal(row.unrealized_pnl),
                    realized: decimal::decimal(row.realized_pnl),
                    value: decimal::decimal(row.value),
                    as_of: now,
                    stale: false,
                };
                line.tell(now, |latest| latest.set(row.clone(), now));
            }
            Ok(())
        })
        .await;
        before_cancel(&session).await;
        rows.cancel().await;
        outcome
    }

    fn troubled(farms: &FarmState) -> Option<OffsetDateTime> {
        troubled(farms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(daily: f64, unrealized: f64) -> AccountPnl {
        AccountPnl {
            daily: decimal::decimal(daily),
            unrealized: decimal::decimal(unrealized),
            realized: None,
            as_of: OffsetDateTime::UNIX_EPOCH,
            stale: false,
        }
    }

    #[tokio::test]
    #[expect(clippy::unwrap_used, reason = "a test says what it expects")]
    async fn profit_and_loss_wait_for_numbers() {
        let line = Line::new(OfAccount("DU1".into()), Arc::default());
        let now = OffsetDateTime::now_utc();
        let limit = Duration::from_secs(10);
        let reader = line.join("").unwrap();
        line.tell(now, |latest| latest.set(row(f64::MAX, f64::MAX), now));
        let answer = tokio::spawn(settled(reader, limit, "it"));
        tokio::task::yield_now().await;
        line.tell(now, |latest| latest.set(row(1.0, 2.0), now));
        let answer = answer.await.unwrap().unwrap();
        assert_eq!(answer.daily, decimal::decimal(1.0));
        assert!(answer.as_of >= now && !answer.stale);
        // Who asks later is answered at once.
        let later = settled(line.join("").unwrap(), Duration::ZERO, "it").await;
        assert_eq!(later.unwrap().unrealized, decimal::decimal(2.0));
    }

    #[tokio::test]
    #[expect(clippy::unwrap_used, reason = "a test says what it expects")]
    async fn what_is_never_computed_is_absent() {
        let line = Line::new(OfAccount("DU1".into()), Arc::default());
        let now = OffsetDateTime::now_utc();
        let reader = line.join("").unwrap();
        line.tell(now, |latest| latest.set(row(1.0, f64::MAX), now));
        let limit = Duration::from_millis(20);
        let answer = settled(reader, limit, "it").await.unwrap();
        assert_eq!(answer.unrealized, None);
        let silent = Line::new(OfAccount("DU2".into()), Arc::default());
        let answer = settled(silent.join("").unwrap(), limit, "it").await;
        assert!(matches!(answer, Err(Error::TimedOut(_))));
    }
}
