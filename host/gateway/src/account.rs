//! Accounts: which there are, and their summary.

use std::ops::ControlFlow;

use futures::StreamExt;
use ibapi::accounts::types::AccountGroup;
use ibapi::accounts::{AccountSummaryResult, AccountSummaryTags as Tags};
use ibapi::subscriptions::SubscriptionItem;

use crate::codes;
use crate::connection::Gateway;
use crate::convert;
use crate::model::{AccountValue, Error, Result};
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

impl Gateway {
    /// The accounts that the connection reaches (TWS `managedAccounts`).
    ///
    /// # Errors
    /// `NotConnected`, `TimedOut`.
    #[tracing::instrument(level = "debug", name = "gateway.accounts", skip_all, fields(gateway = self.name()))]
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
    #[tracing::instrument(level = "debug", name = "gateway.summary", skip_all, fields(gateway = self.name()))]
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

    /// The account that a request means: the given one, or else the only one
    /// of the connection.
    ///
    /// # Errors
    /// `InvalidRequest` naming the accounts if there are several, or if the
    /// given one is not among them; `NotConnected`.
    pub fn one_account(&self, account: Option<&str>) -> Result<String> {
        one_account(&*self.session()?, account)
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
}
