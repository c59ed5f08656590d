//! Exercising options.

use std::sync::Arc;

use rust_decimal::Decimal;
use time::OffsetDateTime;

use super::instrument::{Instrument, OptionTerms, Right, SecType};
use super::matching::Match;
use super::order::Execution;
use super::place::given_id;
use super::search::Refusal;
use super::terms::Terms;
use super::{Event, Exchange};
use crate::clock;
use crate::number;
use crate::wire::proto;

/// The action that exercises; the other one lets an option lapse.
const EXERCISE: i32 = 1;

impl Exchange {
    /// Exercises options that the account holds, at once: they go, and what they are
    /// options on is delivered at the strike, or its difference paid where it cannot be.
    ///
    /// # Errors
    ///
    /// What TWS refuses; letting an option lapse is not offered here.
    pub(crate) fn exercise(
        &mut self,
        client_id: i32,
        request: proto::ExerciseOptionsRequest,
        now: OffsetDateTime,
    ) -> Result<(), Refusal> {
        let order_id = given_id(request.order_id)?;
        if self.order_id(client_id, order_id).is_some() {
            return Err(Refusal::new(103, "Duplicate order id"));
        }
        let option = self.market.resolve(request.contract.as_ref())?;
        let terms = option
            .option
            .filter(|_| option.sec_type == SecType::Option)
            .ok_or_else(|| Refusal::validation("Only an option can be exercised"))?;
        if request.exercise_action != Some(EXERCISE) {
            return Err(Refusal::processing("Options cannot be left to lapse here"));
        }
        let today = clock::eastern(now).date();
        if option.last_trade_date.is_some_and(|last| last < today) {
            return Err(Refusal::processing("The option has expired"));
        }
        let account = self.account(request.account.as_deref())?;
        let held = account.positions.get(&option.con_id);
        let held = held.map_or(Decimal::ZERO, |position| position.quantity);
        let account = account.account.clone();
        let quantity = Decimal::from(request.exercise_quantity.unwrap_or_default());
        if quantity <= Decimal::ZERO || quantity > held {
            return Err(Refusal::processing(format!(
                "No position to exercise: the account holds {} of it",
                held.normalize()
            )));
        }
        let underlying = option
            .underlying
            .and_then(|con_id| self.market.instrument(con_id).cloned())
            .ok_or_else(Refusal::no_definition)?;
        // What cannot be delivered is paid for.
        let paid =
            (!underlying.is_tradable()).then(|| worth(terms, self.market.mark(underlying.con_id)));

        let message = proto::Order {
            action: Some("SELL".to_owned()),
            total_quantity: Some(number::to_text(quantity)),
            order_type: Some("MKT".to_owned()),
            tif: Some("DAY".to_owned()),
            account: Some(account.clone()),
            transmit: Some(true),
            ..proto::Order::default()
        };
        let read = Terms::read(&message, &option, now)?;
        let exchange = option.exchange.to_owned();
        let order = self.new_order(
            client_id,
            order_id,
            account,
            Arc::clone(&option),
            exchange,
            message,
            read,
        );
        let perm_id = order.perm_id;
        self.next_perm_id += 1;
        self.ids.insert((client_id, order_id), perm_id);
        self.orders.insert(perm_id, order);
        let gone = Match {
            price: paid.unwrap_or_default(),
            quantity,
            took_liquidity: false,
        };
        self.fill(perm_id, gone, now);
        if paid.is_none() {
            self.deliver(perm_id, &underlying, terms, quantity, now);
        }
        Ok(())
    }

    /// Books what the options were options on, at the strike.
    fn deliver(
        &mut self,
        perm_id: i64,
        underlying: &Arc<Instrument>,
        terms: OptionTerms,
        quantity: Decimal,
        now: OffsetDateTime,
    ) {
        let number = self.executions.len() + 1;
        let Some(order) = self.orders.get(&perm_id) else {
            return;
        };
        let units = quantity * order.instrument.multiplier;
        // It counts for itself, not for the order, whose quantity is in options.
        let mut latest = self.executions.iter().rev();
        let of = latest.find(|one| one.perm_id == perm_id);
        let of = of.map(|one| one.exec_id.clone());
        let signed = match terms.right {
            Right::Call => units,
            Right::Put => -units,
        };
        let mut delivered = Execution {
            exec_id: format!("0000e0d5.{number:08x}.01.01"),
            time: now,
            account: order.account.clone(),
            instrument: Arc::clone(underlying),
            client_id: order.client_id,
            order_id: order.order_id,
            perm_id,
            order_ref: None,
            signed,
            price: terms.strike,
            cumulative: units,
            average_price: terms.strike,
            commission: Decimal::ZERO,
            realized: None,
            took_liquidity: false,
            combo: of,
        };
        let (client, account) = (delivered.client_id, delivered.account.clone());
        if let Some(ledger) = self.ledger_mut(&account) {
            delivered.realized = ledger.book(&delivered.trade()).realized;
        }
        self.verify(&account);
        let (details, commission) = (delivered.details(-1), delivered.commission_report());
        self.events.push(Event::ToClient(client, details.into()));
        self.events.push(Event::ToClient(client, commission.into()));
        self.events.push(Event::PositionChanged {
            account,
            con_id: underlying.con_id,
        });
        self.executions.push(delivered);
    }
}

/// What one unit of the underlying makes the option worth.
fn worth(terms: OptionTerms, mark: Decimal) -> Decimal {
    let gain = match terms.right {
        Right::Call => mark - terms.strike,
        Right::Put => terms.strike - mark,
    };
    gain.max(Decimal::ZERO)
}
