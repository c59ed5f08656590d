//! The resources that a tool says it has, taken over from the guest and
//! checked.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::bindings::sandpit::tool::types as wit;
use crate::descriptor::{DESCRIPTION, TITLE, check_text, excerpt};
use crate::outcome::object;
use crate::uri_template::UriTemplate;

/// Bounds of what a tool says of its resources.
const RESOURCES: usize = 32;
const NAME: usize = 64;
const MIME_TYPE: usize = 100;
const ARGUMENTS: usize = 16 << 10;
const VALUES: usize = 1_000;
const VALUE: usize = 200;
const VOLATILE: usize = 32;

/// A tool's answer as a resource, for clients that read instead of calling.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceDescriptor {
    /// Its URI, or the template of its URIs.
    pub uri: UriTemplate,
    /// A short name: 1 to 64 of `a-z`, `0-9`, `_` and `-`.
    pub name: String,
    /// A name for people.
    pub title: String,
    /// What is to be read there.
    pub description: String,
    /// Media type of the answer's text. Without it the structured answer is
    /// what is read, or else plain text.
    pub mime_type: Option<String>,
    /// The arguments of the call that are not variables.
    pub arguments: Map<String, Value>,
    /// The variables of the template.
    pub variables: Vec<Variable>,
    /// Properties of the structured answer, at any depth, whose change is no
    /// change of the resource.
    pub volatile: Vec<String>,
}

/// A variable of a resource's URI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// The argument of the tool that it stands for.
    pub name: String,
    /// What its value is completed with.
    pub suggestions: Suggestions,
}

/// What a value is completed with while a person types it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Suggestions {
    /// Nothing.
    None,
    /// Symbols of instruments.
    Symbols,
    /// Account ids.
    Accounts,
    /// These values.
    Values(Vec<String>),
}

impl Suggestions {
    /// Takes suggestions over from the guest.
    ///
    /// # Errors
    ///
    /// What is wrong with them, as the end of a sentence about what they are
    /// for.
    pub(crate) fn from_guest(suggestions: wit::Suggestions) -> Result<Self, String> {
        match suggestions {
            wit::Suggestions::None => Ok(Self::None),
            wit::Suggestions::Symbols => Ok(Self::Symbols),
            wit::Suggestions::Accounts => Ok(Self::Accounts),
            wit::Suggestions::Values(values) => {
                if values.len() > VALUES {
                    return Err(format!(
                        "suggests {} values, more than {VALUES}",
                        values.len()
                    ));
                }
                let fits = |value: &String| {
                    let length = value.chars().count();
                    (1..=VALUE).contains(&length) && !value.chars().any(char::is_control)
                };
                if !values.iter().all(fits) {
                    return Err(format!(
                        "suggests a value that is empty, longer than {VALUE} characters, or has \
                         control characters"
                    ));
                }
                Ok(Self::Values(values))
            }
        }
    }
}

/// Takes the resources of a descriptor over. All that is wrong with them is
/// named at once.
pub(crate) fn from_guest(
    resources: Vec<wit::ResourceDescriptor>,
    input_schema: &Map<String, Value>,
    faults: &mut Vec<String>,
) -> Vec<ResourceDescriptor> {
    if resources.len() > RESOURCES {
        faults.push(format!(
            "it has {} resources, more than {RESOURCES}",
            resources.len()
        ));
        return Vec::new();
    }
    let mut taken = Vec::new();
    for resource in resources {
        let uri = excerpt(&resource.uri);
        let mut own = Vec::new();
        let resource = one(resource, input_schema, &mut own);
        faults.extend(
            own.into_iter()
                .map(|fault| format!("the resource {uri:?}: {fault}")),
        );
        taken.extend(resource);
    }
    let shapes: BTreeSet<_> = taken.iter().map(|resource| resource.uri.shape()).collect();
    if shapes.len() < taken.len() {
        faults.push("a resource is named twice".to_owned());
    }
    taken
}

fn one(
    resource: wit::ResourceDescriptor,
    input_schema: &Map<String, Value>,
    faults: &mut Vec<String>,
) -> Option<ResourceDescriptor> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    if resource.name.is_empty() || resource.name.len() > NAME || !resource.name.chars().all(plain) {
        faults.push(format!(
            "the name {:?} is not 1 to {NAME} of a-z, 0-9, _ and -",
            excerpt(&resource.name)
        ));
    }
    check_text("title", &resource.title, TITLE, false, faults);
    check_text(
        "description",
        &resource.description,
        DESCRIPTION,
        true,
        faults,
    );
    if let Some(mime_type) = &resource.mime_type
        && !is_mime_type(mime_type)
    {
        faults.push(format!(
            "{:?} is not a media type such as text/plain",
            excerpt(mime_type)
        ));
    }
    let arguments = arguments(&resource.arguments, faults);
    let uri = match UriTemplate::parse(&resource.uri) {
        Ok(uri) => Some(uri),
        Err(reason) => {
            faults.push(format!("the URI {reason}"));
            None
        }
    };
    let variables = variables(resource.variables, faults);
    if let Some(uri) = &uri {
        check_variables(uri, &variables, &arguments, input_schema, faults);
    }
    if resource.volatile.len() > VOLATILE {
        faults.push(format!(
            "it has {} volatile properties, more than {VOLATILE}",
            resource.volatile.len()
        ));
    }
    Some(ResourceDescriptor {
        uri: uri?,
        name: resource.name,
        title: resource.title,
        description: resource.description,
        mime_type: resource.mime_type,
        arguments,
        variables,
        volatile: resource.volatile,
    })
}

fn arguments(text: &str, faults: &mut Vec<String>) -> Map<String, Value> {
    if text.len() > ARGUMENTS {
        faults.push(format!(
            "its arguments have {} bytes, more than {ARGUMENTS}",
            text.len()
        ));
        return Map::new();
    }
    object(text).unwrap_or_else(|reason| {
        faults.push(format!("its arguments are {reason}"));
        Map::new()
    })
}

fn variables(variables: Vec<wit::Variable>, faults: &mut Vec<String>) -> Vec<Variable> {
    let mut taken = Vec::new();
    for variable in variables {
        match Suggestions::from_guest(variable.suggestions) {
            Ok(suggestions) => taken.push(Variable {
                name: variable.name,
                suggestions,
            }),
            Err(reason) => faults.push(format!(
                "the variable {:?} {reason}",
                excerpt(&variable.name)
            )),
        }
    }
    taken
}

/// Every variable of the URI is described, and every argument is one that the
/// tool has.
fn check_variables(
    uri: &UriTemplate,
    variables: &[Variable],
    arguments: &Map<String, Value>,
    input_schema: &Map<String, Value>,
    faults: &mut Vec<String>,
) {
    let described = variables.iter().map(|variable| variable.name.as_str());
    if !uri.variables().eq(described) {
        faults.push(
            "its variables are not those of its URI, each once and in the same order".to_owned(),
        );
    }
    let properties = input_schema.get("properties").and_then(Value::as_object);
    let known = |name: &str| properties.is_some_and(|of| of.contains_key(name));
    for name in uri.variables() {
        if arguments.contains_key(name) {
            faults.push(format!("{name:?} is a variable and an argument"));
        }
    }
    let names = uri.variables().chain(arguments.keys().map(String::as_str));
    for name in names.filter(|name| !known(name)) {
        faults.push(format!(
            "it gives the argument {:?}, which the input schema does not have",
            excerpt(name)
        ));
    }
}

fn is_mime_type(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "!#$&^_.+-".contains(c);
    let whole = |part: &str| !part.is_empty() && part.chars().all(plain);
    let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
    text.len() <= MIME_TYPE
        && essence
            .split_once('/')
            .is_some_and(|(kind, subtype)| whole(kind) && whole(subtype))
        && parameters.chars().all(|c| c.is_ascii_graphic() || c == ' ')
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    fn good() -> wit::ResourceDescriptor {
        wit::ResourceDescriptor {
            uri: "ibkr://quotes/{symbol}".to_owned(),
            name: "quote".to_owned(),
            title: "Quote".to_owned(),
            description: "The quote of a stock.".to_owned(),
            mime_type: None,
            arguments: r#"{"secType":"STK"}"#.to_owned(),
            variables: vec![wit::Variable {
                name: "symbol".to_owned(),
                suggestions: wit::Suggestions::Symbols,
            }],
            volatile: vec!["ageMs".to_owned()],
        }
    }

    fn input_schema() -> Map<String, Value> {
        object(r#"{"type":"object","properties":{"symbol":{"type":"string"},"secType":{}}}"#)
            .unwrap()
    }

    fn faults(change: impl FnOnce(&mut wit::ResourceDescriptor)) -> Vec<String> {
        let mut resource = good();
        change(&mut resource);
        let mut faults = Vec::new();
        from_guest(vec![resource], &input_schema(), &mut faults);
        faults
    }

    #[test]
    fn a_good_one_is_taken() {
        let mut faults = Vec::new();
        let taken = from_guest(vec![good()], &input_schema(), &mut faults);
        assert!(faults.is_empty(), "{faults:?}");
        let resource = taken.first().unwrap();
        assert_eq!(resource.uri.as_str(), "ibkr://quotes/{symbol}");
        assert_eq!(resource.arguments.get("secType"), Some(&"STK".into()));
        assert_eq!(
            resource.variables,
            [Variable {
                name: "symbol".to_owned(),
                suggestions: Suggestions::Symbols,
            }]
        );
    }

    #[test]
    fn every_fault_is_named() {
        type Change = fn(&mut wit::ResourceDescriptor);
        let changes: [(Change, &str); 9] = [
            (|of| of.name = "A Quote".to_owned(), "the name"),
            (|of| of.title.clear(), "the title is empty"),
            (|of| of.mime_type = Some("json".to_owned()), "media type"),
            (|of| of.arguments = "[]".to_owned(), "its arguments are"),
            (
                |of| of.arguments = r#"{"right":"C"}"#.to_owned(),
                "does not have",
            ),
            (
                |of| of.arguments = r#"{"symbol":"A"}"#.to_owned(),
                "a variable and an argument",
            ),
            (|of| of.variables.clear(), "its variables are not those"),
            (|of| of.uri = "quotes".to_owned(), "the URI does not begin"),
            (
                |of| {
                    for variable in &mut of.variables {
                        variable.suggestions = wit::Suggestions::Values(vec![String::new()]);
                    }
                },
                "suggests a value that is empty",
            ),
        ];
        for (change, expected) in changes {
            let faults = faults(change);
            let named = faults.iter().any(|fault| fault.contains(expected));
            assert!(named, "{expected}: {faults:?}");
        }
    }

    #[test]
    fn one_uri_is_one_resource() {
        let mut faults = Vec::new();
        from_guest(vec![good(), good()], &input_schema(), &mut faults);
        assert_eq!(faults, ["a resource is named twice"]);
    }
}
