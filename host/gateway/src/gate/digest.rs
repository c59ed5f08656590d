//! What makes two orders the same.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

use super::proposal::{Change, Exercise, NewOrder, Proposal, Request, Role};
use crate::convert::order::order_type_code;
use crate::model::{
    Action, Algorithm, ComboLeg, Contract, Oca, OcaType, OptionRight, Order, OrderType, Pegged,
    StopAndLimit, TimeInForce, TrailBy, TrailingStop, TrailingStopLimit,
};

/// The SHA-256 of an order in a canonical form. Everything that TWS would act
/// on changes it, and nothing else: not the order of named parameters or of a
/// combo's legs, not the zeros at the end of a decimal, not the offset in which
/// a time is written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OrderDigest([u8; 32]);

impl OrderDigest {
    /// Of exactly what a proposal asks for: its orders in full, on its account,
    /// at its gateway. Who asks does not matter.
    pub fn of(proposal: &Proposal) -> Self {
        Self::made("order", proposal, true)
    }

    /// Of what a proposal asks for, but for texts that change nothing: the
    /// references of the orders and the names of their OCA groups.
    pub fn alike(proposal: &Proposal) -> Self {
        Self::made("alike", proposal, false)
    }

    fn made(domain: &str, proposal: &Proposal, exact: bool) -> Self {
        let Proposal {
            caller: _,
            gateway,
            account,
            request,
        } = proposal;
        let mut form = Form::new(domain, exact);
        form.text("gateway", gateway);
        form.text("account", account);
        form.request(request);
        Self(form.hash.finalize().into())
    }
}

impl fmt::Display for OrderDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for OrderDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OrderDigest({self})")
    }
}

impl From<OrderDigest> for String {
    fn from(digest: OrderDigest) -> Self {
        digest.to_string()
    }
}

/// A text that is no digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a digest: 64 hexadecimal digits are expected")]
pub struct NoDigest;

impl TryFrom<String> for OrderDigest {
    type Error = NoDigest;

    fn try_from(text: String) -> Result<Self, NoDigest> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(NoDigest);
        }
        for (byte, start) in bytes.iter_mut().zip((0..).step_by(2)) {
            let digits = text.get(start..start + 2).ok_or(NoDigest)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| NoDigest)?;
        }
        Ok(Self(bytes))
    }
}

/// The canonical form: named fields, each with the length of its value, so that
/// no two different orders have the same form.
struct Form {
    hash: Sha256,
    exact: bool,
}

impl Form {
    fn new(domain: &str, exact: bool) -> Self {
        let mut form = Self {
            hash: Sha256::new(),
            exact,
        };
        form.text("sandpit gate 1", domain);
        form
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.hash.update((bytes.len() as u64).to_be_bytes());
        self.hash.update(bytes);
    }

    fn text(&mut self, name: &str, value: &str) {
        self.bytes(name.as_bytes());
        self.bytes(value.as_bytes());
    }

    fn number(&mut self, name: &str, value: impl Into<i64>) {
        self.text(name, &value.into().to_string());
    }

    fn flag(&mut self, name: &str, value: bool) {
        self.number(name, i64::from(value));
    }

    fn decimal(&mut self, name: &str, value: Decimal) {
        // Zero has one form, whatever its sign and its scale.
        let value = if value.is_zero() {
            Decimal::ZERO
        } else {
            value.normalize()
        };
        self.text(name, &value.to_string());
    }

    /// A time, to the second: what TWS is told.
    fn time(&mut self, name: &str, value: OffsetDateTime) {
        self.number(name, value.unix_timestamp());
    }

    /// A value that may be absent, which is not the same as empty.
    fn maybe<T>(&mut self, name: &str, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.flag(name, value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn maybe_text(&mut self, name: &str, value: Option<&String>) {
        self.maybe(name, value, |form, value| form.text(name, value));
    }

    fn maybe_decimal(&mut self, name: &str, value: Option<Decimal>) {
        self.maybe(name, value, |form, value| form.decimal(name, value));
    }

    fn request(&mut self, request: &Request) {
        match request {
            Request::Place(orders) => {
                self.number("place", orders.len() as i64);
                for NewOrder {
                    contract,
                    order,
                    role,
                } in orders
                {
                    self.text(
                        "role",
                        match role {
                            Role::Alone => "alone",
                            Role::Entry => "entry",
                            Role::Exit => "exit",
                        },
                    );
                    self.contract(contract);
                    self.order(order);
                }
            }
            Request::Modify(change) => {
                let Change {
                    existing,
                    contract,
                    order,
                } = &**change;
                self.number("modify", existing.state.order_id);
                self.number("client", existing.state.client_id);
                self.contract(contract);
                self.order(order);
            }
            Request::Exercise(exercise) => {
                let Exercise {
                    contract,
                    underlying,
                    quantity,
                    exercise,
                } = &**exercise;
                self.flag("exercise", *exercise);
                self.decimal("quantity", *quantity);
                self.contract(contract);
                self.maybe("underlying", underlying.as_ref(), Self::contract);
            }
            Request::Cancel { order_id } => self.number("cancel", *order_id),
            Request::CancelAll => self.text("cancel", "all"),
        }
    }

    fn contract(&mut self, contract: &Contract) {
        let Contract {
            con_id,
            symbol,
            security_type,
            expiry,
            strike,
            right,
            multiplier,
            exchange,
            primary_exchange,
            currency,
            local_symbol,
            trading_class,
            include_expired,
            combo_legs,
        } = contract;
        self.maybe("conId", *con_id, |form, id| form.number("conId", id));
        self.text("symbol", symbol);
        self.text("secType", security_type.code());
        self.maybe_text("expiry", expiry.as_ref());
        self.maybe_decimal("strike", *strike);
        self.text(
            "right",
            match right {
                None => "",
                Some(OptionRight::Call) => "C",
                Some(OptionRight::Put) => "P",
            },
        );
        self.maybe_decimal("multiplier", *multiplier);
        self.maybe_text("exchange", exchange.as_ref());
        self.maybe_text("primaryExchange", primary_exchange.as_ref());
        self.maybe_text("currency", currency.as_ref());
        self.maybe_text("localSymbol", local_symbol.as_ref());
        self.maybe_text("tradingClass", trading_class.as_ref());
        self.flag("includeExpired", *include_expired);
        let mut legs: Vec<_> = combo_legs.iter().collect();
        legs.sort_by_key(|leg| (leg.con_id, leg.ratio, side(leg.action), &leg.exchange));
        self.number("legs", legs.len() as i64);
        for ComboLeg {
            con_id,
            ratio,
            action,
            exchange,
        } in legs
        {
            self.number("conId", *con_id);
            self.number("ratio", *ratio);
            self.text("action", side(*action));
            self.text("exchange", exchange);
        }
    }

    fn order(&mut self, order: &Order) {
        let Order {
            action,
            quantity,
            order_type,
            time_in_force,
            // That of the proposal counts.
            account: _,
            outside_regular_hours,
            good_after,
            parent_id,
            oca,
            transmit,
            algorithm,
            reference,
            display_quantity,
            all_or_none,
            hidden,
        } = order;
        self.text("action", side(*action));
        self.decimal("quantity", *quantity);
        self.order_type(order_type);
        self.time_in_force(time_in_force);
        self.flag("outsideRth", *outside_regular_hours);
        self.maybe("goodAfter", *good_after, |form, time| {
            form.time("goodAfter", time);
        });
        self.maybe("parentId", *parent_id, |form, id| {
            form.number("parentId", id)
        });
        self.maybe("oca", oca.as_ref(), |form, oca| {
            let Oca { group, oca_type } = oca;
            if form.exact {
                form.text("ocaGroup", group);
            }
            form.text(
                "ocaType",
                match oca_type {
                    OcaType::CancelWithBlock => "1",
                    OcaType::ReduceWithBlock => "2",
                    OcaType::ReduceNonBlock => "3",
                },
            );
        });
        self.flag("transmit", *transmit);
        self.maybe("algorithm", algorithm.as_ref(), |form, algorithm| {
            let Algorithm {
                strategy,
                parameters,
            } = algorithm;
            form.text("algoStrategy", strategy);
            let mut parameters: Vec<_> = parameters.iter().collect();
            parameters.sort();
            form.number("parameters", parameters.len() as i64);
            for (name, value) in parameters {
                form.text(name, value);
            }
        });
        if self.exact {
            self.maybe_text("orderRef", reference.as_ref());
        }
        self.maybe_decimal("displaySize", *display_quantity);
        self.flag("allOrNone", *all_or_none);
        self.flag("hidden", *hidden);
    }

    fn order_type(&mut self, order_type: &OrderType) {
        self.text("orderType", order_type_code(order_type));
        match order_type {
            OrderType::Market | OrderType::MarketOnClose => {}
            OrderType::Limit(limit) | OrderType::LimitOnClose(limit) => {
                self.decimal("limit", *limit);
            }
            OrderType::Stop(stop) | OrderType::MarketIfTouched(stop) => {
                self.decimal("stop", *stop);
            }
            OrderType::StopLimit(StopAndLimit { stop, limit })
            | OrderType::LimitIfTouched(StopAndLimit { stop, limit }) => {
                self.decimal("stop", *stop);
                self.decimal("limit", *limit);
            }
            OrderType::TrailingStop(TrailingStop {
                trail_by,
                initial_stop,
            }) => {
                self.trail_by(*trail_by);
                self.maybe_decimal("stop", *initial_stop);
            }
            OrderType::TrailingStopLimit(TrailingStopLimit {
                trail_by,
                initial_stop,
                limit_offset,
            }) => {
                self.trail_by(*trail_by);
                self.maybe_decimal("stop", *initial_stop);
                self.decimal("offset", *limit_offset);
            }
            OrderType::Relative(Pegged { offset, limit })
            | OrderType::PeggedToMidpoint(Pegged { offset, limit }) => {
                self.maybe_decimal("offset", *offset);
                self.maybe_decimal("limit", *limit);
            }
            OrderType::Midprice(limit) => self.maybe_decimal("limit", *limit),
            OrderType::Other(other) => {
                self.text("other", &other.code);
                self.maybe_decimal("limit", other.limit);
                self.maybe_decimal("auxiliary", other.auxiliary);
            }
        }
    }

    fn trail_by(&mut self, trail_by: TrailBy) {
        match trail_by {
            TrailBy::Amount(amount) => self.decimal("amount", amount),
            TrailBy::Percent(percent) => self.decimal("percent", percent),
        }
    }

    fn time_in_force(&mut self, time_in_force: &TimeInForce) {
        let code = match time_in_force {
            TimeInForce::Day => "DAY",
            TimeInForce::GoodTillCancelled => "GTC",
            TimeInForce::GoodTillDate(_) => "GTD",
            TimeInForce::ImmediateOrCancel => "IOC",
            TimeInForce::FillOrKill => "FOK",
            TimeInForce::AtTheOpening => "OPG",
            TimeInForce::Other(_) => "other",
        };
        self.text("tif", code);
        match time_in_force {
            TimeInForce::GoodTillDate(end) => self.time("end", *end),
            TimeInForce::Other(code) => self.text("code", code),
            _ => {}
        }
    }
}

fn side(action: Action) -> &'static str {
    match action {
        Action::Buy => "BUY",
        Action::Sell => "SELL",
        Action::SellShort => "SSHORT",
    }
}
