//! Values that a person may mean, for arguments that stand for symbols and
//! accounts.

use std::time::Duration;

use crate::component::Component;
use crate::resource::Suggestions;
use crate::scope::Scope;

/// How long a person waits for suggestions.
const PATIENCE: Duration = Duration::from_secs(5);

impl Component {
    /// Values that begin with what was typed, those that the scope reaches, at
    /// its first gateway. There are none where TWS cannot be asked.
    pub async fn suggest(
        &self,
        suggestions: &Suggestions,
        typed: &str,
        scope: &Scope,
    ) -> Vec<String> {
        let found = match suggestions {
            Suggestions::None => Vec::new(),
            Suggestions::Values(values) => beginning_with(typed, values.clone()),
            Suggestions::Symbols => self.symbols(typed, scope).await,
            Suggestions::Accounts => beginning_with(typed, self.accounts(scope).await),
        };
        distinct(found)
    }

    async fn symbols(&self, typed: &str, scope: &Scope) -> Vec<String> {
        let shared = &self.inner.inspected.inner.shared;
        let Ok(gateway) = shared.gateway(scope, None) else {
            return Vec::new();
        };
        let rules = scope.reading();
        // What is typed is the beginning of a name as well, so that the symbols
        // need not begin with it.
        let found = match tokio::time::timeout(PATIENCE, gateway.matching(typed)).await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => {
                tracing::debug!(%error, "no symbols could be suggested");
                return Vec::new();
            }
            Err(_) => return Vec::new(),
        };
        found
            .into_iter()
            .filter(|of| rules.reach_instrument(&of.symbol, of.security_type.code()))
            .map(|of| of.symbol)
            .collect()
    }

    async fn accounts(&self, scope: &Scope) -> Vec<String> {
        let shared = &self.inner.inspected.inner.shared;
        let Ok(gateway) = shared.gateway(scope, None) else {
            return Vec::new();
        };
        scope.reading().accounts(&gateway.status().accounts)
    }
}

/// Those that begin with what was typed, whatever its case.
fn beginning_with(typed: &str, values: Vec<String>) -> Vec<String> {
    let typed = typed.trim().to_lowercase();
    let begins = |value: &String| value.to_lowercase().starts_with(&typed);
    values.into_iter().filter(begins).collect()
}

/// Each value once, where it was first.
fn distinct(values: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    let mut values = values;
    values.retain(|value| seen.insert(value.clone()));
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(values: &[&str]) -> Vec<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    #[test]
    fn values_begin_with_what_was_typed() {
        let values = || strings(&["DU1", "du2", "U1"]);
        assert_eq!(beginning_with(" d", values()), ["DU1", "du2"]);
        assert_eq!(beginning_with("", values()), values());
        assert!(beginning_with("x", values()).is_empty());
    }

    #[test]
    fn no_value_comes_twice() {
        assert_eq!(distinct(strings(&["b", "a", "b"])), ["b", "a"]);
    }
}
