//! What all tests share.

use std::path::PathBuf;

use rust_decimal::Decimal;
use sandpit_gateway::journal::{
    About, Acknowledged, Appended, Asked, Begun, CommissionRecord, Event, FillRecord, Journal,
    Note, Options, Reader, RequestKind, Row, Sending, StateRecord, Verdict,
};
use sandpit_gateway::model::{Action, Caller, Contract, Order, OrderType};
use time::OffsetDateTime;
use time::macros::datetime;

pub const NOON: OffsetDateTime = datetime!(2026-11-23 12:00:00.123456789 UTC);

/// A folder with a journal in it.
pub struct Folder {
    folder: tempfile::TempDir,
}

impl Folder {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn journal(&self) -> PathBuf {
        self.file("journal.db")
    }

    pub fn head(&self) -> PathBuf {
        self.file("journal.db.head")
    }

    pub fn open(&self) -> Journal {
        Journal::open(self.journal(), Options::default()).unwrap()
    }

    pub fn read(&self) -> Reader {
        Reader::open(self.journal()).unwrap()
    }

    /// A connection of somebody who meddles.
    pub fn meddle(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.journal()).unwrap()
    }
}

pub fn caller() -> Caller {
    Caller {
        tool: "ibkr_place_order".into(),
        digest: "sha256:0".into(),
        client: "agent".into(),
        call_id: "c1".into(),
    }
}

pub fn n(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub fn limit(quantity: &str, price: &str) -> Order {
    Order::new(Action::Buy, n(quantity), OrderType::Limit(n(price)))
}

pub fn spy() -> Contract {
    Contract::us_stock("SPY")
}

pub fn place(quantity: &str, price: &str) -> Asked {
    Asked::place(&caller(), &spy(), &limit(quantity, price))
}

pub fn note(text: &str) -> Event {
    Event::Note(Note {
        who: "test".into(),
        text: text.into(),
    })
}

pub fn state(status: &str, filled: &str, remaining: &str) -> StateRecord {
    StateRecord {
        status: status.into(),
        filled: n(filled),
        remaining: n(remaining),
        avg_fill_price: None,
        last_fill_price: None,
        why_held: None,
        warnings: Vec::new(),
    }
}

pub fn fill(exec_id: &str, shares: &str, price: &str) -> FillRecord {
    FillRecord {
        exec_id: exec_id.into(),
        account: "DU1".into(),
        contract: (&spy()).into(),
        side: "BOT".into(),
        shares: n(shares),
        price: n(price),
        time: NOON,
        exchange: "ARCA".into(),
        cum_qty: n(shares),
        avg_price: None,
        order_ref: None,
    }
}

pub fn commission(exec_id: &str, amount: &str) -> CommissionRecord {
    CommissionRecord {
        exec_id: exec_id.into(),
        amount: n(amount),
        currency: "USD".into(),
        realized_pnl: None,
    }
}

/// What an order is about, once it is begun.
pub fn begin(journal: &Journal, asked: Asked) -> About {
    let about = About {
        client_id: Some(1),
        ..About::gateway("paper")
    };
    match journal.begin(NOON, about, asked).wait().unwrap() {
        Begun::New { about } => about,
        other => panic!("not new: {other:?}"),
    }
}

pub fn append(journal: &Journal, about: &About, event: Event) -> Appended {
    journal.append(NOON, about.clone(), event).wait().unwrap()
}

pub fn sending() -> Event {
    Event::Sending(Sending::order(
        RequestKind::Place,
        &spy(),
        &limit("10", "101.50"),
    ))
}

/// A new order that was sent under this id.
pub fn send(journal: &Journal, order_id: i32) -> About {
    let about = About {
        order_id: Some(order_id),
        account: Some("DU1".into()),
        ..begin(journal, place("10", "101.50"))
    };
    let verdict = Verdict {
        allowed: true,
        checks: Vec::new(),
        sentence: None,
        notional: Some(n("1015.00")),
        base_currency: Some("USD".into()),
    };
    append(journal, &about, Event::Verdict(verdict));
    append(journal, &about, sending());
    about
}

pub fn acknowledge(journal: &Journal, about: &About, perm_id: i64) -> About {
    let about = About {
        perm_id: Some(perm_id),
        ..about.clone()
    };
    let acknowledged = Acknowledged {
        of: RequestKind::Place,
        state: state("Submitted", "0", "10"),
    };
    append(journal, &about, Event::Acknowledged(acknowledged));
    about
}

/// The same, as TWS tells it: about the order, not about a request.
pub fn told(about: &About) -> About {
    About {
        request: None,
        ..about.clone()
    }
}

/// Some rows of many kinds.
pub fn some_rows(journal: &Journal) {
    let about = acknowledge(journal, &send(journal, 7), 70);
    let about = told(&about);
    append(journal, &about, Event::Status(state("Submitted", "4", "6")));
    append(journal, &about, Event::Fill(fill("a.1.01", "4", "101.50")));
    append(
        journal,
        &about,
        Event::Commission(commission("a.1.01", "0.35")),
    );
    append(journal, &About::default(), note("é\n\u{202e}"));
    send(journal, 8);
    append(journal, &About::default(), note("end"));
}

pub fn all(reader: &Reader) -> Vec<Row> {
    let rows = reader.rows(&Default::default());
    rows.collect::<Result<_, _>>().unwrap()
}
