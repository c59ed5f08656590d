//! TWS's own links, as far as data goes: to IBKR's servers, and to the farms
//! that quotes and bars come from. The socket stays while they come and go.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use time::OffsetDateTime;
use tokio::sync::watch;

/// A farm that sent something after this time has told of itself that it works.
pub(crate) const FARM_SETTLES: time::Duration = time::Duration::seconds(5);

/// When TWS was last known to be alive: what it has not changed by then still
/// holds.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    /// The latest sign of life, in milliseconds since 1970.
    latest: AtomicI64,
    beats: AtomicU64,
}

impl Pulse {
    /// TWS has sent something.
    pub(crate) fn beat(&self, now: OffsetDateTime) {
        let millis = i64::try_from(now.unix_timestamp_nanos() / 1_000_000).unwrap_or(0);
        self.latest.fetch_max(millis, Ordering::Relaxed);
        self.beats.fetch_add(1, Ordering::Relaxed);
    }

    /// The latest sign of life.
    pub(crate) fn latest(&self) -> Option<OffsetDateTime> {
        let millis = match self.latest.load(Ordering::Relaxed) {
            0 => return None,
            millis => i128::from(millis),
        };
        OffsetDateTime::from_unix_timestamp_nanos(millis * 1_000_000).ok()
    }

    /// How often TWS has sent something.
    pub(crate) fn beats(&self) -> u64 {
        self.beats.load(Ordering::Relaxed)
    }
}

/// How the links stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FarmState {
    /// Since when TWS has been cut off from IBKR.
    pub(crate) cut_off: Option<OffsetDateTime>,
    /// The broken farms for market data, and since when.
    market_data: BTreeMap<String, OffsetDateTime>,
    /// The broken farms for history.
    history: BTreeMap<String, OffsetDateTime>,
}

impl FarmState {
    /// Since when a farm for market data has been broken.
    pub(crate) fn without_market_data(&self) -> Option<OffsetDateTime> {
        self.market_data.values().min().copied()
    }

    /// Since when a farm for history has been broken.
    pub(crate) fn without_history(&self) -> Option<OffsetDateTime> {
        self.history.values().min().copied()
    }

    fn hear(&mut self, code: i32, text: &str, now: OffsetDateTime) {
        match code {
            1100 | 2110 => {
                self.cut_off.get_or_insert(now);
            }
            1101 | 1102 => self.cut_off = None,
            2103 => {
                self.market_data.entry(farm(text)).or_insert(now);
            }
            2105 => {
                self.history.entry(farm(text)).or_insert(now);
            }
            // A farm that is idle comes back when it is asked.
            2104 | 2108 => forget(&mut self.market_data, text),
            2106 | 2107 => forget(&mut self.history, text),
            _ => {}
        }
    }
}

/// The name at the end of TWS's text: `usfarm` for `… is broken:usfarm.nj`. The
/// places of one farm stand in for each other.
fn farm(text: &str) -> String {
    let text = text.trim();
    let name = text.rsplit_once(':').map_or_else(
        // `… upon demand.usfarm` when it is idle.
        || text.split_once("demand.").map_or("", |(_, name)| name),
        |(_, name)| name,
    );
    let name = name.split('.').next().unwrap_or_default();
    name.trim().to_ascii_lowercase()
}

fn forget(farms: &mut BTreeMap<String, OffsetDateTime>, text: &str) {
    farms.remove(&farm(text));
}

/// Follows what TWS says of its links on one connection.
#[derive(Debug, Default)]
pub(crate) struct Farms(watch::Sender<FarmState>);

impl Farms {
    /// Takes in a message without a request.
    pub(crate) fn hear(&self, code: i32, text: &str, now: OffsetDateTime) {
        self.0.send_if_modified(|state| {
            let before = state.clone();
            state.hear(code, text, now);
            *state != before
        });
    }

    /// How they stand, and every change of it.
    pub(crate) fn watch(&self) -> watch::Receiver<FarmState> {
        self.0.subscribe()
    }

    /// The links as they are now.
    pub(crate) fn now(&self) -> FarmState {
        self.0.borrow().clone()
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-22 15:00 UTC);
    const LATER: OffsetDateTime = datetime!(2026-11-22 15:05 UTC);

    #[test]
    fn a_farm_is_broken_until_it_is_back() {
        let mut state = FarmState::default();
        let broken = "Market data farm connection is broken:usfarm";
        state.hear(2103, broken, NOW);
        state.hear(2103, broken, LATER);
        assert_eq!(state.without_market_data(), Some(NOW));
        assert_eq!((state.without_history(), state.cut_off), (None, None));
        state.hear(2104, "Market data farm connection is OK:eufarm", LATER);
        assert_eq!(state.without_market_data(), Some(NOW));
        state.hear(2104, "Market data farm connection is OK:usfarm.nj", LATER);
        assert_eq!(state, FarmState::default());
    }

    #[test]
    fn an_idle_farm_is_not_broken() {
        let mut state = FarmState::default();
        state.hear(2105, "HMDS data farm connection is broken:ushmds", NOW);
        assert_eq!(state.without_history(), Some(NOW));
        let idle =
            "HMDS data farm connection is inactive but should be available upon demand.ushmds";
        state.hear(2107, idle, LATER);
        assert_eq!(state, FarmState::default());
    }

    #[test]
    fn being_cut_off_ends_with_or_without_the_subscriptions() {
        for restored in [1101, 1102] {
            let mut state = FarmState::default();
            state.hear(1100, "lost", NOW);
            state.hear(2110, "broken", LATER);
            assert_eq!(state.cut_off, Some(NOW));
            state.hear(restored, "restored", LATER);
            assert_eq!(state.cut_off, None);
        }
    }

    #[test]
    fn only_what_changes_wakes_who_watches() {
        let farms = Farms::default();
        let mut watching = farms.watch();
        farms.hear(2158, "Sec-def data farm connection is OK:secdefnj", NOW);
        farms.hear(1102, "restored", NOW);
        assert_eq!(watching.has_changed().ok(), Some(false));
        farms.hear(1100, "lost", NOW);
        assert_eq!(watching.has_changed().ok(), Some(true));
        assert_eq!(watching.borrow_and_update().cut_off, Some(NOW));
    }

    #[test]
    fn the_pulse_goes_only_forward() {
        let pulse = Pulse::default();
        assert_eq!(pulse.latest(), None);
        pulse.beat(LATER);
        pulse.beat(NOW);
        assert_eq!(pulse.latest(), Some(LATER));
    }
}
