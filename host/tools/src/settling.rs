//! When a file is looked into: not while it is being copied. No clock and no
//! files here: times come from outside.

use std::time::{Duration, Instant, SystemTime};

use crate::files::{Seen, Stamp};

/// How long a file has to look the same before it is read.
const SETTLED: Duration = Duration::from_millis(100);
/// How long a file that does not load may be a copy half-way.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long until such a file is read again.
const RETRY: Duration = Duration::from_millis(500);

/// One file on its way from change to change.
#[derive(Debug)]
pub(crate) struct Settling {
    seen: Seen,
    unchanged_since: Instant,
    phase: Phase,
}

#[derive(Debug, PartialEq, Eq)]
enum Phase {
    /// It has changed and may change further.
    Changing,
    /// It is being read and inspected.
    Inspecting,
    /// It is to be read again.
    Again(Instant),
    /// It is known.
    Known,
}

/// What is to be done after an inspection that found fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The file may be a copy half-way.
    Early,
    /// The file is as it is.
    Final,
}

impl Settling {
    /// A file that has just been seen for the first time.
    pub(crate) fn new(seen: Seen, now: Instant) -> Self {
        let phase = match seen {
            Seen::File(_) => Phase::Changing,
            Seen::Other(_) => Phase::Known,
        };
        Self {
            seen,
            unchanged_since: now,
            phase,
        }
    }

    /// The file looks like this now. Answers whether that is a change.
    pub(crate) fn look(&mut self, seen: &Seen, now: Instant) -> bool {
        if self.seen == *seen {
            return false;
        }
        let inspecting = self.phase == Phase::Inspecting;
        *self = Self::new(seen.clone(), now);
        // One at a time: what comes of that inspection will not be taken.
        if inspecting {
            self.phase = Phase::Inspecting;
        }
        true
    }

    /// Begins an inspection if it is time for one. Answers how the file looks.
    pub(crate) fn begin(&mut self, now: Instant) -> Option<Stamp> {
        if self.wake().is_none_or(|at| now < at) {
            return None;
        }
        self.begin_at_once()
    }

    /// Begins an inspection without waiting for a second look.
    pub(crate) fn begin_at_once(&mut self) -> Option<Stamp> {
        let Seen::File(stamp) = self.seen else {
            return None;
        };
        self.phase = Phase::Inspecting;
        Some(stamp)
    }

    /// Ends the inspection of a file that looked like this. Answers whether
    /// the file still does; if not, the inspection says nothing.
    pub(crate) fn end(&mut self, stamp: Stamp) -> bool {
        let valid = self.seen == Seen::File(stamp);
        self.phase = match self.seen {
            Seen::File(_) if !valid => Phase::Changing,
            _ => Phase::Known,
        };
        valid
    }

    /// Has the file read again if it changed a moment ago, or in the future.
    pub(crate) fn doubt_if_young(&mut self, clock: SystemTime, now: Instant) {
        let Seen::File(stamp) = self.seen else {
            return;
        };
        let age = clock.duration_since(stamp.modified);
        if self.phase == Phase::Known && !age.is_ok_and(|age| age >= PATIENCE) {
            self.changed(now);
        }
    }

    /// The file changed while it was read.
    pub(crate) fn changed(&mut self, now: Instant) {
        self.unchanged_since = now;
        self.phase = Phase::Changing;
    }

    /// The inspection found fault. A `passing` fault may go without a change
    /// of the file.
    pub(crate) fn fault(&mut self, passing: bool, now: Instant) -> Fault {
        let over = self.unchanged_since + PATIENCE;
        if now < over {
            self.phase = Phase::Again((now + RETRY).min(over));
            return Fault::Early;
        }
        if passing {
            self.phase = Phase::Again(now + PATIENCE);
        }
        Fault::Final
    }

    /// When it is time for an inspection, if one is to come.
    pub(crate) fn wake(&self) -> Option<Instant> {
        match self.phase {
            Phase::Changing => Some(self.unchanged_since + SETTLED),
            Phase::Again(at) => Some(at),
            Phase::Inspecting | Phase::Known => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(length: u64) -> Stamp {
        Stamp {
            length,
            modified: SystemTime::UNIX_EPOCH,
            inode: (1, 1),
        }
    }

    fn file(length: u64) -> Seen {
        Seen::File(stamp(length))
    }

    fn after(start: Instant, milliseconds: u64) -> Instant {
        start + Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_file_is_read_when_two_looks_agree() {
        let start = Instant::now();
        let mut settling = Settling::new(file(1), start);
        assert_eq!(settling.begin(after(start, 99)), None);
        assert!(settling.look(&file(2), after(start, 99)));
        assert_eq!(settling.begin(after(start, 150)), None);
        assert_eq!(settling.wake(), Some(after(start, 199)));
        assert!(!settling.look(&file(2), after(start, 199)));
        assert_eq!(settling.begin(after(start, 199)), Some(stamp(2)));
        // Once is enough.
        assert_eq!(settling.begin(after(start, 500)), None);
        assert!(settling.end(stamp(2)));
        assert_eq!(settling.wake(), None);
    }

    #[test]
    fn what_changes_while_it_is_inspected_is_inspected_anew() {
        let start = Instant::now();
        let mut settling = Settling::new(file(1), start);
        assert!(settling.begin(after(start, 100)).is_some());
        assert!(settling.look(&file(2), after(start, 150)));
        assert_eq!(settling.begin(after(start, 1000)), None, "one at a time");
        assert!(!settling.end(stamp(1)));
        assert_eq!(settling.begin(after(start, 1000)), Some(stamp(2)));
    }

    #[test]
    fn a_file_that_does_not_load_is_waited_for() {
        let start = Instant::now();
        let mut settling = Settling::new(file(1), start);
        let mut now = after(start, 100);
        let mut tries = 0;
        loop {
            assert!(settling.begin(now).is_some());
            assert!(settling.end(stamp(1)));
            tries += 1;
            if settling.fault(false, now) == Fault::Final {
                break;
            }
            now = settling.wake().unwrap_or(now);
        }
        assert_eq!(now, after(start, 2000));
        assert_eq!(tries, 5);
        assert_eq!(settling.wake(), None);
        // Another content begins from the start.
        assert!(settling.look(&file(2), after(start, 9000)));
        assert!(settling.begin(after(start, 9100)).is_some());
        assert!(settling.end(stamp(2)));
        assert_eq!(settling.fault(false, after(start, 9200)), Fault::Early);
    }

    #[test]
    fn a_passing_fault_is_looked_at_again() {
        let start = Instant::now();
        let mut settling = Settling::new(file(1), start);
        assert!(settling.begin(after(start, 5000)).is_some());
        assert!(settling.end(stamp(1)));
        assert_eq!(settling.fault(true, after(start, 5000)), Fault::Final);
        assert_eq!(settling.begin(after(start, 7000)), Some(stamp(1)));
    }

    #[test]
    fn a_young_file_is_read_twice() {
        let start = Instant::now();
        for (age, again) in [(Some(1), true), (Some(60), false), (None, true)] {
            let mut settling = Settling::new(file(1), start);
            assert!(settling.begin_at_once().is_some());
            assert!(settling.end(stamp(1)));
            // A file from the future has no age.
            let clock = match age {
                Some(seconds) => SystemTime::UNIX_EPOCH + Duration::from_secs(seconds),
                None => SystemTime::UNIX_EPOCH - Duration::from_secs(60),
            };
            settling.doubt_if_young(clock, start);
            assert_eq!(settling.wake().is_some(), again, "{age:?}");
        }
    }

    #[test]
    fn what_is_no_file_is_never_read() {
        let start = Instant::now();
        let other = Seen::Other("It is not a file.".to_owned());
        let mut settling = Settling::new(other, start);
        assert_eq!(settling.begin(after(start, 5000)), None);
        assert!(settling.look(&file(1), after(start, 6000)));
        assert_eq!(settling.begin(after(start, 6100)), Some(stamp(1)));
    }

    #[test]
    fn a_file_that_changes_while_it_is_read_settles_again() {
        let start = Instant::now();
        let mut settling = Settling::new(file(1), start);
        assert!(settling.begin(after(start, 100)).is_some());
        assert!(settling.end(stamp(1)));
        settling.changed(after(start, 120));
        assert_eq!(settling.wake(), Some(after(start, 220)));
    }
}
