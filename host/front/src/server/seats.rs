//! How many connections there are, in all and from each address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The places for connections. Clones share them.
#[derive(Clone)]
pub(super) struct Seats {
    most: usize,
    most_per_address: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// All are taken.
    All,
    /// The client's address has as many as it may have.
    Address,
}

impl Seats {
    /// So many in all, and so many for one address.
    pub(super) fn new(most: usize, most_per_address: usize) -> Self {
        Self {
            most,
            most_per_address,
            taken: Arc::default(),
        }
    }

    /// A place for a connection from this address, until it is dropped.
    pub(super) fn take(&self, peer: IpAddr) -> Result<Seat, Full> {
        let address = shared_part(peer);
        let mut taken = self.taken();
        if taken.all >= self.most {
            return Err(Full::All);
        }
        let theirs = taken.by_address.get(&address).copied().unwrap_or_default();
        if theirs >= self.most_per_address {
            return Err(Full::Address);
        }
        taken.all += 1;
        taken.by_address.insert(address, theirs + 1);
        Ok(Seat {
            seats: self.clone(),
            address,
        })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place that is taken.
pub(super) struct Seat {
    seats: Seats,
    address: IpAddr,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken();
        taken.all = taken.all.saturating_sub(1);
        if let Some(theirs) = taken.by_address.get_mut(&self.address) {
            *theirs = theirs.saturating_sub(1);
            if *theirs == 0 {
                taken.by_address.remove(&self.address);
            }
        }
    }
}

/// What addresses of one client have in common: a network of IPv6 has more
/// addresses than can be counted one by one.
fn shared_part(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
        address => address,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_its_share_and_others_the_rest() {
        let seats = Seats::new(3, 2);
        let first = seats.take(ip("192.0.2.1")).unwrap();
        let _second = seats.take(ip("::ffff:192.0.2.1")).unwrap();
        assert_eq!(seats.take(ip("192.0.2.1")).err(), Some(Full::Address));
        let _third = seats.take(ip("192.0.2.2")).unwrap();
        assert_eq!(seats.take(ip("192.0.2.3")).err(), Some(Full::All));
        drop(first);
        assert!(seats.take(ip("192.0.2.1")).is_ok());
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one() {
        let seats = Seats::new(10, 1);
        let _seat = seats.take(ip("2001:db8::1")).unwrap();
        let neighbour = seats.take(ip("2001:db8::ffff:1"));
        assert_eq!(neighbour.err(), Some(Full::Address));
        assert!(seats.take(ip("2001:db8:0:1::1")).is_ok());
    }

    #[test]
    fn nothing_is_kept_of_addresses_that_left() {
        let seats = Seats::new(10, 1);
        drop(seats.take(ip("192.0.2.1")));
        let taken = seats.taken();
        assert!(taken.by_address.is_empty() && taken.all == 0);
    }
}
