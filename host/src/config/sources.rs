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

use super::Config;
use crate::policy_file;

/// The file that is read when no other is named, if it is there.
const DEFAULT_FILE: &str = "sandpit.toml";

/// The journal beside the configuration file, where no other is named.
const JOURNAL: &str = "journal.db";

/// The variables that have a short name of their own, and what they set.
const SHORT_NAMES: [(&str, &str); 4] = [
    ("TWS_HOST", "gateway.host"),
    ("TWS_PORT", "gateway.port"),
    ("TWS_CLIENT_ID", "gateway.client_id"),
    ("PORT", "server.port"),
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
    /// on whatever paper account that has.
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
        );
        let config = match sections {
            (Ok(server), Ok(operator), Ok(journal)) => Config {
                server,
                operator,
                journal,
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
            "journal.file",
            "gate.halt_file",
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
mod tests {
    #![expect(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        reason = "tests"
    )]

    use sandpit_gateway::CodeMeaning;

    use super::super::LogFormat;
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        let variables = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Environment { variables }
    }

    fn extract(toml: &str, pairs: &[(&str, &str)]) -> Result<Config, String> {
        let config: Config = Figment::from(Serialized::defaults(Config::default()))
            .merge(Toml::string(toml))
            .merge(environment(pairs))
            .extract()
            .map_err(|error| readable(error).to_string())?;
        config.validate().map_err(|error| format!("{error:#}"))?;
        Ok(config)
    }

    #[test]
    fn the_default_is_paper_on_this_machine() {
        let config = extract("", &[]).unwrap();
        assert_eq!(config.gateway.port, 7497);
        assert!(!config.gateway.connect_on_start);
        assert!(config.server.listen.is_loopback());
        assert_eq!(config.server.port, 8000);
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let config = extract(
            "[gateway]\nport = 4002\nhost = \"a\"\n[server]\nport = 1",
            &[
                ("TWS_PORT", "7496"),
                ("PORT", "9000"),
                ("SANDPIT_LOG__FORMAT", "json"),
            ],
        )
        .unwrap();
        assert_eq!(config.gateway.port, 7496);
        assert_eq!(config.gateway.host, "a");
        assert_eq!(config.server.port, 9000);
        assert_eq!(config.log.format, LogFormat::Json);
    }

    #[test]
    fn a_host_that_looks_like_a_number_is_a_host() {
        let config = extract("", &[("TWS_HOST", "10")]).unwrap();
        assert_eq!(config.gateway.host, "10");
    }

    #[test]
    fn a_wrong_value_names_its_variable() {
        let error = extract("", &[("TWS_PORT", "abc")]).expect_err("abc is no port");
        assert!(
            error.contains("TWS_PORT") && error.contains("abc"),
            "{error}"
        );
        let error = extract("", &[("TWS_PORT", "70000")]).expect_err("too large");
        assert!(
            error.contains("TWS_PORT") && error.contains("70000"),
            "{error}"
        );
    }

    #[test]
    fn a_misspelt_key_is_refused() {
        let error = extract("[gateway]\nprot = 1", &[]).expect_err("no such key");
        assert!(error.contains("prot"), "{error}");
        let error = extract("", &[("SANDPIT_SERVER__PROT", "1")]).expect_err("no such key");
        assert!(error.contains("prot"), "{error}");
    }

    #[test]
    fn the_policy_comes_from_the_file_alone() {
        let text = "[policy.x]\ngrants = [\"account\"]";
        assert_eq!(extract(text, &[]).unwrap().policy.entries.len(), 1);
        for name in ["SANDPIT_POLICY__X", "SANDPIT_POLICY__X__GRANTS"] {
            let error = environment(&[(name, "[account]")]).check().unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
        let error = extract("[policy.x]\ngrants = [\"acount\"]", &[]).unwrap_err();
        assert!(error.contains("policy"), "{error}");
    }

    #[test]
    fn what_may_be_traded_comes_from_the_file_alone() {
        let text = "[gate]\nmode = \"off\"\n[gate.rules]\nmax_notional = 25000.5";
        let config = extract(text, &[]).unwrap();
        assert_eq!(config.gate.mode, Mode::Off);
        assert_eq!(
            config.gate.rules.max_notional.map(|most| most.to_string()),
            Some("25000.5".to_owned())
        );
        for (name, value) in [
            ("SANDPIT_GATE__MODE", "live"),
            ("SANDPIT_GATE__RULES__MAX_NOTIONAL", "1000000"),
            ("SANDPIT_GATEWAY__GATE", "{mode=live}"),
            ("SANDPIT_GATEWAYS__PAPER", "{gate={mode=live}}"),
            ("SANDPIT_GATEWAYS__PAPER__GATE__MODE", "live"),
        ] {
            let error = environment(&[(name, value)]).check().unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
        for (toml, word) in [
            ("[gate]\nmode = \"real\"", "real"),
            ("[gate]\nmods = \"live\"", "mods"),
            (
                "[gate.rules]\nmax_quantity = 0",
                "gate.rules.max_quantity is 0",
            ),
            ("[gateway.gate]\nmode = \"live\"", "gateway.gate"),
            (
                "[gateways.a.gate]\nbase_currency = \"usd\"",
                "gateways.a.gate.base_currency",
            ),
        ] {
            let error = extract(toml, &[]).expect_err(toml);
            assert!(error.contains(word), "{error}");
        }
    }

    fn read(text: &str) -> Result<Config, String> {
        let sources = Sources::new(Some("/etc/sandpit.toml".into()), Overrides::default());
        sources
            .read_text(text)
            .map_err(|error| format!("{error:#}"))
    }

    fn names(config: &Config) -> Vec<&str> {
        config.gateways().iter().map(|(name, _)| *name).collect()
    }

    #[test]
    fn gateways_have_names_and_one_is_the_default() {
        assert_eq!(names(&read("").unwrap()), ["default"]);
        assert_eq!(names(&read("[gateway]\nport = 1").unwrap()), ["default"]);
        let two = "[gateways.paper]\nport = 4002\n[gateways.live]\nport = 4001\n";
        let config = read(two).unwrap();
        assert_eq!(names(&config), ["paper", "live"]);
        assert_eq!(config.gateways()[1].1.port, 4001);
        assert_eq!(config.gateways()[1].1.client_id, 1);
        let config = read(&format!("{two}default = true")).unwrap();
        assert_eq!(names(&config), ["live", "paper"]);
        for (toml, word) in [
            ("[gateway]\nport = 1\n[gateways.a]", "both [gateway] and"),
            ("[gateways.A]", "gateways.A has a name"),
            ("[gateways.\"a b\"]", "gateways.a b has a name"),
            (
                "[gateways.a]\n[gateways.b]",
                "the same host, port and client_id",
            ),
            (
                "[gateways.a]\ndefault = true\n[gateways.b]\nport = 1\ndefault = true",
                "both gateways.a.default and gateways.b.default",
            ),
            ("[gateways.a]\nport = 0", "gateways.a.port is 0"),
            ("[gateway]\ndefault = true", "gateway.default"),
        ] {
            let error = read(toml).expect_err(toml);
            assert!(error.contains(word), "{toml}: {error}");
        }
    }

    #[test]
    fn message_codes_are_numbers_in_the_end() {
        let config = read("[gateway.codes]\n399 = \"warning\"\n10349 = \"ignored\"").unwrap();
        let codes: Vec<_> = config.gateway.code_meanings().into_iter().collect();
        assert_eq!(
            codes,
            [(399, CodeMeaning::Warning), (10349, CodeMeaning::Ignored)]
        );
    }

    #[test]
    fn gateways_have_rules_of_their_own_or_the_common_ones() {
        let text = "[gate]\nmode = \"off\"\n[gateways.a]\n[gateways.b]\nport = 1\n\
                    [gateways.b.gate]\nhalt_file = \"h\"";
        let config = read(text).unwrap();
        let gates: Vec<_> = config
            .gateways()
            .iter()
            .map(|(_, section)| config.gate_of(section))
            .collect();
        assert_eq!(gates[0].mode, Mode::Off);
        assert_eq!(
            gates[1].mode,
            Mode::Paper,
            "the whole of [gate] is replaced"
        );
        assert_eq!(gates[1].halt_file.as_deref(), Some(Path::new("/etc/h")));
    }

    #[test]
    fn flags_of_one_gateway_are_not_for_several() {
        let text = "[gateways.a]\n[gateways.b]\nport = 1";
        let with = |key: &str, value: Value| {
            let mut overrides = Overrides::default();
            overrides.set(key, Some(value));
            Sources::new(Some("/etc/sandpit.toml".into()), overrides).read_text(text)
        };
        let config = with(CONNECT, true.into()).unwrap();
        assert!(
            config
                .gateways()
                .iter()
                .all(|(_, section)| section.connect_on_start)
        );
        let error = with("gateway.port", 4002.into()).unwrap_err().to_string();
        assert!(
            error.contains("gateway.port") && error.contains("[gateways.a]"),
            "{error}"
        );
    }

    #[test]
    fn the_journal_is_beside_the_file_unless_another_is_named() {
        let sources = Sources::new(Some("/etc/sandpit.toml".into()), Overrides::default());
        for (text, path) in [
            ("", "/etc/journal.db"),
            ("[journal]\nfile = \"j/orders.db\"", "/etc/j/orders.db"),
            ("[journal]\nfile = \"/var/j.db\"", "/var/j.db"),
        ] {
            let config = sources.read_text(text).unwrap();
            assert_eq!(sources.journal_file(&config), Path::new(path), "{text}");
        }
    }

    #[test]
    fn a_demo_may_trade_on_its_one_gateway() {
        let sources = Sources::new(Some("/etc/sandpit.toml".into()), Overrides::default());
        let text = "[gate]\nmode = \"off\"\naccounts = [\"U1\"]\n[gateways.a]";
        let config = sources.for_demo().read_text(text).unwrap();
        assert_eq!(names(&config), ["default"]);
        assert_eq!(
            (config.gate.mode, config.gate.accounts),
            (Mode::Paper, None)
        );
    }

    #[test]
    fn paths_in_the_file_are_beside_it() {
        let sources = Sources::new(Some("/etc/sandpit.toml".into()), Overrides::default());
        let text = "[tools]\nfolder = \"t\"\n[operator]\ntoken_file = \"o\"";
        let config = sources.read_text(text).unwrap();
        assert_eq!(config.tools.folder, Path::new("/etc/t"));
        assert_eq!(
            config.operator.token_file.as_deref(),
            Some(Path::new("/etc/o"))
        );
        let error = sources
            .read_text("[log]\nlevel = 1")
            .unwrap_err()
            .to_string();
        assert!(error.contains("/etc/sandpit.toml"), "{error}");
    }

    #[test]
    fn a_host_is_found_with_a_file_that_is_wrong_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sandpit.toml");
        let sources = Sources::new(Some(file.clone()), Overrides::default());
        for (text, sessions, word) in [
            (
                "[server]\nmax_sessions = 9\n[log]\nlevel = 1",
                9,
                Some("log"),
            ),
            (
                "[server]\nmax_sessions = 9\n[policy.x]\nhiden = true",
                9,
                Some("hiden"),
            ),
            (
                "[server]\nmax_sessions = 9\n[log",
                256,
                Some("sandpit.toml"),
            ),
            ("[server]\nmax_sessions = 9", 9, None),
        ] {
            std::fs::write(&file, text).unwrap();
            let (config, fault) = sources.read_to_ask().unwrap();
            assert_eq!(config.server.max_sessions, sessions, "{text}");
            let fault = fault.map(|fault| format!("{fault:#}"));
            match word {
                None => assert_eq!(fault, None),
                Some(word) => assert!(fault.unwrap().contains(word), "{text}"),
            }
        }
    }

    #[test]
    fn a_token_is_text_and_is_not_shown() {
        let config = extract("", &[("SANDPIT_OPERATOR__TOKEN", "1234567890123456")]).unwrap();
        let token = config.operator.token.clone().unwrap();
        assert_eq!(token.reveal(), "1234567890123456");
        assert!(!format!("{config:?}").contains("1234567890123456"));
    }

    #[test]
    fn values_out_of_range_are_refused() {
        for (toml, word) in [
            ("[gateway]\nclient_id = -1", "client_id"),
            ("[gateway]\nport = 0", "gateway.port"),
            (
                "[tools]\ncall_deadline_seconds = 0",
                "call_deadline_seconds",
            ),
            ("[sandbox]\nmax_calls = 0", "max_calls"),
            ("[gateway]\nhost = \"\"", "gateway.host"),
            ("[gateway]\nmessages_per_second = 1", "messages_per_second"),
            ("[gateway]\norder_reserve = 45", "order_reserve"),
            ("[gateway]\nheartbeat_seconds = 0", "heartbeat_seconds"),
            ("[gateway.codes]\nlate = \"warning\"", "gateway.codes.late"),
            ("[gateway.codes]\n399 = \"calm\"", "calm"),
            ("[gateway]\nmarket_data_lines = 0", "market_data_lines"),
            (
                "[gateway.restart_window]\nfrom = \"25:00\"\nto = \"1:00\"\nzone = \"UTC\"",
                "gateway.restart_window.from",
            ),
        ] {
            let error = extract(toml, &[]).expect_err(toml);
            assert!(error.contains(word), "{error}");
        }
    }
}
