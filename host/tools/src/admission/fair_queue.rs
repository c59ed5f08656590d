//! Who runs and who waits: places that are handed out in turn to clients, and
//! within one client to the call that came first. No clock and no tasks here.

use std::collections::{BTreeMap, VecDeque};

/// Identifies a call that waits.
pub(super) type Ticket = u64;

/// The places of one tool and who waits for them.
#[derive(Debug)]
pub(super) struct FairQueue<T> {
    places: usize,
    bound: usize,
    running: usize,
    waiting: usize,
    next: Ticket,
    clients: BTreeMap<String, VecDeque<(Ticket, T)>>,
    /// The clients with calls that wait, the one whose turn it is first.
    turns: VecDeque<String>,
}

/// What becomes of a call that arrives.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// It has a place.
    Runs,
    /// It waits.
    Waits(Ticket),
    /// As many wait as may.
    Full,
}

impl<T> FairQueue<T> {
    /// So many places, and so many who may wait for one.
    pub(super) fn new(places: usize, bound: usize) -> Self {
        Self {
            places,
            bound,
            running: 0,
            waiting: 0,
            next: 0,
            clients: BTreeMap::new(),
            turns: VecDeque::new(),
        }
    }

    /// Changes the numbers. Whoever runs or waits goes on doing so; more
    /// places go to those who wait.
    pub(super) fn resize(&mut self, places: usize, bound: usize) -> Vec<T> {
        self.places = places;
        self.bound = bound;
        self.hand_out()
    }

    /// A call arrives. `waiter` is kept while it waits.
    pub(super) fn arrive(&mut self, client: &str, waiter: T) -> Arrival {
        // While somebody waits, nobody goes past.
        if self.waiting == 0 && self.running < self.places {
            self.running += 1;
            return Arrival::Runs;
        }
        if self.waiting >= self.bound {
            return Arrival::Full;
        }
        let ticket = self.next;
        self.next += 1;
        self.waiting += 1;
        let calls = self.clients.entry(client.to_owned()).or_default();
        if calls.is_empty() {
            self.turns.push_back(client.to_owned());
        }
        calls.push_back((ticket, waiter));
        Arrival::Waits(ticket)
    }

    /// A call that had a place ends. Answers who has a place now.
    pub(super) fn leave(&mut self) -> Vec<T> {
        self.running = self.running.saturating_sub(1);
        self.hand_out()
    }

    /// A call gives up. If it has a place by now, it gives that back. Answers
    /// who has a place now.
    pub(super) fn give_up(&mut self, client: &str, ticket: Ticket) -> Vec<T> {
        let Some(calls) = self.clients.get_mut(client) else {
            return self.leave();
        };
        let before = calls.len();
        calls.retain(|(waiting, _)| *waiting != ticket);
        if calls.len() == before {
            return self.leave();
        }
        self.waiting -= 1;
        if calls.is_empty() {
            self.clients.remove(client);
            self.turns.retain(|turn| turn != client);
        }
        Vec::new()
    }

    /// How many calls have a place.
    pub(super) fn running(&self) -> usize {
        self.running
    }

    /// How many calls wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Gives the free places to those whose turn it is.
    fn hand_out(&mut self) -> Vec<T> {
        let mut called = Vec::new();
        while self.running < self.places
            && let Some(client) = self.turns.pop_front()
        {
            let Some(calls) = self.clients.get_mut(&client) else {
                continue;
            };
            if let Some((_, waiter)) = calls.pop_front() {
                self.waiting -= 1;
                self.running += 1;
                called.push(waiter);
            }
            if calls.is_empty() {
                self.clients.remove(&client);
            } else {
                self.turns.push_back(client);
            }
        }
        called
    }
}

#[cfg(test)]
mod tests;
