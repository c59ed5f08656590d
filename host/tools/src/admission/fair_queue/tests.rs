//! The queue against a plain model of what it promises.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// No call has a place now that had none before.
const NOBODY: [u32; 0] = [];

/// Lets a call arrive that has to wait.
fn waits(queue: &mut FairQueue<u32>, client: &str, call: u32) -> Ticket {
    match queue.arrive(client, call) {
        Arrival::Waits(ticket) => ticket,
        other => unreachable!("it should wait, not {other:?}"),
    }
}

#[test]
fn clients_take_turns_and_their_calls_keep_their_order() {
    let mut queue = FairQueue::new(1, 100);
    assert_eq!(queue.arrive("a", 0), Arrival::Runs);
    for call in 1..=3 {
        waits(&mut queue, "a", call);
    }
    waits(&mut queue, "b", 10);
    waits(&mut queue, "c", 20);
    waits(&mut queue, "b", 11);
    let order: Vec<_> = (0..6).flat_map(|_| queue.leave()).collect();
    assert_eq!(order, [1, 10, 20, 2, 11, 3]);
    assert_eq!((queue.running(), queue.waiting()), (1, 0));
    assert_eq!(queue.leave(), NOBODY);
    assert_eq!(queue.running(), 0);
}

#[test]
fn the_queue_is_bounded() {
    let mut queue = FairQueue::new(1, 1);
    assert_eq!(queue.arrive("a", 0), Arrival::Runs);
    waits(&mut queue, "a", 1);
    assert_eq!(queue.arrive("b", 2), Arrival::Full);
    assert_eq!(queue.leave(), [1]);
    waits(&mut queue, "b", 2);
}

#[test]
fn who_gives_up_frees_its_place() {
    let mut queue = FairQueue::new(1, 2);
    assert_eq!(queue.arrive("a", 0), Arrival::Runs);
    let first = waits(&mut queue, "a", 1);
    let second = waits(&mut queue, "a", 2);
    assert_eq!(queue.arrive("a", 3), Arrival::Full);
    assert_eq!(queue.give_up("a", first), NOBODY);
    assert_eq!(queue.waiting(), 1);
    // The second one is called just when it gives up.
    assert_eq!(queue.leave(), [2]);
    let third = waits(&mut queue, "b", 4);
    assert_eq!(queue.give_up("a", second), [4]);
    assert_eq!(queue.give_up("b", third), NOBODY);
    assert_eq!((queue.running(), queue.waiting()), (0, 0));
    assert!(queue.clients.is_empty() && queue.turns.is_empty());
}

#[test]
fn more_places_go_to_those_who_wait_and_fewer_take_none_away() {
    let mut queue = FairQueue::new(1, 10);
    assert_eq!(queue.arrive("a", 0), Arrival::Runs);
    for call in 1..=3 {
        waits(&mut queue, "a", call);
    }
    assert_eq!(queue.resize(3, 10), [1, 2]);
    assert_eq!(queue.resize(1, 0), NOBODY);
    assert_eq!(queue.running(), 3);
    assert_eq!(queue.arrive("b", 4), Arrival::Full);
    assert_eq!((queue.leave(), queue.leave()), (vec![], vec![]));
    assert_eq!(queue.leave(), [3]);
}

/// What can happen to a queue.
#[derive(Debug, Clone)]
enum Step {
    Arrive(usize),
    Leave,
    GiveUp(usize),
    Resize(usize, usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..4_usize).prop_map(Step::Arrive),
        2 => Just(Step::Leave),
        1 => (0..20_usize).prop_map(Step::GiveUp),
        1 => (1..4_usize, 0..8_usize).prop_map(|(places, bound)| Step::Resize(places, bound)),
    ];
    vec(step, 0..200)
}

const CLIENTS: [&str; 4] = ["a", "b", "c", "d"];

proptest! {
    #[test]
    fn it_keeps_its_promises(steps in steps()) {
        let (mut places, mut bound) = (2, 4);
        let mut queue: FairQueue<usize> = FairQueue::new(places, bound);
        let mut running: BTreeSet<usize> = BTreeSet::new();
        let mut waiting: Vec<(usize, &str, Ticket)> = Vec::new();
        for (call, step) in steps.into_iter().enumerate() {
            let called = match step {
                Step::Arrive(client) => {
                    let client = *CLIENTS.get(client).unwrap();
                    match queue.arrive(client, call) {
                        Arrival::Runs => {
                            prop_assert!(waiting.is_empty() && running.len() < places);
                            running.insert(call);
                        }
                        Arrival::Waits(ticket) => {
                            prop_assert!(waiting.len() < bound);
                            prop_assert!(running.len() >= places || !waiting.is_empty());
                            waiting.push((call, client, ticket));
                        }
                        Arrival::Full => prop_assert!(waiting.len() >= bound),
                    }
                    Vec::new()
                }
                Step::Leave => match running.pop_first() {
                    Some(_) => queue.leave(),
                    None => Vec::new(),
                },
                Step::GiveUp(which) => {
                    if which < waiting.len() {
                        let (_, client, ticket) = waiting.remove(which);
                        queue.give_up(client, ticket)
                    } else {
                        Vec::new()
                    }
                }
                Step::Resize(more, further) => {
                    (places, bound) = (more, further);
                    queue.resize(places, bound)
                }
            };
            for call in called {
                // Every client's calls are called in the order of their arrival.
                let place = waiting.iter().position(|(waiting, ..)| *waiting == call).unwrap();
                let (_, client, _) = waiting.remove(place);
                prop_assert!(waiting.iter().all(|(other, of, _)| *of != client || *other > call));
                running.insert(call);
                prop_assert!(running.len() <= places);
            }
            prop_assert_eq!(queue.running(), running.len());
            prop_assert_eq!(queue.waiting(), waiting.len());
            // Nobody waits while there is a place.
            prop_assert!(waiting.is_empty() || running.len() >= places);
        }
        // Everybody who waits is called in the end.
        while running.pop_first().is_some() {
            for call in queue.leave() {
                waiting.retain(|(waiting, ..)| *waiting != call);
                running.insert(call);
            }
        }
        prop_assert!(waiting.is_empty());
        prop_assert!(queue.clients.is_empty() && queue.turns.is_empty());
    }

    #[test]
    fn nobody_starves(crowd in 1..50_usize, others in 1..4_usize) {
        let mut queue: FairQueue<usize> = FairQueue::new(1, 1_000);
        prop_assert_eq!(queue.arrive("crowd", 0), Arrival::Runs);
        for _ in 0..crowd {
            queue.arrive("crowd", 0);
        }
        for (number, client) in CLIENTS.into_iter().take(others).enumerate() {
            queue.arrive(client, number + 1);
        }
        // However many calls one client has waiting, and however many it adds,
        // each of the others is called within one round.
        let mut called = Vec::new();
        for _ in 0..=others {
            called.extend(queue.leave());
            queue.arrive("crowd", 0);
        }
        for number in 1..=others {
            prop_assert!(called.contains(&number), "{called:?}");
        }
    }
}
