//! The operator's hand on the gateways: how they stand, halt and resume.

use futures::FutureExt;
use futures::future::BoxFuture;
use sandpit_front::{HaltWish, NotDone, ResumeWish, Trading};
use sandpit_gateway::Gateway;
use sandpit_gateway::gate::state::{Halt, HaltSource};
use sandpit_gateway::journal::{Filter, Journal, Kind, ReadError, RequestKind, StateRecord};
use sandpit_gateway::model::{AccountKind, OrderState, Result as Answer};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Broker;

/// Who halts or resumes if nobody says.
const OPERATOR: &str = "operator";

/// Why trading is halted if nobody says.
const NO_REASON: &str = "no reason was given";

impl Trading for Broker {
    fn status(&self) -> BoxFuture<'_, Map<String, Value>> {
        self.tell().boxed()
    }

    fn orders(&self, limit: usize) -> BoxFuture<'_, Result<Value, NotDone>> {
        self.latest_orders(limit).boxed()
    }

    fn halt(&self, wish: HaltWish) -> BoxFuture<'_, Result<Value, NotDone>> {
        self.halt_all(wish).boxed()
    }

    fn resume(&self, wish: ResumeWish) -> BoxFuture<'_, Result<Value, NotDone>> {
        self.resume_all(wish).boxed()
    }
}

impl Broker {
    async fn tell(&self) -> Map<String, Value> {
        let mut gateways = Vec::new();
        for gateway in self.gateways.iter() {
            let mut told = stand(gateway);
            if let (Ok(journal), Some(members)) = (&self.journal, told.as_object_mut()) {
                let today = today(journal, gateway.name()).await;
                let today = today.unwrap_or_else(|error| json!({ "error": error.to_string() }));
                members.insert("today".to_owned(), today);
            }
            gateways.push(told);
        }
        let journal = match &self.journal {
            Ok(journal) => json!({
                "file": journal.path().display().to_string(),
                "trouble": journal.trouble().map(|trouble| trouble.to_string()),
            }),
            Err(reason) => json!({ "file": null, "trouble": reason }),
        };
        let mut status = Map::new();
        status.insert("gateways".to_owned(), gateways.into());
        status.insert("journal".to_owned(), journal);
        status
    }

    async fn halt_all(&self, wish: HaltWish) -> Result<Value, NotDone> {
        let by = wish.by.as_deref().unwrap_or(OPERATOR);
        let reason = wish.reason.as_deref().unwrap_or(NO_REASON);
        let meant = self.meant(wish.gateway.as_deref())?;
        // All at once: one that hangs must not keep the others trading.
        let halting = meant.iter().map(|gateway| async move {
            let source = HaltSource::Operator;
            let (cancelled, error) = if wish.cancel_orders {
                match gateway.halt_and_cancel(by, reason, source).await {
                    Ok(cancelled) => (Some(cancelled), None),
                    Err(error) => (None, Some(error)),
                }
            } else {
                (None, gateway.halt(by, reason, source).await.err())
            };
            json!({
                "name": gateway.name(),
                "halt": gateway.halted().as_ref().map(told),
                "cancelled": cancelled.map(outcomes),
                "error": error.map(|error| error.to_string()),
            })
        });
        let gateways = futures::future::join_all(halting).await;
        Ok(json!({ "gateways": gateways }))
    }

    async fn resume_all(&self, wish: ResumeWish) -> Result<Value, NotDone> {
        let by = wish.by.as_deref().unwrap_or(OPERATOR);
        let (mut gateways, mut refused) = (Vec::new(), Vec::new());
        for gateway in self.meant(wish.gateway.as_deref())? {
            match gateway.resume(by).await {
                Ok(lifted) => {
                    let lifted: Vec<_> = lifted.iter().map(told).collect();
                    gateways.push(json!({
                        "name": gateway.name(),
                        "halt": gateway.halted().as_ref().map(told),
                        "lifted": lifted,
                    }));
                }
                Err(error) => refused.push(format!("{}: {error}", gateway.name())),
            }
        }
        if refused.is_empty() {
            return Ok(json!({ "gateways": gateways }));
        }
        Err(NotDone::Conflict(refused.join(" ")))
    }

    /// The gateway of that name, or all.
    fn meant(&self, name: Option<&str>) -> Result<Vec<Gateway>, NotDone> {
        match name {
            None => Ok(self.gateways.iter().cloned().collect()),
            Some(_) => match self.gateways.get(name) {
                Ok(gateway) => Ok(vec![gateway]),
                Err(error) => Err(NotDone::NoSuchGateway(error.to_string())),
            },
        }
    }
}

/// How a gateway stands.
fn stand(gateway: &Gateway) -> Value {
    let status = gateway.status();
    let kind = match status.account_kind {
        AccountKind::Paper => Some("paper"),
        AccountKind::Live => Some("live"),
        AccountKind::Unknown => None,
    };
    json!({
        "name": gateway.name(),
        "connected": status.connected,
        "state": status.state.name(),
        "since": status.since.and_then(stamp),
        "reason": status.reason,
        "host": status.host,
        "port": status.port,
        "clientId": status.client_id,
        "accounts": status.accounts,
        "accountKind": kind,
        "readOnly": status.read_only,
        "mode": gateway.gate().mode,
        "load": gateway.load(),
        "halt": gateway.halted().as_ref().map(told),
    })
}

/// What was asked and sent since midnight UTC, by the journal.
async fn today(journal: &Journal, gateway: &str) -> Result<Value, ReadError> {
    let filter = Filter {
        gateway: Some(gateway.to_owned()),
        from: Some(OffsetDateTime::now_utc().date().midnight().assume_utc()),
        ..Filter::default()
    };
    journal
        .read(move |reader| {
            let counts = reader.counts(&filter)?;
            Ok(json!({
                "asked": counts.of(Kind::Asked),
                "refused": counts.of(Kind::Refused),
                "placed": counts.sent(RequestKind::Place),
                "changed": counts.sent(RequestKind::Modify),
                "cancelled": counts.sent(RequestKind::Cancel),
                "fills": counts.of(Kind::Fill),
            }))
        })
        .await
}

/// A halt, as the status has it.
fn told(halt: &Halt) -> Value {
    json!({
        "source": halt.source,
        "who": halt.who,
        "why": halt.why,
        "since": stamp(halt.since),
    })
}

/// What became of the orders that were to be cancelled.
fn outcomes(cancelled: Vec<(i32, Answer<OrderState>)>) -> Vec<Value> {
    let outcome = |(order_id, outcome): (i32, Answer<OrderState>)| match outcome {
        Ok(state) => json!({ "orderId": order_id, "status": StateRecord::from(&state).status }),
        Err(error) => json!({ "orderId": order_id, "error": error.to_string() }),
    };
    cancelled.into_iter().map(outcome).collect()
}

fn stamp(time: OffsetDateTime) -> Option<String> {
    let second = time.replace_nanosecond(0).unwrap_or(time);
    second.format(&Rfc3339).ok()
}
