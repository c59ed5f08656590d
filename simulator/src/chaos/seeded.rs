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
    /// How many steps a fault lasts at most.
    pub longest: u64,
    /// A restart with a login every so many steps.
    pub night: Option<u64>,
    /// Connections that drop, hang and crawl, some in the middle of an order.
    pub sockets: bool,
    /// Another program takes this client id each time after a drop.
    pub client_id: Option<i32>,
    /// Frames that cannot be read.
    pub garbage: bool,
    /// Links and farms that come and go.
    pub links: bool,
    /// Messages about orders that are late, out of order, double or missing.
    pub order_events: bool,
    /// Orders that are rejected, filled in parts, or filled while they are cancelled, and bands
    /// that limits must be in.
    pub orders: bool,
}

impl Profile {
    /// All kinds of trouble but for taken client ids, and a restart every tenth part of the time.
    pub fn everything(steps: u64) -> Self {
        Self {
            steps,
            mean_gap: 20,
            longest: 10,
            night: Some((steps / 10).max(1)),
            sockets: true,
            client_id: None,
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

    /// Every kind of trouble that is wanted.
    fn kinds(&self) -> Vec<Kind> {
        let mut kinds: Vec<Kind> = Vec::new();
        if self.sockets {
            kinds.extend([drop_all, silence, crawl, half_open, drop_on_order] as [Kind; 5]);
        }
        if self.client_id.is_some() {
            kinds.push(take_id);
        }
        if self.garbage {
            kinds.push(garbage);
        }
        if self.links {
            kinds.extend([link, farm, server] as [Kind; 3]);
        }
        if self.order_events {
            kinds.extend([delay, reverse, duplicate, omit] as [Kind; 4]);
        }
        if self.orders {
            kinds.extend([partial, reject, fill_on_cancel, band] as [Kind; 4]);
        }
        kinds
    }

    /// How long a fault lasts.
    fn while_it_lasts(&self, random: &mut ChaCha8Rng) -> u64 {
        random.random_range(1..=self.longest.max(1))
    }
}

/// A way to make trouble.
type Kind = fn(&mut ChaCha8Rng, &Profile) -> Trouble;

/// Faults and what ends them, each so many steps after the trouble began.
type Trouble = Vec<(u64, Fault)>;

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
            for (after, fault) in kind(&mut random, profile) {
                planned.push((now.saturating_add(after).min(profile.steps), fault));
            }
        }
        if let Some(night) = profile.night.filter(|&night| night > 0) {
            let mut at = night;
            while at < profile.steps {
                let login = Wait::Steps(profile.while_it_lasts(&mut random));
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

fn drop_all(_: &mut ChaCha8Rng, _: &Profile) -> Trouble {
    vec![(0, Fault::DropConnections)]
}

fn silence(random: &mut ChaCha8Rng, profile: &Profile) -> Trouble {
    let end = profile.while_it_lasts(random);
    vec![(0, Fault::Silence), (end, Fault::EndSilence)]
}

fn crawl(random: &mut ChaCha8Rng, profile: &Profile) -> Trouble {
    let slow = Fault::SlowSockets {
        bytes: random.random_range(16..=256),
        pause_millis: 1,
    };
    let end = profile.while_it_lasts(random);
    vec![(0, slow), (end, Fault::FastSockets)]
}

/// Connections that are made after a drop are never answered.
fn half_open(random: &mut ChaCha8Rng, profile: &Profile) -> Trouble {
    let end = profile.while_it_lasts(random);
    let mut trouble = vec![
        (0, Fault::HalfOpenConnections),
        (end, Fault::AcceptConnections),
    ];
    if random.random_bool(0.5) {
        trouble.insert(1, (0, Fault::DropConnections));
    }
    trouble
}

fn drop_on_order(random: &mut ChaCha8Rng, _: &Profile) -> Trouble {
    let arrives = random.random_bool(0.5);
    vec![(0, Fault::DropOnOrder { next: 1, arrives })]
}

fn take_id(random: &mut ChaCha8Rng, profile: &Profile) -> Trouble {
    let Some(client_id) = profile.client_id else {
        return Vec::new();
    };
    let end = profile.while_it_lasts(random);
    vec![
        (0, Fault::TakeClientId { client_id }),
        (0, Fault::DropConnections),
        (end, Fault::FreeClientId { client_id }),
    ]
}

fn garbage(random: &mut ChaCha8Rng, _: &Profile) -> Trouble {
    let kind = match random.random_range(0..4) {
        0 => Garbage::Noise,
        1 => Garbage::UnknownMessage,
        2 => Garbage::Truncated,
        _ => Garbage::Length,
    };
    vec![(0, Fault::Garbage { kind })]
}

fn link(random: &mut ChaCha8Rng, profile: &Profile) -> Trouble {
    let restored = Fault::LinkRestored {
        data_lost: random.random_bool(0.5),
    };
    let end = profile.while_it_lasts(random);
    vec![(0, Fault::LinkLost), (end, restored)]
}

fn farm(random: &mut ChaCha8Rng, profile: &Profile) -> Trouble {
    let farm = match random.random_range(0..3) {
        0 => Farm::MarketData,
        1 => Farm::Historical,
        _ => Farm::Definitions,
    };
    let end = profile.while_it_lasts(random);
    vec![
        (0, Fault::FarmBroken { farm }),
        (end, Fault::FarmRestored { farm }),
    ]
}

fn server(_: &mut ChaCha8Rng, _: &Profile) -> Trouble {
    vec![(0, Fault::ServerLinkBroken)]
}

fn delay(random: &mut ChaCha8Rng, profile: &Profile) -> Trouble {
    let fault = Fault::DelayOrderEvents {
        next: random.random_range(1..=6),
        by: Wait::Steps(profile.while_it_lasts(random)),
    };
    vec![(0, fault)]
}

fn reverse(random: &mut ChaCha8Rng, _: &Profile) -> Trouble {
    let next = random.random_range(2..=5);
    vec![(0, Fault::ReverseOrderEvents { next })]
}

fn duplicate(random: &mut ChaCha8Rng, _: &Profile) -> Trouble {
    let next = random.random_range(1..=4);
    vec![(0, Fault::DuplicateStatuses { next })]
}

fn omit(random: &mut ChaCha8Rng, _: &Profile) -> Trouble {
    let next = random.random_range(1..=2);
    vec![(0, Fault::OmitStatuses { next })]
}

fn partial(random: &mut ChaCha8Rng, _: &Profile) -> Trouble {
    let fault = Fault::PartialFills {
        next: random.random_range(1..=4),
        quantity: Decimal::from(random.random_range(1..=3)),
    };
    vec![(0, fault)]
}

fn reject(_: &mut ChaCha8Rng, _: &Profile) -> Trouble {
    let fault = Fault::RejectOrders {
        next: 1,
        code: 201,
        text: String::from("Order rejected - reason:The exchange does not take this order"),
    };
    vec![(0, fault)]
}

fn fill_on_cancel(random: &mut ChaCha8Rng, _: &Profile) -> Trouble {
    let quantity = random.random_bool(0.5).then_some(Decimal::ONE);
    vec![(0, Fault::FillOnCancel { next: 1, quantity })]
}

fn band(random: &mut ChaCha8Rng, profile: &Profile) -> Trouble {
    let percent = Some(Decimal::from(random.random_range(1..=10)));
    let end = profile.while_it_lasts(random);
    vec![
        (0, Fault::PriceBand { percent }),
        (end, Fault::PriceBand { percent: None }),
    ]
}
