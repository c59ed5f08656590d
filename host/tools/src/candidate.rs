//! A component that may become a tool: inspected, its schemas compiled.

use std::path::PathBuf;
use std::sync::Arc;

use sandpit_sandbox::{CallError, Capability, Inspected, LoadError, ResourceDescriptor, Sandbox};
use serde_json::Value;

use crate::decide::Facts;
use crate::files::{self, Read, Stamp};
use crate::schema::Schema;

/// A component that may become a tool, if the policy lets it.
pub(crate) struct Candidate {
    pub(crate) facts: Arc<Facts>,
    pub(crate) inspected: Inspected,
    pub(crate) input: Schema,
    pub(crate) output: Option<Schema>,
}

impl Candidate {
    /// Makes a candidate of a component.
    ///
    /// # Errors
    ///
    /// If a schema cannot be used to check anything.
    pub(crate) fn new(inspected: Inspected) -> Result<Self, String> {
        let descriptor = inspected.descriptor();
        let input = Schema::compile(&descriptor.input_schema)
            .map_err(|reason| format!("Its input schema is not a valid JSON Schema: {reason}."))?;
        let output = descriptor
            .output_schema
            .as_ref()
            .map(Schema::compile)
            .transpose()
            .map_err(|reason| format!("Its output schema is not a valid JSON Schema: {reason}."))?;
        check_resources(&inspected, &input)?;
        Ok(Self {
            facts: Arc::new(Facts {
                name: descriptor.name.clone(),
                version: descriptor.version.clone(),
                digest: inspected.digest().to_owned(),
                asks: inspected.capabilities().to_vec(),
                resources: (descriptor.resources.iter())
                    .map(|of| of.uri.shape())
                    .collect(),
            }),
            inspected,
            input,
            output,
        })
    }
}

/// Whether the host may call the tool by itself, with the arguments of its
/// resources.
fn check_resources(inspected: &Inspected, input: &Schema) -> Result<(), String> {
    let descriptor = inspected.descriptor();
    let resources = &descriptor.resources;
    if !resources.is_empty() && inspected.capabilities().contains(&Capability::Trading) {
        return Err(
            "It has resources, which the host reads by itself, and asks for trading. Build it \
             without one of the two."
                .to_owned(),
        );
    }
    for resource in resources {
        let checked = if resource.uri.is_template() {
            // What the variables will be is not known.
            let mut schema = descriptor.input_schema.clone();
            schema.remove("required");
            Schema::compile(&schema).and_then(|schema| check(&schema, resource))
        } else {
            check(input, resource)
        };
        checked.map_err(|faults| {
            format!(
                "The arguments of its resource {} do not fit its input schema: {faults}.",
                resource.uri
            )
        })?;
    }
    Ok(())
}

fn check(schema: &Schema, resource: &ResourceDescriptor) -> Result<(), String> {
    schema.check(&Value::Object(resource.arguments.clone()))
}

/// What an inspection found in a file.
pub(crate) enum Found {
    /// A component that may become a tool.
    Tool(Arc<Candidate>),
    /// The content that is known already.
    Same,
    /// The file changed while it was read.
    Changed,
    /// Something that is no tool.
    Fault {
        /// Why it is no tool.
        reason: String,
        /// The content's digest, if it could be read.
        digest: Option<String>,
        /// Whether the fault may go without a change of the file.
        passing: bool,
    },
}

impl Found {
    fn passing(reason: String) -> Self {
        Self::Fault {
            reason,
            digest: None,
            passing: true,
        }
    }
}

/// Reads a file and looks into it, unless it has the digest that is known.
pub(crate) async fn inspect(
    sandbox: &Sandbox,
    path: PathBuf,
    stamp: Stamp,
    known: Option<String>,
) -> Found {
    let limit = sandbox.max_component_bytes();
    let read = move || files::read(&path, stamp, known.as_deref(), limit);
    let (bytes, digest) = match tokio::task::spawn_blocking(read).await {
        Ok(Read::All(bytes, digest)) => (bytes, digest),
        Ok(Read::Same) => return Found::Same,
        Ok(Read::Changed) => return Found::Changed,
        Ok(Read::TooLarge(reason)) => {
            return Found::Fault {
                reason,
                digest: None,
                passing: false,
            };
        }
        Ok(Read::Unreadable(reason)) => return Found::passing(reason),
        Err(error) => return Found::passing(format!("The file could not be read: {error}.")),
    };
    let candidate = match sandbox.inspect(bytes).await {
        Ok(inspected) => Candidate::new(inspected),
        Err(error) if is_passing(&error) => return Found::passing(error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match candidate {
        Ok(candidate) => Found::Tool(Arc::new(candidate)),
        Err(reason) => Found::Fault {
            reason,
            digest: Some(digest),
            passing: false,
        },
    }
}

/// Whether the host is to blame, so that trying again may help.
fn is_passing(error: &LoadError) -> bool {
    matches!(
        error,
        LoadError::Host(_)
            | LoadError::Describe(
                CallError::Busy { .. } | CallError::NotStarted | CallError::ShuttingDown
            )
    )
}
