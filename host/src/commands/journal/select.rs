//! Which rows of the journal a person means.

use std::collections::BTreeSet;

use anyhow::{anyhow, bail};
use sandpit_gateway::journal::{Event, Filter, Kind, OrderKey, Reader, Row, Standing};

use crate::cli::journal::SelectArgs;
use crate::output::plain;

/// Rows, by what their own columns say and by the order that they are about.
#[derive(Debug)]
pub struct Selection {
    filter: Filter,
    /// Only rows about one of these orders.
    orders: Option<BTreeSet<OrderKey>>,
}

impl Selection {
    /// What the arguments say. Symbols and order ids are looked up: not every
    /// row about an order carries them.
    pub fn new(reader: &Reader, args: &SelectArgs) -> anyhow::Result<Self> {
        let mut orders: Option<BTreeSet<OrderKey>> = None;
        if let Some(order) = &args.order {
            orders = Some(orders_named(reader, order)?);
        }
        if let Some(symbol) = &args.symbol {
            let of_symbol = orders_in(reader, symbol)?;
            orders = Some(match orders {
                None => of_symbol,
                Some(named) => named.intersection(&of_symbol).cloned().collect(),
            });
        }
        let filter = Filter {
            gateway: args.gateway.clone(),
            account: args.account.clone(),
            kinds: args.kind.clone(),
            from: args.since,
            until: args.until,
            ..Filter::default()
        };
        Ok(Self { filter, orders })
    }

    /// All of them, oldest first, as they are read.
    pub fn rows<'a>(
        &'a self,
        reader: &'a Reader,
    ) -> impl Iterator<Item = anyhow::Result<Row>> + 'a {
        self.read(reader, &self.filter)
    }

    /// The last so many, oldest first.
    pub fn latest(&self, reader: &Reader, limit: usize) -> anyhow::Result<Vec<Row>> {
        let filter = Filter {
            newest_first: true,
            ..self.filter.clone()
        };
        let rows = self.read(reader, &filter).take(limit);
        let mut rows: Vec<_> = rows.collect::<anyhow::Result<_>>()?;
        rows.reverse();
        Ok(rows)
    }

    /// The last so many orders that they are about, in the order in which
    /// something happened to them last.
    pub fn latest_orders(&self, reader: &Reader, limit: usize) -> anyhow::Result<Vec<Standing>> {
        let filter = Filter {
            newest_first: true,
            ..self.filter.clone()
        };
        let mut seen = BTreeSet::new();
        let mut orders = Vec::new();
        for row in self.read(reader, &filter) {
            if orders.len() == limit {
                break;
            }
            if let Some(key) = row?.about.order
                && seen.insert(key.clone())
            {
                orders.extend(reader.order(&key)?);
            }
        }
        orders.reverse();
        Ok(orders)
    }

    fn read<'a>(
        &'a self,
        reader: &'a Reader,
        filter: &Filter,
    ) -> impl Iterator<Item = anyhow::Result<Row>> + 'a {
        let rows = reader.rows(filter);
        rows.filter(|row| match (row, &self.orders) {
            (Ok(row), Some(orders)) => row
                .about
                .order
                .as_ref()
                .is_some_and(|order| orders.contains(order)),
            _ => true,
        })
        .map(|row| Ok(row?))
    }
}

/// The one order with this key or order id.
pub fn the_order(reader: &Reader, name: &str) -> anyhow::Result<OrderKey> {
    let mut named = orders_named(reader, name)?.into_iter();
    match (named.next(), named.len()) {
        (Some(key), 0) => Ok(key),
        (None, _) => bail!(
            "the journal has no order {}; sandpit journal list --orders lists those it has",
            plain(name)
        ),
        (Some(first), more) => {
            let keys: Vec<_> = std::iter::once(first)
                .chain(named.take(9))
                .map(|key| key.to_string())
                .collect();
            bail!(
                "{} orders have the order id {}, of several clients, gateways or times; name one \
                 by its key: {}",
                more + 1,
                plain(name),
                keys.join(", ")
            )
        }
    }
}

/// The orders with this key or order id.
fn orders_named(reader: &Reader, name: &str) -> anyhow::Result<BTreeSet<OrderKey>> {
    if let Ok(id) = name.parse::<i32>() {
        return orders_where(reader, &[], |row| row.about.order_id == Some(id));
    }
    let key = name
        .parse::<OrderKey>()
        .map_err(|error| anyhow!("{} cannot name an order. {error}", plain(name)))?;
    Ok(BTreeSet::from([key]))
}

/// The orders in this symbol.
fn orders_in(reader: &Reader, symbol: &str) -> anyhow::Result<BTreeSet<OrderKey>> {
    let kinds = [Kind::Asked, Kind::Sending, Kind::Seen, Kind::Fill];
    orders_where(reader, &kinds, |row| {
        let contract = match &row.event {
            Event::Asked(asked) => asked.contract.as_ref(),
            Event::Sending(sending) => sending.contract.as_ref(),
            Event::Seen(seen) => Some(&seen.contract),
            Event::Fill(fill) => Some(&fill.contract),
            _ => None,
        };
        contract.is_some_and(|contract| contract.symbol.eq_ignore_ascii_case(symbol))
    })
}

fn orders_where(
    reader: &Reader,
    kinds: &[Kind],
    holds: impl Fn(&Row) -> bool,
) -> anyhow::Result<BTreeSet<OrderKey>> {
    let filter = Filter {
        kinds: kinds.to_vec(),
        ..Filter::default()
    };
    let mut orders = BTreeSet::new();
    for row in reader.rows(&filter) {
        let row = row?;
        if holds(&row) {
            orders.extend(row.about.order);
        }
    }
    Ok(orders)
}
