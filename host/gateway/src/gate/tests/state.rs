//! What is remembered from one order to the next.

use proptest::prelude::*;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use super::market::*;
use crate::gate::state::{Halt, HaltSource, Halts, Missing, Peaks, Rates, Rejections, TokenError};
use crate::gate::*;
use crate::model::OrderType;

const ZONE: &str = "America/New_York";

fn order(quantity: &str) -> Proposal {
    place(contract(STOCK), buy(n(quantity), OrderType::Market))
}

proptest! {
    #[test]
    fn within_any_minute_no_more_are_sent_than_allowed(
        gaps in prop::collection::vec(0_i64..30_000, 1..60),
        limit in 1_u32..8,
    ) {
        let config = with(Rules { orders_per_minute: Some(limit), ..Rules::default() });
        let mut state = GateState::default();
        let mut now = NOW;
        let mut sent: Vec<OffsetDateTime> = Vec::new();
        for gap in gaps {
            now += Duration::milliseconds(gap);
            let mut situation = situation();
            situation.now = now;
            let order = order("1");
            state.fill(&config, &order, &mut situation);
            let minute = sent.iter().filter(|at| now - **at < Duration::MINUTE).count();
            let fits = minute < limit as usize;
            let verdict = judge(&config, &order, &situation);
            prop_assert_eq!(verdict.allowed, fits);
            if fits {
                state.admit(&config, &order, now);
                sent.push(now);
            }
        }
    }
}

#[test]
fn a_day_is_one_of_the_configured_zone() {
    let mut rates = Rates::default();
    let late = datetime!(2026-11-24 04:59:59 UTC);
    let midnight = datetime!(2026-11-24 05:00 UTC);
    rates.record(3, ZONE, late);
    assert_eq!(rates.counts(ZONE, late).today, 3);
    assert_eq!(rates.counts(ZONE, midnight).today, 0);
    assert_eq!(rates.counts(ZONE, midnight).last_minute, 3);
    rates.record(1, ZONE, midnight);
    assert_eq!(rates.counts(ZONE, midnight).today, 1);
    // A clock that is put back does not give the day anew.
    assert_eq!(rates.counts(ZONE, late).today, 1);
    rates.record(1, ZONE, late);
    assert_eq!(rates.counts(ZONE, midnight).today, 2);
}

#[test]
fn orders_that_differ_in_their_reference_are_duplicates() {
    let config = with(Rules {
        duplicate_seconds: Some(10),
        ..Rules::default()
    });
    let mut state = GateState::default();
    let first = order("1");
    state.admit(&config, &first, NOW);
    let mut again = first.clone();
    if let Request::Place(orders) = &mut again.request {
        orders[0].order.reference = Some("again".into());
    }
    let judged = |order: &Proposal, state: &GateState| {
        let mut situation = situation();
        situation.now = NOW + Duration::SECOND;
        state.fill(&config, order, &mut situation);
        judge(&config, order, &situation).allowed
    };
    assert!(!judged(&again, &state));
    assert!(judged(&order("2"), &state));
    assert!(judged(&again, &GateState::default()));
}

#[test]
fn rejections_in_a_row_make_a_pause() {
    let rules = Rules {
        max_rejections: Some(3),
        rejection_pause_seconds: 60,
        ..Rules::default()
    };
    let mut row = Rejections::default();
    row.rejected(NOW);
    row.rejected(NOW);
    assert_eq!(row.pause(&rules, NOW), None);
    row.accepted();
    row.rejected(NOW);
    row.rejected(NOW);
    assert_eq!(row.pause(&rules, NOW), None);
    row.rejected(NOW);
    let pause = row.pause(&rules, NOW).unwrap();
    assert_eq!(pause.until, NOW + Duration::MINUTE);
    assert_eq!(pause.rejections, 3);
    let later = NOW + Duration::MINUTE;
    assert!(row.pause(&rules, later - Duration::NANOSECOND).is_some());
    assert_eq!(row.pause(&rules, later), None);
    // After it, one more is enough.
    row.rejected(later);
    assert!(row.pause(&rules, later).is_some());
    row.accepted();
    assert_eq!(row.pause(&rules, later), None);
    assert_eq!(row.pause(&Rules::default(), later), None);
}

fn halt(source: HaltSource, since: OffsetDateTime) -> Halt {
    Halt {
        source,
        who: "who".into(),
        why: "why".into(),
        since,
    }
}

#[test]
fn only_an_operator_lifts_a_halt() {
    let mut halts = Halts::default();
    assert!(halts.set(halt(HaltSource::Loss, NOW)));
    assert!(!halts.set(halt(HaltSource::Loss, NOW + Duration::DAY)));
    assert!(halts.set(halt(HaltSource::File, NOW - Duration::DAY)));
    assert_eq!(halts.current().unwrap().source, HaltSource::File);
    assert!(halts.lift(Some("/etc/halt")).is_err());
    assert_eq!(halts.all().count(), 2);
    assert_eq!(halts.lift(None).unwrap().len(), 2);
    assert_eq!(halts.current(), None);
}

#[test]
fn the_best_of_a_day_is_of_that_day() {
    let mut peaks = Peaks::default();
    assert_eq!(peaks.observe(ACCOUNT, n("-5"), ZONE, NOW), n("0"));
    assert_eq!(peaks.observe(ACCOUNT, n("50"), ZONE, NOW), n("50"));
    assert_eq!(peaks.observe(ACCOUNT, n("20"), ZONE, NOW), n("50"));
    assert_eq!(peaks.observe("DU2", n("20"), ZONE, NOW), n("20"));
    let tomorrow = NOW + Duration::DAY;
    assert_eq!(peaks.observe(ACCOUNT, n("20"), ZONE, tomorrow), n("20"));
}

#[test]
fn a_token_lets_one_order_through_once() {
    let mut state = GateState::default();
    let digest = OrderDigest::of(&order("1"));
    let other = OrderDigest::of(&order("2"));
    let token = state.previews.issue(digest, 120, NOW).unwrap();
    assert_eq!(token.len(), 64);
    let second = state.previews.issue(digest, 120, NOW).unwrap();
    assert_ne!(token, second);
    let last = NOW + Duration::seconds(120) - Duration::NANOSECOND;
    let previews = &mut state.previews;
    assert_eq!(previews.redeem("", &digest, NOW), Err(TokenError::Absent));
    let cut = &token[..63];
    assert_eq!(previews.redeem(cut, &digest, NOW), Err(TokenError::Unknown));
    assert_eq!(
        previews.redeem(&token, &other, NOW),
        Err(TokenError::OtherOrder)
    );
    assert_eq!(previews.look(&token, &digest, last), Ok(()));
    assert_eq!(previews.redeem(&token, &digest, last), Ok(()));
    assert_eq!(
        previews.redeem(&token, &digest, last),
        Err(TokenError::Used)
    );
    let over = NOW + Duration::seconds(120);
    assert_eq!(
        previews.redeem(&second, &digest, over),
        Err(TokenError::Expired)
    );
}

#[test]
fn the_snapshot_does_not_hold_the_tokens() {
    let mut state = GateState::default();
    let token = state
        .previews
        .issue(OrderDigest::of(&order("1")), 120, NOW)
        .unwrap();
    let snapshot = serde_json::to_string(&state).unwrap();
    assert!(!snapshot.contains(&token));
    assert!(!format!("{state:?}").contains(&token));
}

#[test]
fn few_tokens_are_kept() {
    let mut state = GateState::default();
    let digest = OrderDigest::of(&order("1"));
    let first = state.previews.issue(digest, 120, NOW).unwrap();
    let mut last = String::new();
    for _ in 0..1_000 {
        last = state.previews.issue(digest, 120, NOW).unwrap();
    }
    let previews = &state.previews;
    assert_eq!(
        previews.look(&first, &digest, NOW),
        Err(TokenError::Unknown)
    );
    assert_eq!(previews.look(&last, &digest, NOW), Ok(()));
}

#[test]
fn an_approval_is_for_one_order_of_one_caller_once() {
    let mut state = GateState::default();
    let (one, other) = (OrderDigest::of(&order("1")), OrderDigest::of(&order("2")));
    let approvals = &mut state.approvals;
    let caller = caller();
    approvals.grant(one, &caller, 60, NOW);
    approvals.grant(one, &caller, 60, NOW);
    assert!(!approvals.take(&other, &caller, NOW));
    let mut stranger = caller.clone();
    stranger.client = "other".into();
    assert!(!approvals.take(&one, &stranger, NOW));
    let mut swapped = caller.clone();
    swapped.digest = "d2".into();
    assert!(!approvals.take(&one, &swapped, NOW));
    // The order comes again in another call.
    let mut again = caller.clone();
    again.call_id = "c2".into();
    assert!(approvals.take(&one, &again, NOW));
    assert!(!approvals.take(&one, &again, NOW));
    approvals.grant(one, &caller, 60, NOW);
    assert!(!approvals.take(&one, &caller, NOW + Duration::MINUTE));
}

#[test]
fn what_is_demanded_is_used_up_together_or_not_at_all() {
    let config = GateConfig {
        preview: Demand::All,
        confirmation: Demand::All,
        ..GateConfig::default()
    };
    let mut state = GateState::default();
    let order = order("1");
    let digest = OrderDigest::of(&order);
    let absent = Err(Missing::Token(TokenError::Absent));
    assert_eq!(state.release(&config, &order, None, NOW), absent);
    let token = state.previews.issue(digest, 120, NOW).unwrap();
    let unconfirmed = Err(Missing::Confirmation);
    assert_eq!(
        state.release(&config, &order, Some(&token), NOW),
        unconfirmed
    );
    state.approvals.grant(digest, &order.caller, 60, NOW);
    assert_eq!(state.release(&config, &order, None, NOW), absent);
    assert_eq!(state.release(&config, &order, Some(&token), NOW), Ok(()));
    let used = Err(Missing::Token(TokenError::Used));
    assert_eq!(state.release(&config, &order, Some(&token), NOW), used);
}

#[test]
fn demands_differ_for_paper_and_live() {
    let config = GateConfig {
        preview: Demand::Live,
        ..GateConfig::default()
    };
    let mut order = order("1");
    let demands = Demands::of(&config, &order);
    assert!(!demands.token && !demands.confirmation);
    order.account = "U1".into();
    let demands = Demands::of(&config, &order);
    assert!(demands.token && demands.confirmation);
    assert!(Demand::All.applies(false) && !Demand::Never.applies(true));
}

#[test]
fn the_state_survives_a_restart() {
    let config = GateConfig::default();
    let mut state = GateState::default();
    let order = order("1");
    let digest = OrderDigest::of(&order);
    state.admit(&config, &order, NOW);
    state.rejections.rejected(NOW);
    state.halts.set(halt(HaltSource::Operator, NOW));
    let token = state.previews.issue(digest, 120, NOW).unwrap();
    state.previews.redeem(&token, &digest, NOW).unwrap();
    state.approvals.grant(digest, &order.caller, 60, NOW);
    state.peaks.observe(ACCOUNT, n("12.50"), ZONE, NOW);
    let snapshot = serde_json::to_string(&state).unwrap();
    let restored: GateState = serde_json::from_str(&snapshot).unwrap();
    assert_eq!(restored, state);
    assert_eq!(
        restored.previews.look(&token, &digest, NOW),
        Err(TokenError::Used)
    );
    assert!(serde_json::from_str::<GateState>("{\"halts\":1}").is_err());
}
