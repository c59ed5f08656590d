//! Resources: answers of tools for clients that read instead of calling.
//!
//! A tool says which of its answers are resources. Which there are for a caller
//! is said here, the same way for MCP and REST; reading one is a call of its
//! tool ([`reading`]). Whoever subscribes is told when a reading differs from
//! the one before ([`watching`]), and what a person types is completed
//! ([`completing`]).

pub(crate) mod completing;
pub(crate) mod reading;
pub(crate) mod watching;

use std::sync::Arc;

use sandpit_tools::{ResourceDescriptor, Tool};

use crate::auth::Identity;

/// One resource, or one template of resources, and the tool that answers.
pub(crate) struct Listed<'a> {
    /// Whose answer it is.
    pub(crate) tool: &'a Arc<Tool>,
    /// What the tool says of it.
    pub(crate) resource: &'a ResourceDescriptor,
}

impl Listed<'_> {
    /// The media type of what is read, where it is the same every time.
    pub(crate) fn mime_type(&self) -> Option<&str> {
        match &self.resource.mime_type {
            Some(mime_type) => Some(mime_type),
            None => {
                let structured = self.tool.descriptor().output_schema.is_some();
                structured.then_some(reading::JSON)
            }
        }
    }
}

/// A resource that a URI names.
pub(crate) struct Found {
    /// Whose answer it is.
    pub(crate) tool: Arc<Tool>,
    /// What the tool says of it.
    pub(crate) resource: ResourceDescriptor,
    /// The values of its variables.
    pub(crate) values: Vec<(String, String)>,
}

/// The resources of these tools that are there for a caller, by URI.
pub(crate) fn listed<'a>(tools: &'a [Arc<Tool>], identity: &Identity) -> Vec<Listed<'a>> {
    let theirs = tools.iter().filter(|tool| identity.may_use(tool));
    let mut listed: Vec<_> = theirs
        .flat_map(|tool| {
            let resources = tool.descriptor().resources.iter();
            resources.map(move |resource| Listed { tool, resource })
        })
        .collect();
    listed.sort_by(|a, b| a.resource.uri.as_str().cmp(b.resource.uri.as_str()));
    listed
}

/// The resource of this URI, whoever asks. One that has just this URI comes
/// before a template that fits it.
pub(crate) fn find(tools: &[Arc<Tool>], uri: &str) -> Option<Found> {
    let mut fitting = None;
    for tool in tools {
        for resource in &tool.descriptor().resources {
            let Some(values) = resource.uri.values(uri) else {
                continue;
            };
            let found = || Found {
                tool: Arc::clone(tool),
                resource: resource.clone(),
                values: (values.into_iter())
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect(),
            };
            if !resource.uri.is_template() {
                return Some(found());
            }
            if fitting.is_none() {
                fitting = Some(found());
            }
        }
    }
    fitting
}
