//! Completing what a person types for an argument.

use sandpit_tools::{Suggestions, Tool, Tools};

/// How many values a client gets at most.
const MOST: usize = 100;

/// Values for an argument.
pub(crate) struct Completion {
    /// Some of them, 100 at most.
    pub(crate) values: Vec<String>,
    /// How many there are in all.
    pub(crate) total: usize,
}

/// Completes what was typed for an argument of a tool.
pub(crate) async fn complete(
    tools: &Tools,
    tool: &Tool,
    suggestions: &Suggestions,
    typed: &str,
) -> Completion {
    let mut values = tools.suggest(tool, suggestions, typed).await;
    let total = values.len();
    values.truncate(MOST);
    Completion { values, total }
}
