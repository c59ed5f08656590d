//! Where settings come from: defaults, `sandpit.toml`, `.env`, the environment
//! and the command line, each stronger than the one before.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use figment::providers::{Format, Serialized, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};
use sandpit_gateway::gate::Mode;
use toml_edit::{DocumentMut, Item};

use super::auth::LoopbackSetting;
use super::{AuthSection, Config};
use crate::policy_file;

/// The file that is read when no other is named, if it is there.
const DEFAULT_FILE: &str = "sandpit.toml";

/// The journal beside the configuration file, where no other is named.
const JOURNAL: &str = "journal.db";

/// The variables that have a short name of their own, and what they set.
const SHORT_NAMES: [(&str, &str); 5] = [
    ("TWS_HOST", "gateway.host"),
    ("TWS_PORT", "gateway.port"),
    ("TWS_CLIENT_ID", "gateway.client_id"),
    ("PORT", "server.port"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "telemetry.otlp_endpoint"),
];

/// The flag that is for all gateways.
const CONNECT: &str = "gateway.connect_on_start";

/// Everything else is `SANDPIT_SECTION__KEY`.
const PREFIX: &str = "SANDPIT_";

/// What the command line says; it wins over everything else.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    values: Vec<(String, Value)>,
}

impl Overrides {
    /// Sets `key` (such as `server.port`) if there is a value.
    pub fn set<T: Into<Value>>(&mut self, key: &str, value: Option<T>) {
        if let Some(value) = value {
            self.values.push((key.to_owned(), value.into()));
        }
    }
}

impl Overrides {
    /// These for several gateways: to connect at the start is for all of them.
    fn for_several(&self, gateways: &[String]) -> Option<Self> {
        if gateways.is_empty() {
            return None;
        }
        let (connect, mut values): (Vec<_>, Vec<_>) = self
            .values
            .iter()
            .cloned()
            .partition(|(key, _)| key == CONNECT);
        for (_, value) in connect {
            let key = |name| format!("gateways.{name}.connect_on_start");
            values.extend(gateways.iter().map(|name| (key(name), value.clone())));
        }
        Some(Self { values })
    }
}

impl Provider for Overrides {
    fn metadata(&self) -> Metadata {
        Metadata::named("the command line")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let mut dict = Dict::new();
        for (key, value) in &self.values {
            insert(&mut dict, key, value.clone());
        }
        Ok(Profile::Default.collect(dict))
    }
}

/// The text of the configuration file.
struct FileText<'a> {
    file: &'a Path,
    text: &'a str,
}

impl Provider for FileText<'_> {
    fn metadata(&self) -> Metadata {
        Metadata::from("the configuration file", self.file)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Toml::string(self.text).data()
    }
}

/// Environment variables, over those of a `.env` file.
#[derive(Debug, Clone, Default)]
struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// `.env` in `folder`, then the process's own variables. An empty variable
    /// counts as unset, as compose files write it.
    fn read(folder: &Path) -> anyhow::Result<Self> {
        let mut variables = BTreeMap::new();
        let file = folder.join(".env");
        if file.exists() {
            let lines = dotenvy::from_path_iter(&file).context("cannot read .env")?;
            for line in lines {
                let (name, value) = line.context(
                    "a line of .env cannot be read; each must be NAME=value, quoted where it has spaces",
                )?;
                variables.insert(name, value);
            }
        }
        for (name, value) in std::env::vars_os() {
            if let (Ok(name), Ok(value)) = (name.into_string(), value.into_string()) {
                variables.insert(name, value);
            }
        }
        variables.retain(|_, value| !value.trim().is_empty());
        Ok(Self { variables })
    }

    /// Refuses variables that would set the policy or the rules of the gate:
    /// what a tool may do, and what may be traded, is in one place.
    fn check(&self) -> anyhow::Result<()> {
        for (name, key, _) in self.settings() {
            let parts: Vec<&str> = key.split('.').collect();
            match parts.as_slice() {
                ["policy", ..] => bail!(
                    "the variable {name} is set, and the policy comes from the configuration \
                     file only; write it there, as [policy.NAME]"
                ),
                ["gate", ..] | ["gateway", "gate", ..] | ["gateways", _, "gate", ..] => bail!(
                    "the variable {name} is set, and what may be traded comes from the \
                     configuration file only; write it there, as [gate] or [gateways.NAME.gate]"
                ),
                ["gateways", _] => bail!(
                    "the variable {name} is set, which names no setting of a gateway; write for \
                     example SANDPIT_GATEWAYS__PAPER__PORT"
                ),
                _ => {}
            }
        }
        Ok(())
    }

    /// What each relevant variable sets: (its name, key, value).
    fn settings(&self) -> impl Iterator<Item = (&str, String, Value)> {
        self.variables.iter().filter_map(|(name, text)| {
            let short = SHORT_NAMES.iter().find(|(short, _)| short == name);
            let key = match short {
                Some((_, key)) => (*key).to_owned(),
                None => {
                    let key = name.strip_prefix(PREFIX)?;
                    key.contains("__")
                        .then(|| key.replace("__", ".").to_lowercase())?
                }
            };
            let is_host = key.starts_with("gateway") && key.ends_with(".host");
            let value = if is_host || key == "operator.token" {
                Value::from(text.trim())
            } else {
                // Figment's own grammar: numbers, booleans, [lists], text.
                match text.trim().parse() {
                    Ok(value) => value,
                    Err(never) => match never {},
                }
            };
            Some((name.as_str(), key, value))
        })
    }
}

impl Provider for Environment {
    fn metadata(&self) -> Metadata {
        let names: BTreeMap<String, String> = self
            .settings()
            .map(|(name, key, _)| (key, name.to_owned()))
            .collect();
        Metadata::named("the environment or .env").interpolater(move |_, keys| {
            let key = keys.join(".");
            names.get(&key).cloned().unwrap_or(key)
        })
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let mut dict = Dict::new();
        for (_, key, value) in self.settings() {
            insert(&mut dict, &key, value);
        }
        Ok(Profile::Default.collect(dict))
    }
}

/// Puts `value` under a key of the form `section.name`.
fn insert(dict: &mut Dict, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            dict.insert(key.to_owned(), value);
        }
        Some((section, rest)) => {
            let entry = dict
                .entry(section.to_owned())
                .or_insert_with(|| Value::from(Dict::new()));
            if let Value::Dict(_, inner) = entry {
                insert(inner, rest, value);
            }
        }
    }
}

/// Where a configuration comes from, so that it can be read more than once.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The file that the command line names.
    named: Option<PathBuf>,
    overrides: Overrides,
    /// Whether it is a demo that is configured.
    demo: bool,
}

impl Sources {
    /// A file, if one is named, and what the command line says beside it.
    pub fn new(named: Option<PathBuf>, overrides: Overrides) -> Self {
        Self {
            named,
            overrides,
            demo: false,
        }
    }

    /// The same for a demo: it has one gateway, a simulated one, and may trade
    /// on whatever paper account that has. Programs of this machine may call it
    /// without a token, unless the configuration says otherwise.
    pub fn for_demo(self) -> Self {
        Self { demo: true, ..self }
    }

    /// The configuration file: the one that was named, or `sandpit.toml` in
    /// the working folder. It need not exist.
    pub fn file(&self) -> &Path {
        self.named.as_deref().unwrap_or(Path::new(DEFAULT_FILE))
    }

    /// Where the journal of this configuration is.
    pub fn journal_file(&self, config: &Config) -> PathBuf {
        let folder = self.file().parent().unwrap_or(Path::new(""));
        let configured = config.journal.file.clone();
        configured.unwrap_or_else(|| folder.join(JOURNAL))
    }

    /// The text of the file; none if it is not there and was not named.
    ///
    /// # Errors
    /// If it was named and is not there, or cannot be read.
    pub fn text(&self) -> anyhow::Result<Option<String>> {
        let text = policy_file::read(self.file())?;
        if text.is_none() && self.named.is_some() {
            bail!(
                "there is no configuration file {}; name another with --config, or leave it out",
                self.file().display()
            );
        }
        Ok(text)
    }

    /// Reads the configuration, and keeps what it was read from.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn open(self) -> anyhow::Result<Read> {
        let text = self.text()?;
        Ok(Read {
            config: self.read_text(text.as_deref().unwrap_or_default())?,
            sources: self,
            text,
        })
    }

    /// Reads the configuration.
    ///
    /// # Errors
    /// A sentence that names the setting, where it comes from, what was found
    /// and what is expected.
    pub fn read(&self) -> anyhow::Result<Config> {
        self.read_text(&self.text()?.unwrap_or_default())
    }

    /// What the configuration is if this is the text of the file.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_text(&self, text: &str) -> anyhow::Result<Config> {
        let mut config: Config = self.figment(text)?.extract().map_err(readable)?;
        self.one_or_several(text)?;
        config.validate()?;
        if self.demo {
            config.gateways.clear();
            config.gate.mode = Mode::Paper;
            config.gate.accounts = None;
            config.auth.loopback.get_or_insert(LoopbackSetting::Open);
        }
        Ok(config)
    }

    /// Where a host is and who is its operator, for whoever only asks it: also
    /// if something else in the file is wrong, which is told with it.
    ///
    /// # Errors
    /// If the file was named and is not there, or the environment is wrong.
    pub fn read_to_ask(&self) -> anyhow::Result<(Config, Option<anyhow::Error>)> {
        let text = self.text()?.unwrap_or_default();
        let fault = match self.read_text(&text) {
            Ok(config) => return Ok((config, None)),
            Err(fault) => fault,
        };
        let figment = self.figment(&text)?;
        let sections = (
            figment.extract_inner("server"),
            figment.extract_inner("operator"),
            figment.extract_inner("journal"),
            figment.extract_inner("auth.tokens_file"),
        );
        let config = match sections {
            (Ok(server), Ok(operator), Ok(journal), Ok(tokens_file)) => Config {
                server,
                operator,
                journal,
                auth: AuthSection {
                    tokens_file,
                    ..AuthSection::default()
                },
                ..Config::default()
            },
            // One of them is wrong, or the file is not TOML at all.
            _ => self.read_text("")?,
        };
        Ok((config, Some(fault)))
    }

    fn figment(&self, text: &str) -> anyhow::Result<Figment> {
        let file = self.file();
        let folder = file.parent().unwrap_or(Path::new(""));
        let mut figment =
            Figment::from(Serialized::defaults(Config::default())).merge(FileText { file, text });
        let named = gateways_in(text);
        // A relative path in the file means: beside the file.
        let mut paths: Vec<String> = [
            "tools.folder",
            "operator.token_file",
            "auth.tokens_file",
            "metrics.token_file",
            "journal.file",
            "gate.halt_file",
            "server.tls.certificate",
            "server.tls.key",
        ]
        .map(str::to_owned)
        .into();
        paths.extend(
            named
                .iter()
                .map(|name| format!("gateways.{name}.gate.halt_file")),
        );
        for key in &paths {
            if let Ok(path) = figment.extract_inner::<PathBuf>(key) {
                figment = figment.merge(Serialized::default(key, folder.join(path)));
            }
        }
        let environment = Environment::read(Path::new("."))?;
        environment.check()?;
        if let Some(first) = named.first() {
            let is_default = |name: &String| {
                let key = format!("gateways.{name}.default");
                figment.extract_inner(&key).unwrap_or(false)
            };
            if !named.iter().any(is_default) {
                let key = format!("gateways.{first}.default");
                figment = figment.merge(Serialized::default(&key, true));
            }
        }
        figment = figment.merge(environment);
        Ok(match self.overrides.for_several(&named) {
            Some(overrides) => figment.merge(overrides),
            None => figment.merge(&self.overrides),
        })
    }

    /// Refuses settings of `[gateway]` beside `[gateways]`: they would be those
    /// of no gateway.
    fn one_or_several(&self, text: &str) -> anyhow::Result<()> {
        let Some(name) = gateways_in(text).into_iter().next() else {
            return Ok(());
        };
        if has_gateway(text) {
            bail!(
                "{} has both [gateway] and [gateways.{name}]; give the one of [gateway] a name \
                 too, as another [gateways.NAME]",
                self.file().display()
            );
        }
        let environment = Environment::read(Path::new("."))?;
        for (variable, key, _) in environment.settings() {
            if key.starts_with("gateway.") {
                bail!(
                    "the variable {variable} is set, which is about the one gateway of [gateway], \
                     and the configuration file names its gateways; write SANDPIT_GATEWAYS__{}__… \
                     instead",
                    name.to_uppercase()
                );
            }
        }
        for (key, _) in &self.overrides.values {
            if key.starts_with("gateway.") && key != CONNECT {
                bail!(
                    "a flag sets {key}, which is about the one gateway of [gateway], and the \
                     configuration file names its gateways; set it there, in [gateways.{name}]"
                );
            }
        }
        Ok(())
    }
}

/// The names of the gateways in a file, in its order.
fn gateways_in(text: &str) -> Vec<String> {
    let Ok(document) = text.parse::<DocumentMut>() else {
        // Whoever reads the settings says what is wrong.
        return Vec::new();
    };
    let table = document.get("gateways").and_then(Item::as_table_like);
    let names = table.into_iter().flat_map(|table| table.iter());
    names.map(|(name, _)| name.to_owned()).collect()
}

/// Whether a file has the section `[gateway]`.
fn has_gateway(text: &str) -> bool {
    text.parse::<DocumentMut>()
        .is_ok_and(|document| document.contains_key("gateway"))
}

/// A configuration that was read.
#[derive(Debug, Clone)]
pub struct Read {
    /// What it is.
    pub config: Config,
    /// What it was read from.
    pub sources: Sources,
    /// What the file held, if there was one.
    pub text: Option<String>,
}

/// All that is wrong, in one sentence each.
fn readable(error: figment::Error) -> anyhow::Error {
    let lines: Vec<String> = error.into_iter().map(|error| error.to_string()).collect();
    anyhow::anyhow!("the configuration is wrong: {}", lines.join("; "))
}

#[cfg(test)]
mod tests;
