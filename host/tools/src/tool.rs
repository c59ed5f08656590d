//! One tool: a component and its compiled schemas.

use sandpit_sandbox::{Capability, Component, Descriptor};
use serde_json::Value;

use crate::schema::Schema;

/// A tool that can be called.
pub struct Tool {
    file: String,
    component: Component,
    input: Schema,
    output: Option<Schema>,
}

impl Tool {
    /// Makes a tool of a component.
    ///
    /// # Errors
    ///
    /// If a schema cannot be used to check anything.
    pub(crate) fn new(file: String, component: Component) -> Result<Self, String> {
        let descriptor = component.descriptor();
        let input = Schema::compile(&descriptor.input_schema)
            .map_err(|reason| format!("Its input schema is not a valid JSON Schema: {reason}."))?;
        let output = descriptor
            .output_schema
            .as_ref()
            .map(Schema::compile)
            .transpose()
            .map_err(|reason| format!("Its output schema is not a valid JSON Schema: {reason}."))?;
        Ok(Self {
            file,
            component,
            input,
            output,
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.descriptor().name
    }

    /// What it says of itself.
    pub fn descriptor(&self) -> &Descriptor {
        self.component.descriptor()
    }

    /// Name of its file in the tool folder.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// SHA-256 of its file, in hexadecimal digits.
    pub fn digest(&self) -> &str {
        self.component.digest()
    }

    /// Size of its file in bytes.
    pub fn size(&self) -> usize {
        self.component.size()
    }

    /// The capabilities that it uses.
    pub fn capabilities(&self) -> &[Capability] {
        self.component.capabilities()
    }

    pub(crate) fn component(&self) -> &Component {
        &self.component
    }

    /// Checks the arguments of a call.
    pub(crate) fn check_arguments(&self, arguments: &Value) -> Result<(), String> {
        self.input.check(arguments)
    }

    /// Checks a structured answer.
    pub(crate) fn check_answer(&self, answer: Option<&Value>) -> Result<(), String> {
        match (&self.output, answer) {
            (None, _) => Ok(()),
            (Some(_), None) => Err("it has no structured answer".to_owned()),
            (Some(schema), Some(answer)) => schema.check(answer),
        }
    }
}

impl std::fmt::Debug for Tool {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Tool")
            .field("name", &self.name())
            .field("file", &self.file)
            .field("digest", &self.digest())
            .finish_non_exhaustive()
    }
}
