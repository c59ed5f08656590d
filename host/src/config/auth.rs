//! `[auth]`: who may call.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::bail;
use sandpit_front::{Algorithm, LoopbackAccess, OAuthConfig};
use sandpit_gateway::gate::Mode;
use sandpit_tools::policy::ToolPattern;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Config;

/// `[auth]`: who may call. Whoever does not call from this machine always needs
/// a token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AuthSection {
    /// What programs of this machine may do without a token. It is applied as
    /// soon as the file changes.
    pub loopback: LoopbackSetting,
    /// Where the tokens are kept that `sandpit token new` makes. The file is
    /// readable for its owner alone. Relative to this file. Default:
    /// `tokens.json` beside the operator's token.
    pub tokens_file: Option<PathBuf>,
    /// The authorization server whose tokens count too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oauth: Option<OAuthSection>,
}

/// What programs of this machine may do without a token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LoopbackSetting {
    /// Use every tool, unless a gateway may trade on live accounts.
    #[default]
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
    /// Which tools each scope of a token is for.
    pub scopes: BTreeMap<String, Vec<ToolPattern>>,
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
        if self.auth.loopback == LoopbackSetting::Token {
            let reason = "auth.loopback is \"token\"";
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

    use super::*;

    fn config(toml: &str) -> Config {
        let defaults = Serialized::defaults(Config::default());
        Figment::from(defaults)
            .merge(Toml::string(toml))
            .extract()
            .unwrap()
    }

    #[test]
    fn loopback_is_open_but_never_where_trading_is_live() {
        assert_eq!(config("").loopback(), LoopbackAccess::Open);
        for (toml, word) in [
            ("[auth]\nloopback = \"token\"", "auth.loopback"),
            (
                "[gate]\nmode = \"live\"\naccounts = [\"U1\"]",
                "gateway default",
            ),
            (
                "[gateways.paper]\n[gateways.real]\nport = 1\n[gateways.real.gate]\nmode = \"live\"",
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
                    [auth.oauth.scopes]\nread = [\"ibkr_get_*\"]";
        let oauth = config(toml).auth.oauth.unwrap().for_front();
        assert_eq!(oauth.algorithms, [Algorithm::ES256]);
        assert!(
            oauth
                .scopes
                .get("read")
                .unwrap()
                .iter()
                .all(|one| one.matches("ibkr_get_pnl"))
        );
        let wrong = config(&toml.replace("ES256", "HS256"));
        let error = wrong.validate_auth().unwrap_err().to_string();
        assert!(
            error.contains("HS256") && error.contains("RS256"),
            "{error}"
        );
    }
}
