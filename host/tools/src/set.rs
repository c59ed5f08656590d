//! One state of the set of tools, and how it is made from the folder.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use futures::StreamExt as _;
use sandpit_sandbox::{Grants, Sandbox};

use crate::error::{Refusal, ToolsError};
use crate::folder::{self, File};
use crate::tool::Tool;

/// One state of the set. It never changes; another state replaces it.
#[derive(Debug, Default)]
pub(crate) struct ToolSet {
    by_name: BTreeMap<String, Arc<Tool>>,
    list: Arc<[Arc<Tool>]>,
    refused: Arc<[Refusal]>,
}

impl ToolSet {
    /// Loads every file of the folder. A file that cannot be loaded is
    /// refused; the others are not the worse for it.
    pub(crate) async fn load(
        folder: &Path,
        sandbox: &Sandbox,
        grants: &Grants,
    ) -> Result<Self, ToolsError> {
        let files = folder::list(folder)
            .await
            .map_err(|source| ToolsError::Folder {
                folder: folder.to_owned(),
                source,
            })?;
        let at_once = std::thread::available_parallelism().map_or(1, usize::from);
        let loaded: Vec<_> = futures::stream::iter(files)
            .map(|file| async move {
                let result = load(&file, sandbox, grants).await;
                (file.name, result)
            })
            .buffered(at_once)
            .collect()
            .await;
        Ok(Self::of(loaded))
    }

    /// Sorts what was loaded into tools and refusals. Two files with one name
    /// are both refused: which of them the operator means cannot be known, and
    /// a file must not be able to take another tool's place.
    fn of(loaded: Vec<(String, Result<Tool, String>)>) -> Self {
        let mut refused = Vec::new();
        let mut named: BTreeMap<String, Vec<Tool>> = BTreeMap::new();
        for (file, result) in loaded {
            match result {
                Ok(tool) => named.entry(tool.name().to_owned()).or_default().push(tool),
                Err(reason) => refused.push(Refusal { file, reason }),
            }
        }
        let mut by_name = BTreeMap::new();
        for (name, tools) in named {
            match <[Tool; 1]>::try_from(tools) {
                Ok([tool]) => {
                    by_name.insert(name, Arc::new(tool));
                }
                Err(tools) => refused.extend(duplicates(&name, &tools)),
            }
        }
        refused.sort_by(|a, b| a.file.cmp(&b.file));
        for tool in by_name.values() {
            announce(tool);
        }
        for Refusal { file, reason } in &refused {
            tracing::warn!(file, reason, "a file in the tool folder is not served");
        }
        Self {
            list: by_name.values().cloned().collect(),
            by_name,
            refused: refused.into(),
        }
    }

    /// The tools by name.
    pub(crate) fn list(&self) -> Arc<[Arc<Tool>]> {
        Arc::clone(&self.list)
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<Tool>> {
        self.by_name.get(name).cloned()
    }

    /// The files that are not served, by file name.
    pub(crate) fn refused(&self) -> Arc<[Refusal]> {
        Arc::clone(&self.refused)
    }
}

async fn load(file: &File, sandbox: &Sandbox, grants: &Grants) -> Result<Tool, String> {
    let bytes = folder::read(file, sandbox.max_component_bytes()).await?;
    let component = sandbox
        .inspect(bytes)
        .await
        .and_then(|inspected| inspected.link(grants))
        .map_err(|error| error.to_string())?;
    Tool::new(file.name.clone(), component)
}

/// Says what is served, and what it may do.
fn announce(tool: &Tool) {
    let capabilities: Vec<_> = tool.capabilities().iter().map(|of| of.name()).collect();
    tracing::info!(
        tool = tool.name(),
        version = tool.descriptor().version,
        digest = tool.digest(),
        capabilities = capabilities.join(", "),
        "a tool is served"
    );
}

/// The refusals of files that call themselves by one name, each of which names
/// the others.
fn duplicates(name: &str, tools: &[Tool]) -> Vec<Refusal> {
    let files: Vec<_> = tools.iter().map(Tool::file).collect();
    let files = files.join(", ");
    let refusal = |tool: &Tool| Refusal {
        file: tool.file().to_owned(),
        reason: format!(
            "Several files call themselves {name}, so none of them is served: {files}. Keep one \
             of them in the folder."
        ),
    };
    tools.iter().map(refusal).collect()
}
