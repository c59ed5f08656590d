//! The gateways of one host: named connections, each with its own socket, its
//! own orders and its own rules.

use std::collections::HashSet;
use std::sync::Arc;

use crate::connection::Gateway;
use crate::model::{Error, Result};

/// All gateways of a host, in the order of its configuration. The first one is
/// meant where nobody names one. Clones are the same gateways.
#[derive(Clone, Debug)]
pub struct Gateways {
    first: Gateway,
    others: Arc<[Gateway]>,
}

impl Gateways {
    /// A single gateway, under the name that its configuration gives it.
    pub fn one(gateway: Gateway) -> Self {
        Self {
            first: gateway,
            others: Arc::default(),
        }
    }

    /// Several gateways; the first one is the default.
    ///
    /// # Errors
    /// `InvalidRequest` if there is none, or if two share a name.
    pub fn new(gateways: Vec<Gateway>) -> Result<Self> {
        let mut names = HashSet::new();
        if let Some(twice) = gateways
            .iter()
            .map(Gateway::name)
            .find(|name| !names.insert(*name))
        {
            return Err(Error::invalid(format!(
                "Two gateways are called {twice}. Give each one a name of its own."
            )));
        }
        let mut gateways = gateways.into_iter();
        let Some(first) = gateways.next() else {
            return Err(Error::invalid(
                "There is no gateway. Configure at least one.",
            ));
        };
        Ok(Self {
            first,
            others: gateways.collect(),
        })
    }

    /// The gateway of this name, or the first one if none is named.
    ///
    /// # Errors
    /// `InvalidRequest`, naming all gateways, if none is called so.
    pub fn get(&self, name: Option<&str>) -> Result<Gateway> {
        let Some(name) = name else {
            return Ok(self.first.clone());
        };
        let named = self.iter().find(|gateway| gateway.name() == name);
        named.cloned().ok_or_else(|| {
            Error::invalid(format!(
                "There is no gateway {name:?}. Use one of: {}.",
                self.names().join(", ")
            ))
        })
    }

    /// The names of all, the default first.
    pub fn names(&self) -> Vec<&str> {
        self.iter().map(Gateway::name).collect()
    }

    /// All gateways, the default first.
    pub fn iter(&self) -> impl Iterator<Item = &Gateway> {
        std::iter::once(&self.first).chain(self.others.iter())
    }

    /// Ends the connections of all, at the same time, so that each TWS sees it.
    /// Call it before the program ends.
    pub async fn shutdown(&self) {
        futures::future::join_all(self.iter().map(Gateway::shutdown)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::GatewayConfig;

    fn named(name: &str) -> Gateway {
        Gateway::new(GatewayConfig {
            name: name.to_owned(),
            ..GatewayConfig::default()
        })
    }

    fn name_of(gateways: &Gateways, name: Option<&str>) -> Result<String> {
        gateways.get(name).map(|gateway| gateway.name().to_owned())
    }

    #[test]
    fn one_is_found_by_its_name_or_as_the_first() {
        let gateways = Gateways::new(vec![named("paper"), named("live")]);
        let Ok(gateways) = gateways else {
            unreachable!("both names are unique: {gateways:?}")
        };
        assert_eq!(gateways.names(), ["paper", "live"]);
        assert_eq!(name_of(&gateways, None), Ok("paper".to_owned()));
        assert_eq!(name_of(&gateways, Some("live")), Ok("live".to_owned()));
        let unknown = name_of(&gateways, Some("Live")).map_err(|error| error.to_string());
        assert_eq!(
            unknown,
            Err("There is no gateway \"Live\". Use one of: paper, live.".to_owned())
        );
        let single = Gateways::one(named("default"));
        assert_eq!(name_of(&single, None), Ok("default".to_owned()));
    }

    #[test]
    fn names_are_unique_and_there_is_at_least_one() {
        for gateways in [vec![], vec![named("a"), named("b"), named("a")]] {
            let outcome = Gateways::new(gateways);
            assert!(
                matches!(outcome, Err(Error::InvalidRequest(_))),
                "{outcome:?}"
            );
        }
    }
}
