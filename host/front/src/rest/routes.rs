//! Which routes a tool has, and which tool a request means.

use std::collections::BTreeSet;
use std::sync::Arc;

use http::Method;
use sandpit_tools::{Descriptor, HttpMethod, Tool};

/// The prefix of tool names that paths may leave out.
const PREFIX: &str = "ibkr_";

/// The path of the prompts.
pub(super) const PROMPTS: &str = "prompts";

/// One route of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    /// Its method.
    pub(super) method: Method,
    /// Its path below `/api/v1/`, with `{name}` for an argument.
    pub(super) path: String,
    /// How it came about: better ones win where two tools have the same path.
    pub(super) rank: Rank,
}

/// How good a claim to a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// The tool's name, with or without the prefix.
    Name,
    /// A path that the tool declares.
    Declared,
    /// The same, with arguments in it.
    Pattern,
}

impl Route {
    /// The arguments that stand in the path.
    pub(super) fn parameters(&self) -> impl Iterator<Item = &str> {
        self.path.split('/').filter_map(parameter)
    }

    /// The arguments that `segments` give, if this is their route.
    fn matches(&self, segments: &[String]) -> Option<Vec<(String, String)>> {
        let mut parameters = Vec::new();
        let mut segments = segments.iter();
        for expected in self.path.split('/') {
            let segment = segments.next()?;
            match parameter(expected) {
                Some(name) => parameters.push((name.to_owned(), segment.clone())),
                None if expected == segment => {}
                None => return None,
            }
        }
        segments.next().is_none().then_some(parameters)
    }
}

fn parameter(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// All routes of a tool, each once: those of its name, and those it declares.
/// A prompt has one.
pub(super) fn of(descriptor: &Descriptor) -> Vec<Route> {
    let mut routes: Vec<Route> = Vec::new();
    let mut add = |method: Method, path: &str, rank: Rank| {
        if !routes
            .iter()
            .any(|known| known.method == method && known.path == path)
        {
            routes.push(Route {
                method,
                path: path.to_owned(),
                rank,
            });
        }
    };
    if descriptor.prompt.is_some() {
        let path = format!("{PROMPTS}/{}", descriptor.name);
        add(Method::POST, &path, Rank::Name);
        return routes;
    }
    let short = descriptor.name.strip_prefix(PREFIX);
    for name in short.into_iter().chain([descriptor.name.as_str()]) {
        if descriptor.annotations.read_only || descriptor.streaming {
            add(Method::GET, name, Rank::Name);
        }
        add(Method::POST, name, Rank::Name);
    }
    for declared in &descriptor.routes {
        let method = match declared.method {
            HttpMethod::Get => Method::GET,
            HttpMethod::Post => Method::POST,
            HttpMethod::Delete => Method::DELETE,
        };
        let rank = if declared.path.contains('{') {
            Rank::Pattern
        } else {
            Rank::Declared
        };
        add(method, &declared.path, rank);
    }
    routes
}

/// The names that a tool may have whose path is its name alone.
pub(super) fn names(segment: &str) -> [String; 2] {
    [segment.to_owned(), format!("{PREFIX}{segment}")]
}

/// What a request means.
#[derive(Debug)]
pub(super) enum Found {
    /// A call of this tool.
    Tool(FoundTool),
    /// The path has other methods, as an `Allow` header lists them.
    OtherMethods(String),
    /// Nothing has this path.
    Nothing,
}

/// A tool, with the arguments that stood in the path.
#[derive(Debug)]
pub(super) struct FoundTool {
    /// The tool.
    pub(super) tool: Arc<Tool>,
    /// The arguments, as texts.
    pub(super) parameters: Vec<(String, String)>,
}

/// Finds the tool that a request means.
pub(super) fn find(tools: &[Arc<Tool>], method: &Method, segments: &[String]) -> Found {
    let mut best: Option<(Rank, FoundTool)> = None;
    let mut methods = BTreeSet::new();
    for tool in tools {
        for route in of(tool.descriptor()) {
            let Some(parameters) = route.matches(segments) else {
                continue;
            };
            if route.method != *method {
                methods.insert(route.method.to_string());
            } else if best.as_ref().is_none_or(|(rank, _)| route.rank < *rank) {
                let tool = tool.clone();
                best = Some((route.rank, FoundTool { tool, parameters }));
            }
        }
    }
    match best {
        Some((_, found)) => Found::Tool(found),
        None if methods.is_empty() => Found::Nothing,
        None => {
            methods.insert(Method::OPTIONS.to_string());
            let methods: Vec<_> = methods.into_iter().collect();
            Found::OtherMethods(methods.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use sandpit_tools::{Annotations, RestRoute};
    use serde_json::Map;

    use super::*;

    fn descriptor(name: &str, read_only: bool, declared: &[(HttpMethod, &str)]) -> Descriptor {
        Descriptor {
            name: name.to_owned(),
            title: String::new(),
            description: String::new(),
            version: "1.0.0".to_owned(),
            input_schema: Map::new(),
            output_schema: None,
            annotations: Annotations {
                read_only,
                destructive: false,
                idempotent: false,
                open_world: true,
            },
            routes: declared
                .iter()
                .map(|(method, path)| RestRoute {
                    method: *method,
                    path: (*path).to_owned(),
                })
                .collect(),
            streaming: false,
            resources: Vec::new(),
            prompt: None,
        }
    }

    fn shown(descriptor: &Descriptor) -> Vec<String> {
        of(descriptor)
            .iter()
            .map(|route| format!("{} {}", route.method, route.path))
            .collect()
    }

    #[test]
    fn a_tool_that_reads_has_get_and_post_under_both_names() {
        assert_eq!(
            shown(&descriptor("ibkr_get_positions", true, &[])),
            [
                "GET get_positions",
                "POST get_positions",
                "GET ibkr_get_positions",
                "POST ibkr_get_positions",
            ]
        );
    }

    #[test]
    fn a_tool_that_writes_has_post_and_what_it_declares() {
        let declared = [
            (HttpMethod::Delete, "cancel_order/{orderId}"),
            (HttpMethod::Post, "cancel_order"),
        ];
        let descriptor = descriptor("ibkr_cancel_order", false, &declared);
        assert_eq!(
            shown(&descriptor),
            [
                "POST cancel_order",
                "POST ibkr_cancel_order",
                "DELETE cancel_order/{orderId}",
            ]
        );
        let routes = of(&descriptor);
        assert_eq!(
            routes.last().map(|route| route.parameters().collect()),
            Some(vec!["orderId"])
        );
    }

    #[test]
    fn a_streaming_tool_has_get() {
        let mut streaming = descriptor("watch", false, &[]);
        streaming.streaming = true;
        assert_eq!(shown(&streaming), ["GET watch", "POST watch"]);
    }

    #[test]
    fn patterns_give_arguments() {
        let declared = [(HttpMethod::Delete, "orders/{orderId}/{leg}")];
        let routes = of(&descriptor("x", false, &declared));
        let segments = |path: &str| path.split('/').map(str::to_owned).collect::<Vec<_>>();
        let matches = |path: &str| {
            routes
                .iter()
                .find_map(|route| route.matches(&segments(path)))
        };
        assert_eq!(
            matches("orders/5/a"),
            Some(vec![
                ("orderId".to_owned(), "5".to_owned()),
                ("leg".to_owned(), "a".to_owned()),
            ])
        );
        assert_eq!(matches("orders/5"), None);
        assert_eq!(matches("orders/5/a/b"), None);
        assert_eq!(matches("other/5/a"), None);
    }
}
