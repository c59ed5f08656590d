//! What the fuzzers start from: seeds made here, and the files in `corpus/`.
//!
//! A file there is an input as it is; `.wat` is WebAssembly text, for seeds
//! that are best read. An input that once was a finding belongs there as well,
//! so that the test replays it for good.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::Context as _;

use crate::descriptor::{SEPARATOR, lay_out};
use crate::guest;

/// A name and an input.
pub type Seed = (String, Vec<u8>);

/// Writes seeds into the folder that the environment variable `FUZZ_SEEDS`
/// names, for libFuzzer to read. Without the variable it does nothing.
///
/// # Errors
///
/// If the folder cannot be written to.
pub fn write(seeds: Vec<Seed>) -> anyhow::Result<()> {
    let Some(folder) = env::var_os("FUZZ_SEEDS").map(PathBuf::from) else {
        return Ok(());
    };
    fs::create_dir_all(&folder)?;
    for (name, seed) in seeds {
        fs::write(folder.join(name), seed)?;
    }
    Ok(())
}

/// Components, good and bad.
///
/// # Errors
///
/// If the files of the corpus cannot be read.
pub fn loader() -> anyhow::Result<Vec<Seed>> {
    let good = [
        "tool",
        "A title",
        "What it does.",
        "1.0.0",
        r#"{"type":"object"}"#,
    ];
    let image = lay_out(0, joined(&good).as_bytes());
    let tools = [
        ("good", "", ""),
        (
            "asks for the connection",
            r#"(import "sandpit:broker/connection@0.1.0" "get-status" (func $status (param i32)))"#,
            "",
        ),
        (
            "calls the broker while it describes itself",
            r#"(import "sandpit:broker/connection@0.1.0" "get-status" (func $status (param i32)))"#,
            "i32.const 1024 call $status",
        ),
        (
            "writes to its log",
            r#"(import "sandpit:tool/context@0.1.0" "log" (func $log (param i32 i32 i32)))"#,
            "i32.const 1 i32.const 16 i32.const 32 call $log",
        ),
        ("loops in describe", "", "(loop br 0)"),
        (
            "loops in its start",
            "(func $start (loop br 0)) (start $start)",
            "",
        ),
        (
            "traps in its start",
            "(func $start unreachable) (start $start)",
            "",
        ),
        (
            "grows its memory",
            "",
            "(loop i32.const 16 memory.grow i32.const -1 i32.ne br_if 0)",
        ),
        (
            "grows its table",
            "(table $table 1 funcref)",
            "(loop ref.null func i32.const 64 table.grow $table i32.const -1 i32.ne br_if 0)",
        ),
        (
            "recurses without end",
            "(func $down (param i64) local.get 0 i64.const 1 i64.add call $down)",
            "i64.const 0 call $down",
        ),
        (
            "writes all over its memory",
            "",
            "i32.const 0 i32.const 255 i32.const 262144 memory.fill",
        ),
    ];
    let mut seeds = Vec::new();
    for (name, fields, describe) in tools {
        seeds.push((name.to_owned(), guest::tool(&image, fields, describe)?));
    }
    seeds.extend(files("loader")?);
    Ok(seeds)
}

/// Inputs of the descriptor parser.
///
/// # Errors
///
/// If the files of the corpus cannot be read.
pub fn descriptor() -> anyhow::Result<Vec<Seed>> {
    let mut seeds: Vec<Seed> = [
        (
            "good",
            0x01,
            vec![
                "tool",
                "A title",
                "What it does.\nIn two lines.",
                "1.2.3-rc.1+build",
                r#"{"type":"object","properties":{"orderId":{"type":"integer","minimum":1},"symbol":{"type":"string","pattern":"^[A-Z]{1,5}$","maxLength":5}},"required":["orderId"],"additionalProperties":false}"#,
                r##"{"type":"object","properties":{"rows":{"type":"array","items":{"$ref":"#/$defs/row"}}},"$defs":{"row":{"type":"object","patternProperties":{"^x":{"type":"number","multipleOf":0.01}}}}}"##,
                "\0orders",
                "\x02cancel_order/{orderId}",
            ],
        ),
        (
            "a schema that refers to itself",
            0x00,
            vec![
                "tool",
                "A title",
                "What it does.",
                "1.0.0",
                r##"{"type":"object","$ref":"#","allOf":[{"$ref":"#"}],"$dynamicRef":"#a","$dynamicAnchor":"a"}"##,
            ],
        ),
        (
            "a schema that refers to elsewhere",
            0x00,
            vec![
                "tool",
                "A title",
                "What it does.",
                "1.0.0",
                r#"{"type":"object","$ref":"http://127.0.0.1:9/schema.json","$schema":"http://json-schema.org/draft-07/schema#"}"#,
            ],
        ),
        (
            "faults in everything",
            0x3f,
            vec!["Tool!", "", "\u{7}", "1", "[]", "{", "\x01a//b", "\x01{c}", "\x03x"],
        ),
    ]
    .into_iter()
    .map(|(name, flags, texts): (&str, u8, Vec<&str>)| {
        (name.to_owned(), [&[flags], joined(&texts).as_bytes()].concat())
    })
    .collect();
    let nested = |open: &str, close: &str, times: usize| {
        let (open, close) = (open.repeat(times), close.repeat(times));
        let schema = format!(r#"{{"type":"object","not":{open}{close}}}"#);
        joined(&["\0tool", "A title", "What it does.", "1.0.0", &schema])
    };
    for (name, text) in [
        ("nested arrays", nested("[", "]", 5_000)),
        ("nested schemas", nested("{\"not\":", "}", 5_000)),
        (
            "nested schemas that can be read",
            nested("{\"not\":", "}", 120).replace(":}", ":{}}"),
        ),
    ] {
        seeds.push((name.to_owned(), text.into_bytes()));
    }
    let mut record = vec![0x80];
    record.extend((0_u32..40).flat_map(|word| (word * 8).to_le_bytes()));
    seeds.push(("arbitrary pointers".to_owned(), record));
    seeds.extend(files("descriptor")?);
    Ok(seeds)
}

/// Texts as an input of the fuzzer `descriptor` has them.
fn joined(texts: &[&str]) -> String {
    texts.join(&char::from(SEPARATOR).to_string())
}

/// The files of one fuzzer, by name.
fn files(fuzzer: &str) -> anyhow::Result<Vec<Seed>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(fuzzer);
    let mut seeds = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let mut input = fs::read(&path)?;
        if path.extension().is_some_and(|extension| extension == "wat") {
            input = wat::parse_bytes(&input)?.into_owned();
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        seeds.push((name.into_owned(), input));
    }
    seeds.sort();
    Ok(seeds)
}
