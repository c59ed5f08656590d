//! Text written and read again, and bytes that nobody meant.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

use std::collections::HashMap;
use std::convert::Infallible;

use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::fields::{FieldError, Fields, Layout, Reader};
use super::replies::BoundedHistory;
use super::{decode, encode, encode_as};
use crate::wire::dialect::{Dialect, Encoder, RequestError};
use crate::wire::message::{Reply, Request, WireMessage};
use crate::wire::proto;

/// Fills every field that a layout visits, so that no message has to be made by hand.
struct Filler {
    version: i32,
    random: ChaCha8Rng,
}

/// Words, some of which decide what other fields a message has.
const WORDS: [&str; 9] = [
    "BAG",
    "PEG BENCH",
    "PEG BEST",
    "PEG MID",
    "IBKRATS",
    "SMART",
    "a b",
    "größe",
    "o",
];

impl Filler {
    fn maybe<T>(&mut self, value: impl FnOnce(&mut ChaCha8Rng) -> T) -> Option<T> {
        self.random
            .random_bool(0.8)
            .then(|| value(&mut self.random))
    }

    fn word(&mut self) -> String {
        WORDS[self.random.random_range(0..WORDS.len())].to_owned()
    }
}

impl Fields for Filler {
    type Error = Infallible;

    fn version(&self) -> i32 {
        self.version
    }

    fn fixed(&mut self, _: &'static str) -> Result<(), Infallible> {
        Ok(())
    }

    fn int(&mut self, value: &mut Option<i32>) -> Result<(), Infallible> {
        *value = self.maybe(|random| random.random_range(-3..10));
        Ok(())
    }

    fn long(&mut self, value: &mut Option<i64>) -> Result<(), Infallible> {
        *value = self.maybe(|random| random.random_range(i64::MIN..i64::MAX));
        Ok(())
    }

    fn double(&mut self, value: &mut Option<f64>) -> Result<(), Infallible> {
        *value = self.maybe(|random| match random.random_range(0..6) {
            0 => f64::INFINITY,
            1 => 0.1 + 0.2,
            _ => random.random_range(-1e12..1e12),
        });
        Ok(())
    }

    fn flag(&mut self, value: &mut Option<bool>) -> Result<(), Infallible> {
        *value = self.random.random_bool(0.5).then_some(true);
        Ok(())
    }

    fn text(&mut self, value: &mut Option<String>) -> Result<(), Infallible> {
        let word = self.word();
        *value = self.maybe(|_| word);
        Ok(())
    }

    fn count(&mut self, length: usize) -> Result<usize, Infallible> {
        // Some lists are walked with what is there: prices belong to legs.
        Ok(length.max(self.random.random_range(0..4)))
    }

    fn options(&mut self, values: &mut HashMap<String, String>) -> Result<(), Infallible> {
        *values = HashMap::from([(String::from("tag"), self.word())]);
        Ok(())
    }
}

/// A message of this id with something in its fields.
fn filled<M: WireMessage>(id: i32, version: i32, seed: u64) -> Option<M> {
    let mut message = M::blank(id).filter(M::has_text)?;
    let Ok(()) = message.layout(&mut Filler {
        version,
        random: ChaCha8Rng::seed_from_u64(seed),
    });
    Some(message)
}

/// Reads any message, a reply too, and expects it to end where the bytes do.
fn read<M: WireMessage>(version: i32, body: &[u8]) -> Result<M, FieldError> {
    let mut reader = Reader::new(version, body);
    let id = std::str::from_utf8(reader.next()?)
        .unwrap()
        .parse()
        .unwrap();
    let mut message = M::blank(id).unwrap();
    message.layout(&mut reader)?;
    assert_eq!(reader.next(), Err(FieldError::Missing(body_fields(body))));
    Ok(message)
}

fn body_fields(body: &[u8]) -> usize {
    body.iter().filter(|&&byte| byte == 0).count()
}

fn round_trip<M: WireMessage + Clone + PartialEq + std::fmt::Debug>(
    id: i32,
    version: i32,
    seed: u64,
) {
    // What was filled in is walked once more, as a message from a client is.
    let Some(message) = filled::<M>(id, version, seed) else {
        return;
    };
    let body = encode(version, message.clone());
    let once: M = read(version, &body).unwrap();
    assert_eq!(encode(version, once.clone()), body, "{message:?}");
    let twice: M = read(version, &encode(version, once.clone())).unwrap();
    assert_eq!(twice, once);
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(version in 157..=178, seed: u64) {
        for id in 1..=110 {
            round_trip::<Request>(id, version, seed);
            round_trip::<Reply>(id, version, seed);
        }
        let mut history = BoundedHistory::default();
        let Ok(()) = history.layout(&mut Filler { version, random: ChaCha8Rng::seed_from_u64(seed) });
        let body = encode_as(version, 17, &mut history.clone());
        let mut reader = Reader::new(version, &body);
        reader.next().unwrap();
        let mut read = BoundedHistory::default();
        read.layout(&mut reader).unwrap();
        prop_assert_eq!(read, history);
    }

    #[test]
    fn bytes_that_are_no_message_are_an_error_and_no_more(
        version in 157..=178,
        id in 0..120_i32,
        body in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        let _ = decode(version, &body);
        let mut with_id = id.to_string().into_bytes();
        with_id.push(0);
        with_id.extend_from_slice(&body);
        let _ = decode(version, &with_id);
        let _ = Dialect::Protobuf.decode(&body);
    }

    #[test]
    fn a_message_that_is_cut_or_changed_is_no_disaster(
        seed: u64,
        id in 1..=99_i32,
        cut in 0.0..1.0,
        place in 0.0..1.0,
        byte: u8,
    ) {
        if let Some(message) = filled::<Request>(id, 178, seed) {
            let mut body = encode(178, message).to_vec();
            let at = |part: f64, length: usize| (part * length as f64) as usize;
            let changed = at(place, body.len());
            body[changed] = byte;
            body.truncate(at(cut, body.len()));
            let _ = decode(178, &body);
        }
    }
}

fn request(body: &str) -> Result<Request, RequestError> {
    decode(178, body.replace('|', "\0").as_bytes())
}

#[test]
fn every_request_has_a_text_form_but_for_the_newer_ones() {
    let missing: Vec<i32> = (0..=110)
        .filter_map(Request::blank)
        .filter(|request| !request.has_text())
        .map(|request| request.id())
        .collect();
    assert_eq!(missing, [105, 106]);
}

fn placed(body: &str) -> (proto::Contract, proto::Order) {
    match request(body) {
        Ok(Request::PlaceOrderRequest(placed)) => (placed.contract.unwrap(), placed.order.unwrap()),
        other => unreachable!("it is an order: {other:?}"),
    }
}

/// An order as ib_async 2.1.0 sends it.
#[test]
fn an_order_is_read_field_by_field() {
    let (contract, order) = placed(
        "3|7|756733|SPY|STK||0.0|||SMART||USD|||||BUY|100|LMT|500.25||GTC|group|DU1|O|0|ref|0|6|0|0|0|0|0|0||0.0|||||||0||-1|1|||0|||0|0||0||||||0|||||0|||||||||||0|||0|0|Adaptive|1|adaptivePriority|Normal||0||0|0|0|1|1|o|1|450.5|265598|SMART|2|0|0|||||||0|||||||||0|0|0|0|||0|||",
    );
    assert_eq!(
        (contract.con_id, contract.symbol.as_deref()),
        (Some(756_733), Some("SPY"))
    );
    assert_eq!(order.total_quantity.as_deref(), Some("100"));
    assert_eq!((order.lmt_price, order.aux_price), (Some(500.25), None));
    assert_eq!((order.parent_id, order.transmit), (Some(6), None));
    assert_eq!(
        (order.oca_group.as_deref(), order.oca_type),
        (Some("group"), Some(1))
    );
    assert_eq!(order.algo_params["adaptivePriority"], "Normal");
    let [condition] = order.conditions.as_slice() else {
        unreachable!("there is one condition: {:?}", order.conditions);
    };
    assert_eq!(
        (condition.price, condition.con_id),
        (Some(450.5), Some(265_598))
    );
    assert_eq!(
        (condition.is_more, condition.is_conjunction_connection),
        (Some(true), None)
    );
    assert_eq!(order.use_price_mgmt_algo, Some(0));
}

#[test]
fn a_combination_is_read_with_its_legs() {
    let (contract, order) = placed(
        "3|8|0|SPY|BAG||0.0|||SMART||USD|||||SELL|3|MKT||||||O|0||1|0|0|0|0|0|0|0|2|1|1|BUY|SMART|0|0||-1|2|2|SELL|SMART|0|0||-1|2|1.5||1|NonGuaranteed|1||0.0|||||||0||-1|0|||0|||0|0||0||||||0|||||0|||||||||||0|||0|0|||0||0|0|0|0|||||||0|||||||||0|0|0|0|||0|||",
    );
    let legs: Vec<_> = contract
        .combo_legs
        .iter()
        .map(|leg| {
            (
                leg.con_id,
                leg.ratio,
                leg.action.as_deref(),
                leg.per_leg_price,
            )
        })
        .collect();
    assert_eq!(
        legs,
        [
            (Some(1), Some(1), Some("BUY"), Some(1.5)),
            (Some(2), Some(2), Some("SELL"), None)
        ]
    );
    assert_eq!(order.smart_combo_routing_params["NonGuaranteed"], "1");
    assert_eq!((order.transmit, order.exempt_code), (Some(true), Some(-1)));
}

#[test]
fn a_field_that_is_wrong_is_named() {
    for (body, problem) in [
        (
            "71|2|seven||",
            "message 71: unable to parse field 2: \"seven\" is not an integer",
        ),
        ("71|2|1", "message 71: the message ends before its field 2"),
        (
            "6|2|maybe|DU1|",
            "message 6: unable to parse field 2: \"maybe\" is not a boolean",
        ),
        ("105|1|", "no message has the id 105"),
        ("x|", "a frame has no message id"),
        ("22|9|50|STK|", "ScannerSubscriptionRequest is not offered"),
    ] {
        assert_eq!(request(body).unwrap_err().to_string(), problem);
    }
}

#[test]
fn a_refused_request_keeps_its_id() {
    for (body, id) in [("22|9|50|STK|", 9), ("10|5|12|0|SPY|", 12), ("97|4|", 4)] {
        let Err(RequestError::Unoffered { request, .. }) = request(body) else {
            unreachable!("{body} is not offered");
        };
        assert_eq!(request, Some(id));
    }
    let Err(RequestError::Unoffered { request, .. }) =
        Dialect::Protobuf.decode(&[0, 0, 0, 222, 8, 9])
    else {
        unreachable!("a scanner is not offered");
    };
    assert_eq!(request, Some(9));
}

#[test]
fn no_value_is_read_as_none() {
    let Ok(Request::PnLSingleRequest(read)) = request("94|2147483647|DU1||5|") else {
        unreachable!("it is a request");
    };
    assert_eq!(
        (read.req_id, read.model_code, read.con_id),
        (None, None, Some(5))
    );
    let mut price = Some(1.0);
    Reader::new(178, b"1.7976931348623157E308\0")
        .double(&mut price)
        .unwrap();
    assert_eq!(price, None);
}

#[test]
fn answers_are_written_field_by_field() {
    let bar = proto::HistoricalDataBar {
        date: Some(String::from("day")),
        open: Some(1.0),
        high: Some(4.0),
        low: Some(0.5),
        close: Some(2.0),
        volume: Some(String::from("100")),
        wap: Some(String::from("1.5")),
        bar_count: Some(7),
    };
    let update = proto::HistoricalDataUpdate {
        req_id: Some(3),
        historical_data_bar: Some(bar),
    };
    let status = proto::OrderStatus {
        order_id: Some(5),
        status: Some(String::from("Submitted")),
        filled: Some(String::from("0")),
        remaining: Some(String::from("10")),
        avg_fill_price: Some(0.0),
        perm_id: Some(1_900_000_001),
        parent_id: Some(0),
        last_fill_price: Some(0.0),
        client_id: Some(1),
        why_held: None,
        mkt_cap_price: Some(0.0),
    };
    let pnl = proto::PnL {
        req_id: Some(3),
        daily_pnl: Some(-0.25),
        unrealized_pnl: None,
        realized_pnl: Some(f64::MAX),
    };
    let text = |reply: Reply| {
        String::from_utf8(encode(178, reply).to_vec())
            .unwrap()
            .replace('\0', "|")
    };
    assert_eq!(text(update.into()), "90|3|7|day|1|2|4|0.5|1.5|100|");
    assert_eq!(
        text(status.into()),
        "3|5|Submitted|0|10|0|1900000001|0|0|1||0|"
    );
    assert_eq!(text(pnl.into()), "94|3|-0.25||1.7976931348623157E308|");
    assert_eq!(text(proto::CompletedOrdersEnd {}.into()), "102|");
    assert_eq!(text(proto::FamilyCodes {}.into()), "78|0|");
}

#[test]
fn gates_follow_the_version() {
    let error = || {
        Reply::from(proto::ErrorMessage {
            id: Some(1),
            error_code: Some(201),
            error_msg: Some(String::from("no")),
            ..proto::ErrorMessage::default()
        })
    };
    assert_eq!(&encode(165, error())[..], b"4\x002\x001\x00201\0no\0");
    assert_eq!(&encode(166, error())[..], b"4\x002\x001\x00201\0no\0\0");
    // The fields of an order grow, and one goes.
    let fields = |version| body_fields(&encode(version, Request::blank(3).unwrap()));
    let counts: Vec<usize> = [157, 158, 160, 162, 166, 169, 176, 177]
        .map(fields)
        .to_vec();
    let first = counts[0];
    assert_eq!(counts, [0, 1, 2, 3, 4, 5, 5, 4].map(|more| first + more));
}

#[test]
fn a_count_beyond_what_came_is_refused() {
    let legs = format!("1|11|1|0|X|BAG||0||||||||{}|", i32::MAX);
    assert!(matches!(
        request(&legs),
        Err(RequestError::Unreadable(1, _))
    ));
}

#[test]
fn a_zero_byte_in_a_value_does_not_end_its_field() {
    let value = proto::AccountValue {
        key: Some(String::from("a\0b")),
        ..proto::AccountValue::default()
    };
    assert_eq!(&encode(178, Reply::from(value))[..], b"6\x002\0a b\0\0\0\0");
}

#[test]
fn history_is_one_message_in_text_and_two_in_protobuf() {
    let bars = || {
        Reply::from(proto::HistoricalData {
            req_id: Some(4),
            historical_data_bars: Vec::new(),
        })
    };
    let end = || {
        Reply::from(proto::HistoricalDataEnd {
            req_id: Some(4),
            start_date_str: Some(String::from("from")),
            end_date_str: Some(String::from("to")),
        })
    };
    let mut text = Encoder::new(Dialect::Text(178));
    assert_eq!(text.encode(bars()), None);
    assert_eq!(
        &text.encode(end()).unwrap()[..],
        b"17\x004\0from\0to\x000\0"
    );
    let mut protobuf = Encoder::new(Dialect::Protobuf);
    assert!(protobuf.encode(bars()).is_some() && protobuf.encode(end()).is_some());
}
