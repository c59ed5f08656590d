//! `[gateway]` and `[gateways.NAME]`: which TWS there are, and what each may be
//! used for.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use sandpit_gateway::gate::Blackout;
use sandpit_gateway::{CodeMeaning, GateConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Config;

/// The name of the gateway of `[gateway]`.
const ONLY: &str = "default";

/// The longest name of a gateway.
const LONGEST: usize = 32;

/// `[gateway]`: where TWS is and how long to wait for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GatewaySection {
    /// Host name or address of TWS or IB Gateway. Also `TWS_HOST`.
    pub host: String,
    /// TCP port: 7497 TWS paper, 7496 TWS live, 4002 Gateway paper, 4001
    /// Gateway live. Also `TWS_PORT`.
    #[schemars(range(min = 1))]
    pub port: u16,
    /// API client id. Also `TWS_CLIENT_ID`.
    #[schemars(range(min = 0))]
    pub client_id: i32,
    /// Whether the host connects when it starts, and not only when
    /// `ibkr_connect` is called.
    pub connect_on_start: bool,
    /// How long opening the connection may take, in seconds.
    #[schemars(range(min = 1, max = 604_800))]
    pub connect_timeout_seconds: u64,
    /// How long TWS may take to answer a request, in seconds.
    #[schemars(range(min = 1, max = 604_800))]
    pub request_timeout_seconds: u64,
    /// How long TWS may take to acknowledge an order, in seconds.
    #[schemars(range(min = 1, max = 604_800))]
    pub order_timeout_seconds: u64,
    /// How many messages may be sent to TWS in one second. TWS disconnects
    /// whoever sends more than 50, over all of its clients.
    #[schemars(range(min = 2, max = 1_000))]
    pub messages_per_second: u32,
    /// How many of these are kept for orders and cancels.
    #[schemars(range(min = 1, max = 999))]
    pub order_reserve: u32,
    /// How many market-data lines the account has: how many instruments can be
    /// watched at the same time.
    #[schemars(range(min = 1, max = 100_000))]
    pub market_data_lines: u32,
    /// How long a subscription of TWS is kept when nobody reads it any more, in
    /// seconds.
    #[schemars(range(min = 1, max = 604_800))]
    pub idle_seconds: u64,
    /// After how many seconds without a word from TWS it is asked for a sign of
    /// life.
    #[schemars(range(min = 1, max = 604_800))]
    pub heartbeat_seconds: u64,
    /// How long TWS may take for that sign, in seconds. Then the connection is
    /// taken for dead, and restored.
    #[schemars(range(min = 1, max = 604_800))]
    pub heartbeat_timeout_seconds: u64,
    /// The longest pause between two attempts to restore a connection, in
    /// seconds. The first is a second, and each is twice as long as the one
    /// before, until a connection has held for as long as this.
    #[schemars(range(min = 1, max = 604_800))]
    pub reconnect_pause_longest_seconds: u64,
    /// When TWS restarts every day: an outage in this time is a pause, not an
    /// incident.
    pub restart_window: Blackout,
    /// What message codes of TWS mean, where you know better than the host:
    /// `{ 399 = "warning" }`. Whatever a code means, an order ends only when its
    /// status says so.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub codes: BTreeMap<String, CodeMeaning>,
    /// Whether delayed quotes may stand in where the account has no live ones.
    pub delayed_quotes: bool,
    /// Of several gateways, the one that is meant where none is named. Default:
    /// the first in the file. Only in `[gateways.NAME]`.
    #[serde(skip_serializing_if = "is_false")]
    pub default: bool,
    /// What may be traded over this gateway, instead of the whole of `[gate]`.
    /// It comes from this file only. Only in `[gateways.NAME]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gate: Option<GateConfig>,
}

impl Default for GatewaySection {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 7497,
            client_id: 1,
            connect_on_start: false,
            connect_timeout_seconds: 15,
            request_timeout_seconds: 20,
            order_timeout_seconds: 10,
            messages_per_second: 45,
            order_reserve: 10,
            market_data_lines: 100,
            idle_seconds: 10,
            heartbeat_seconds: 30,
            heartbeat_timeout_seconds: 10,
            reconnect_pause_longest_seconds: 30,
            restart_window: Blackout {
                from: "23:45".to_owned(),
                to: "00:45".to_owned(),
                zone: "America/New_York".to_owned(),
            },
            codes: BTreeMap::new(),
            delayed_quotes: true,
            default: false,
            gate: None,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_false(value: &bool) -> bool {
    !*value
}

impl GatewaySection {
    /// `codes`, by number. [`Config::validate`] has seen that all are numbers.
    pub fn code_meanings(&self) -> BTreeMap<i32, CodeMeaning> {
        let codes = self.codes.iter();
        codes
            .filter_map(|(code, meaning)| Some((code.parse().ok()?, *meaning)))
            .collect()
    }

    /// What types cannot say, of the section that is called `section`.
    fn validate(&self, section: &str) -> anyhow::Result<()> {
        if self.host.trim().is_empty() {
            bail!(
                "{section}.host is empty; it must be a host name or an address such as 127.0.0.1"
            );
        }
        if self.port == 0 {
            bail!(
                "{section}.port is 0; it must be the API port of TWS (7497 paper, 7496 live) or \
                 IB Gateway (4002 paper, 4001 live)"
            );
        }
        if self.client_id < 0 {
            bail!(
                "{section}.client_id is {}; it must be a number from 0 to 2147483647",
                self.client_id
            );
        }
        for (key, value) in [
            ("connect_timeout_seconds", self.connect_timeout_seconds),
            ("request_timeout_seconds", self.request_timeout_seconds),
            ("order_timeout_seconds", self.order_timeout_seconds),
            ("idle_seconds", self.idle_seconds),
            ("heartbeat_seconds", self.heartbeat_seconds),
            ("heartbeat_timeout_seconds", self.heartbeat_timeout_seconds),
            (
                "reconnect_pause_longest_seconds",
                self.reconnect_pause_longest_seconds,
            ),
        ] {
            super::seconds(&format!("{section}.{key}"), value)?;
        }
        if let Some(code) = self.codes.keys().find(|code| code.parse::<i32>().is_err()) {
            bail!(
                "{section}.codes.{code} is no message code of TWS; write its number, such as 399"
            );
        }
        let lines = self.market_data_lines;
        if !(1..=100_000).contains(&lines) {
            bail!("{section}.market_data_lines is {lines}; it must be a number from 1 to 100000");
        }
        self.restart_window
            .validate(&format!("{section}.restart_window"))?;
        let (all, reserve) = (self.messages_per_second, self.order_reserve);
        if !(2..=1_000).contains(&all) {
            bail!("{section}.messages_per_second is {all}; it must be a number from 2 to 1000");
        }
        if !(1..all).contains(&reserve) {
            bail!(
                "{section}.order_reserve is {reserve}; it must be at least 1 and less than \
                 messages_per_second, which is {all}"
            );
        }
        Ok(())
    }
}

impl Config {
    /// The gateways by name, each with its section; the default one first. There
    /// is at least one.
    pub fn gateways(&self) -> Vec<(&str, &GatewaySection)> {
        if self.gateways.is_empty() {
            return vec![(ONLY, &self.gateway)];
        }
        let mut all: Vec<_> = self
            .gateways
            .iter()
            .map(|(name, section)| (name.as_str(), section))
            .collect();
        all.sort_by_key(|(_, section)| !section.default);
        all
    }

    /// The rules of a gateway: its own, or else the common ones.
    pub fn gate_of(&self, section: &GatewaySection) -> GateConfig {
        section.gate.clone().unwrap_or_else(|| self.gate.clone())
    }

    /// What types cannot say of the gateways and their rules.
    pub(super) fn validate_gateways(&self) -> anyhow::Result<()> {
        self.gateway.validate("gateway")?;
        if self.gateway.gate.is_some() {
            bail!("gateway.gate is set; the rules of [gateway] are those of [gate]");
        }
        if self.gateway.default {
            bail!("gateway.default is set; it tells one of several [gateways.NAME] from the rest");
        }
        self.gate
            .check("gate")
            .context("the gate's rules are wrong")?;
        for (name, section) in &self.gateways {
            if !is_name(name) {
                bail!(
                    "gateways.{name} has a name that cannot be; names have 1 to {LONGEST} of a-z, \
                     0-9, _ and -, for example [gateways.paper]"
                );
            }
            let key = format!("gateways.{name}");
            section.validate(&key)?;
            if let Some(gate) = &section.gate {
                gate.check(&format!("{key}.gate"))
                    .context("the gate's rules are wrong")?;
            }
        }
        one_default(&self.gateways)?;
        no_twins(&self.gateways)
    }
}

/// What names a gateway in arguments, paths of settings and the journal.
fn is_name(name: &str) -> bool {
    (1..=LONGEST).contains(&name.len())
        && name
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
}

fn one_default(gateways: &BTreeMap<String, GatewaySection>) -> anyhow::Result<()> {
    let mut defaults = gateways.iter().filter(|(_, section)| section.default);
    match (defaults.next(), defaults.next()) {
        (Some((one, _)), Some((other, _))) => bail!(
            "both gateways.{one}.default and gateways.{other}.default are true; one gateway is \
             meant where none is named"
        ),
        (None, _) if gateways.len() > 1 => {
            bail!(
                "there are several gateways; say which is meant where none is named: default = true"
            )
        }
        _ => Ok(()),
    }
}

/// Two gateways on one TWS with one client id would throw each other out.
fn no_twins(gateways: &BTreeMap<String, GatewaySection>) -> anyhow::Result<()> {
    let mut seen = BTreeMap::new();
    for (name, section) in gateways {
        let address = (&section.host, section.port, section.client_id);
        if let Some(other) = seen.insert(address, name) {
            bail!(
                "gateways.{other} and gateways.{name} have the same host, port and client_id; TWS \
                 lets a client id in once"
            );
        }
    }
    Ok(())
}
