//! Attacks by what a tool says: answers, descriptions, logs and streams.

use serde_json::{Value, json};

use super::bare::{Content, Outcome, Setup, control};
use super::siege::{Siege, attack, row, running};
use super::written;
use crate::support::guest::Guest;
use crate::support::{Era, Host, McpClient, simulator};

#[test]
fn control_nothing_else_stops_a_gigabyte() {
    control(|| {
        let component = written::gigabyte_answer().build();
        let mut bare = Setup::new().start(&component).unwrap();
        let Ok(Outcome::Answer(answer)) = bare.call(&json!({})) else {
            panic!("not an answer");
        };
        let bytes = answer.content.iter().map(|content| match content {
            Content::Text(text) => text.len(),
            other => panic!("not a text: {other:?}"),
        });
        assert_eq!(bytes.sum::<usize>(), 1 << 30);
    });
}

#[test]
fn control_nothing_else_stops_a_broken_answer() {
    control(|| {
        let mut bare = Setup::new().start(&attack("breaks_schema")).unwrap();
        let schema = bare.describe().unwrap().output_schema.unwrap();
        let schema: Value = serde_json::from_str(&schema).unwrap();
        assert_eq!(schema["properties"]["count"]["type"], "integer");
        let answer: Value = serde_json::from_str(&bare.answer(&json!({}))).unwrap();
        assert!(answer["count"].is_string());

        let mut bare = Setup::new().start(&attack("deep_json")).unwrap();
        let answer = bare.answer(&json!({"depth": 100_000}));
        assert_eq!(answer.matches('[').count(), 100_000);
    });
}

/// What the module says that its answer is: an address, a length, and the
/// memory that they are about.
fn claimed(guest: Guest) -> (usize, usize, Vec<u8>) {
    let engine = wasmtime::Engine::default();
    let module = wasmtime::Module::new(&engine, guest.module()).unwrap();
    let mut store = wasmtime::Store::new(&engine, ());
    let instance = wasmtime::Instance::new(&mut store, &module, &[]).unwrap();
    let call = instance
        .get_typed_func::<(i32, i32, i32, i32, i32, i32, i32, i32), i32>(
            &mut store,
            "sandpit:tool/plugin@0.1.0#call",
        )
        .unwrap();
    let outcome = call.call(&mut store, (0, 0, 0, 0, 0, 0, 0, 0)).unwrap();
    let memory = instance.get_memory(&mut store, "memory").unwrap();
    let memory = memory.data(&store).to_vec();
    let word = |offset: usize| {
        let at = usize::try_from(outcome).unwrap() + offset;
        let bytes = memory[at..at + 4].try_into().unwrap();
        usize::try_from(u32::from_le_bytes(bytes)).unwrap()
    };
    (word(16), word(20), memory)
}

#[test]
fn control_their_texts_are_none() {
    let (address, length, memory) = claimed(written::invalid_utf8());
    std::str::from_utf8(&memory[address..address + length]).unwrap_err();
    let (address, length, memory) = claimed(written::lies_about_length());
    assert!(address + length > memory.len());
}

#[tokio::test]
async fn an_answer_is_as_large_as_the_policy_says() {
    let simulator = simulator().await;
    let limit = |bytes: u32| format!("[policy.large_answer.limits]\nanswer_bytes = {bytes}\n");
    let bytes = json!({"bytes": 100_000});
    let small = Siege::new(&["large_answer"]).config(&limit(65_536));
    let small = small.begin(&simulator).await;
    let sentence = small.post("large_answer", bytes.clone()).await.problem(500);
    assert_eq!(
        sentence,
        "The tool's answer is larger than the 65536 bytes it may have. Ask for less at once."
    );
    // Control.
    drop(small);
    let large = Siege::new(&["large_answer"]).config(&limit(1_048_576));
    let large = large.begin(&simulator).await;
    let answer = large.post("large_answer", bytes).await.ok();
    assert_eq!(answer["text"].as_str().map(str::len), Some(100_000));
}

#[tokio::test]
async fn a_flood_of_log_lines_is_cut_off() {
    let simulator = simulator().await;
    let written = |host: &Host| -> usize {
        let log = host.log();
        log.lines().filter(|line| line.contains("flood: ")).count()
    };
    let host = Siege::new(&["log_flood"]).begin(&simulator).await;
    let answer = host.post("log_flood", json!({"lines": 1_000_000})).await;
    assert_eq!(answer.ok()["lines"], 1_000_000);
    let notice = "the tool writes more to its log than it may; the rest is left out";
    crate::support::eventually("the log says so", async || host.log().contains(notice)).await;
    assert!(written(&host) < 30_000, "{}", written(&host));

    // Control: with the bound lifted it writes them all.
    drop(host);
    let host = Siege::new(&["log_flood"])
        .config("[policy.log_flood.limits]\nlog_bytes = 67108864\n")
        .begin(&simulator)
        .await;
    let answer = host.post("log_flood", json!({"lines": 30_000})).await;
    assert_eq!(answer.ok()["lines"], 30_000);
    crate::support::eventually("all are written", async || written(&host) == 60_000).await;
    assert!(!host.log().contains(notice));
}

/// Listens to a stream to its end: how many bytes of events came, and the
/// sentence that ended it.
async fn listened(host: &Host, most: usize) -> (usize, Option<String>) {
    let mut events = host.events("endless_stream").await;
    let mut bytes = 0;
    while let Some(event) = events.next().await {
        match event.name.as_str() {
            "tick" => bytes += event.data.as_str().map_or(0, str::len),
            "error" => return (bytes, event.data["detail"].as_str().map(str::to_owned)),
            other => panic!("an event named {other}"),
        }
        if bytes > most {
            break;
        }
    }
    (bytes, None)
}

#[tokio::test]
async fn a_stream_that_never_stops_is_stopped() {
    let simulator = simulator().await;
    let limit = |bytes: u32| format!("[policy.endless_stream.limits]\nstream_bytes = {bytes}\n");
    let bounded = Siege::new(&["endless_stream"]).config(&limit(1 << 20));
    let bounded = bounded.begin(&simulator).await;
    let (bytes, sentence) = listened(&bounded, usize::MAX).await;
    assert!(bytes <= 1 << 20, "{bytes}");
    let sentence = sentence.expect("a sentence");
    assert!(sentence.contains("1048576 bytes"), "{sentence}");
    running(&bounded, 0).await;

    // Control: with the bound lifted it goes on until nobody listens.
    drop(bounded);
    let lifted = Siege::new(&["endless_stream"]).config(&limit(64 << 20));
    let lifted = lifted.begin(&simulator).await;
    let (bytes, sentence) = listened(&lifted, 4 << 20).await;
    assert!(
        bytes > 4 << 20 && sentence.is_none(),
        "{bytes} {sentence:?}"
    );
    running(&lifted, 0).await;
}

#[tokio::test]
async fn deep_events_break_nothing() {
    let simulator = simulator().await;
    let host = Siege::new(&["deep_events"]).begin(&simulator).await;
    let deep = json!({"depth": 100_000});
    let url = "deep_events?depth=100000";
    let mut events = host.events(url).await;
    // It arrives as it is or not at all; the answer comes in any case.
    events.next_named("summary").await.expect("an answer");
    for era in Era::ALL {
        let client = McpClient::connect(&host, era).await;
        let answer = client.call_listening("deep_events", deep.clone()).await;
        assert_eq!(answer["sent"], true, "{era:?}");
    }
    host.get("get_positions").await.ok();

    // Control: nothing but the host looks at how deep it is.
    control(|| {
        let mut bare = Setup::new().start(&attack("deep_events")).unwrap();
        bare.answer(&deep);
        let heard = bare.heard();
        let heard = heard.lock().unwrap();
        assert_eq!(heard.events[0].matches('[').count(), 100_000);
    });
}

#[tokio::test]
async fn a_monstrous_descriptor_is_refused() {
    let simulator = simulator().await;
    let host = Siege::new(&["huge_descriptor", "deep_schema"])
        .begin(&simulator)
        .await;
    for (name, says) in [
        ("huge_descriptor", "The component"),
        (
            "deep_schema",
            "the input schema is not JSON (recursion limit exceeded",
        ),
    ] {
        let row = row(&host, name).await;
        assert_eq!(row["state"], "refused", "{row}");
        let reason = row["reason"].as_str().expect("a reason");
        assert!(reason.contains(says), "{reason}");
        assert!(reason.len() < 2000, "{}", reason.len());
    }
    host.get("get_positions").await.ok();

    // Control: by themselves they describe themselves well.
    control(|| {
        let mut bare = Setup::new().start(&attack("huge_descriptor")).unwrap();
        assert_eq!(bare.describe().unwrap().description.len(), 16 << 20);
        let mut bare = Setup::new().start(&attack("deep_schema")).unwrap();
        let schema = bare.describe().unwrap().input_schema;
        assert_eq!(schema.matches("not").count(), 5_001);
    });
}

#[tokio::test]
async fn a_log_line_cannot_be_forged() {
    let simulator = simulator().await;
    let host = Siege::new(&["forges_log"]).begin(&simulator).await;
    host.post("forges_log", json!({})).await.ok();
    crate::support::eventually("both are logged", async || {
        host.log().matches("FORGED").count() == 2
    })
    .await;
    let log = host.log();
    for line in log.split(['\n', '\r']) {
        assert!(!line.starts_with("FORGED"), "{log}");
    }
    assert!(!log.contains("\u{1b}[2J"), "{log}");

    // Control: as it was said, it is two lines.
    control(|| {
        let mut bare = Setup::new().start(&attack("forges_log")).unwrap();
        bare.answer(&json!({}));
        let heard = bare.heard();
        let said = format!(
            "{}\n{}",
            heard.lock().unwrap().log.join("\n"),
            bare.printed()
        );
        let forged = said
            .split(['\n', '\r'])
            .filter(|line| line.starts_with("FORGED"));
        assert_eq!(forged.count(), 2, "{said}");
    });
}
