//! Where an order stands, told from its rows.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Serialize;
use time::OffsetDateTime;

use super::entry::{About, Row};
use super::event::{Event, FillRecord, Found, RequestKind};
use super::exact;
use super::key::{OrderKey, RequestId};
use super::record::{ContractRecord, OrderRecord, StateRecord};
use super::story::{RequestOutcome, RequestStory, Stage};

/// Where an order stands, as far as the journal knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// The order's name, its gateway, its account and its ids.
    #[serde(flatten)]
    pub about: About,
    /// What stage it has reached.
    pub stage: Stage,
    /// Whether TWS may know it.
    pub sent: bool,
    /// The instrument: as it was sent, or else as it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract: Option<ContractRecord>,
    /// The order: as it was last sent, or else as it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderRecord>,
    /// The latest state that TWS told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<StateRecord>,
    /// The fills as they stand after all corrections, by the part of their id
    /// that corrections keep.
    pub fills: BTreeMap<String, FillRecord>,
    /// The commissions, by currency.
    pub commissions: BTreeMap<String, Amount>,
    /// What was asked of it, oldest first.
    pub requests: Vec<RequestStory>,
    /// When its first row was written.
    #[serde(serialize_with = "exact::moment::serialize")]
    pub since: OffsetDateTime,
    /// When its latest row was written.
    #[serde(serialize_with = "exact::moment::serialize")]
    pub latest: OffsetDateTime,
    /// The number of its latest row.
    pub last_seq: i64,
    #[serde(skip)]
    commission_of: BTreeMap<String, (String, Decimal)>,
}

/// An amount of money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Amount(#[serde(serialize_with = "exact::decimal::serialize")] pub Decimal);

impl Standing {
    /// Where an order stands by its rows, which are given oldest first. `None`
    /// if there are none.
    #[must_use]
    pub fn of(key: &OrderKey, rows: &[Row]) -> Option<Self> {
        let first = rows.first()?;
        let mut standing = Self {
            about: About {
                order: Some(key.clone()),
                ..About::default()
            },
            stage: Stage::Asked,
            sent: false,
            contract: None,
            order: None,
            state: None,
            fills: BTreeMap::new(),
            commissions: BTreeMap::new(),
            requests: Vec::new(),
            since: first.time,
            latest: first.time,
            last_seq: first.seq,
            commission_of: BTreeMap::new(),
        };
        for row in rows {
            standing.take(row);
        }
        standing.sum_commissions();
        Some(standing)
    }

    /// How much is filled, by the fills.
    #[must_use]
    pub fn filled(&self) -> Decimal {
        self.fills.values().map(|fill| fill.shares).sum()
    }

    /// The requests that TWS may have without a word on them.
    pub fn open_requests(&self) -> impl Iterator<Item = &RequestStory> {
        self.requests
            .iter()
            .filter(|request| request.outcome.is_open())
    }

    fn take(&mut self, row: &Row) {
        self.latest = row.time;
        self.last_seq = row.seq;
        let about = &row.about;
        let known = &mut self.about;
        known.gateway = known.gateway.take().or_else(|| about.gateway.clone());
        known.account = about.account.clone().or_else(|| known.account.take());
        known.client_id = about.client_id.or(known.client_id);
        known.order_id = about.order_id.or(known.order_id);
        known.perm_id = about.perm_id.or(known.perm_id);
        self.sent |= row.event.effect().sent;
        match &row.event {
            Event::Asked(asked) => {
                let id = about.request.unwrap_or(RequestId(row.seq));
                self.requests.push(RequestStory {
                    id,
                    kind: asked.request,
                    caller: asked.caller.clone(),
                    time: row.time,
                    idempotency_key: asked.idempotency_key.clone(),
                    outcome: RequestOutcome::Asked,
                });
                if asked.request.makes_an_order() {
                    self.contract.clone_from(&asked.contract);
                    self.order.clone_from(&asked.order);
                }
            }
            Event::Refused(refused) => {
                self.conclude(refused.of, Stage::Refused);
                self.outcome(
                    about.request,
                    RequestOutcome::Refused {
                        by: refused.by.clone(),
                        sentence: refused.sentence.clone(),
                    },
                );
            }
            Event::Sending(sending) => {
                if sending.of.makes_an_order() {
                    self.stage = Stage::Sent;
                }
                if sending.order.is_some() {
                    self.contract.clone_from(&sending.contract);
                    self.order.clone_from(&sending.order);
                }
                self.outcome(about.request, RequestOutcome::Sent);
            }
            Event::NotSent(not_sent) => {
                self.conclude(not_sent.of, Stage::NotSent);
                let sentence = not_sent.sentence.clone();
                self.outcome(about.request, RequestOutcome::NotSent { sentence });
            }
            Event::Acknowledged(acknowledged) => {
                self.told(&acknowledged.state);
                let state = acknowledged.state.clone();
                self.outcome(about.request, RequestOutcome::Acknowledged { state });
            }
            Event::Status(state) => self.told(state),
            Event::Rejected(rejected) => {
                self.conclude(rejected.of, Stage::Rejected);
                self.outcome(
                    about.request,
                    RequestOutcome::Rejected {
                        code: rejected.code,
                        text: rejected.text.clone(),
                    },
                );
            }
            Event::Cancelled(_) => self.stage = Stage::Cancelled,
            Event::Uncertain(uncertain) => {
                // TWS may have spoken before this row was written.
                if self.is_open(about.request) {
                    if uncertain.of.makes_an_order() && !self.stage.is_end() {
                        self.stage = Stage::Uncertain;
                    }
                    let sentence = uncertain.sentence.clone();
                    self.outcome(about.request, RequestOutcome::Uncertain { sentence });
                }
            }
            Event::Reconciled(reconciled) => {
                self.state = reconciled.state.clone().or_else(|| self.state.take());
                self.stage = match reconciled.found {
                    Found::Working => Stage::Working,
                    Found::Filled => Stage::Filled,
                    Found::Cancelled => Stage::Cancelled,
                    Found::Rejected => Stage::Rejected,
                    Found::NeverArrived => Stage::NeverArrived,
                    Found::Gone => Stage::Gone,
                    Found::StillUncertain => Stage::Uncertain,
                };
                self.reconcile(about.request, reconciled.found, &reconciled.sentence);
            }
            Event::Seen(seen) => {
                self.contract = Some(seen.contract.clone());
                self.order = Some(seen.order.clone());
                self.stage = Stage::Working;
                self.told(&seen.state);
            }
            Event::Fill(fill) => {
                self.fill(&fill.exec_id, Some(fill));
            }
            Event::Correction(correction) => {
                self.fill(&correction.exec_id, correction.fill.as_ref());
            }
            Event::Commission(commission) => {
                let cost = (commission.currency.clone(), commission.amount);
                self.commission_of
                    .insert(root(&commission.exec_id).to_owned(), cost);
            }
            Event::Verdict(_)
            | Event::Halt(_)
            | Event::Resume(_)
            | Event::Gap(_)
            | Event::Note(_) => {}
        }
    }

    /// A request failed for good: a new order ends with it, one that works
    /// does not.
    fn conclude(&mut self, of: RequestKind, stage: Stage) {
        if of.makes_an_order() {
            self.stage = stage;
        }
    }

    /// TWS told of the order. What comes late does not bring back one that has
    /// ended, and undoes no fill.
    fn told(&mut self, state: &StateRecord) {
        let known = self.state.as_ref();
        let late = known.is_some_and(|known| state.filled < known.filled);
        let ended = self.stage.is_end() && !state.is_final();
        let cut = self.stage == Stage::Filled && state.status != "Filled";
        if ended || cut || (late && !state.is_final()) {
            return;
        }
        self.state = Some(state.clone());
        self.stage = match state.status.as_str() {
            "Filled" => Stage::Filled,
            _ if state.is_final() => Stage::Cancelled,
            _ => Stage::Working,
        };
        self.heard(state);
    }

    /// TWS spoke of the order, so that it has it; and at its end nothing that
    /// was asked of it is open any more.
    fn heard(&mut self, state: &StateRecord) {
        let found = match self.stage {
            Stage::Filled => Some(Found::Filled),
            Stage::Cancelled => Some(Found::Cancelled),
            _ => None,
        };
        for story in &mut self.requests {
            if !story.outcome.is_open() {
                continue;
            }
            if story.kind.makes_an_order() {
                let state = state.clone();
                story.outcome = RequestOutcome::Acknowledged { state };
            } else if let Some(found) = found {
                let sentence = "The order came to its end.".to_owned();
                story.outcome = RequestOutcome::Reconciled { found, sentence };
            }
        }
    }

    /// Whether nothing is known of a request yet, or it is not known here.
    fn is_open(&self, request: Option<RequestId>) -> bool {
        let mut requests = self.requests.iter();
        let story = requests.find(|story| Some(story.id) == request);
        story.is_none_or(|story| story.outcome.is_open() || story.outcome == RequestOutcome::Asked)
    }

    fn outcome(&mut self, request: Option<RequestId>, outcome: RequestOutcome) {
        let mut requests = self.requests.iter_mut();
        if let Some(story) = requests.find(|story| Some(story.id) == request) {
            story.outcome = outcome;
        }
    }

    /// A look-up answers for the request that it names, or else for all that
    /// are open; one that cannot tell yet answers for none.
    fn reconcile(&mut self, request: Option<RequestId>, found: Found, sentence: &str) {
        if found == Found::StillUncertain {
            return;
        }
        for story in &mut self.requests {
            let meant = match request {
                Some(id) => story.id == id,
                None => true,
            };
            if meant && story.outcome.is_open() {
                story.outcome = RequestOutcome::Reconciled {
                    found,
                    sentence: sentence.to_owned(),
                };
            }
        }
    }

    /// A fill, a corrected one, or one that was busted. What was said first
    /// does not replace its correction.
    fn fill(&mut self, exec_id: &str, fill: Option<&FillRecord>) {
        let root = root(exec_id).to_owned();
        match fill {
            None => {
                self.fills.remove(&root);
            }
            Some(fill) => {
                let older = self
                    .fills
                    .get(&root)
                    .is_some_and(|known| known.exec_id.as_str() > exec_id);
                if !older {
                    self.fills.insert(root, fill.clone());
                }
            }
        }
    }

    fn sum_commissions(&mut self) {
        for (currency, amount) in self.commission_of.values() {
            let sum = self.commissions.entry(currency.clone()).or_default();
            sum.0 = sum.0.saturating_add(*amount);
        }
    }
}

/// The part of an execution's id that its corrections keep.
fn root(exec_id: &str) -> &str {
    exec_id.rsplit_once('.').map_or(exec_id, |(root, _)| root)
}
