//! Makes a component for the world `tool` of a module in WebAssembly text.

use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The address of the descriptor's record.
pub(crate) const RECORD: usize = 16;

/// A tool whose memory holds `image` from address [`RECORD`] on: the record of
/// its descriptor, and what that points to. `fields` are further fields of the
/// module; `describe` runs before it answers.
pub(crate) fn tool(image: &[u8], fields: &str, describe: &str) -> anyhow::Result<Vec<u8>> {
    let image: String = image.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let module = format!(
        r#"(module
            {fields}
            (memory (export "memory") 4)
            (data (i32.const {RECORD}) "{image}")
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                i32.const 131072)
            (func (export "sandpit:tool/plugin@0.1.0#describe") (result i32)
                {describe}
                i32.const {RECORD})
            (func (export "sandpit:tool/plugin@0.1.0#call")
                (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
                unreachable))"#
    );
    component(&module)
}

fn component(module: &str) -> anyhow::Result<Vec<u8>> {
    let mut module = wat::parse_str(module)?;
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let mut resolve = Resolve::default();
    resolve.push_dir(wit.join("broker"))?;
    let (package, _) = resolve.push_dir(wit.join("tool"))?;
    let world = resolve.select_world(&[package], Some("tool"))?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    ComponentEncoder::default()
        .module(&module)?
        .validate(true)
        .encode()
}
