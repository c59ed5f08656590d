//! One tool or prompt: a component that is linked with what the policy grants
//! it.

use std::sync::Arc;

use sandpit_sandbox::{CallLimits, Capability, Component, Descriptor, Grants, LoadError, Scope};
use serde_json::{Map, Value};

use crate::candidate::Candidate;
use crate::config::ToolsConfig;
use crate::gateway;
use crate::policy::ToolPolicy;
use crate::runtime::Runtime;
use crate::status::Kind;

/// A tool that can be called, or a prompt that can be had.
pub struct Tool {
    file: String,
    candidate: Arc<Candidate>,
    component: Component,
    descriptor: Descriptor,
    policy: Arc<ToolPolicy>,
    scope: Arc<Scope>,
    limits: CallLimits,
    /// Whether the host adds the argument that chooses a gateway.
    chooses_gateway: bool,
    runtime: Arc<Runtime>,
}

impl Tool {
    /// Makes a tool of a component that the policy admits. A component that
    /// is linked already is not linked again.
    ///
    /// # Errors
    ///
    /// If the component cannot be linked.
    pub(crate) fn new(
        file: String,
        candidate: Arc<Candidate>,
        linked: Option<Component>,
        policy: Arc<ToolPolicy>,
        runtime: Arc<Runtime>,
        config: &ToolsConfig,
    ) -> Result<Self, LoadError> {
        let component = match linked {
            Some(component) => component,
            None => {
                let grants = policy.grants.iter().flatten().copied();
                candidate.inspected.link(&Grants::of(grants))?
            }
        };
        let mut descriptor = candidate.inspected.descriptor().clone();
        if let Some(words) = &policy.description {
            descriptor.description.push_str("\n\n");
            descriptor.description.push_str(words.trim());
        }
        let chooses_gateway = gateway::applies(&component, &descriptor.input_schema);
        if chooses_gateway {
            let names = component.gateways(&policy.scope);
            gateway::describe(&mut descriptor.input_schema, &names);
            if let Some(arguments) = &mut descriptor.prompt {
                arguments.push(gateway::argument(names));
            }
        }
        let usual = CallLimits {
            deadline: if descriptor.streaming {
                config.stream_deadline
            } else {
                config.call_deadline
            },
            ..config.limits.clone()
        };
        Ok(Self {
            file,
            component,
            descriptor,
            scope: Arc::new(policy.scope.clone()),
            limits: policy.limits.of_call(&usual),
            chooses_gateway,
            candidate,
            policy,
            runtime,
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.descriptor.name
    }

    /// What it is to MCP.
    pub fn kind(&self) -> Kind {
        Kind::of(&self.descriptor)
    }

    /// What it says of itself, and below its description what the operator
    /// says of it.
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
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

    /// What the policy says of it.
    pub fn policy(&self) -> &ToolPolicy {
        &self.policy
    }

    pub(crate) fn candidate(&self) -> &Arc<Candidate> {
        &self.candidate
    }

    pub(crate) fn component(&self) -> &Component {
        &self.component
    }

    /// Which gateways, accounts and instruments its calls reach.
    pub(crate) fn scope(&self) -> &Arc<Scope> {
        &self.scope
    }

    /// The bounds of one call.
    pub(crate) fn limits(&self) -> &CallLimits {
        &self.limits
    }

    /// What belongs to its name.
    pub(crate) fn runtime(&self) -> &Arc<Runtime> {
        &self.runtime
    }

    /// Takes the name of the gateway out of the arguments of a call, where it is
    /// the host that added this argument.
    ///
    /// # Errors
    ///
    /// If it is no text.
    pub(crate) fn take_gateway(
        &self,
        arguments: &mut Map<String, Value>,
    ) -> Result<Option<String>, String> {
        if self.chooses_gateway {
            gateway::take(arguments)
        } else {
            Ok(None)
        }
    }

    /// Checks the arguments of a call.
    pub(crate) fn check_arguments(&self, arguments: &Value) -> Result<(), String> {
        self.candidate.input.check(arguments)
    }

    /// Checks a structured answer.
    pub(crate) fn check_answer(&self, answer: Option<&Value>) -> Result<(), String> {
        match (&self.candidate.output, answer) {
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
