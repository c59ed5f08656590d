//! Accounts: summary, positions, profit and loss.

use std::ops::ControlFlow;
use std::time::Duration;

use futures::StreamExt;
use ibapi::accounts::types::{AccountGroup, AccountId, ContractId};
use ibapi::accounts::{AccountSummaryResult, AccountSummaryTags as Tags, PositionUpdate};
use ibapi::subscriptions::SubscriptionItem;

use crate::codes;
use crate::connection::Gateway;
use crate::convert::{self, decimal};
use crate::model::{AccountPnl, AccountValue, Error, Position, PositionPnl, Result};
use crate::session::Session;

/// What the summary asks for: all that TWS summarises, but for the cash of
/// each currency, which belongs to the account updates.
const SUMMARY: &[&str] = &[
    Tags::ACCOUNT_TYPE,
    Tags::NET_LIQUIDATION,
    Tags::TOTAL_CASH_VALUE,
    Tags::SETTLED_CASH,
    Tags::ACCRUED_CASH,
    Tags::BUYING_POWER,
    Tags::EQUITY_WITH_LOAN_VALUE,
    Tags::PREVIOUS_EQUITY_WITH_LOAN_VALUE,
    Tags::GROSS_POSITION_VALUE,
    Tags::REQ_T_EQUITY,
    Tags::REQ_T_MARGIN,
    Tags::SMA,
    Tags::INIT_MARGIN_REQ,
    Tags::MAINT_MARGIN_REQ,
    Tags::AVAILABLE_FUNDS,
    Tags::EXCESS_LIQUIDITY,
    Tags::CUSHION,
    Tags::FULL_INIT_MARGIN_REQ,
    Tags::FULL_MAINT_MARGIN_REQ,
    Tags::FULL_AVAILABLE_FUNDS,
    Tags::FULL_EXCESS_LIQUIDITY,
    Tags::LOOK_AHEAD_NEXT_CHANGE,
    Tags::LOOK_AHEAD_INIT_MARGIN_REQ,
    Tags::LOOK_AHEAD_MAINT_MARGIN_REQ,
    Tags::LOOK_AHEAD_AVAILABLE_FUNDS,
    Tags::LOOK_AHEAD_EXCESS_LIQUIDITY,
    Tags::HIGHEST_SEVERITY,
    Tags::DAY_TRADES_REMAINING,
    Tags::LEVERAGE,
];

/// TWS may send profit and loss before it has computed them: how long to wait
/// for numbers once the first answer has come.
const NUMBERS_FOLLOW: Duration = Duration::from_secs(2);

impl Gateway {
    /// The accounts that the connection reaches (TWS `managedAccounts`).
    ///
    /// # Errors
    /// `NotConnected`, `TimedOut`.
    pub async fn accounts(&self) -> Result<Vec<String>> {
        let session = self.session()?;
        let what = "the accounts";
        let work = {
            let session = session.clone();
            async move {
                let _turn = session.turns.accounts.lock().await;
                let answer = session.client.managed_accounts().await;
                answer.map_err(|error| codes::client_error(&error, what))
            }
        };
        session.ask(what, work).await
    }

    /// The summary values of all accounts (TWS `reqAccountSummary`).
    ///
    /// # Errors
    /// `NotConnected`, `TimedOut`, `Rejected`.
    pub async fn summary(&self) -> Result<Vec<AccountValue>> {
        let session = self.session()?;
        let what = "the account summary";
        let work = {
            let session = session.clone();
            async move {
                // TWS allows two of them at once: one of ours leaves room.
                let _turn = session.turns.summary.lock().await;
                let failed = |error: ibapi::Error| codes::client_error(&error, what);
                let group = AccountGroup("All".to_owned());
                let mut rows = session
                    .client
                    .account_summary(&group, SUMMARY)
                    .await
                    .map_err(failed)?;
                let outcome = listed(&mut rows, what, |row| match row {
                    AccountSummaryResult::Summary(row) => {
                        ControlFlow::Continue(convert::account::account_value(
                            &row.account,
                            &row.tag,
                            &row.value,
                            &row.currency,
                        ))
                    }
                    AccountSummaryResult::End => ControlFlow::Break(()),
                })
                .await;
                rows.cancel().await;
                outcome
            }
        };
        session.ask(what, work).await
    }

    /// All positions of all accounts (TWS `reqPositions`). What was closed
    /// today is not among them.
    ///
    /// # Errors
    /// `NotConnected`, `TimedOut`.
    pub async fn positions(&self) -> Result<Vec<Position>> {
        let mut positions = self.all_positions().await?;
        positions.retain(|position| !position.quantity.is_zero());
        Ok(positions)
    }

    /// As [`positions`](Self::positions), with what was closed today.
    async fn all_positions(&self) -> Result<Vec<Position>> {
        let session = self.session()?;
        let what = "the positions";
        let work = {
            let session = session.clone();
            async move {
                let _turn = session.turns.positions.lock().await;
                let failed = |error: ibapi::Error| codes::client_error(&error, what);
                let mut rows = session.client.positions().await.map_err(failed)?;
                let outcome = listed(&mut rows, what, |row| match row {
                    PositionUpdate::Position(row) => {
                        ControlFlow::Continue(convert::account::position(&row))
                    }
                    PositionUpdate::PositionEnd => ControlFlow::Break(()),
                })
                .await;
                rows.cancel().await;
                outcome
            }
        };
        session.ask(what, work).await
    }

    /// The account that a request means: the given one, or else the only one
    /// of the connection.
    ///
    /// # Errors
    /// `InvalidRequest` naming the accounts if there are several, or if the
    /// given one is not among them; `NotConnected`.
    pub fn one_account(&self, account: Option<&str>) -> Result<String> {
        one_account(&*self.session()?, account)
    }

    /// Profit and loss of an account (TWS `reqPnL`). Without an account: of
    /// the only one.
    ///
    /// # Errors
    /// `InvalidRequest` naming the accounts if there are several, or if the
    /// given one is not among them.
    pub async fn pnl(&self, account: Option<&str>) -> Result<AccountPnl> {
        let session = self.session()?;
        let account = one_account(&session, account)?;
        let what = format!("profit and loss of {account}");
        let work = {
            let (session, what) = (session.clone(), what.clone());
            async move {
                let failed = |error: ibapi::Error| codes::client_error(&error, &what);
                let id = AccountId(account);
                let mut rows = session.client.pnl(&id, None).await.map_err(failed)?;
                let outcome = settled(&mut rows, &what, |row: ibapi::accounts::PnL| AccountPnl {
                    daily: decimal::decimal(row.daily_pnl),
                    unrealized: decimal::maybe(row.unrealized_pnl),
                    realized: decimal::maybe(row.realized_pnl),
                })
                .await;
                rows.cancel().await;
                outcome
            }
        };
        session.ask(&what, work).await
    }

    /// Profit and loss of one position (TWS `reqPnLSingle`).
    ///
    /// # Errors
    /// `NotFound` if the account has no such position; `InvalidRequest` as for
    /// [`pnl`](Self::pnl).
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
        let is_it = |position: &&Position| {
            position.account == account && position.contract.con_id == Some(con_id)
        };
        if !held.iter().any(|position| is_it(&position)) {
            return Err(Error::no_position(&account, con_id));
        }
        let what = format!("profit and loss of conId {con_id}");
        let work = {
            let (session, what) = (session.clone(), what.clone());
            async move {
                let failed = |error: ibapi::Error| codes::client_error(&error, &what);
                let id = AccountId(account);
                let mut rows = session
                    .client
                    .pnl_single(&id, ContractId(con_id), None)
                    .await
                    .map_err(failed)?;
                let outcome = settled(&mut rows, &what, |row: ibapi::accounts::PnLSingle| {
                    PositionPnl {
                        quantity: decimal::decimal(row.position).unwrap_or_default(),
                        daily: decimal::decimal(row.daily_pnl),
                        unrealized: decimal::decimal(row.unrealized_pnl),
                        realized: decimal::decimal(row.realized_pnl),
                        value: decimal::decimal(row.value),
                    }
                })
                .await;
                rows.cancel().await;
                outcome
            }
        };
        session.ask(&what, work).await
    }
}

/// The rows of a list up to the one that ends it, without those that say
/// nothing.
async fn listed<R, T>(
    rows: &mut (
             impl futures::Stream<Item = std::result::Result<SubscriptionItem<R>, ibapi::Error>> + Unpin
         ),
    what: &str,
    mut read: impl FnMut(R) -> ControlFlow<(), Option<T>>,
) -> Result<Vec<T>> {
    let failed = |error: ibapi::Error| codes::client_error(&error, what);
    let mut list = Vec::new();
    loop {
        match rows.next().await {
            Some(Ok(SubscriptionItem::Data(row))) => match read(row) {
                ControlFlow::Continue(item) => list.extend(item),
                ControlFlow::Break(()) => return Ok(list),
            },
            Some(Ok(SubscriptionItem::Notice(notice))) => incomplete(&notice, what)?,
            Some(Err(error)) => return Err(failed(error)),
            None => return Err(failed(ibapi::Error::UnexpectedEndOfStream)),
        }
    }
}

/// A list with a gap is no list; other remarks do not matter to it.
fn incomplete(notice: &ibapi::Notice, what: &str) -> Result<()> {
    match notice.code {
        ibapi::SUBSCRIPTION_LAG_CODE => {
            Err(codes::request_error(notice.code, &notice.message, what))
        }
        _ => Ok(()),
    }
}

/// Whether profit and loss have been computed.
trait Computed {
    fn is_computed(&self) -> bool;
}

impl Computed for AccountPnl {
    fn is_computed(&self) -> bool {
        self.daily.is_some() && self.unrealized.is_some()
    }
}

impl Computed for PositionPnl {
    fn is_computed(&self) -> bool {
        self.unrealized.is_some() && self.value.is_some()
    }
}

/// The first answer with numbers, or what there is when none follow.
async fn settled<S, R, T: Computed>(rows: &mut S, what: &str, convert: impl Fn(R) -> T) -> Result<T>
where
    S: futures::Stream<Item = std::result::Result<SubscriptionItem<R>, ibapi::Error>> + Unpin,
{
    let mut latest = None;
    loop {
        let item = match latest {
            None => rows.next().await,
            Some(_) => tokio::time::timeout(NUMBERS_FOLLOW, rows.next())
                .await
                .unwrap_or_default(),
        };
        match (item, latest.take()) {
            (Some(Ok(SubscriptionItem::Data(row))), _) => {
                let row = convert(row);
                if row.is_computed() {
                    return Ok(row);
                }
                latest = Some(row);
            }
            (Some(Ok(SubscriptionItem::Notice(_))), known) => latest = known,
            (None, Some(known)) => return Ok(known),
            (Some(Err(error)), _) => return Err(codes::client_error(&error, what)),
            (None, None) => {
                return Err(codes::client_error(
                    &ibapi::Error::UnexpectedEndOfStream,
                    what,
                ));
            }
        }
    }
}

/// The account that is meant: the given one, or the only one.
pub(crate) fn one_account(session: &Session, account: Option<&str>) -> Result<String> {
    let known = session.client.handshake_managed_accounts();
    choose_account(known, account.map(str::trim))
}

fn choose_account(known: &[String], account: Option<&str>) -> Result<String> {
    let all = known.join(", ");
    match (account, known) {
        (Some(account), _) if known.iter().any(|one| one == account) => Ok(account.to_owned()),
        (Some(account), _) => Err(Error::invalid(format!(
            "{account:?} is not an account of this connection. Choose one of: {all}."
        ))),
        (None, [only]) => Ok(only.clone()),
        (None, []) => Err(Error::Other(
            "TWS named no account. Wait until it has logged in, and connect again.".to_owned(),
        )),
        (None, _) => Err(Error::invalid(format!(
            "This connection reaches several accounts. Say which one: {all}."
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_account_only_one_can_be_meant() {
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        assert_eq!(choose_account(&ids(&["DU1"]), None), Ok("DU1".into()));
        assert_eq!(
            choose_account(&ids(&["DU1", "DU2"]), Some("DU2")),
            Ok("DU2".into())
        );
        for (known, given) in [(&["DU1", "DU2"][..], None), (&["DU1"], Some("DU9"))] {
            let error = choose_account(&ids(known), given);
            assert!(
                matches!(&error, Err(Error::InvalidRequest(text)) if text.contains("DU1")),
                "{error:?}"
            );
        }
        assert!(choose_account(&[], None).is_err());
    }

    #[tokio::test]
    async fn profit_and_loss_wait_for_numbers() {
        let row = |daily, unrealized| {
            Ok(SubscriptionItem::Data(AccountPnl {
                daily: decimal::decimal(daily),
                unrealized: decimal::decimal(unrealized),
                realized: None,
            }))
        };
        let mut rows = futures::stream::iter([row(f64::MAX, f64::MAX), row(1.0, 2.0)]);
        let answer = settled(&mut rows, "it", |row| row).await;
        assert_eq!(answer.map(|row| row.daily), Ok(decimal::decimal(1.0)));
        let mut rows = futures::stream::iter([row(1.0, f64::MAX)]);
        let answer = settled(&mut rows, "it", |row| row).await;
        assert_eq!(answer.map(|row| row.unrealized), Ok(None));
    }
}
