//! Orders that are placed together: brackets and one-cancels-all groups.

use super::asking::Ask;
use super::rows::{Failed, Sent};
use crate::connection::Gateway;
use crate::gate::{NewOrder, OrderDigest, Proposal, Request, Role};
use crate::journal::OrderKey;
use crate::model::{
    Caller, Contract, Error, Oca, OcaType, Order, OrderState, Result, TwsMessage, UncertainOrder,
};

/// The most orders that one group may have.
const LARGEST: usize = 20;

/// What stands for the name of a group before it has one of its own: the gate
/// and a preview see the same orders whenever they are asked.
const UNNAMED: &str = "sandpit";

/// The group as the gate is to see it. What the host sets itself, it sets alike
/// for all: nobody transmits, links or names a group by halves.
pub(super) fn shaped(mut orders: Vec<NewOrder>) -> Result<Vec<NewOrder>> {
    if orders.is_empty() || orders.len() > LARGEST {
        return Err(Error::invalid(format!(
            "A group has 1 to {LARGEST} orders, and this one has {}.",
            orders.len()
        )));
    }
    let entry = orders.first().is_some_and(|one| one.role == Role::Entry);
    if orders.iter().skip(1).any(|one| one.role == Role::Entry) {
        return Err(Error::invalid(
            "Only the first order of a group can be its entry. Put it first.",
        ));
    }
    if orders.len() == 1 {
        return Ok(orders);
    }
    for (number, one) in orders.iter_mut().enumerate() {
        if one.order.parent_id.is_some() {
            return Err(Error::invalid(
                "The orders of a group name no parentId: the host links them. Leave it out.",
            ));
        }
        if entry && number > 0 && one.role != Role::Exit {
            return Err(Error::invalid(
                "Every order behind the entry of a bracket is an exit. Place others on their own.",
            ));
        }
        one.order.transmit = true;
        let linked = number > 0 || !entry;
        if linked && one.order.oca.is_none() {
            one.order.oca = Some(Oca {
                group: UNNAMED.to_owned(),
                oca_type: OcaType::CancelWithBlock,
            });
        }
    }
    Ok(orders)
}

/// What is the same for the same group only, as it was asked for.
pub(super) fn fingerprint(caller: &Caller, gateway: &str, orders: &[NewOrder]) -> String {
    OrderDigest::of(&Proposal {
        caller: caller.clone(),
        gateway: gateway.to_owned(),
        account: String::new(),
        request: Request::Place(orders.to_vec()),
    })
    .to_string()
}

/// The orders as they are sent, under these ids: the exits of a bracket wait for
/// its entry, and TWS holds all of it until the last one transmits it.
pub(super) fn linked(
    orders: &[NewOrder],
    ids: &[i32],
    keys: &[Option<OrderKey>],
) -> Vec<(Contract, Order)> {
    let bracket = orders.len() > 1 && orders.first().is_some_and(|one| one.role == Role::Entry);
    let name = match keys.first() {
        Some(Some(key)) => format!("{UNNAMED}-{key}"),
        _ => UNNAMED.to_owned(),
    };
    let linked = orders
        .iter()
        .zip(keys)
        .enumerate()
        .map(|(number, (one, key))| {
            let mut order = one.order.clone();
            if bracket {
                order.transmit = number + 1 == orders.len();
                order.parent_id = ids.first().copied().filter(|_| number > 0);
            }
            if let Some(oca) = &mut order.oca
                && oca.group == UNNAMED
                && orders.len() > 1
            {
                oca.group.clone_from(&name);
            }
            order.reference = super::placing::reference(&order, key.as_ref());
            (one.contract.clone(), order)
        });
    linked.collect()
}

/// What to answer for all of them. A bracket of which a part was refused is
/// taken back, as long as nothing of its entry was filled.
pub(super) async fn answer(
    gateway: &Gateway,
    ask: &Ask,
    outcomes: Vec<(i32, String, Sent)>,
) -> Result<Vec<OrderState>> {
    let single = outcomes.len() == 1;
    if single || outcomes.iter().all(|(_, _, sent)| sent.is_ok()) {
        return outcomes
            .into_iter()
            .map(|(_, _, sent)| sent.map_err(Failed::into_error))
            .collect();
    }
    let refused = |sent: &Sent| matches!(sent, Err(Failed::Told(Error::Rejected(_))));
    let any_refused = outcomes.iter().any(|(_, _, sent)| refused(sent));
    let mut parts = Vec::with_capacity(outcomes.len());
    for (number, (id, words, sent)) in outcomes.iter().enumerate() {
        let now = match sent {
            Ok(state) if any_refused && number == 0 && !state.status.is_final() => {
                take_back(gateway, ask, *id, state).await
            }
            // What became of it may have changed while the others were heard.
            Ok(state) => match gateway.order(*id).await {
                Ok(placed) => stands(&placed.state),
                Err(_) => stands(state),
            },
            Err(failed) => failed.clone().into_error().to_string(),
        };
        parts.push(format!("Order {id} ({words}): {now}"));
    }
    let message = format!(
        "Not all {} orders of the group stand. {} Look at ibkr_get_open_orders before you go on.",
        outcomes.len(),
        parts.join(" ")
    );
    let uncertain = outcomes.iter().find_map(|(id, _, sent)| match sent {
        Err(Failed::Told(Error::Uncertain(_))) => Some(*id),
        _ => None,
    });
    if let Some(order_id) = uncertain {
        return Err(Error::Uncertain(UncertainOrder {
            order_id: Some(order_id),
            message,
        }));
    }
    let code = outcomes.iter().find_map(|(_, _, sent)| match sent {
        Err(Failed::Told(Error::Rejected(refused))) => Some(refused.code),
        _ => None,
    });
    match code {
        Some(code) => Err(Error::Rejected(TwsMessage {
            code,
            text: message,
        })),
        None => Err(Error::NotConnected(message)),
    }
}

/// Cancels the first order of a group of which another one was refused, unless
/// it has filled in part: then what protects it must stay.
async fn take_back(gateway: &Gateway, ask: &Ask, id: i32, state: &OrderState) -> String {
    if !state.filled.is_zero() {
        return stands(state);
    }
    match gateway.cancel(&ask.caller, id).await {
        Ok(state) => format!("It was cancelled again; {}", stands(&state)),
        Err(error) => format!("It could not be cancelled again: {error}"),
    }
}

fn stands(state: &OrderState) -> String {
    format!(
        "it is {:?}, {} filled.",
        state.status,
        state.filled.normalize()
    )
}
