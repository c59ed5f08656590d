//! Scripts made from a seed.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rust_decimal::Decimal;

use super::fault::{Farm, Fault, Garbage, Wait};
use super::script::{Event, Moment, Script};

/// What kinds of trouble a seeded script has, and how much of it. Times are in steps.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Profile {
    /// How long the trouble lasts. At its end everything is well again.
    pub steps: u64,
    /// How many steps there are between two faults, on average.
    pub mean_gap: u64,
    /// A restart with a login every so many steps.
    pub night: Option<u64>,
    /// Connections that drop, hang and crawl.
    pub sockets: bool,
    /// Frames that cannot be read.
    pub garbage: bool,
    /// Links and farms that come and go.
    pub links: bool,
    /// Messages about orders that are late, out of order, double or missing.
    pub order_events: bool,
    /// Orders that are rejected, filled in parts, or filled while they are cancelled.
    pub orders: bool,
}

impl Profile {
    /// All kinds of trouble, and a restart every tenth part of the time.
    pub fn everything(steps: u64) -> Self {
        Self {
            steps,
            mean_gap: 20,
            night: Some((steps / 10).max(1)),
            sockets: true,
            garbage: true,
            links: true,
            order_events: true,
            orders: true,
        }
    }

    /// Nothing but a restart every `night` steps.
    pub fn nights(steps: u64, night: u64) -> Self {
        Self {
            night: Some(night),
            sockets: false,
            garbage: false,
            links: false,
            order_events: false,
            orders: false,
            ..Self::everything(steps)
        }
    }

    /// Trouble with orders and what is told of them, on a connection that holds.
    pub fn trading(steps: u64) -> Self {
        Self {
            night: None,
            sockets: false,
            garbage: false,
            links: false,
            ..Self::everything(steps)
        }
    }

    /// Every kind of trouble that is wanted, each a way to make a fault and how long it lasts.
    fn kinds(&self) -> Vec<fn(&mut ChaCha8Rng) -> Trouble> {
        let mut kinds: Vec<fn(&mut ChaCha8Rng) -> Trouble> = Vec::new();
        if self.sockets {
            kinds.extend([drop_all, silence, crawl, half_open] as [fn(&mut ChaCha8Rng) -> _; 4]);
        }
        if self.garbage {
            kinds.push(garbage);
        }
        if self.links {
            kinds.extend([link, farm, server] as [fn(&mut ChaCha8Rng) -> _; 3]);
        }
        if self.order_events {
            kinds.extend([delay, reverse, duplicate, omit] as [fn(&mut ChaCha8Rng) -> _; 4]);
        }
        if self.orders {
            kinds.extend([partial, reject, fill_on_cancel] as [fn(&mut ChaCha8Rng) -> _; 3]);
        }
        kinds
    }
}

/// A fault, and what ends it so many steps later.
type Trouble = (Fault, Option<(u64, Fault)>);

/// Where seeded scripts come from.
#[derive(Debug)]
pub struct Chaos;

impl Chaos {
    /// A script of the profile's kinds of trouble. The same seed and profile give the same
    /// script. Whatever lasts is ended by the script itself.
    pub fn seeded(seed: u64, profile: &Profile) -> Script {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut planned: Vec<(u64, Fault)> = Vec::new();
        let kinds = profile.kinds();
        let mut now = 0;
        while !kinds.is_empty() {
            now += random.random_range(1..=profile.mean_gap.max(1).saturating_mul(2));
            if now >= profile.steps {
                break;
            }
            let chosen = random.random_range(0..kinds.len());
            let Some(kind) = kinds.get(chosen) else { break };
            let (fault, end) = kind(&mut random);
            planned.push((now, fault));
            if let Some((lasts, end)) = end {
                planned.push((now.saturating_add(lasts).min(profile.steps), end));
            }
        }
        if let Some(night) = profile.night.filter(|&night| night > 0) {
            let mut at = night;
            while at < profile.steps {
                let login = Wait::Steps(random.random_range(1..=5));
                planned.push((at, Fault::Restart { login }));
                at = at.saturating_add(night);
            }
        }
        // A stable sort: what was planned first for a step happens first.
        planned.sort_by_key(|(at, _)| *at);
        planned.push((profile.steps, Fault::Heal));
        Script {
            seed: Some(seed),
            events: planned
                .into_iter()
                .map(|(at, fault)| Event {
                    moment: Moment::At(Wait::Steps(at)),
                    fault,
                })
                .collect(),
        }
    }
}

fn drop_all(_: &mut ChaCha8Rng) -> Trouble {
    (Fault::DropConnections, None)
}

fn silence(random: &mut ChaCha8Rng) -> Trouble {
    let end = (random.random_range(1..=4), Fault::EndSilence);
    (Fault::Silence, Some(end))
}

fn crawl(random: &mut ChaCha8Rng) -> Trouble {
    let slow = Fault::SlowSockets {
        bytes: random.random_range(16..=256),
        pause_millis: 1,
    };
    (slow, Some((random.random_range(1..=4), Fault::FastSockets)))
}

fn half_open(random: &mut ChaCha8Rng) -> Trouble {
    let end = (random.random_range(1..=4), Fault::AcceptConnections);
    (Fault::HalfOpenConnections, Some(end))
}

fn garbage(random: &mut ChaCha8Rng) -> Trouble {
    let kind = match random.random_range(0..4) {
        0 => Garbage::Noise,
        1 => Garbage::UnknownMessage,
        2 => Garbage::Truncated,
        _ => Garbage::Length,
    };
    (Fault::Garbage { kind }, None)
}

fn link(random: &mut ChaCha8Rng) -> Trouble {
    let restored = Fault::LinkRestored {
        data_lost: random.random_bool(0.5),
    };
    (
        Fault::LinkLost,
        Some((random.random_range(1..=10), restored)),
    )
}

fn farm(random: &mut ChaCha8Rng) -> Trouble {
    let farm = match random.random_range(0..3) {
        0 => Farm::MarketData,
        1 => Farm::Historical,
        _ => Farm::Definitions,
    };
    let end = (random.random_range(1..=10), Fault::FarmRestored { farm });
    (Fault::FarmBroken { farm }, Some(end))
}

fn server(_: &mut ChaCha8Rng) -> Trouble {
    (Fault::ServerLinkBroken, None)
}

fn delay(random: &mut ChaCha8Rng) -> Trouble {
    let fault = Fault::DelayOrderEvents {
        next: random.random_range(1..=6),
        by: Wait::Steps(random.random_range(1..=5)),
    };
    (fault, None)
}

fn reverse(random: &mut ChaCha8Rng) -> Trouble {
    let next = random.random_range(2..=5);
    (Fault::ReverseOrderEvents { next }, None)
}

fn duplicate(random: &mut ChaCha8Rng) -> Trouble {
    let next = random.random_range(1..=4);
    (Fault::DuplicateStatuses { next }, None)
}

fn omit(random: &mut ChaCha8Rng) -> Trouble {
    let next = random.random_range(1..=2);
    (Fault::OmitStatuses { next }, None)
}

fn partial(random: &mut ChaCha8Rng) -> Trouble {
    let fault = Fault::PartialFills {
        next: random.random_range(1..=4),
        quantity: Decimal::from(random.random_range(1..=3)),
    };
    (fault, None)
}

fn reject(_: &mut ChaCha8Rng) -> Trouble {
    let fault = Fault::RejectOrders {
        next: 1,
        code: 201,
        text: String::from("Order rejected - reason:The exchange does not take this order"),
    };
    (fault, None)
}

fn fill_on_cancel(random: &mut ChaCha8Rng) -> Trouble {
    let quantity = random.random_bool(0.5).then_some(Decimal::ONE);
    (Fault::FillOnCancel { next: 1, quantity }, None)
}
