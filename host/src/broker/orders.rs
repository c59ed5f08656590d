//! The latest orders, for the operator.

use sandpit_front::NotDone;
use sandpit_gateway::journal::{ReadError, Standing, Verdict};
use serde_json::{Value, json};

use super::Broker;

/// How many rows of the journal are looked through for orders.
const ROWS: u64 = 20_000;

impl Broker {
    /// The orders to which something happened last, the latest first.
    pub(super) async fn latest_orders(&self, limit: usize) -> Result<Value, NotDone> {
        let journal = self.journal.as_ref();
        let journal = journal.map_err(|reason| NotDone::Conflict(reason.clone()))?;
        let read = journal.read(move |reader| {
            let orders = reader.latest_orders(limit, ROWS)?;
            Ok::<_, ReadError>(orders.iter().map(told).collect::<Vec<_>>())
        });
        let orders = read
            .await
            .map_err(|error| NotDone::Conflict(error.to_string()))?;
        Ok(json!({ "orders": orders }))
    }
}

/// How an order stands, in its own words and with what the gate said of it.
fn told((standing, verdict): &(Standing, Option<Verdict>)) -> Value {
    let mut order = json!(standing);
    if let Some(members) = order.as_object_mut() {
        let contract = standing.contract.as_ref();
        let terms = standing.order.as_ref();
        members.insert(
            "instrument".to_owned(),
            contract.map(|contract| contract.words()).into(),
        );
        members.insert("terms".to_owned(), terms.map(|terms| terms.words()).into());
        members.insert("filled".to_owned(), standing.filled().to_string().into());
        members.insert("verdict".to_owned(), json!(verdict));
    }
    order
}
