//! The gateways of a configuration, and the journal that they share.

mod operator;
mod orders;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use sandpit_gateway::journal::{Journal, Options};
use sandpit_gateway::{Gateway, GatewayConfig, Gateways};
use tracing::{error, info, warn};

use crate::config::{Config, GatewaySection};

/// The gateways, and where their orders are written down.
#[derive(Debug, Clone)]
pub struct Broker {
    /// All gateways, the default first.
    pub gateways: Gateways,
    /// The journal, or why there is none: then nothing is traded.
    pub journal: Result<Journal, String>,
}

impl Broker {
    /// Opens the journal and makes the gateways; none connects yet. Without a
    /// journal the host serves all the same, and refuses orders.
    ///
    /// # Errors
    /// If two gateways have the same name, which no configuration leads to.
    pub async fn open(config: &Config, journal: PathBuf) -> anyhow::Result<Self> {
        let config = config.clone();
        // It reads and writes the journal.
        tokio::task::spawn_blocking(move || Self::open_now(&config, journal))
            .await
            .context("opening the order journal ended by a defect of the host")?
    }

    fn open_now(config: &Config, journal: PathBuf) -> anyhow::Result<Self> {
        let journal = open_journal(journal);
        let gateways = config
            .gateways()
            .into_iter()
            .map(|(name, section)| {
                let settings = gateway_config(config, name, section);
                match &journal {
                    Ok(journal) => Gateway::with_journal(settings, journal.clone()),
                    Err(reason) => Gateway::without_journal(settings, reason.clone()),
                }
            })
            .collect();
        let gateways = Gateways::new(gateways)?;
        Ok(Self { gateways, journal })
    }

    /// Connects those that shall be connected from the start, and waits for the
    /// first attempt of each. The host serves without TWS too: a failure is
    /// told, and tried again.
    pub async fn connect(&self, config: &Config) {
        let sections = config.gateways();
        let wanted = self.gateways.iter().filter(|gateway| {
            let section = sections.iter().find(|(name, _)| *name == gateway.name());
            section.is_some_and(|(_, section)| section.connect_on_start)
        });
        let connecting = wanted.map(async |gateway| {
            if let Err(error) = gateway.keep_connected().await {
                let name = gateway.name();
                warn!(gateway = name, "not connected to TWS at start: {error}");
            }
        });
        futures::future::join_all(connecting).await;
    }

    /// Closes the connections, then the journal: what TWS says last is still
    /// written down.
    pub async fn close(&self) {
        self.gateways.shutdown().await;
        if let Ok(journal) = &self.journal {
            journal.close().await;
        }
    }
}

/// Opens the journal, and says in the log what came of it.
fn open_journal(file: PathBuf) -> Result<Journal, String> {
    let opened = Journal::open(file, Options::default()).map_err(|error| error.to_string());
    match &opened {
        Ok(journal) => {
            let path = std::path::absolute(journal.path());
            let path = path.as_deref().unwrap_or(journal.path());
            info!(journal = %path.display(), "orders are written to the journal");
        }
        Err(reason) => error!("NO ORDER GOES OUT: {reason}"),
    }
    opened
}

fn gateway_config(config: &Config, name: &str, section: &GatewaySection) -> GatewayConfig {
    GatewayConfig {
        name: name.to_owned(),
        host: section.host.clone(),
        port: section.port,
        client_id: section.client_id,
        connect_timeout: Duration::from_secs(section.connect_timeout_seconds),
        request_timeout: Duration::from_secs(section.request_timeout_seconds),
        order_timeout: Duration::from_secs(section.order_timeout_seconds),
        messages_per_second: section.messages_per_second,
        order_reserve: section.order_reserve,
        market_data_lines: section.market_data_lines,
        idle_time: Duration::from_secs(section.idle_seconds),
        heartbeat: Duration::from_secs(section.heartbeat_seconds),
        heartbeat_timeout: Duration::from_secs(section.heartbeat_timeout_seconds),
        reconnect_pause_longest: Duration::from_secs(section.reconnect_pause_longest_seconds),
        restart_window: Some(section.restart_window.clone()),
        codes: section.code_meanings(),
        delayed_quotes: section.delayed_quotes,
        gate: config.gate_of(section),
        ..GatewayConfig::default()
    }
}
