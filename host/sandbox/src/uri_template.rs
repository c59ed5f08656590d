//! URI templates (RFC 6570, level 1): which URIs one stands for, and with what
//! values.

use std::collections::BTreeSet;
use std::fmt;

/// How long a URI or a template may be, in bytes.
const LENGTH: usize = 1_000;
/// How many variables a template may have.
const VARIABLES: usize = 8;

/// A URI, or a template of URIs such as `ibkr://quotes/{symbol}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UriTemplate {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Variable(String),
}

impl UriTemplate {
    /// Reads a template.
    ///
    /// # Errors
    ///
    /// What is wrong with it, as the end of a sentence about it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LENGTH {
            return Err(format!("has {} bytes, more than {LENGTH}", text.len()));
        }
        let parts = parts(text)?;
        let scheme = match parts.first() {
            Some(Part::Literal(start)) => start.split_once(':').map(|(scheme, _)| scheme),
            _ => None,
        };
        if !scheme.is_some_and(is_scheme) {
            return Err("does not begin with a scheme, such as ibkr://".to_owned());
        }
        let template = Self {
            text: text.to_owned(),
            parts,
        };
        let distinct: BTreeSet<_> = template.variables().collect();
        if distinct.len() < template.variables().count() {
            return Err("has a variable twice".to_owned());
        }
        if distinct.len() > VARIABLES {
            return Err(format!("has more than {VARIABLES} variables"));
        }
        let adjoining = template.parts.windows(2);
        for pair in adjoining {
            if let [Part::Variable(_), Part::Variable(_)] = pair {
                return Err("has two variables with nothing between them".to_owned());
            }
        }
        Ok(template)
    }

    /// The template as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it stands for more than one URI.
    pub fn is_template(&self) -> bool {
        self.variables().next().is_some()
    }

    /// The names of its variables, in their order.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Variable(name) => Some(name.as_str()),
            Part::Literal(_) => None,
        })
    }

    /// The same for two templates that stand for the same URIs, whatever they
    /// call their variables.
    pub fn shape(&self) -> String {
        let parts = self.parts.iter();
        parts
            .map(|part| match part {
                Part::Literal(text) => text.as_str(),
                Part::Variable(_) => "{}",
            })
            .collect()
    }

    /// The values with which the template becomes this URI, by variable; none
    /// if it never does. A value is not empty and has no `/` that is not
    /// encoded.
    pub fn values(&self, uri: &str) -> Option<Vec<(&str, String)>> {
        if uri.len() > LENGTH {
            return None;
        }
        let mut values = Vec::new();
        let mut rest = uri;
        let mut parts = self.parts.iter().peekable();
        while let Some(part) = parts.next() {
            match part {
                Part::Literal(text) => rest = rest.strip_prefix(text.as_str())?,
                Part::Variable(name) => {
                    let end = match parts.peek() {
                        Some(Part::Literal(next)) => rest.find(next.as_str())?,
                        _ => rest.len(),
                    };
                    let (value, after) = rest.split_at_checked(end)?;
                    values.push((name.as_str(), decoded(value)?));
                    rest = after;
                }
            }
        }
        rest.is_empty().then_some(values)
    }
}

impl fmt::Display for UriTemplate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

fn parts(text: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('{') {
            let (name, after) = after.split_once('}').ok_or("has a { without a }")?;
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if name.is_empty() || !name.chars().all(plain) {
                return Err(
                    "has a variable whose name is not made of letters, digits and _".to_owned(),
                );
            }
            parts.push(Part::Variable(name.to_owned()));
            rest = after;
            continue;
        }
        let end = rest.find('{').unwrap_or(rest.len());
        let (literal, after) = rest.split_at(end);
        if !is_uri_text(literal) {
            return Err("has characters that no URI has, unless they are encoded".to_owned());
        }
        parts.push(Part::Literal(literal.to_owned()));
        rest = after;
    }
    Ok(parts)
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// Whether the characters are those of URIs, and what is encoded is whole.
fn is_uri_text(text: &str) -> bool {
    let reserved = b":/?#[]@!$&'()*+,;=";
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let fine = match byte {
            b'%' => [bytes.next(), bytes.next()]
                .iter()
                .all(|digit| digit.is_some_and(|digit| digit.is_ascii_hexdigit())),
            other => is_unreserved(other) || reserved.contains(&other),
        };
        if !fine {
            return false;
        }
    }
    true
}

/// The value behind the text of a variable. Signs that clients often do not
/// encode are taken as they are; those that divide a URI are not.
fn decoded(text: &str) -> Option<String> {
    let plain = |byte| is_unreserved(byte) || b"%:@!$'()*+,;=".contains(&byte);
    if text.is_empty() || !text.bytes().all(plain) || !is_uri_text(text) {
        return None;
    }
    let value = percent_encoding::percent_decode_str(text)
        .decode_utf8()
        .ok()?;
    let fine = !value.chars().any(char::is_control);
    fine.then(|| value.into_owned())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    fn values(template: &str, uri: &str) -> Option<Vec<(String, String)>> {
        let template = UriTemplate::parse(template).unwrap();
        let values = template.values(uri)?;
        let owned = |(name, value): (&str, String)| (name.to_owned(), value);
        Some(values.into_iter().map(owned).collect())
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn a_uri_stands_for_itself_alone() {
        let uri = UriTemplate::parse("ibkr://orders/open").unwrap();
        assert!(!uri.is_template());
        assert_eq!(uri.values("ibkr://orders/open"), Some(Vec::new()));
        for other in [
            "ibkr://orders",
            "ibkr://orders/open/",
            "IBKR://orders/open",
            "",
        ] {
            assert_eq!(uri.values(other), None, "{other}");
        }
    }

    #[test]
    fn variables_get_their_values() {
        let quotes = "ibkr://quotes/{symbol}";
        assert_eq!(
            values(quotes, "ibkr://quotes/BRK%20B"),
            Some(vec![pair("symbol", "BRK B")])
        );
        for other in [
            "ibkr://quotes/",
            "ibkr://quotes/a/b",
            "ibkr://quotes/a?b",
            "ibkr://quotes/%zz",
            "ibkr://quotes/%ff",
            "ibkr://quotes/a%0ab",
            "ibkr://quotes/{symbol}",
            "ibkr://quotes/é",
        ] {
            assert_eq!(values(quotes, other), None, "{other}");
        }
        assert_eq!(
            values("a:{x}/b/{y}", "a:1/b/2%2F3"),
            Some(vec![pair("x", "1"), pair("y", "2/3")])
        );
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for text in [
            "",
            "orders",
            "{scheme}://orders",
            "1a:b",
            "ibkr://a b",
            "ibkr://{",
            "ibkr://a}",
            "ibkr://{}",
            "ibkr://{+path}",
            "ibkr://{a,b}",
            "ibkr://{a}{b}",
            "ibkr://{a}/{a}",
            "ibkr://%2",
            &format!("ibkr://{}", "x".repeat(LENGTH)),
        ] {
            assert!(UriTemplate::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_names_of_variables_make_no_difference() {
        let shape = |text| UriTemplate::parse(text).unwrap().shape();
        assert_eq!(shape("a:b/{x}"), shape("a:b/{y}"));
        assert_ne!(shape("a:b/{x}"), shape("a:b/x"));
    }
}
