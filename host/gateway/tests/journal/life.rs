//! Where an order stands after what happened to it.

use sandpit_gateway::journal::{
    About, Acknowledged, Asked, Cancelled, Correction, Event, Found, NotSent, Reconciled, Refused,
    Rejected, RequestKind, RequestOutcome, Seen, Sending, Stage, Standing, Uncertain,
};

use super::support::*;

fn stands(folder: &Folder, about: &About) -> Standing {
    let key = about.order.as_ref().unwrap();
    folder.read().order(key).unwrap().unwrap()
}

fn unfinished(folder: &Folder) -> usize {
    folder.read().unfinished().unwrap().len()
}

#[test]
fn an_order_lives_from_the_asking_to_its_fill() {
    let folder = Folder::new();
    let journal = folder.open();
    let about = begin(&journal, place("10", "101.50"));
    assert_eq!(stands(&folder, &about).stage, Stage::Asked);
    assert_eq!(unfinished(&folder), 0);

    let about = send(&journal, 7);
    let standing = stands(&folder, &about);
    assert_eq!((standing.stage, standing.sent), (Stage::Sent, true));
    assert_eq!(unfinished(&folder), 1);

    let about = acknowledge(&journal, &about, 70);
    assert_eq!(stands(&folder, &about).stage, Stage::Working);
    let events = told(&about);
    append(&journal, &events, Event::Fill(fill("x.01", "4", "101.5")));
    append(&journal, &events, Event::Fill(fill("y.01", "6", "101.4")));
    append(
        &journal,
        &events,
        Event::Commission(commission("x.01", "0.35")),
    );
    append(
        &journal,
        &events,
        Event::Commission(commission("y.01", "0.65")),
    );
    append(&journal, &events, Event::Status(state("Filled", "10", "0")));
    // What comes late does not bring it back.
    append(
        &journal,
        &events,
        Event::Status(state("Submitted", "4", "6")),
    );

    let standing = stands(&folder, &about);
    assert_eq!(standing.stage, Stage::Filled);
    assert_eq!(standing.filled(), n("10"));
    assert_eq!(standing.commissions["USD"].0, n("1.00"));
    assert_eq!(standing.state, Some(state("Filled", "10", "0")));
    assert_eq!(standing.about.perm_id, Some(70));
    assert_eq!(standing.about.account.as_deref(), Some("DU1"));
    assert_eq!(standing.order.unwrap().limit_price, Some(n("101.50")));
    let outcome = &standing.requests[0].outcome;
    assert!(matches!(outcome, RequestOutcome::Acknowledged { .. }));
    assert_eq!(unfinished(&folder), 0);
}

#[test]
fn a_corrected_fill_counts_once_and_a_busted_one_not_at_all() {
    let folder = Folder::new();
    let journal = folder.open();
    let about = told(&send(&journal, 7));
    append(&journal, &about, Event::Fill(fill("x.01", "4", "101.5")));
    append(&journal, &about, Event::Fill(fill("y.01", "6", "101.5")));
    let corrected = Correction {
        exec_id: "x.02".into(),
        fill: Some(fill("x.02", "3", "101.4")),
    };
    append(&journal, &about, Event::Correction(corrected));
    let busted = Correction {
        exec_id: "y.02".into(),
        fill: None,
    };
    append(&journal, &about, Event::Correction(busted));
    let standing = stands(&folder, &about);
    assert_eq!(standing.filled(), n("3"));
    assert_eq!(standing.fills["x"].price, n("101.4"));
}

#[test]
fn an_execution_is_told_once_however_often_tws_tells_it() {
    let folder = Folder::new();
    let journal = folder.open();
    let about = told(&send(&journal, 7));
    let first = append(&journal, &about, Event::Fill(fill("x.01", "4", "101.50")));
    assert!(first.new);
    // Read again after a reconnect, with less precision.
    let mut again = fill("x.01", "4", "101.5");
    again.exchange = "SMART".into();
    let again = append(&journal, &about, Event::Fill(again));
    assert_eq!((again.seq, again.new), (first.seq, false));
    let cost = append(
        &journal,
        &about,
        Event::Commission(commission("x.01", "0.35")),
    );
    assert!(cost.new && cost.seq == first.seq + 1);
    assert!(
        !append(
            &journal,
            &about,
            Event::Commission(commission("x.01", "0.35"))
        )
        .new
    );
    // Another price or another cost is news.
    assert!(append(&journal, &about, Event::Fill(fill("x.01", "4", "102"))).new);
    assert!(
        append(
            &journal,
            &about,
            Event::Commission(commission("x.01", "0.36"))
        )
        .new
    );
    // So is the same id at another gateway.
    let other = About {
        gateway: Some("live".into()),
        ..about.clone()
    };
    assert!(append(&journal, &other, Event::Fill(fill("x.01", "4", "102"))).new);
    assert_eq!(stands(&folder, &about).commissions["USD"].0, n("0.36"));
}

#[test]
fn what_never_reached_tws_is_at_its_end() {
    let folder = Folder::new();
    let journal = folder.open();
    let (of, sentence) = (RequestKind::Place, "why not".to_owned());
    let refused = Refused {
        of,
        by: "max_quantity".into(),
        sentence: sentence.clone(),
    };
    let rejected = Rejected {
        of,
        code: 201,
        text: "margin".into(),
    };
    for (event, stage) in [
        (Event::Refused(refused), Stage::Refused),
        (Event::NotSent(NotSent { of, sentence }), Stage::NotSent),
        (Event::Rejected(rejected), Stage::Rejected),
        (Event::Cancelled(Cancelled::default()), Stage::Cancelled),
    ] {
        let about = send(&journal, 7);
        append(&journal, &about, event);
        assert_eq!(stands(&folder, &about).stage, stage);
        assert_eq!(unfinished(&folder), 0);
    }
}

#[test]
fn a_refused_change_leaves_the_order_as_it_was() {
    let folder = Folder::new();
    let journal = folder.open();
    let placed = acknowledge(&journal, &send(&journal, 7), 70);
    let change = Asked::modify(&caller(), 7, &spy(), &limit("20", "101.50"));
    let about = begin(&journal, change);
    assert_eq!(about.order, placed.order);
    assert_ne!(about.request, placed.request);
    let rejected = Rejected {
        of: RequestKind::Modify,
        code: 201,
        text: "margin".into(),
    };
    append(&journal, &about, Event::Rejected(rejected));
    let standing = stands(&folder, &placed);
    assert_eq!(standing.stage, Stage::Working);
    assert_eq!(standing.order.unwrap().total_quantity, n("10"));
    assert!(matches!(
        standing.requests[1].outcome,
        RequestOutcome::Rejected { code: 201, .. }
    ));
    assert_eq!(unfinished(&folder), 1);
}

#[test]
fn an_uncertain_order_stays_so_until_it_is_looked_up() {
    let folder = Folder::new();
    let journal = folder.open();
    let about = send(&journal, 7);
    let uncertain = Uncertain {
        of: RequestKind::Place,
        sentence: "The socket died.".into(),
    };
    append(&journal, &about, Event::Uncertain(uncertain));
    journal_reopened(&folder, journal, |journal| {
        let waiting = folder.read().unfinished().unwrap();
        assert_eq!(waiting.len(), 1);
        assert_eq!(waiting[0].stage, Stage::Uncertain);
        assert_eq!(waiting[0].open_requests().count(), 1);
        let look = |found, sentence: &str| {
            Event::Reconciled(Reconciled {
                found,
                state: None,
                sentence: sentence.into(),
            })
        };
        let about = told(&about);
        append(journal, &about, look(Found::StillUncertain, "TWS is away."));
        assert_eq!(stands(&folder, &about).open_requests().count(), 1);
        append(journal, &about, look(Found::NeverArrived, "It is nowhere."));
        let standing = stands(&folder, &about);
        assert_eq!(standing.stage, Stage::NeverArrived);
        assert_eq!(standing.open_requests().count(), 0);
        assert_eq!(unfinished(&folder), 0);
        // Only a look-up brings an order back.
        append(journal, &about, look(Found::Working, "There it is."));
        assert_eq!(stands(&folder, &about).stage, Stage::Working);
        assert_eq!(unfinished(&folder), 1);
    });
}

fn journal_reopened(
    folder: &Folder,
    journal: sandpit_gateway::Journal,
    work: impl FnOnce(&sandpit_gateway::Journal),
) {
    drop(journal);
    work(&folder.open());
}

#[test]
fn an_uncertain_cancel_does_not_make_the_order_uncertain() {
    let folder = Folder::new();
    let journal = folder.open();
    acknowledge(&journal, &send(&journal, 7), 70);
    let about = begin(&journal, Asked::cancel(&caller(), 7));
    append(&journal, &about, Event::Sending(Sending::cancel()));
    let uncertain = Uncertain {
        of: RequestKind::Cancel,
        sentence: "No word came.".into(),
    };
    append(&journal, &about, Event::Uncertain(uncertain));
    let standing = stands(&folder, &about);
    assert_eq!(standing.stage, Stage::Working);
    assert_eq!(standing.open_requests().count(), 1);
}

#[test]
fn an_order_of_somebody_else_is_followed_once_it_is_seen() {
    let folder = Folder::new();
    let journal = folder.open();
    let about = About {
        order: Some(sandpit_gateway::journal::OrderKey::random()),
        client_id: Some(0),
        perm_id: Some(99),
        ..About::gateway("paper")
    };
    let seen = Seen {
        contract: (&spy()).into(),
        order: (&limit("5", "99")).into(),
        state: state("Submitted", "0", "5"),
    };
    append(&journal, &about, Event::Seen(seen));
    assert_eq!(stands(&folder, &about).stage, Stage::Working);
    assert_eq!(unfinished(&folder), 1);
    let key = folder.read().key_of_perm_id(Some("paper"), 99).unwrap();
    assert_eq!(key, about.order);
    append(
        &journal,
        &about,
        Event::Status(state("Cancelled", "0", "5")),
    );
    assert_eq!(stands(&folder, &about).stage, Stage::Cancelled);
    assert_eq!(unfinished(&folder), 0);
}

#[test]
fn what_the_host_was_at_when_it_stopped_was_never_sent() {
    let folder = Folder::new();
    let journal = folder.open();
    send(&journal, 7);
    let about = begin(&journal, place("1", "1"));
    let cancel = begin(&journal, Asked::cancel(&caller(), 55));
    journal_reopened(&folder, journal, |journal| {
        let told = folder.read().never_sent().unwrap();
        let requests: Vec<_> = told.iter().map(|told| told.request.id).collect();
        assert_eq!(requests, [about.request.unwrap(), cancel.request.unwrap()]);
        for (about, of) in [(about, RequestKind::Place), (cancel, RequestKind::Cancel)] {
            let sentence = "The host stopped.".to_owned();
            append(journal, &about, Event::NotSent(NotSent { of, sentence }));
        }
        assert_eq!(folder.read().never_sent().unwrap(), []);
        assert_eq!(unfinished(&folder), 1);
    });
}

#[test]
fn rows_come_back_as_they_went_in() {
    let folder = Folder::new();
    let journal = folder.open();
    let about = send(&journal, 7);
    let event = Event::Acknowledged(Acknowledged {
        of: RequestKind::Place,
        state: state("PreSubmitted", "0.000", "10"),
    });
    let appended = append(&journal, &about, event.clone());
    let rows = all(&folder.read());
    let row = rows.last().unwrap();
    assert_eq!(row.seq, appended.seq);
    assert_eq!((row.time, &row.about, &row.event), (NOON, &about, &event));
    let text = serde_json::to_string(&row.event).unwrap();
    assert!(text.contains(r#""filled":"0.000""#), "{text}");
}

#[test]
fn what_comes_late_undoes_nothing() {
    let folder = Folder::new();
    let journal = folder.open();
    let about = told(&acknowledge(&journal, &send(&journal, 7), 70));
    append(
        &journal,
        &about,
        Event::Status(state("Submitted", "6", "4")),
    );
    append(
        &journal,
        &about,
        Event::Status(state("Submitted", "2", "8")),
    );
    let standing = stands(&folder, &about);
    assert_eq!(standing.state, Some(state("Submitted", "6", "4")));
    append(&journal, &about, Event::Status(state("Filled", "10", "0")));
    append(
        &journal,
        &about,
        Event::Status(state("Cancelled", "6", "4")),
    );
    assert_eq!(stands(&folder, &about).stage, Stage::Filled);
}

#[test]
fn a_word_of_tws_answers_what_was_open() {
    let folder = Folder::new();
    let journal = folder.open();
    let about = send(&journal, 7);
    append(
        &journal,
        &told(&about),
        Event::Status(state("Submitted", "0", "10")),
    );
    // It was written a moment too late.
    let uncertain = |of| {
        Event::Uncertain(Uncertain {
            of,
            sentence: "No word came.".into(),
        })
    };
    append(&journal, &about, uncertain(RequestKind::Place));
    let standing = stands(&folder, &about);
    assert_eq!(standing.stage, Stage::Working);
    assert_eq!(standing.open_requests().count(), 0);
    // A cancel is answered by the order's end.
    let cancel = begin(&journal, Asked::cancel(&caller(), 7));
    append(&journal, &cancel, Event::Sending(Sending::cancel()));
    append(&journal, &cancel, uncertain(RequestKind::Cancel));
    assert_eq!(stands(&folder, &about).open_requests().count(), 1);
    append(
        &journal,
        &told(&about),
        Event::Status(state("Cancelled", "0", "10")),
    );
    let standing = stands(&folder, &about);
    assert_eq!(standing.stage, Stage::Cancelled);
    assert_eq!(standing.open_requests().count(), 0);
}

#[test]
fn orders_are_found_by_their_ids() {
    let folder = Folder::new();
    let journal = folder.open();
    let about = acknowledge(&journal, &send(&journal, 7), 70);
    send(&journal, 9);
    let reader = folder.read();
    let gateway = about.gateway.as_deref();
    let client_id = about.client_id.unwrap();
    assert_eq!(
        reader.highest_order_id(gateway, client_id).unwrap(),
        Some(9)
    );
    assert_eq!(reader.highest_order_id(gateway, 99).unwrap(), None);
    assert_eq!(reader.unfinished_of(gateway, client_id).unwrap().len(), 2);
    assert_eq!(reader.unfinished_of(Some("other"), client_id).unwrap(), []);
    let ids = reader
        .ids_of(about.order.as_ref().unwrap())
        .unwrap()
        .unwrap();
    assert_eq!((ids.order_id, ids.perm_id), (Some(7), Some(70)));
    let gone = Event::Reconciled(Reconciled {
        found: Found::Gone,
        state: None,
        sentence: "TWS lists it nowhere.".into(),
    });
    append(&journal, &told(&about), gone);
    assert_eq!(stands(&folder, &about).stage, Stage::Gone);
    assert_eq!(reader.unfinished_of(gateway, client_id).unwrap().len(), 1);
}
