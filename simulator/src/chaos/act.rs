//! Doing it: each fault as a change of the world, now or when it is due.

use time::OffsetDateTime;

use super::Planned;
use super::fault::{Farm, Fault, Wait};
use super::garbage;
use super::happened::{Happened, Happening};
use super::order_events::{Due, OrderEvents};
use super::pacing::Pacing;
use super::script::Script;
use crate::error::ControlError;
use crate::exchange::faults::OrderFaults;
use crate::exchange::search::Refusal;
use crate::exchange::trigger::Auction;
use crate::wire::dialect::Dialect;
use crate::world::World;

impl World {
    /// Does something, and puts it on the list.
    pub(crate) fn act(&mut self, fault: Fault) -> Result<(), ControlError> {
        self.act_at(fault, None, OffsetDateTime::now_utc())
    }

    fn act_at(
        &mut self,
        fault: Fault,
        seed: Option<u64>,
        now: OffsetDateTime,
    ) -> Result<(), ControlError> {
        tracing::info!(%fault, seed, "chaos");
        let step = self.steps;
        self.trouble
            .note(Happening::Fault(fault.clone()), seed, step, now);
        match fault {
            Fault::Freeze => self.is_frozen = true,
            Fault::Thaw => self.is_frozen = false,
            Fault::SetPrice { symbol, price } => self.set_price_of(&symbol, price)?,
            Fault::PauseFills => self.pause_fills(true),
            Fault::ResumeFills => self.pause_fills(false),
            Fault::OpenMarket => self.auction(Auction::Open),
            Fault::CloseMarket => self.auction(Auction::Close),

            Fault::DropConnections => self.drop_connections(),
            Fault::RefuseConnections => self.refuses_connections = true,
            Fault::HalfOpenConnections => self.trouble.is_half_open = true,
            Fault::AcceptConnections => {
                self.refuses_connections = false;
                self.trouble.is_half_open = false;
            }
            Fault::SlowSockets {
                bytes,
                pause_millis,
            } => self.trouble.slow.set(bytes.max(1), pause_millis),
            Fault::FastSockets => self.trouble.slow.set(0, 0),
            Fault::Silence => self.silence(true),
            Fault::EndSilence => self.silence(false),
            Fault::Restart { login } => {
                self.drop_connections();
                self.refuses_connections = true;
                let end = Planned {
                    seed,
                    fault: Fault::AcceptConnections,
                    is_end: true,
                };
                self.plan(login, end, now);
            }
            Fault::TakeClientId { client_id } => {
                self.trouble.taken_ids.insert(client_id);
            }
            Fault::FreeClientId { client_id } => {
                self.trouble.taken_ids.remove(&client_id);
            }
            Fault::ReadOnlyApi => self.trouble.is_read_only = true,
            Fault::WritableApi => self.trouble.is_read_only = false,
            Fault::Garbage { kind } => {
                for client in self.sessions() {
                    client.send_bytes(garbage::bytes(kind, Dialect::of(client.version)));
                }
            }

            Fault::Notice { code, text } => self.notify(code, &text),
            Fault::LinkLost => {
                self.trouble.is_link_lost = true;
                self.notify(
                    1100,
                    "Connectivity between IBKR and Trader Workstation has been lost.",
                );
            }
            Fault::LinkRestored { data_lost } => self.restore_link(data_lost, now),
            Fault::ServerLinkBroken => self.notify(
                2110,
                "Connectivity between Trader Workstation and server is broken. It will be restored automatically.",
            ),
            Fault::FarmBroken { farm } => {
                if !self.trouble.broken.contains(&farm) {
                    self.trouble.broken.push(farm);
                }
                let (code, text) = match farm {
                    Farm::MarketData => (2103, "Market data farm connection is broken:usfarm"),
                    Farm::Historical => (2105, "HMDS data farm connection is broken:ushmds"),
                    Farm::Definitions => {
                        (2157, "Sec-def data farm connection is broken:secdefnj")
                    }
                };
                self.notify(code, text);
            }
            Fault::FarmIdle { farm } => match farm {
                Farm::MarketData => self.notify(
                    2108,
                    "Market data farm connection is inactive but should be available upon demand.usfarm",
                ),
                Farm::Historical => self.notify(
                    2107,
                    "HMDS data farm connection is inactive but should be available upon demand.ushmds",
                ),
                Farm::Definitions => {}
            },
            Fault::FarmRestored { farm } => {
                self.trouble.broken.retain(|broken| *broken != farm);
                let (code, text) = match farm {
                    Farm::MarketData => (2104, "Market data farm connection is OK:usfarm"),
                    Farm::Historical => (2106, "HMDS data farm connection is OK:ushmds"),
                    Farm::Definitions => (2158, "Sec-def data farm connection is OK:secdefnj"),
                };
                self.notify(code, text);
            }

            Fault::EnforcePacing { messages, history } => {
                self.trouble.pacing = Pacing::new(messages, history);
            }

            Fault::DelayOrderEvents { next, by } => self.trouble.orders.delay = Some((next, by)),
            Fault::ReverseOrderEvents { next } => {
                let held = self.trouble.orders.release();
                self.trouble.orders.reverse = next;
                self.tell(held, now);
            }
            Fault::DuplicateStatuses { next } => self.trouble.orders.duplicate = next,
            Fault::OmitStatuses { next } => self.trouble.orders.omit = next,
            Fault::DropOnOrder { next, arrives } => self.trouble.orders.drop = (next, arrives),
            Fault::PartialFills { next, quantity } => {
                self.exchange.faults.partial = (next, quantity);
            }
            Fault::RejectOrders { next, code, text } => {
                self.exchange.faults.reject = Some((next, Refusal::new(code, text)));
            }
            Fault::PriceBand { percent } => self.exchange.faults.band = percent,
            Fault::FillOnCancel { next, quantity } => {
                self.exchange.faults.fill_on_cancel = (next, quantity);
            }
            Fault::Heal => self.heal(now),
        }
        if self.trouble.awaits_clock() {
            self.trouble.alarm.notify_one();
        }
        Ok(())
    }

    fn restore_link(&mut self, data_lost: bool, now: OffsetDateTime) {
        self.trouble.is_link_lost = false;
        if data_lost {
            for client in self.clients.values_mut() {
                client.lose_market_data();
            }
            self.notify(
                1101,
                "Connectivity between IBKR and Trader Workstation has been restored - data lost. Market data requests must be resubmitted.",
            );
        } else {
            self.notify(
                1102,
                "Connectivity between IBKR and Trader Workstation has been restored - data maintained.",
            );
        }
        let untold = std::mem::take(&mut self.trouble.untold);
        self.tell(untold, now);
    }

    fn heal(&mut self, now: OffsetDateTime) {
        self.refuses_connections = false;
        self.trouble.is_half_open = false;
        self.trouble.slow.set(0, 0);
        self.trouble.taken_ids.clear();
        self.trouble.is_read_only = false;
        self.trouble.pacing = Pacing::default();
        self.exchange.faults = OrderFaults::default();
        self.silence(false);
        if self.trouble.is_link_lost {
            self.restore_link(false, now);
        }
        for farm in self.trouble.broken.clone() {
            // What is restored is on no list of faults but this one's.
            let _ = self.act_at(Fault::FarmRestored { farm }, None, now);
        }
        let mut orders = std::mem::take(&mut self.trouble.orders);
        let mut late = orders.due(None);
        late.extend(orders.release());
        self.trouble.orders = OrderEvents::default();
        self.tell(late, now);
        self.pause_fills(false);
    }

    /// Plays a script from now on.
    pub(crate) fn play(&mut self, script: Script) {
        let now = OffsetDateTime::now_utc();
        let seed = script.seed;
        for (wait, fault) in script.schedule() {
            let planned = Planned {
                seed,
                fault,
                is_end: false,
            };
            self.plan(wait, planned, now);
        }
        // What is due at the beginning does not wait for the first step.
        self.run_due(now);
    }

    /// Forgets what scripts have not done yet. A restart still comes to its end.
    pub(crate) fn stop_scripts(&mut self) {
        self.trouble.planned.retain(|(_, planned)| planned.is_end);
    }

    fn plan(&mut self, wait: Wait, planned: Planned, now: OffsetDateTime) {
        let due = Due::after(wait, self.steps, now);
        self.trouble.planned.push((due, planned));
        if matches!(due, Due::At(_)) {
            self.trouble.alarm.notify_one();
        }
    }

    /// Does what is due, and tells what was delayed until now.
    pub(crate) fn run_due(&mut self, now: OffsetDateTime) {
        let step = self.steps;
        for Planned { seed, fault, .. } in self.trouble.take_due(step, now) {
            if let Err(error) = self.act_at(fault, seed, now) {
                self.trouble
                    .note(Happening::Effect(error.to_string()), seed, step, now);
            }
        }
        let late = self.trouble.orders.due(Some((step, now)));
        self.tell(late, now);
    }

    /// Tells what was held back to be out of order, at the latest with the next step.
    pub(crate) fn release_held(&mut self, now: OffsetDateTime) {
        let held = self.trouble.orders.release();
        self.tell(held, now);
    }

    /// What was done and what came of it, oldest first.
    pub(crate) fn happened(&self) -> Vec<Happened> {
        self.trouble.happened()
    }
}
