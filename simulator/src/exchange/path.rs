//! The past of a price: a function of time, the same however it is cut into bars.
//!
//! It adds up smooth noise of many periods, from a minute to two years, each as strong as a
//! random walk would be over that time, and passes through the price at which the simulator
//! started.

use time::OffsetDateTime;

/// The noise's periods in seconds.
const PERIODS: [f64; 11] = [
    60.0,
    300.0,
    1_800.0,
    7_200.0,
    28_800.0,
    86_400.0,
    345_600.0,
    1_209_600.0,
    5_184_000.0,
    20_736_000.0,
    63_072_000.0,
];
const YEAR: f64 = 31_557_600.0;
/// What prices gain in a year.
const DRIFT: f64 = 0.06;

/// One price's past.
#[derive(Debug, Clone, Copy)]
pub(super) struct Path {
    pub(super) seed: u64,
    pub(super) volatility: f64,
    /// The price at `origin`.
    pub(super) price: f64,
    pub(super) origin: OffsetDateTime,
}

impl Path {
    /// The price at a time.
    pub(super) fn at(&self, time: OffsetDateTime) -> f64 {
        let since = (time - self.origin).as_seconds_f64();
        let exponent = self.noise(time) - self.noise(self.origin) + DRIFT * since / YEAR;
        self.price * exponent.clamp(-3.0, 3.0).exp()
    }

    fn noise(&self, time: OffsetDateTime) -> f64 {
        let seconds = (time - OffsetDateTime::UNIX_EPOCH).as_seconds_f64();
        let octaves = PERIODS.iter().zip(0_u64..);
        octaves
            .map(|(period, octave)| {
                let strength = self.volatility * (period / YEAR).sqrt() * 0.6;
                strength * smooth(seconds / period, self.seed ^ (octave << 56))
            })
            .sum()
    }
}

/// Noise between -1 and 1 that is smooth from one whole number to the next.
fn smooth(at: f64, seed: u64) -> f64 {
    let whole = at.floor();
    let part = at - whole;
    let weight = part * part * (3.0 - 2.0 * part);
    let (left, right) = (random(whole, seed), random(whole + 1.0, seed));
    left + (right - left) * weight
}

fn random(at: f64, seed: u64) -> f64 {
    unit(mix(at.to_bits() ^ seed)) * 2.0 - 1.0
}

/// A number from 0 to 1 that belongs to a time, for volumes.
pub(super) fn chance(time: OffsetDateTime, seed: u64) -> f64 {
    unit(mix(seed ^ time.unix_timestamp().unsigned_abs()))
}

fn unit(bits: u64) -> f64 {
    // The upper 32 bits, so that the conversion is exact.
    f64::from(u32::try_from(bits >> 32).unwrap_or_default()) / f64::from(u32::MAX)
}

/// The finalizer of the SplitMix64 generator.
fn mix(seed: u64) -> u64 {
    let mut bits = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// A seed for one instrument.
pub(super) fn instrument_seed(seed: u64, con_id: i32) -> u64 {
    mix(seed ^ (u64::from(con_id.unsigned_abs()) << 20)) >> 8
}
