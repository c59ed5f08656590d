//! Files come and go while the host runs.

use sandpit_tools::{ToolError, ToolState};

use crate::guest::Guest;
use crate::live::{Live, eventually, patient};
use crate::no_arguments;

const ONE: &str = r#"{"version":1}"#;
const TWO: &str = r#"{"version":2}"#;

fn version(name: &str, answer: &str) -> Vec<u8> {
    Guest::new(name).answer(answer).build()
}

#[tokio::test]
async fn a_file_that_is_added_is_served_and_one_that_is_removed_is_gone() {
    let live = Live::new([("a.wasm", version("a", ONE))]).await;
    let changes = live.tools.changes();
    assert_eq!(*changes.borrow(), 1);
    live.put("b.wasm", version("b", TWO));
    live.until_names(&["a", "b"]).await;
    assert_eq!(live.answer("b").await, TWO);
    assert_eq!(*changes.borrow(), 2);
    live.remove("a.wasm");
    live.until_names(&["b"]).await;
    assert_eq!(*changes.borrow(), 3);
    let gone = live.tools.call("a", no_arguments()).await.unwrap_err();
    assert!(matches!(gone, ToolError::UnknownTool { .. }), "{gone:?}");
    assert!(live.row("a.wasm").is_none());
    live.stop().await;
}

#[tokio::test]
async fn a_file_is_replaced_in_every_way() {
    let live = Live::new([("a.wasm", version("a", ONE))]).await;
    assert_eq!(live.answer("a").await, ONE);
    // Another file under the same name.
    live.put("a.wasm", version("a", TWO));
    live.until_answer("a", TWO).await;
    // Another content in the same file.
    live.write("a.wasm", version("a", ONE));
    live.until_answer("a", ONE).await;
    // Gone and come back.
    live.remove("a.wasm");
    live.until_names(&[]).await;
    live.write("a.wasm", version("a", TWO));
    live.until_answer("a", TWO).await;
    // Under another name of the file.
    std::fs::rename(live.path("a.wasm"), live.path("b.wasm")).unwrap();
    live.until("b.wasm", ToolState::Served, "").await;
    assert_eq!(live.answer("a").await, TWO);
    live.stop().await;
}

#[tokio::test]
async fn a_copy_half_way_is_waited_for() {
    let live = Live::new([("a.wasm", version("a", ONE))]).await;
    let newer = version("a", TWO);
    let (half, _) = newer.split_at(newer.len() / 2);
    live.write("a.wasm", half);
    live.until("a.wasm", ToolState::Served, "may still be being copied")
        .await;
    assert_eq!(live.answer("a").await, ONE);
    live.write("a.wasm", &newer);
    live.until_answer("a", TWO).await;
    live.until("a.wasm", ToolState::Served, "").await;

    let other = version("b", ONE);
    let (half, _) = other.split_at(other.len() / 2);
    live.write("b.wasm", half);
    live.until("b.wasm", ToolState::Waiting, "may still be being copied")
        .await;
    live.write("b.wasm", &other);
    live.until_answer("b", ONE).await;
    live.stop().await;
}

#[tokio::test]
async fn a_file_that_does_not_load_stops_nothing() {
    let live = Live::new([("good.wasm", version("good", ONE))]).await;
    let trap = Guest::new("trap").in_describe("unreachable").build();
    let schema = Guest::new("schema").output_schema(r#"{"type":"object","properties":7}"#);
    let other_world = wat::parse_str("(component)").unwrap();
    let unknown =
        wat::parse_str("(component (import \"sandpit:broker/bank@0.1.0\" (instance)))").unwrap();
    let module = wat::parse_str("(module)").unwrap();
    let files: [(&str, Vec<u8>, &str); 8] = [
        (
            "text.wasm",
            b"#!/bin/sh\n".to_vec(),
            "not a WebAssembly component",
        ),
        ("empty.wasm", Vec::new(), "not a WebAssembly component"),
        ("module.wasm", module, "a core WebAssembly module"),
        ("world.wasm", other_world, "exports neither"),
        ("import.wasm", unknown, "sandpit:broker/bank"),
        ("name.wasm", version("Bad Name", ONE), "Bad Name"),
        ("schema.wasm", schema.build(), "output schema"),
        ("trap.wasm", trap, "describe"),
    ];
    for (file, bytes, _) in &files {
        live.put(file, bytes);
    }
    std::fs::create_dir(live.path("folder.wasm")).unwrap();
    std::os::unix::fs::symlink("nowhere", live.path("link.wasm")).unwrap();
    for (file, _, reason) in &files {
        live.until(file, ToolState::Refused, reason).await;
    }
    live.until("folder.wasm", ToolState::Refused, "not a file")
        .await;
    live.until("link.wasm", ToolState::Refused, "leads nowhere")
        .await;
    assert_eq!(live.names(), ["good"]);
    assert_eq!(live.answer("good").await, ONE);
    assert_eq!(live.tools.refused().len(), 10);
    // A refusal is not for ever.
    live.put("text.wasm", version("text", TWO));
    live.until_answer("text", TWO).await;
    live.stop().await;
}

#[tokio::test]
async fn the_version_before_goes_on_while_the_newer_one_does_not_load() {
    let live = Live::new([("a.wasm", version("a", ONE))]).await;
    let digest = live.row("a.wasm").unwrap().digest;
    let changes = live.tools.changes();
    live.put("a.wasm", b"broken");
    live.until(
        "a.wasm",
        ToolState::Served,
        "The newer file is not served. This is not a WebAssembly component.",
    )
    .await;
    assert_eq!(live.answer("a").await, ONE);
    assert_eq!(live.row("a.wasm").unwrap().digest, digest);
    assert_eq!(*changes.borrow(), 1, "clients see no change");
    live.put("a.wasm", version("a", TWO));
    live.until_answer("a", TWO).await;
    assert_eq!(live.row("a.wasm").unwrap().reason, None);
    live.stop().await;
}

#[tokio::test]
async fn a_newcomer_cannot_take_a_name_until_it_is_free() {
    let live = Live::new([("b.wasm", version("x", ONE))]).await;
    live.put("a.wasm", version("x", TWO));
    live.until("a.wasm", ToolState::Refused, "a.wasm calls itself x")
        .await;
    assert!(
        live.row("a.wasm")
            .unwrap()
            .reason
            .unwrap()
            .contains("b.wasm")
    );
    assert_eq!(live.answer("x").await, ONE);
    // Replacing the one that has the name does not free it.
    live.put("b.wasm", version("x", r#"{"version":3}"#));
    live.until_answer("x", r#"{"version":3}"#).await;
    assert_eq!(live.row("a.wasm").unwrap().state, ToolState::Refused);
    live.remove("b.wasm");
    live.until_answer("x", TWO).await;
    live.stop().await;
}

#[tokio::test]
async fn of_two_files_with_one_name_at_the_start_the_one_that_stays_is_served() {
    let files = [("a.wasm", version("x", ONE)), ("b.wasm", version("x", TWO))];
    let live = Live::new(files).await;
    for file in ["a.wasm", "b.wasm"] {
        let row = live.row(file).unwrap();
        assert_eq!(row.state, ToolState::Refused);
        assert!(row.reason.unwrap().contains("a.wasm, b.wasm"));
    }
    live.remove("a.wasm");
    live.until_answer("x", TWO).await;
    live.stop().await;
}

#[tokio::test]
async fn a_call_ends_on_the_version_that_it_began_with() {
    let live = Live::new([("a.wasm", patient("a", ONE).build())]).await;
    let on_one = live.begin("a", no_arguments()).await;
    for answer in [TWO, r#"{"version":3}"#] {
        let before = live.digest("a");
        live.put("a.wasm", patient("a", answer).build());
        eventually(
            || "another version serves".to_owned(),
            || live.digest("a") != before,
        )
        .await;
    }
    let on_three = live.begin("a", no_arguments()).await;
    live.remove("a.wasm");
    live.until_names(&[]).await;
    assert!(!on_one.is_over() && !on_three.is_over());
    assert_eq!(on_one.answer().await, ONE);
    assert_eq!(on_three.answer().await, r#"{"version":3}"#);
    live.stop().await;
}

#[tokio::test]
async fn links_are_followed() {
    let live = Live::new([]).await;
    let target = live.beside().join("target.wasm");
    std::fs::write(&target, version("a", ONE)).unwrap();
    std::os::unix::fs::symlink(&target, live.path("a.wasm")).unwrap();
    live.until_answer("a", ONE).await;
    // What the link leads to is replaced: nothing happens in the folder.
    let newer = live.beside().join("newer.wasm");
    std::fs::write(&newer, version("a", TWO)).unwrap();
    std::fs::rename(&newer, &target).unwrap();
    live.until_answer("a", TWO).await;
    // The link leads elsewhere.
    std::fs::write(&newer, version("a", ONE)).unwrap();
    let link = live.beside().join("link");
    std::os::unix::fs::symlink(&newer, &link).unwrap();
    std::fs::rename(&link, live.path("a.wasm")).unwrap();
    live.until_answer("a", ONE).await;
    // The link leads nowhere.
    std::fs::remove_file(&newer).unwrap();
    live.until_names(&[]).await;
    live.until("a.wasm", ToolState::Refused, "leads nowhere")
        .await;
    live.stop().await;
}

#[tokio::test]
async fn a_folder_may_be_deleted_and_made_anew() {
    let live = Live::new([("a.wasm", version("a", ONE))]).await;
    for answer in [TWO, ONE, TWO] {
        std::fs::remove_dir_all(live.folder()).unwrap();
        live.until_names(&[]).await;
        assert!(
            live.status()
                .folder_fault
                .unwrap()
                .contains("cannot be read")
        );
        std::fs::create_dir(live.folder()).unwrap();
        live.put("a.wasm", version("a", answer));
        live.until_answer("a", answer).await;
        assert_eq!(live.status().folder_fault, None);
    }
    live.stop().await;
}

#[tokio::test]
async fn one_that_hangs_delays_no_other() {
    let live = Live::new([]).await;
    for number in 0..4 {
        let hangs = Guest::new(&format!("hangs_{number}")).in_describe("(loop $l (br $l))");
        live.put(&format!("hangs_{number}.wasm"), hangs.build());
    }
    eventually(
        || "the files are seen".to_owned(),
        || live.status().tools.len() == 4,
    )
    .await;
    live.put("good.wasm", version("good", ONE));
    live.until_answer("good", ONE).await;
    let states: Vec<_> = live.status().tools.iter().map(|row| row.state).collect();
    assert!(states.contains(&ToolState::Waiting), "{states:?}");
    for number in 0..4 {
        let file = format!("hangs_{number}.wasm");
        live.until(&file, ToolState::Refused, "describe").await;
    }
    live.stop().await;
}
