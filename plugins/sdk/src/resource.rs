//! Describing a tool's answer as a resource.

use crate::{ResourceDescriptor, Suggestions, Variable};

impl ResourceDescriptor {
    /// A resource with this URI: the answer to a call without arguments. Its
    /// name is 1 to 64 of `a-z`, `0-9`, `_` and `-`; the title is for people.
    #[must_use]
    pub fn new(uri: &str, name: &str, title: &str, description: &str) -> Self {
        Self {
            uri: uri.to_owned(),
            name: name.to_owned(),
            title: title.to_owned(),
            description: description.to_owned(),
            mime_type: None,
            arguments: "{}".to_owned(),
            variables: Vec::new(),
            volatile: Vec::new(),
        }
    }

    /// Describes a variable of the URI: `{name}` there is the value of the
    /// argument of that name. Variables come in the order of the URI.
    #[must_use]
    pub fn variable(mut self, name: &str, suggestions: Suggestions) -> Self {
        self.variables.push(Variable {
            name: name.to_owned(),
            suggestions,
        });
        self
    }

    /// Says with which other arguments the tool is called: a JSON object.
    #[must_use]
    pub fn arguments(mut self, arguments: &str) -> Self {
        arguments.clone_into(&mut self.arguments);
        self
    }

    /// Says that the text of the answer is what is read, and of which media
    /// type it is, and not the structured answer.
    #[must_use]
    pub fn mime_type(mut self, mime_type: &str) -> Self {
        self.mime_type = Some(mime_type.to_owned());
        self
    }

    /// Names properties of the answer that differ with every reading. A change
    /// of them alone is no news for subscribers.
    #[must_use]
    pub fn volatile(mut self, properties: &[&str]) -> Self {
        let properties = properties.iter().map(|&property| property.to_owned());
        self.volatile.extend(properties);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_all_there() {
        let quote = ResourceDescriptor::new("a:{symbol}", "quote", "Quote", "A quote.")
            .variable("symbol", Suggestions::Symbols)
            .arguments(r#"{"secType":"STK"}"#)
            .mime_type("text/csv")
            .volatile(&["ageMs"]);
        assert_eq!(quote.uri, "a:{symbol}");
        assert_eq!(quote.arguments, r#"{"secType":"STK"}"#);
        assert_eq!(quote.mime_type.as_deref(), Some("text/csv"));
        assert_eq!(quote.volatile, ["ageMs"]);
        assert_eq!(
            quote.variables,
            [Variable {
                name: "symbol".to_owned(),
                suggestions: Suggestions::Symbols,
            }]
        );
    }
}
