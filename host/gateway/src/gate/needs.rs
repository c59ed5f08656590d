//! What has to be known before a proposal can be judged.

use std::collections::BTreeSet;

use super::config::GateConfig;
use super::price::{is_option, needs_quote};
use super::proposal::{NewOrder, Proposal, Request, Role};
use crate::model::{Contract, Order, OrderType, SecurityType};

/// What to put into a [`Situation`](super::Situation) for a proposal. What is
/// not named costs nothing: no rule asks for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// What these `con_id`s are: contract details, which are cached.
    pub instruments: BTreeSet<i32>,
    /// Fresh quotes of these `con_id`s.
    pub quotes: BTreeSet<i32>,
    /// A fresh quote of the combo as a whole.
    pub combo_quote: bool,
    /// All positions.
    pub positions: bool,
    /// All open orders.
    pub open_orders: bool,
    /// The net liquidation value of the account.
    pub net_liquidation: bool,
    /// The account's profit and loss of today.
    pub pnl: bool,
    /// Exchange rates into the base currency.
    pub rates: bool,
}

/// What has to be known of a proposal. It may name more than turns out to be
/// looked at, never less.
pub fn needs(config: &GateConfig, proposal: &Proposal) -> Needs {
    let mut needs = Needs::default();
    if proposal.request.is_cancel() {
        return needs;
    }
    let rules = &config.rules;
    let values = rules.values_orders();
    let limits = rules.limits_positions();
    let lists = rules.symbols.is_set()
        || rules.security_types.is_set()
        || rules.currencies.is_set()
        || rules.exchanges.is_set();
    let by_type = !rules.max_quantity_of.is_empty() || !rules.max_position_of.is_empty();
    let describes = lists || by_type || values || limits || rules.hours.is_some();
    // A person who confirms has to be told what it is.
    let told = super::Demands::of(config, proposal).confirmation;

    needs.positions = limits;
    needs.open_orders = limits || rules.max_open_orders.is_some();
    needs.net_liquidation = rules.max_percent_of_net_liquidation.is_some();
    needs.pnl = rules.max_daily_loss.is_some() || rules.max_drawdown.is_some();
    needs.rates = values || rules.max_position_notional.is_some() || needs.pnl;

    for order in orders(proposal) {
        let Line {
            contract, order, ..
        } = order;
        let con_ids = con_ids(contract);
        if describes || told {
            needs.instruments.extend(&con_ids);
        }
        let combo = contract.security_type == SecurityType::Combo;
        let buys = order.action == crate::model::Action::Buy;
        let priced = combo || needs_quote(&order.order_type, buys, &contract.security_type);
        if (values && priced) || rules.max_position_notional.is_some() {
            needs.quotes.extend(&con_ids);
        }
        let named = !matches!(
            order.order_type,
            OrderType::Market | OrderType::MarketOnClose
        );
        if rules.price_collar_percent.is_some() && named {
            if combo {
                needs.combo_quote = true;
            } else {
                needs.quotes.extend(&con_ids);
            }
        }
        // What options sell is worth more where it writes them.
        let may_write = combo || (is_option(&contract.security_type) && !buys);
        let closes = order.oca.is_some() || order.parent_id.is_some() || line_exits(proposal);
        let matters = closes || (values && (may_write || unknown(contract)));
        needs.positions |= matters;
        needs.open_orders |= matters;
    }
    if let Request::Exercise(exercise) = &proposal.request {
        let con_ids = con_ids(&exercise.contract);
        if describes || told {
            needs.instruments.extend(&con_ids);
        }
        let underlying = exercise.underlying.as_ref().and_then(|one| one.con_id);
        if limits {
            needs.instruments.extend(underlying);
        }
        if rules.max_position_notional.is_some() {
            needs.quotes.extend(underlying);
        }
    }
    needs
}

struct Line<'a> {
    contract: &'a Contract,
    order: &'a Order,
}

fn orders<'a>(proposal: &'a Proposal) -> Vec<Line<'a>> {
    match &proposal.request {
        Request::Place(orders) => {
            let line = |new: &'a NewOrder| Line {
                contract: &new.contract,
                order: &new.order,
            };
            orders.iter().map(line).collect()
        }
        Request::Modify(change) => vec![
            Line {
                contract: &change.contract,
                order: &change.order,
            },
            Line {
                contract: &change.existing.contract,
                order: &change.existing.order,
            },
        ],
        Request::Exercise(_) | Request::Cancel { .. } | Request::CancelAll => vec![],
    }
}

/// Whether an order of the proposal is called an exit.
fn line_exits(proposal: &Proposal) -> bool {
    match &proposal.request {
        Request::Place(orders) => orders.iter().any(|order| order.role == Role::Exit),
        _ => false,
    }
}

/// Whether what the contract is follows from its `con_id` alone.
fn unknown(contract: &Contract) -> bool {
    matches!(contract.security_type, SecurityType::Other(_))
}

fn con_ids(contract: &Contract) -> BTreeSet<i32> {
    let own = contract.con_id.filter(|_| contract.combo_legs.is_empty());
    let legs = contract.combo_legs.iter().map(|leg| leg.con_id);
    own.into_iter().chain(legs).collect()
}
