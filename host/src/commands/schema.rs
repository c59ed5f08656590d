//! `sandpit schema`: the JSON Schema of the configuration file.

use crate::config::Config;

/// Prints it.
pub fn run() {
    println!("{}", text());
}

/// The schema, as `docs/sandpit.schema.json` has it.
fn text() -> String {
    let schema = schemars::schema_for!(Config);
    format!("{:#}", schema.to_value())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use figment::Figment;
    use figment::providers::{Format, Toml};
    use serde_json::Value;

    use super::*;

    const SHIPPED: &str = include_str!("../../../docs/sandpit.schema.json");

    fn validator() -> jsonschema::Validator {
        jsonschema::validator_for(&serde_json::from_str(SHIPPED).unwrap()).unwrap()
    }

    fn json(toml: &str) -> Value {
        Figment::from(Toml::string(toml)).extract().unwrap()
    }

    #[test]
    fn the_shipped_schema_is_current() {
        assert_eq!(
            SHIPPED.trim_end(),
            text(),
            "run: sandpit schema > docs/sandpit.schema.json"
        );
    }

    #[test]
    fn the_shipped_configuration_fits_the_schema() {
        let toml = json(include_str!("../../../sandpit.toml"));
        let faults: Vec<_> = validator()
            .iter_errors(&toml)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{faults:#?}");
    }

    #[test]
    fn the_page_for_operators_has_every_rule_of_orders() {
        let page = include_str!("../../../docs/operator.md");
        let listed: Vec<&str> = page
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once("` |"))
            .map(|(key, _)| key)
            .collect();
        let schema: Value = serde_json::from_str(SHIPPED).unwrap();
        for section in ["GateConfig", "Rules"] {
            let keys = schema.pointer(&format!("/$defs/{section}/properties"));
            for key in keys.unwrap().as_object().unwrap().keys() {
                assert!(
                    listed.contains(&key.as_str()),
                    "{section}: {key} has no row"
                );
            }
        }
    }

    #[test]
    fn the_schema_knows_what_is_wrong() {
        for toml in [
            "[server]\nprot = 1",
            "[server]\nport = 70000",
            "[log]\nformat = \"xml\"",
            "[policy.x]\ngrants = [\"everything\"]",
            "[gate]\nmode = \"real\"",
            "[gate.rules]\nmax_quantity = 0",
            "[gateways.x]\nprot = 1",
            "[journal]\npath = \"x\"",
            "[policy.x]\npin = \"abc\"",
            "[policy.x.limits]\nmemory = 1",
        ] {
            assert!(!validator().is_valid(&json(toml)), "{toml}");
        }
    }
}
