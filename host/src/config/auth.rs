//! `[auth]`: who may call.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::bail;
use sandpit_front::{Algorithm, LoopbackAccess, OAuthConfig};
use sandpit_gateway::gate::Mode;
use sandpit_tools::Right;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Config;

/// `[auth]`: who may call. Whoever does not call from this machine always needs
/// a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AuthSection {
    /// What programs of this machine may do without a token. It is applied as
    /// soon as the file changes. Default: `token`, and `open` for `sandpit
    /// demo`, whose money is simulated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loopback: Option<LoopbackSetting>,
    /// Where the tokens are kept that `sandpit token new` makes. The file is
    /// readable for its owner alone. Relative to this file. Default:
    /// `tokens.json` beside the operator's token.
    pub tokens_file: Option<PathBuf>,
    /// How many requests each caller may make within a minute, unless its token
    /// says otherwise; 0 is as many as it likes.
    pub requests_per_minute: u32,
    /// The authorization server whose tokens count too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oauth: Option<OAuthSection>,
}

impl Default for AuthSection {
    fn default() -> Self {
        Self {
            loopback: None,
            tokens_file: None,
            requests_per_minute: 1_200,
            oauth: None,
        }
    }
}

/// What programs of this machine may do without a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LoopbackSetting {
    /// Use every tool, unless a gateway may trade on live accounts.
    Open,
    /// Nothing.
    Token,
}

/// `[auth.oauth]`: tokens of an authorization server (OAuth 2.1, JWT).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OAuthSection {
    /// The server, exactly as its tokens name it (`iss`).
    pub issuer: String,
    /// How clients reach this host, without a path. Tokens must be for this
    /// address, or for `/api/v1` or `/api/v1/mcp` below it (`aud`).
    pub resource: String,
    /// Other audiences that tokens may be for.
    #[serde(default)]
    pub audiences: Vec<String>,
    /// Where the server's keys are. Default: where its metadata says.
    #[serde(default)]
    pub jwks_url: Option<String>,
    /// How tokens may be signed. Default: all of these.
    #[serde(default = "all_algorithms")]
    #[schemars(schema_with = "algorithms")]
    pub algorithms: Vec<String>,
    /// What each scope of a token is for: a list of tools, or a table of tools
    /// and the capabilities that they may use.
    pub scopes: BTreeMap<String, Right>,
}

fn all_algorithms() -> Vec<String> {
    let all = Algorithm::ALL.into_iter();
    all.map(|algorithm| algorithm.name().to_owned()).collect()
}

fn algorithms(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "array",
        "items": { "type": "string", "enum": all_algorithms() },
        "minItems": 1,
    })
}

impl Config {
    /// What types cannot say about `[auth]`.
    pub(super) fn validate_auth(&self) -> anyhow::Result<()> {
        let Some(oauth) = &self.auth.oauth else {
            return Ok(());
        };
        for name in &oauth.algorithms {
            if let Err(error) = name.parse::<Algorithm>() {
                bail!("auth.oauth.algorithms has {name:?}; {error}");
            }
        }
        Ok(())
    }

    /// What programs of this machine may do without a token.
    pub fn loopback(&self) -> LoopbackAccess {
        if self.auth.loopback != Some(LoopbackSetting::Open) {
            let reason = "auth.loopback is not \"open\"";
            return LoopbackAccess::Closed(reason.to_owned());
        }
        let gateways = self.gateways();
        let live = gateways
            .iter()
            .find(|(_, section)| self.gate_of(section).mode == Mode::Live);
        match live {
            Some((name, _)) => LoopbackAccess::Closed(format!(
                "orders on live accounts may go over the gateway {name} (the mode of its gate is \
                 \"live\")"
            )),
            None => LoopbackAccess::Open,
        }
    }
}

impl OAuthSection {
    /// The same, as the front takes it.
    pub fn for_front(&self) -> OAuthConfig {
        let algorithms = self.algorithms.iter();
        OAuthConfig {
            audiences: self.audiences.clone(),
            jwks_url: self.jwks_url.clone(),
            algorithms: algorithms.filter_map(|name| name.parse().ok()).collect(),
            scopes: self.scopes.clone(),
            ..OAuthConfig::new(&self.issuer, &self.resource)
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use figment::Figment;
    use figment::providers::{Format, Serialized, Toml};
    use sandpit_tools::Capability;

    use super::*;

    fn config(toml: &str) -> Config {
        read(toml).unwrap()
    }

    fn read(toml: &str) -> Result<Config, Box<figment::Error>> {
        let defaults = Serialized::defaults(Config::default());
        let config = Figment::from(defaults).merge(Toml::string(toml)).extract();
        config.map_err(Box::new)
    }

    #[test]
    fn loopback_is_open_by_the_operators_word_and_never_where_trading_is_live() {
        const OPEN: &str = "[auth]\nloopback = \"open\"\n";
        assert_eq!(config(OPEN).loopback(), LoopbackAccess::Open);
        for (toml, word) in [
            ("", "auth.loopback"),
            ("[auth]\nloopback = \"token\"", "auth.loopback"),
            (
                &format!("{OPEN}[gate]\nmode = \"live\"\naccounts = [\"U1\"]"),
                "gateway default",
            ),
            (
                &format!(
                    "{OPEN}[gateways.paper]\n[gateways.real]\nport = 1\n[gateways.real.gate]\n\
                     mode = \"live\""
                ),
                "gateway real",
            ),
        ] {
            let LoopbackAccess::Closed(reason) = config(toml).loopback() else {
                unreachable!("{toml} leaves it open");
            };
            assert!(reason.contains(word), "{reason}");
        }
    }

    #[test]
    fn an_authorization_server_has_its_scopes() {
        let toml = "[auth.oauth]\nissuer = \"https://login.example.com\"\n\
                    resource = \"https://sandpit.example.com\"\n\
                    algorithms = [\"ES256\"]\n\
                    [auth.oauth.scopes]\nread = [\"ibkr_get_*\"]\n\
                    watch = { tools = [\"*\"], grants = [\"market-data\"] }";
        let oauth = config(toml).auth.oauth.unwrap().for_front();
        assert_eq!(oauth.algorithms, [Algorithm::ES256]);
        let trading = [Capability::Trading];
        let scope = |name| oauth.scopes.get(name).unwrap();
        assert!(scope("read").allows("ibkr_get_pnl", &trading));
        assert!(!scope("watch").allows("ibkr_get_pnl", &trading));
        assert!(scope("watch").allows("ibkr_watch", &[Capability::MarketData]));
        let unknown = read(&toml.replace("market-data", "prices"));
        let error = unknown.unwrap_err().to_string();
        assert!(
            error.contains("prices") && error.contains("order-book"),
            "{error}"
        );
        let wrong = config(&toml.replace("ES256", "HS256"));
        let error = wrong.validate_auth().unwrap_err().to_string();
        assert!(
            error.contains("HS256") && error.contains("RS256"),
            "{error}"
        );
    }
}
