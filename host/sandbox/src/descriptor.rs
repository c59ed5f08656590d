//! What a tool says of itself, taken over from the guest and checked.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::bindings::sandpit::tool::types as wit;
use crate::error::LoadError;
use crate::outcome::object;
use crate::prompt::Argument;
use crate::resource::{self, ResourceDescriptor};

/// Bounds of a descriptor, in characters for texts and in bytes for schemas.
const NAME: usize = 64;
pub(crate) const TITLE: usize = 120;
pub(crate) const DESCRIPTION: usize = 4_000;
const SCHEMA: usize = 64 << 10;
const ROUTES: usize = 16;
const ROUTE: usize = 200;

/// What a tool says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Descriptor {
    /// The tool's name: 1 to 64 of `a-z`, `0-9`, `_`.
    pub name: String,
    /// A name for people.
    pub title: String,
    /// What it answers and when to use it, for a model that chooses.
    pub description: String,
    /// The tool's own version, as semantic versioning writes it.
    pub version: String,
    /// JSON Schema (2020-12) of the arguments; its type is `object`.
    pub input_schema: Map<String, Value>,
    /// JSON Schema (2020-12) of the structured answer; its type is `object`.
    pub output_schema: Option<Map<String, Value>>,
    /// What is true of it.
    pub annotations: Annotations,
    /// Its REST routes, beside those that every tool has.
    pub routes: Vec<RestRoute>,
    /// Whether it sends events while it runs.
    pub streaming: bool,
    /// Its answer as resources, of a tool that is read-only and does not stream.
    pub resources: Vec<ResourceDescriptor>,
    /// Its arguments in their order, if it is a prompt and not a tool.
    pub prompt: Option<Vec<Argument>>,
}

/// What is true of a tool, for whoever decides to call it (MCP tool
/// annotations).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Annotations {
    /// It changes nothing.
    pub read_only: bool,
    /// What it changes may be lost for good.
    pub destructive: bool,
    /// Calling it again with the same arguments changes nothing more.
    pub idempotent: bool,
    /// It reaches the world outside.
    pub open_world: bool,
}

/// A REST route.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RestRoute {
    /// The method.
    pub method: HttpMethod,
    /// The path below `/api/v1/`. A segment in braces is an argument, for
    /// example `cancel_order/{orderId}`.
    pub path: String,
}

/// HTTP method of a REST route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HttpMethod {
    /// GET.
    Get,
    /// POST.
    Post,
    /// DELETE.
    Delete,
}

impl HttpMethod {
    /// The method as HTTP writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

/// Takes a descriptor over from the guest. All that is wrong with it is named
/// at once.
pub(crate) fn from_guest(descriptor: wit::Descriptor) -> Result<Descriptor, LoadError> {
    let mut faults = Vec::new();
    check_words(
        &descriptor.name,
        &descriptor.title,
        &descriptor.description,
        &descriptor.version,
        &mut faults,
    );
    let input_schema = schema("input schema", &descriptor.input_schema, &mut faults);
    let output_schema = descriptor
        .output_schema
        .as_deref()
        .map(|text| schema("output schema", text, &mut faults));
    let routes = routes(descriptor.routes, &input_schema, &mut faults);
    let resources = resource::from_guest(descriptor.resources, &input_schema, &mut faults);
    if !resources.is_empty() && (!descriptor.annotations.read_only || descriptor.streaming) {
        faults.push(
            "it has resources, which only a tool that is read-only and does not stream may have"
                .to_owned(),
        );
    }
    if !faults.is_empty() {
        return Err(LoadError::Descriptor(faults));
    }
    Ok(Descriptor {
        name: descriptor.name,
        title: descriptor.title,
        description: descriptor.description,
        version: descriptor.version,
        input_schema,
        output_schema,
        annotations: Annotations {
            read_only: descriptor.annotations.read_only,
            destructive: descriptor.annotations.destructive,
            idempotent: descriptor.annotations.idempotent,
            open_world: descriptor.annotations.open_world,
        },
        routes,
        streaming: descriptor.streaming,
        resources,
        prompt: None,
    })
}

/// Checks what tools and prompts both say of themselves.
pub(crate) fn check_words(
    name: &str,
    title: &str,
    description: &str,
    version: &str,
    faults: &mut Vec<String>,
) {
    check_name(name, faults);
    check_text("title", title, TITLE, false, faults);
    check_text("description", description, DESCRIPTION, true, faults);
    if semver::Version::parse(version).is_err() {
        faults.push(format!(
            "the version {:?} is not a semantic version such as 1.0.0",
            excerpt(version)
        ));
    }
}

fn check_name(name: &str, faults: &mut Vec<String>) {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || name.len() > NAME || !name.chars().all(allowed) {
        faults.push(format!(
            "the name {:?} is not 1 to {NAME} of a-z, 0-9 and _",
            excerpt(name)
        ));
    }
}

pub(crate) fn check_text(
    what: &str,
    text: &str,
    limit: usize,
    lines: bool,
    faults: &mut Vec<String>,
) {
    let length = text.chars().count();
    if text.trim().is_empty() {
        faults.push(format!("the {what} is empty"));
    }
    if length > limit {
        faults.push(format!(
            "the {what} has {length} characters, more than {limit}"
        ));
    }
    if text
        .chars()
        .any(|c| c.is_control() && !(lines && c == '\n'))
    {
        faults.push(format!("the {what} has control characters"));
    }
}

fn schema(what: &str, text: &str, faults: &mut Vec<String>) -> Map<String, Value> {
    if text.len() > SCHEMA {
        faults.push(format!(
            "the {what} has {} bytes, more than {SCHEMA}",
            text.len()
        ));
        return Map::new();
    }
    match object(text) {
        Ok(schema) => {
            if schema.get("type").and_then(Value::as_str) != Some("object") {
                faults.push(format!("the {what} has not the type \"object\""));
            }
            schema
        }
        Err(reason) => {
            faults.push(format!("the {what} is {reason}"));
            Map::new()
        }
    }
}

fn routes(
    routes: Vec<wit::RestRoute>,
    input_schema: &Map<String, Value>,
    faults: &mut Vec<String>,
) -> Vec<RestRoute> {
    if routes.len() > ROUTES {
        faults.push(format!(
            "it has {} routes, more than {ROUTES}",
            routes.len()
        ));
        return Vec::new();
    }
    let routes: Vec<_> = routes
        .into_iter()
        .map(|route| RestRoute {
            method: match route.method {
                wit::HttpMethod::Get => HttpMethod::Get,
                wit::HttpMethod::Post => HttpMethod::Post,
                wit::HttpMethod::Delete => HttpMethod::Delete,
            },
            path: route.path,
        })
        .collect();
    for route in &routes {
        if let Err(reason) = check_route(&route.path, input_schema) {
            faults.push(format!("the route {:?} {reason}", excerpt(&route.path)));
        }
    }
    let distinct: BTreeSet<_> = routes.iter().collect();
    if distinct.len() < routes.len() {
        faults.push("a route is named twice".to_owned());
    }
    routes
}

fn check_route(path: &str, input_schema: &Map<String, Value>) -> Result<(), String> {
    if path.is_empty() || path.len() > ROUTE {
        return Err(format!("is not 1 to {ROUTE} characters long"));
    }
    let properties = input_schema.get("properties").and_then(Value::as_object);
    let mut arguments = BTreeSet::new();
    for segment in path.split('/') {
        let argument = segment
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        if let Some(argument) = argument {
            if !properties.is_some_and(|properties| properties.contains_key(argument)) {
                return Err(format!(
                    "names the argument {argument:?}, which the input schema does not have"
                ));
            }
            if !arguments.insert(argument) {
                return Err(format!("names the argument {argument:?} twice"));
            }
            continue;
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let dots = segment.chars().all(|c| c == '.');
        if segment.is_empty() || dots || !segment.chars().all(plain) {
            return Err(
                "is not made of segments of letters, digits, -, _ and ., or of an argument in \
                 braces, with / between them"
                    .to_owned(),
            );
        }
    }
    Ok(())
}

pub(crate) fn excerpt(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    fn good() -> wit::Descriptor {
        wit::Descriptor {
            name: "ibkr_cancel_order".to_owned(),
            title: "Cancel order".to_owned(),
            description: "Cancels an order.\nOnly your own.".to_owned(),
            version: "1.2.3".to_owned(),
            input_schema: r#"{"type":"object","properties":{"orderId":{"type":"integer"}}}"#
                .to_owned(),
            output_schema: None,
            annotations: wit::Annotations {
                read_only: false,
                destructive: true,
                idempotent: true,
                open_world: true,
            },
            routes: vec![wit::RestRoute {
                method: wit::HttpMethod::Delete,
                path: "cancel_order/{orderId}".to_owned(),
            }],
            streaming: false,
            resources: Vec::new(),
        }
    }

    fn faults(change: impl FnOnce(&mut wit::Descriptor)) -> Vec<String> {
        let mut descriptor = good();
        change(&mut descriptor);
        match from_guest(descriptor) {
            Err(LoadError::Descriptor(faults)) => faults,
            other => unreachable!("it should be refused, not {other:?}"),
        }
    }

    #[test]
    fn a_good_one_is_taken() {
        let descriptor = from_guest(good()).unwrap();
        assert_eq!(descriptor.name, "ibkr_cancel_order");
        assert_eq!(descriptor.routes.len(), 1);
    }

    #[test]
    fn every_fault_is_named() {
        let faults = faults(|descriptor| {
            descriptor.name = "No Name".to_owned();
            descriptor.title = String::new();
            descriptor.description = "x".repeat(DESCRIPTION + 1);
            descriptor.version = "one".to_owned();
            descriptor.output_schema = Some("[]".to_owned());
        });
        assert_eq!(faults.len(), 5, "{faults:?}");
    }

    #[test]
    fn schemas_are_of_objects() {
        assert_eq!(
            faults(|descriptor| {
                descriptor.routes.clear();
                descriptor.input_schema = r#"{"type":"string"}"#.to_owned();
            }),
            ["the input schema has not the type \"object\""]
        );
    }

    #[test]
    fn control_characters_are_refused() {
        for (title, description) in [("a\nb", "fine"), ("fine", "\u{1b}[31m")] {
            let faults = faults(|descriptor| {
                descriptor.title = title.to_owned();
                descriptor.description = description.to_owned();
            });
            assert_eq!(faults.len(), 1, "{faults:?}");
        }
    }

    #[test]
    fn routes_are_checked() {
        for path in [
            "",
            "/cancel",
            "cancel/",
            "../cancel",
            "cancel?x",
            "cancel/{symbol}",
            "{orderId}/{orderId}",
            "cancel/{",
        ] {
            let faults = faults(|descriptor| {
                if let Some(route) = descriptor.routes.first_mut() {
                    route.path = path.to_owned();
                }
            });
            assert_eq!(faults.len(), 1, "{path}: {faults:?}");
        }
        let twice = faults(|descriptor| {
            let again = descriptor.routes.clone();
            descriptor.routes.extend(again);
        });
        assert_eq!(twice, ["a route is named twice"]);
    }
}
