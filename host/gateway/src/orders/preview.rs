//! Asking what an order would do, and what the gate says of it.

use std::sync::Arc;

use time::{Duration, OffsetDateTime};

use super::asking::Ask;
use super::rows::{Begin, Rows};
use super::situation;
use super::{placing, what_if};
use crate::connection::Gateway;
use crate::gate::{Demands, NewOrder, OrderDigest, Proposal, Request, judge, needs};
use crate::journal::{About, Asked, RequestKind};
use crate::model::{Contract, Error, Order, Preview, PreviewToken, Result};

/// What is previewed.
pub(super) enum Wish {
    /// New orders, which belong together.
    Place(Vec<NewOrder>),
    /// Another order in the place of this one.
    Modify(i32, Box<(Contract, Order)>),
}

impl Wish {
    /// The order that TWS is asked about: of a group the first, its entry.
    fn first(&self) -> Option<(&Contract, &Order)> {
        match self {
            Self::Place(orders) => orders.first().map(|new| (&new.contract, &new.order)),
            Self::Modify(_, change) => Some((&change.0, &change.1)),
        }
    }
}

/// What the gate and TWS say, and a token if both say yes.
pub(super) async fn preview(gateway: Gateway, ask: Ask, wish: Wish) -> Result<Preview> {
    let trade = Arc::clone(gateway.trade());
    let rows = begin(&gateway, &ask, &wish).await;
    let proposal = match &wish {
        Wish::Place(orders) => placing::prepare(&gateway, &ask, orders.clone()).await,
        Wish::Modify(id, change) => {
            super::modifying::prepare(&gateway, &ask, *id, &change.0, &change.1).await
        }
    };
    let proposal = rows.or_refused(&trade, proposal).await?;
    let config = trade.config();
    let wanted = needs(&config, &proposal);
    let (mut situation, pnl) = situation::fetch(&gateway, &config, &proposal, &wanted).await;
    trade.look_for_halt_file(&config).await;
    situation::fetch_last(&gateway, &wanted, &mut situation).await;
    let verdict = {
        let mut memory = trade.memory();
        if let Some(pnl) = pnl {
            pnl.observe(&mut memory.gate.peaks, &config.time_zone, &mut situation);
        }
        memory.gate.fill(&config, &proposal, &mut situation);
        judge(&config, &proposal, &situation)
    };
    let (contract, order) = question(&proposal)?;
    let impact = what_if::what_if(gateway.session()?, ask.caller.clone(), contract, order).await;
    let impact = match impact {
        Ok(impact) => Ok(impact),
        Err(Error::Rejected(message)) => Err(message),
        Err(error) => return rows.or_refused(&trade, Err(error)).await,
    };
    let token = if verdict.allowed && impact.is_ok() {
        let now = OffsetDateTime::now_utc();
        let seconds = config.preview_seconds;
        let digest = OrderDigest::of(&proposal);
        let token = trade.memory().gate.previews.issue(digest, seconds, now);
        let token = token.map_err(|error| Error::Other(error.to_string()))?;
        let life = Duration::seconds(i64::from(seconds));
        Some(PreviewToken {
            token,
            expires: now.checked_add(life).unwrap_or(now),
        })
    } else {
        None
    };
    trade.note(rows.verdict(&verdict)).await;
    Ok(Preview {
        demands: Demands::of(&config, &proposal),
        verdict,
        impact,
        token,
    })
}

/// Writes that it was asked, as far as that is possible: a preview sends no
/// order.
async fn begin(gateway: &Gateway, ask: &Ask, wish: &Wish) -> Rows {
    let nothing = Rows {
        of: RequestKind::Preview,
        about: Vec::new(),
    };
    let trade = gateway.trade();
    if trade.journal().is_none() {
        return nothing;
    }
    let mut asked = Asked::new(&ask.caller, RequestKind::Preview);
    if let Some((contract, order)) = wish.first() {
        asked.contract = Some(contract.into());
        asked.order = Some(order.into());
    }
    match wish {
        Wish::Place(orders) if orders.len() > 1 => {
            let count = orders.len().to_string();
            asked.details.insert("orders".to_owned(), count);
        }
        Wish::Place(_) => {}
        Wish::Modify(id, _) => {
            asked.details.insert("of".to_owned(), id.to_string());
        }
    }
    match Rows::begin(trade, &About::gateway(trade.gateway()), vec![asked]).await {
        Ok(Begin::New(rows)) => rows,
        Ok(Begin::Repeated(_)) => nothing,
        Err(error) => {
            tracing::error!("Not in the order journal: {error}");
            nothing
        }
    }
}

/// What TWS is asked.
fn question(proposal: &Proposal) -> Result<(Contract, Order)> {
    match &proposal.request {
        Request::Place(orders) => orders
            .first()
            .map(|new| (new.contract.clone(), new.order.clone())),
        Request::Modify(change) => Some((change.contract.clone(), change.order.clone())),
        _ => None,
    }
    .ok_or_else(|| Error::invalid("There is no order to preview. Give one."))
}
