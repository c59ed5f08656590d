//! Exercising options, and letting them lapse.

use std::sync::Arc;

use rust_decimal::Decimal;
use time::OffsetDateTime;

use super::asking::{Ask, log, uncertain};
use super::passing::{self, Passed};
use super::placing::conclude;
use super::rows::{Begin, Failed, Rows, Sent, unwritable};
use super::situation::numbered;
use super::trade::Trade;
use crate::account::one_account;
use crate::codes;
use crate::connection::Gateway;
use crate::convert::{self, contract::describe};
use crate::gate::{Exercise, Proposal, Request};
use crate::journal::{About, Asked, Entry, Event, RequestKind, Sending};
use crate::model::{Action, Contract, Error, Order, OrderType, Result, SecurityType};

/// What is to be done with an option that is held.
pub(super) struct Wish {
    pub(super) contract: Contract,
    /// How many contracts.
    pub(super) quantity: u32,
    /// True to exercise, false to let it lapse.
    pub(super) exercise: bool,
    pub(super) account: Option<String>,
}

impl Wish {
    /// In a few words: `exercise of 2 SPY 2026-12-18 500 C`.
    fn words(&self) -> String {
        let what = if self.exercise { "exercise" } else { "lapse" };
        format!("{what} of {} {}", self.quantity, describe(&self.contract))
    }
}

/// Sends the instruction, and waits for TWS's word on it.
pub(super) async fn exercise(gateway: Gateway, ask: Ask, wish: Wish) -> Result<()> {
    let trade = Arc::clone(gateway.trade());
    let about = About::gateway(trade.gateway());
    let mut asked = Asked::new(&ask.caller, RequestKind::Exercise);
    asked.contract = Some((&wish.contract).into());
    let details = [
        ("quantity", wish.quantity.to_string()),
        ("exercise", wish.exercise.to_string()),
    ];
    let details = details.map(|(name, value)| (name.to_owned(), value));
    asked.details.extend(details);
    let account = wish.account.clone();
    asked
        .details
        .extend(account.map(|account| ("account".to_owned(), account)));
    let mut rows = match Rows::begin(&trade, &about, vec![asked]).await? {
        Begin::New(rows) => rows,
        Begin::Repeated(_) => return Err(Error::invalid("This was asked before.")),
    };
    let prepared = prepare(&gateway, &ask, &wish).await;
    let proposal = rows.or_refused(&trade, prepared).await?;
    let passed = passing::pass(&gateway, &trade, &rows, &proposal, None).await?;
    let session = Arc::clone(&passed.session);
    let (id, handed) = send(&trade, passed, &ask, &mut rows, &proposal, &wish).await?;
    let words = wish.words();
    let sent: Sent = match handed {
        Err(failed) => Err(failed),
        Ok(()) => conclude(&session, id, true, &words)
            .await
            .map_err(Failed::Told),
    };
    if let Err(Failed::Told(Error::Rejected(_))) = sent {
        session.book.forget(id);
    }
    let (now, outcome) = (OffsetDateTime::now_utc(), rows.outcome(&sent));
    let about = rows.about.iter().cloned();
    let entries = about.map(|about| Entry::new(now, about, outcome.clone()));
    trade.note(entries.collect()).await;
    ask.finish(id, &sent);
    sent.map(drop).map_err(Failed::into_error)
}

/// What the gate is to judge.
async fn prepare(gateway: &Gateway, ask: &Ask, wish: &Wish) -> Result<Proposal> {
    if wish.quantity == 0 || i32::try_from(wish.quantity).is_err() {
        return Err(Error::invalid(
            "The quantity is how many contracts to exercise. Give a whole number above 0.",
        ));
    }
    crate::validate::contract(&wish.contract)?;
    let session = gateway.session()?;
    let account = one_account(&session, wish.account.as_deref())?;
    let contract = gateway.complete(&wish.contract).await?;
    let option = matches!(
        contract.security_type,
        SecurityType::Option | SecurityType::FutureOption | SecurityType::Warrant
    );
    if !option {
        return Err(Error::invalid(format!(
            "{} is no option. Only options can be exercised.",
            describe(&contract)
        )));
    }
    let details = gateway.details(&contract).await?;
    let under = details.iter().find_map(|one| one.under_con_id);
    let underlying = match under {
        Some(con_id) => Some(gateway.qualify(&numbered(con_id, None)).await?),
        None => None,
    };
    Ok(Proposal {
        caller: ask.caller.clone(),
        gateway: gateway.name().to_owned(),
        account,
        request: Request::Exercise(Box::new(Exercise {
            contract,
            // An index cannot be delivered: what it is worth is paid.
            underlying: underlying.filter(|one| one.security_type != SecurityType::Index),
            quantity: Decimal::from(wish.quantity),
            exercise: wish.exercise,
        })),
    })
}

/// Writes the instruction down and hands it to the socket.
async fn send(
    trade: &Trade,
    passed: Passed<'_>,
    ask: &Ask,
    rows: &mut Rows,
    proposal: &Proposal,
    wish: &Wish,
) -> Result<(i32, std::result::Result<(), Failed>)> {
    let Request::Exercise(exercise) = &proposal.request else {
        return Err(Error::Other(
            "The instruction was lost by a defect of the host.".to_owned(),
        ));
    };
    let session = Arc::clone(&passed.session);
    let _sending = session.turns.sending.lock().await;
    let _ids = session.turns.order_ids.lock().await;
    // The client library gives it the id that follows the one it gave last.
    let id = loop {
        let next = session.client.next_order_id().saturating_add(1);
        if next >= session.book.next_id() {
            break session.book.take_id(next);
        }
    };
    if let Some(about) = rows.about.first_mut() {
        about.client_id = Some(session.address.client_id);
        about.order_id = Some(id);
        about.account = Some(proposal.account.clone());
    }
    let sending = Event::Sending(Sending {
        of: RequestKind::Exercise,
        contract: Some((&exercise.contract).into()),
        order: None,
    });
    let entries = passing::before_sending(rows, &passed.verdict, vec![sending]);
    trade.write(entries).await.map_err(unwritable)?;
    if let Some(error) = passing::halted_now(trade) {
        trade
            .note(rows.entries(&rows.not_sent(&error.to_string())))
            .await;
        return Err(error);
    }
    let words = wish.words();
    log(&ask.caller, "sends", id, &words);
    // For the account it is as if the options were sold.
    let order = Order {
        account: Some(proposal.account.clone()),
        ..Order::new(Action::Sell, exercise.quantity, OrderType::Market)
    };
    session.book.begin(id, &exercise.contract, &order);
    if let Some(key) = rows.about.first().and_then(|about| about.order.clone()) {
        session.book.name(id, key);
    }
    session.pacing.order().await;
    let contract = convert::contract::to_tws(&exercise.contract);
    let quantity = i32::try_from(wish.quantity).unwrap_or(i32::MAX);
    let request = session.client.exercise_options(&contract);
    let request = if wish.exercise {
        request.exercise(quantity)
    } else {
        request.lapse(quantity)
    };
    // Who asks for it means it, whether or not the option is in the money.
    let request = request.account(&proposal.account).override_natural_action();
    // The answers come by the stream of order updates; this one is not needed.
    let handed = request.submit().await.map(drop).map_err(|error| {
        // The socket may have taken the message before it failed.
        if matches!(error, ibapi::Error::Io(_)) {
            return Failed::Told(uncertain(id, &words));
        }
        session.book.forget(id);
        Failed::Never(codes::client_error(&error, &format!("the {words}")))
    });
    Ok((id, handed))
}
