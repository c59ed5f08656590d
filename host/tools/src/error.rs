//! What can go wrong, in sentences that may be shown to a person.

use std::path::PathBuf;

use crate::policy::PolicyError;
use crate::status::Kind;

/// The longest name that an error repeats, in characters.
pub(crate) const NAME: usize = 100;

/// The set of tools could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ToolsError {
    /// The tool folder cannot be listed.
    #[error(
        "the tool folder {} cannot be read ({source}); it has to be a folder with the tools' \
         .wasm files", .folder.display()
    )]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file that is to be looked at cannot be.
    #[error("{} cannot be looked at: {source}", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The policy makes no sense.
    #[error("the policy cannot be applied: {0}")]
    Policy(#[from] PolicyError),
    /// The host's own metrics make no sense, which is a defect of the host.
    #[error("the metrics of the tools cannot be kept: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// A call reached no tool or prompt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ToolError {
    /// There is no tool of that name.
    #[error("There is no tool named {name:?}. List the tools to see which there are.")]
    UnknownTool {
        /// The name that was asked for, cut to a sensible length.
        name: String,
    },
    /// There is no prompt of that name.
    #[error("There is no prompt named {name:?}. List the prompts to see which there are.")]
    UnknownPrompt {
        /// The name that was asked for, cut to a sensible length.
        name: String,
    },
    /// The operator does not let it serve.
    #[error(
        "The {kind} {name:?} is not served: {reason}. Only the operator of the host can change \
         that."
    )]
    NotServed {
        /// What it is.
        kind: Kind,
        /// Its name.
        name: String,
        /// Why not, within a sentence.
        reason: &'static str,
    },
}

impl ToolError {
    /// There is no tool of this name.
    pub fn unknown(name: &str) -> Self {
        Self::unknown_of(Kind::Tool, name)
    }

    /// There is nothing of this kind and name.
    pub fn unknown_of(kind: Kind, name: &str) -> Self {
        let name = name.chars().take(NAME).collect();
        match kind {
            Kind::Tool => Self::UnknownTool { name },
            Kind::Prompt => Self::UnknownPrompt { name },
        }
    }
}

/// A file in the tool folder that cannot be a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The file's name, without its folder.
    pub file: String,
    /// Why, in a sentence or two.
    pub reason: String,
}
