//! What concerns all orders alike: the connection, the mode, the accounts,
//! halts and pauses.

use rust_decimal::Decimal;

use crate::gate::case::Case;
use crate::gate::config::Mode;
use crate::gate::proposal::is_paper;
use crate::gate::verdict::{Check, Rule};
use crate::gate::words::clean;

/// TWS can be asked, and lets orders be written.
pub(super) fn connection(case: &Case<'_>) -> Check {
    let connection = &case.situation.connection;
    if !connection.connected {
        return Check::refused(
            Rule::Connection,
            "There is no connection to TWS. ibkr_get_status says why.",
        );
    }
    if connection.read_only {
        return Check::refused(
            Rule::Connection,
            "The API of this TWS is read-only: it takes no orders, no changes and no cancels. \
             Untick Read-Only API in its settings (API, Settings), and connect again.",
        );
    }
    Check::passed(Rule::Connection, "TWS is connected and takes orders.")
}

/// The mode allows the accounts that the connection reaches now.
pub(super) fn mode(case: &Case<'_>) -> Check {
    let accounts = &case.situation.connection.accounts;
    let live = accounts.iter().find(|account| !is_paper(account));
    match (case.config.mode, live) {
        (Mode::Off, _) => Check::refused(
            Rule::Mode,
            "Orders are off. An operator can set mode to paper or live in [gate].",
        ),
        (_, _) if accounts.is_empty() => Check::refused(
            Rule::Mode,
            "TWS named no account, so whether this is paper or real money is not known.",
        ),
        (Mode::Paper, Some(live)) => Check::refused(
            Rule::Mode,
            format!(
                "Only paper trading is allowed, and {} is a live account. Connect to a TWS with \
                 paper accounts, or an operator sets mode to live in [gate].",
                clean(live, 20)
            ),
        ),
        (Mode::Paper, None) => Check::passed(
            Rule::Mode,
            "Every account of the connection is a paper account.",
        ),
        (Mode::Live, _) => Check::passed(Rule::Mode, "Orders on live accounts are allowed."),
    }
}

/// The account is one of the connection and one of those allowed.
pub(super) fn accounts(case: &Case<'_>) -> Check {
    let account = &case.proposal.account;
    let name = clean(account, 20);
    if !case.situation.connection.accounts.contains(account) {
        return Check::refused(
            Rule::Accounts,
            format!("{name:?} is not an account of this connection."),
        );
    }
    match &case.config.accounts {
        Some(allowed) if !allowed.contains(account) => Check::refused(
            Rule::Accounts,
            format!(
                "Orders on account {name} are not allowed. An operator can add it to accounts in \
                 [gate]."
            ),
        ),
        _ => Check::passed(Rule::Accounts, format!("Orders on {name} are allowed.")),
    }
}

/// Nobody has halted trading.
pub(super) fn halt(case: &Case<'_>) -> Check {
    match &case.situation.halt {
        Some(halt) => Check::refused(Rule::Halt, halt.sentence()),
        None => Check::passed(Rule::Halt, "Trading is not halted."),
    }
}

/// There is an order, and it is one of something. Whoever builds a proposal has
/// checked that; no limit can be trusted where it is not so.
pub(super) fn order(case: &Case<'_>) -> Check {
    let items = case.items();
    let mut quantities: Vec<_> = items.iter().map(|item| item.order.quantity).collect();
    quantities.extend(case.exercise().map(|exercise| exercise.quantity));
    if quantities.is_empty() {
        return Check::refused(Rule::Order, "There is no order.");
    }
    match quantities
        .iter()
        .find(|quantity| **quantity <= Decimal::ZERO)
    {
        Some(quantity) => Check::refused(
            Rule::Order,
            format!("A quantity of {quantity} cannot be ordered."),
        ),
        None => Check::passed(Rule::Order, "There is something to order."),
    }
}

/// TWS has not refused too many orders in a row.
pub(super) fn rejections(case: &Case<'_>) -> Option<Check> {
    let limit = case.rules().max_rejections?;
    let pause = case.situation.pause;
    Some(match pause.filter(|pause| case.situation.now < pause.until) {
        Some(pause) => Check::refused(
            Rule::MaxRejections,
            format!(
                "TWS refused {} orders in a row, so there is a pause of {} s more. Find out why \
                 before you order again.",
                pause.rejections,
                (pause.until - case.situation.now).whole_seconds().max(1)
            ),
        )
        .with(limit, pause.rejections),
        None => Check::passed(
            Rule::MaxRejections,
            "There is no pause after orders that TWS refused.",
        ),
    })
}
