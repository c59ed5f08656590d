//! What is served of a folder, and what is refused with which reason.

use sandpit_tools::{ToolsConfig, ToolsError};

use crate::guest::Guest;
use crate::{folder, open};

#[tokio::test]
async fn every_component_is_a_tool() {
    let folder = folder([
        ("z.wasm", Guest::new("first").build()),
        ("a.wasm", Guest::new("second").build()),
        ("notes.txt", b"not a tool".to_vec()),
        (".half.wasm", b"half a copy".to_vec()),
    ]);
    std::fs::create_dir(folder.path().join("folder.wasm")).unwrap();
    let tools = open(folder.path()).await;
    let list = tools.list();
    let names: Vec<_> = list.iter().map(|tool| tool.name()).collect();
    assert_eq!(names, ["first", "second"]);
    assert_eq!(tools.get("first").unwrap().file(), "z.wasm");
    assert!(tools.get("third").is_none());
    assert_eq!(*tools.changes().borrow(), 1);
    let readiness = tools.readiness();
    assert_eq!((readiness.tools, readiness.refused), (2, 1));
    assert!(!readiness.connected);
}

#[tokio::test]
async fn a_bad_file_stops_nothing() {
    let folder = folder([
        ("bad.wasm", b"bytes".to_vec()),
        ("good.wasm", Guest::new("good").build()),
        (
            "schema.wasm",
            Guest::new("schema")
                .output_schema(r#"{"type":"object","properties":7}"#)
                .build(),
        ),
    ]);
    let tools = open(folder.path()).await;
    assert_eq!(tools.list().len(), 1);
    let refused = tools.refused();
    let [bytes, schema] = refused.as_ref() else {
        panic!("two files should be refused, not {refused:?}")
    };
    assert_eq!(bytes.file, "bad.wasm");
    assert!(bytes.reason.contains("not a WebAssembly component"));
    assert_eq!(schema.file, "schema.wasm");
    assert!(schema.reason.contains("output schema"));
}

#[tokio::test]
async fn a_file_cannot_take_the_place_of_a_tool() {
    let folder = folder([
        ("a.wasm", Guest::new("twin").build()),
        ("b.wasm", Guest::new("twin").answer(r#"{"b":1}"#).build()),
        ("c.wasm", Guest::new("single").build()),
    ]);
    let tools = open(folder.path()).await;
    let names: Vec<_> = tools.list().iter().map(|t| t.name().to_owned()).collect();
    assert_eq!(names, ["single"]);
    for refusal in tools.refused().iter() {
        assert!(refusal.reason.contains("a.wasm, b.wasm"), "{refusal:?}");
    }
    assert_eq!(tools.refused().len(), 2);
}

#[tokio::test]
async fn a_missing_folder_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let sandbox = crate::sandbox(sandpit_gateway::GatewayConfig::default());
    let result = sandpit_tools::Tools::open(ToolsConfig::new(&missing), sandbox).await;
    let Err(error @ ToolsError::Folder { .. }) = result else {
        panic!("there is no such folder")
    };
    assert!(error.to_string().contains("missing"));
}
