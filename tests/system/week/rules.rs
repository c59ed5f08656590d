//! The rules of the gate, and whether they held at every instant: told from
//! what the simulated TWS received and from what its orders did.

use std::collections::BTreeMap;

use rust_decimal::{Decimal, dec};
use sandpit_simulator::{Books, OrderChange, Received};
use time::Duration;

use super::desk::CLIENT_ID;

/// What may be traded.
pub const SYMBOLS: [&str; 3] = ["KO", "TLT", "XLF"];
/// `max_quantity`.
pub const MAX_QUANTITY: Decimal = dec!(40);
/// `max_notional`, in USD.
pub const MAX_NOTIONAL: Decimal = dec!(2500);
/// `max_position`.
pub const MAX_POSITION: Decimal = dec!(260);
/// `price_collar_percent`.
pub const COLLAR: Decimal = dec!(6);
/// `max_open_orders`.
pub const MAX_OPEN: usize = 12;
/// `orders_per_minute`.
pub const PER_MINUTE: usize = 180;

/// The rules that the traders run into in any week.
pub const BINDING: [&str; 5] = [
    "max_quantity",
    "max_notional",
    "symbols",
    "order_types",
    "price_collar_percent",
];

/// How far a price may move between the gate's look at it and the moment at
/// which TWS has the order, in per cent.
const DRIFT: Decimal = dec!(1);
/// How much later one order may arrive than another that was sent with it.
const ON_THE_WAY: Duration = Duration::seconds(1);

/// The gate's section of the configuration.
pub fn config() -> String {
    format!(
        r#"
        [gate]
        mode = "paper"
        confirmation = "never"

        [gate.rules]
        max_quantity = {MAX_QUANTITY}
        max_notional = {MAX_NOTIONAL}
        max_position = {MAX_POSITION}
        symbols = {{ allow = {SYMBOLS:?} }}
        order_types = {{ allow = ["MKT", "LMT", "STP"] }}
        price_collar_percent = {COLLAR}
        max_open_orders = {MAX_OPEN}
        orders_per_minute = {PER_MINUTE}
        "#
    )
}

/// Whether no rule was exceeded at any instant.
pub fn check(received: &[Received], changes: &[OrderChange], books: &Books) -> Result<(), String> {
    let orders: Vec<&Received> = received
        .iter()
        .filter(|one| one.name == "PlaceOrderRequest" && one.client_id == Some(CLIENT_ID))
        .filter(|one| one.fields.get("whatIf").is_none_or(|flag| flag == "false"))
        .collect();
    for order in &orders {
        check_order(order).map_err(|rule| format!("{rule}: {order:?}"))?;
    }
    check_rate(&orders)?;
    Timeline::new(books).check(changes)
}

/// What one message shows by itself.
fn check_order(order: &Received) -> Result<(), &'static str> {
    let text = |name| order.fields.get(name).map(String::as_str);
    let number = |name| text(name).and_then(|text| text.parse::<Decimal>().ok());
    let quantity = number("totalQuantity").unwrap_or_default();
    if quantity > MAX_QUANTITY {
        return Err("max_quantity");
    }
    if !SYMBOLS.contains(&text("symbol").unwrap_or_default()) {
        return Err("symbols");
    }
    if !["MKT", "LMT", "STP"].contains(&text("orderType").unwrap_or_default()) {
        return Err("order_types");
    }
    let limit = number("lmtPrice").filter(|_| text("orderType") == Some("LMT"));
    if limit.is_some_and(|limit| limit * quantity > MAX_NOTIONAL) {
        return Err("max_notional");
    }
    Ok(())
}

/// No minute had more orders than it may.
fn check_rate(orders: &[&Received]) -> Result<(), String> {
    let minute = Duration::MINUTE - ON_THE_WAY;
    for window in orders.windows(PER_MINUTE + 1) {
        if let [first, .., last] = window
            && last.at - first.at < minute
        {
            return Err(format!(
                "orders_per_minute: from {} to {}",
                first.at, last.at
            ));
        }
    }
    Ok(())
}

/// What was open and held, from change to change.
struct Timeline {
    /// By symbol.
    positions: BTreeMap<String, Decimal>,
    /// The orders by id, as they stood last.
    orders: BTreeMap<i32, OrderChange>,
}

impl Timeline {
    fn new(books: &Books) -> Self {
        let positions = books.accounts.iter().flat_map(|account| &account.positions);
        Self {
            positions: positions
                .map(|held| (held.local_symbol.clone(), held.start_quantity))
                .collect(),
            orders: BTreeMap::new(),
        }
    }

    fn check(mut self, changes: &[OrderChange]) -> Result<(), String> {
        for change in changes {
            let rule = self.apply(change);
            rule.map_err(|rule| format!("{rule}: {change:?}"))?;
        }
        Ok(())
    }

    fn apply(&mut self, change: &OrderChange) -> Result<(), String> {
        let order = &change.order;
        let before = self.orders.insert(order.order_id, change.clone());
        let is_new = before
            .as_ref()
            .is_none_or(|before| before.order.total_quantity < order.total_quantity);
        let filled = order.filled - before.map_or(Decimal::ZERO, |before| before.order.filled);
        let bought = order.action == "BUY";
        let position = self
            .positions
            .entry(order.local_symbol.clone())
            .or_default();
        *position += if bought { filled } else { -filled };
        let position = *position;
        if position.abs() > MAX_POSITION {
            return Err(format!("max_position: {position} held"));
        }
        let open = self.open().count();
        if open > MAX_OPEN {
            return Err(format!("max_open_orders: {open} open"));
        }
        let (up, down) = self.reach(&order.local_symbol);
        if position + up > MAX_POSITION || down - position > MAX_POSITION {
            return Err(format!(
                "max_position: {position} held, {up} to be bought, {down} to be sold"
            ));
        }
        let Some(price) = change.price.filter(|_| is_new) else {
            return Ok(());
        };
        if price * order.total_quantity > with(MAX_NOTIONAL, DRIFT) {
            return Err(format!("max_notional: at {price}"));
        }
        let prices = [order.limit_price, order.aux_price];
        for set in prices.into_iter().flatten().filter(|set| !set.is_zero()) {
            if (set - price).abs() > price * (COLLAR + DRIFT) / Decimal::ONE_HUNDRED {
                return Err(format!("price_collar_percent: {set} at {price}"));
            }
        }
        Ok(())
    }

    fn open(&self) -> impl Iterator<Item = &OrderChange> {
        let open = ["PreSubmitted", "Submitted"];
        self.orders
            .values()
            .filter(move |change| open.contains(&change.order.status.as_str()))
    }

    /// How much the orders that open positions can buy and sell of a symbol.
    /// What is attached to another closes what that one opened.
    fn reach(&self, symbol: &str) -> (Decimal, Decimal) {
        let (mut up, mut down) = (Decimal::ZERO, Decimal::ZERO);
        for change in self.open() {
            let order = &change.order;
            if order.local_symbol != symbol || order.parent_id.is_some() {
                continue;
            }
            let side = if order.action == "BUY" {
                &mut up
            } else {
                &mut down
            };
            *side += order.total_quantity - order.filled;
        }
        (up, down)
    }
}

/// An amount and so many per cent more.
fn with(amount: Decimal, percent: Decimal) -> Decimal {
    amount * (Decimal::ONE_HUNDRED + percent) / Decimal::ONE_HUNDRED
}
