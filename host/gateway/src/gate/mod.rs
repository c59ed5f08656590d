//! The gate: whether an order may go out.
//!
//! Every place, modify and exercise, from whichever tool, is held against the
//! operator's rules before anything reaches the socket. Cancels pass wherever
//! the connection lets them. This module only decides: it fetches nothing, sends
//! nothing and reads no clock. What it decides by is an explicit [`Situation`],
//! what it remembers is a [`GateState`], and what it cannot know makes it refuse.
//!
//! # The way of an order
//!
//! In `orders/`, one for each gateway, whichever connection it has:
//!
//! 1. `placing.rs`, `modifying.rs` and `exercising.rs` write in the journal what
//!    is asked, and build the [`Proposal`] from the qualified contract, with the
//!    account named in full. All orders of a bracket or an OCA group are one
//!    proposal; its exits need no parent id yet.
//! 2. [`needs`] says what to fetch, and `situation.rs` fetches what may take a
//!    moment: contract details, quotes younger than
//!    [`GateConfig::quote_seconds`], net liquidation, profit and loss, rates.
//! 3. `passing.rs` takes the turn to send, which is held until the order is in
//!    the journal, in the book and handed to the socket. Only so can two orders
//!    at once not both take the last place under a limit. Under it open orders
//!    are read, and after them the positions: what fills in between is counted
//!    twice, never missed. Orders whose fate is uncertain are open orders. Then
//!    [`GateState::fill`] completes the situation, and [`judge`] judges it.
//! 4. What is refused is answered by [`Verdict::sentence`] as `NoPermission`. If
//!    [`Verdict::halt`] is set, that halt is set too.
//! 5. [`GateState::release`] asks for what is demanded beside the rules. A
//!    missing confirmation ends the call with what to ask, [`confirmation`]. When
//!    a person has confirmed, `Gateway::approve` grants exactly this order, and
//!    the call runs again.
//! 6. [`GateState::admit`] counts the order. Verdict, order and what the gate
//!    remembers are written in one go, and only then it is sent.
//!
//! [`Rejections`](state::Rejections) learn what TWS made of it: `rejected` for an
//! order that ended in `Error::Rejected`, `accepted` for one that TWS
//! acknowledged; neither for what is uncertain. `cancelling.rs` asks [`judge`]
//! too, which looks at the connection only. `halting.rs` feeds profit and loss to
//! [`Peaks`](state::Peaks) and [`loss_halt`] between the orders, and watches the
//! halt file. A preview goes the same way without the turn, shows the verdict
//! beside TWS's what-if, and ends with [`Previews::issue`](state::Previews::issue)
//! for [`OrderDigest::of`] the proposal.
//!
//! ```
//! use sandpit_gateway::gate::*;
//! use sandpit_gateway::model::{Action, Caller, Contract, Order, OrderType};
//! use time::OffsetDateTime;
//!
//! let caller = Caller {
//!     tool: "ibkr_place_order".into(),
//!     digest: "…".into(),
//!     client: "assistant".into(),
//!     call_id: "1".into(),
//! };
//! let proposal = Proposal {
//!     caller,
//!     gateway: "paper".into(),
//!     account: "DU1234567".into(),
//!     request: Request::Place(vec![NewOrder {
//!         contract: Contract { con_id: Some(756733), ..Contract::us_stock("SPY") },
//!         order: Order::new(Action::Buy, 10.into(), OrderType::Limit(500.into())),
//!         role: Role::Alone,
//!     }]),
//! };
//! let config = GateConfig::default();
//! let state = GateState::default();
//!
//! let mut situation = Situation::at(OffsetDateTime::UNIX_EPOCH);
//! situation.connection.connected = true;
//! situation.connection.accounts = vec!["DU1234567".into()];
//! assert_eq!(needs(&config, &proposal), Needs::default());
//! state.fill(&config, &proposal, &mut situation);
//! assert!(judge(&config, &proposal, &situation).allowed);
//!
//! // The same on a connection that reaches real money.
//! situation.connection.accounts.push("U1234567".into());
//! let verdict = judge(&config, &proposal, &situation);
//! assert_eq!(verdict.check(Rule::Mode).map(|check| check.outcome), Some(Outcome::Refused));
//! ```

mod case;
mod config;
mod digest;
mod judge;
mod needs;
mod price;
mod proposal;
mod reach;
mod rules;
mod situation;
pub mod state;
#[cfg(test)]
mod tests;
mod verdict;
mod words;

pub use config::{Allowance, Blackout, Demand, GateConfig, GateConfigError, Hours, Mode, Rules};
pub use digest::{NoDigest, OrderDigest};
pub use judge::{Demands, judge, loss_halt};
pub use needs::{Needs, needs};
pub use proposal::{Change, Exercise, NewOrder, Proposal, Request, Role};
pub use situation::{AmountSeen, Connection, Instrument, PnlSeen, QuoteSeen, Rate, Situation};
pub use state::{GateState, Missing};
pub use verdict::{Check, Outcome, Rule, Verdict};
pub use words::{confirmation, quoted};
