//! The live tools as `tools/list` shows them.

use std::sync::{Arc, PoisonError, RwLock};

use rmcp::model::{Tool, ToolAnnotations};
use sandpit_tools::{Descriptor, Rights, Tools};

/// The tools, in MCP's own type. Made once for every state of the live set:
/// rmcp asks for a tool with every request.
pub(super) struct Catalog {
    tools: Tools,
    made: RwLock<Made>,
}

#[derive(Clone)]
struct Made {
    from: Arc<[Arc<sandpit_tools::Tool>]>,
    list: Arc<[Tool]>,
}

impl Catalog {
    /// A catalog of these tools.
    pub(super) fn new(tools: Tools) -> Self {
        let made = RwLock::new(Made::new(tools.list()));
        Self { tools, made }
    }

    /// The tools that are there for a caller, in the order of their names.
    pub(super) fn list(&self, rights: &Rights) -> Vec<Tool> {
        let Made { from, list } = self.made();
        let theirs = from.iter().zip(list.iter());
        let theirs = theirs.filter(|(tool, _)| rights.allow(tool));
        theirs.map(|(_, shown)| shown.clone()).collect()
    }

    /// The tool of this name.
    pub(super) fn get(&self, name: &str) -> Option<Tool> {
        let list = self.made().list;
        list.iter().find(|tool| tool.name == name).cloned()
    }

    /// All tools, in the order of their names.
    fn made(&self) -> Made {
        let now = self.tools.list();
        {
            let made = self.made.read().unwrap_or_else(PoisonError::into_inner);
            if Arc::ptr_eq(&made.from, &now) {
                return made.clone();
            }
        }
        let made = Made::new(now);
        *self.made.write().unwrap_or_else(PoisonError::into_inner) = made.clone();
        made
    }
}

impl Made {
    fn new(from: Arc<[Arc<sandpit_tools::Tool>]>) -> Self {
        let list = from.iter().map(|tool| shown(tool.descriptor())).collect();
        Self { from, list }
    }
}

fn shown(descriptor: &Descriptor) -> Tool {
    let annotations = ToolAnnotations::new()
        .read_only(descriptor.annotations.read_only)
        .destructive(descriptor.annotations.destructive)
        .idempotent(descriptor.annotations.idempotent)
        .open_world(descriptor.annotations.open_world);
    let mut tool = Tool::new(
        descriptor.name.clone(),
        descriptor.description.clone(),
        Arc::new(descriptor.input_schema.clone()),
    )
    .with_title(descriptor.title.clone())
    .with_annotations(annotations);
    tool.output_schema = descriptor.output_schema.clone().map(Arc::new);
    tool
}
