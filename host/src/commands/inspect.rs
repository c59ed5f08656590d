//! `sandpit inspect`: what a component says of itself and what it asks for.

use std::path::Path;

use sandpit_front::routes_of;
use sandpit_sandbox::{Descriptor, Inspected};
use sandpit_tools::Kind;
use serde_json::{Value, json};

use crate::cli::operator::InspectArgs;
use crate::component;
use crate::output::{pairs, plain, plain_lines};

/// Looks at one file.
pub async fn run(args: InspectArgs) -> anyhow::Result<()> {
    let config = args.config.sources().read()?;
    let sandbox = component::sandbox(&config)?;
    let inspected = component::inspect(&args.file, &sandbox).await?;
    if args.json {
        println!("{:#}", document(&args.file, &inspected));
    } else {
        print!("{}", shown(&args.file, &inspected));
    }
    Ok(())
}

fn shown(file: &Path, inspected: &Inspected) -> String {
    let descriptor = inspected.descriptor();
    let routes: Vec<_> = routes_of(descriptor)
        .iter()
        .map(|(method, path)| plain(&format!("{method} {path}")))
        .collect();
    let wasi: Vec<_> = inspected
        .wasi_imports()
        .iter()
        .map(|name| plain(name))
        .collect();
    let wasi = if wasi.is_empty() {
        "none".to_owned()
    } else {
        format!(
            "{}\n(all of it inert: no files, no network, no environment)",
            wasi.join("\n")
        )
    };
    pairs(&[
        ("File", file.display().to_string()),
        ("Kind", Kind::of(descriptor).name().to_owned()),
        ("Name", plain(&descriptor.name)),
        ("Title", plain(&descriptor.title)),
        ("Version", plain(&descriptor.version)),
        ("Description", plain_lines(&descriptor.description)),
        ("Says of itself", annotations(inspected).join("\n")),
        (
            "Streams",
            if descriptor.streaming { "yes" } else { "no" }.to_owned(),
        ),
        ("Arguments", arguments(descriptor)),
        ("Routes", routes.join("\n")),
        ("Asks for", asks(inspected)),
        ("WASI it would like", wasi),
        ("Size", format!("{} bytes", inspected.size())),
        ("SHA-256", inspected.digest().to_owned()),
    ])
}

/// The arguments of a prompt, a line for each.
fn arguments(descriptor: &Descriptor) -> String {
    let arguments = descriptor.prompt.iter().flatten();
    let lines: Vec<_> = arguments
        .map(|argument| {
            let required = if argument.required { ", required" } else { "" };
            plain(&format!(
                "{}{required}: {}",
                argument.name, argument.description
            ))
        })
        .collect();
    lines.join("\n")
}

/// The capabilities in plain words. What a component imports is all that it
/// can ever use.
fn asks(inspected: &Inspected) -> String {
    let capabilities = inspected.capabilities();
    let width = capabilities
        .iter()
        .map(|of| of.name().len())
        .max()
        .unwrap_or(0);
    let lines: Vec<_> = capabilities
        .iter()
        .map(|of| format!("{:width$}  {}", of.name(), of.powers()))
        .collect();
    if lines.is_empty() {
        "nothing of the broker".to_owned()
    } else {
        lines.join("\n")
    }
}

/// What it claims, which nobody has checked.
fn annotations(inspected: &Inspected) -> Vec<&'static str> {
    let annotations = inspected.descriptor().annotations;
    let mut claims = vec![match (annotations.read_only, annotations.destructive) {
        (true, _) => "only reads",
        (false, true) => "changes things, for good",
        (false, false) => "changes things",
    }];
    if annotations.idempotent {
        claims.push("the same call again changes nothing more");
    }
    claims.push(if annotations.open_world {
        "reaches the world outside"
    } else {
        "reaches nothing outside"
    });
    claims
}

fn document(file: &Path, inspected: &Inspected) -> Value {
    let descriptor = inspected.descriptor();
    let annotations = descriptor.annotations;
    let routes = routes_of(descriptor).into_iter();
    let routes: Vec<_> = routes
        .map(|(method, path)| json!({ "method": method, "path": path }))
        .collect();
    let capabilities: Vec<_> = inspected
        .capabilities()
        .iter()
        .map(|of| json!({ "name": of.name(), "powers": of.powers() }))
        .collect();
    let mut document = json!({
        "file": file.display().to_string(),
        "kind": Kind::of(descriptor),
        "name": descriptor.name,
        "title": descriptor.title,
        "version": descriptor.version,
        "description": descriptor.description,
        "annotations": {
            "readOnlyHint": annotations.read_only,
            "destructiveHint": annotations.destructive,
            "idempotentHint": annotations.idempotent,
            "openWorldHint": annotations.open_world,
        },
        "streaming": descriptor.streaming,
        "routes": routes,
        "capabilities": capabilities,
        "wasiImports": inspected.wasi_imports(),
        "size": inspected.size(),
        "digest": inspected.digest(),
        "inputSchema": descriptor.input_schema,
    });
    if let (Some(schema), Some(document)) = (&descriptor.output_schema, document.as_object_mut()) {
        document.insert("outputSchema".to_owned(), schema.clone().into());
    }
    document
}
