//! The text protocol over a socket, in bytes; `ib_async.rs` drives it with a client.

use ibapi::orders::{Action, order_builder};
use sandpit_simulator::Simulator;

use crate::support::{ACCOUNT, Raw, Trader, still, stock};

/// A client that speaks text. Fields are written and read with `|` after each.
struct Text(Raw);

impl Text {
    /// Opens, agrees on the newest version up to `max` and starts the session.
    async fn started(simulator: &Simulator, max: i32, client_id: i32) -> Self {
        let mut raw = Raw::open(simulator).await;
        raw.send(b"API\0").await;
        raw.frame(format!("v100..{max}").as_bytes()).await;
        let answer = raw.read().await.unwrap();
        assert!(answer.starts_with(format!("{max}\0").as_bytes()));
        let mut text = Self(raw);
        text.send(&format!("71|2|{client_id}||")).await;
        text
    }

    async fn send(&mut self, fields: &str) {
        self.0.frame(fields.replace('|', "\0").as_bytes()).await;
    }

    async fn read(&mut self) -> String {
        let body = self.0.read().await.unwrap();
        String::from_utf8(body).unwrap().replace('\0', "|")
    }

    /// Reads up to a message that begins like this.
    async fn read_until(&mut self, start: &str) -> String {
        loop {
            let message = self.read().await;
            if message.starts_with(start) {
                return message;
            }
        }
    }
}

#[tokio::test]
async fn a_session_in_text_starts_like_any_other() {
    let simulator = still().await;
    let mut text = Text::started(&simulator, 178, 3).await;
    assert_eq!(text.read().await, format!("15|1|{ACCOUNT}|"));
    assert_eq!(text.read().await, "9|1|1|");
    for code in [2104, 2106, 2158] {
        let notice = text.read().await;
        assert!(notice.starts_with(&format!("4|2|-1|{code}|")), "{notice}");
    }
    assert_eq!(simulator.connections()[0].server_version, 178);
    assert_eq!(simulator.received()[0].name, "StartApiRequest");
    simulator.shutdown().await;
}

#[tokio::test]
async fn an_older_version_has_fewer_fields() {
    let simulator = still().await;
    let fields = |message: String| message.matches('|').count();
    let mut counts = Vec::new();
    for (client_id, max) in [(1, 157), (2, 163), (3, 178)] {
        let mut text = Text::started(&simulator, max, client_id).await;
        let notice = fields(text.read_until("4|").await);
        let issuer = if max >= 176 { "|" } else { "" };
        text.send(&format!("9|8|5|0|VTI|STK||0||||||||0|||{issuer}"))
            .await;
        counts.push((notice, fields(text.read_until("10|").await)));
    }
    let [old, middle, new] = counts.as_slice() else {
        panic!("there are three");
    };
    assert_eq!((old.0, middle.0, new.0), (5, 5, 6));
    // 163 adds a size, 164 two more, and takes away the version and a multiplier.
    assert_eq!((middle.1 - old.1, new.1 - middle.1), (1, 0));
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_field_that_cannot_be_read_is_an_error_and_the_connection_lives() {
    let simulator = still().await;
    let mut text = Text::started(&simulator, 178, 3).await;
    text.send("62|1|seven|All|NetLiquidation|").await;
    let error = text.read_until("4|2|-1|320|").await;
    assert!(error.contains("\"seven\" is not an integer"), "{error}");
    text.send("199|1|").await;
    text.read_until("4|2|-1|505|").await;
    text.send("22|8|10|STK|STK.US|").await;
    text.read_until("4|2|8|162|").await;
    let refused = simulator.received().pop().unwrap();
    assert_eq!(
        (refused.name, refused.id),
        ("ScannerSubscriptionRequest", Some(8))
    );
    text.send("49|1|").await;
    text.read_until("49|1|").await;
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_message_without_an_id_ends_the_connection() {
    let simulator = still().await;
    let mut text = Text::started(&simulator, 178, 3).await;
    text.send("hello|").await;
    while text.0.read().await.is_some() {}
    simulator.shutdown().await;
}

#[tokio::test]
async fn clients_of_both_forms_share_exchange_and_books() {
    let simulator = still().await;
    let mut trader = Trader::new(&simulator, 1).await;
    trader
        .place(
            1,
            &stock("VTI"),
            &order_builder::limit_order(Action::Buy, 7.0, 100.0),
        )
        .await;
    trader.hears(2).await;

    let mut text = Text::started(&simulator, 178, 2).await;
    text.send("16|1|").await;
    let open = text.read_until("5|1|").await;
    assert!(
        open.contains("|VTI|STK|") && open.contains("|BUY|7|LMT|100|"),
        "{open}"
    );
    let status = text.read_until("3|1|").await;
    assert!(status.starts_with("3|1|Submitted|0|7|0|"), "{status}");
    assert_eq!(text.read().await, "53|1|");

    // What the one cancels, the other hears of.
    text.send("58|1|").await;
    assert_eq!(
        trader.hears(2).await,
        ["status 1 Cancelled 0/7", "error 1 202"]
    );
    simulator.shutdown().await;
}
