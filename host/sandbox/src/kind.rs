//! The two kinds of component, and what each exports.

use wasmtime::component::InstancePre;

use crate::bindings::exports::sandpit::tool::{plugin, prompt};
use crate::state::State;

/// What a tool exports.
const PLUGIN: &str = "sandpit:tool/plugin@0.1.0";
/// What a prompt exports.
const PROMPT: &str = "sandpit:tool/prompt@0.1.0";

/// Which interface a component exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exported {
    /// That of a tool.
    Plugin,
    /// That of a prompt.
    Prompt,
    /// Those of both.
    Both,
    /// Neither.
    Neither,
}

/// Which of the two interfaces are among these exports.
pub(crate) fn exported<'a>(names: impl Iterator<Item = &'a str>) -> Exported {
    let (mut plugin, mut prompt) = (false, false);
    for name in names {
        plugin |= name == PLUGIN;
        prompt |= name == PROMPT;
    }
    match (plugin, prompt) {
        (true, false) => Exported::Plugin,
        (false, true) => Exported::Prompt,
        (true, true) => Exported::Both,
        (false, false) => Exported::Neither,
    }
}

/// The functions of a component, looked up once for all calls.
pub(crate) enum Exports {
    /// Those of a tool.
    Plugin(plugin::GuestIndices),
    /// Those of a prompt.
    Prompt(prompt::GuestIndices),
}

impl Exports {
    /// Looks up what a component of this kind exports.
    pub(crate) fn of(pre: &InstancePre<State>, is_prompt: bool) -> wasmtime::Result<Self> {
        Ok(if is_prompt {
            Self::Prompt(prompt::GuestIndices::new(pre)?)
        } else {
            Self::Plugin(plugin::GuestIndices::new(pre)?)
        })
    }
}
