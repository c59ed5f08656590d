//! Where settings come from: defaults, `sandpit.toml`, `.env`, the environment
//! and the command line, each stronger than the one before.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use figment::providers::{Format, Serialized, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::Config;
use crate::policy_file;

/// The file that is read when no other is named, if it is there.
const DEFAULT_FILE: &str = "sandpit.toml";

/// The variables that have a short name of their own, and what they set.
const SHORT_NAMES: [(&str, &str); 4] = [
    ("TWS_HOST", "gateway.host"),
    ("TWS_PORT", "gateway.port"),
    ("TWS_CLIENT_ID", "gateway.client_id"),
    ("PORT", "server.port"),
];

/// The section that no variable can set.
const POLICY: &str = "policy";

/// Everything else is `SANDPIT_SECTION__KEY`.
const PREFIX: &str = "SANDPIT_";

/// What the command line says; it wins over everything else.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    values: Vec<(&'static str, Value)>,
}

impl Overrides {
    /// Sets `key` (such as `server.port`) if there is a value.
    pub fn set<T: Into<Value>>(&mut self, key: &'static str, value: Option<T>) {
        if let Some(value) = value {
            self.values.push((key, value.into()));
        }
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

    /// Refuses variables that would set the policy: what a tool may do is in
    /// one place.
    fn check(&self) -> anyhow::Result<()> {
        for (name, key, _) in self.settings() {
            if key == POLICY || key.starts_with("policy.") {
                bail!(
                    "the variable {name} is set, and the policy comes from the configuration \
                     file only; write it there, as [policy.NAME]"
                );
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
                    let (section, key) = name.strip_prefix(PREFIX)?.split_once("__")?;
                    format!("{section}.{key}").to_lowercase()
                }
            };
            let value = if key == "gateway.host" || key == "operator.token" {
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
}

impl Sources {
    /// A file, if one is named, and what the command line says beside it.
    pub fn new(named: Option<PathBuf>, overrides: Overrides) -> Self {
        Self { named, overrides }
    }

    /// The configuration file: the one that was named, or `sandpit.toml` in
    /// the working folder. It need not exist.
    pub fn file(&self) -> &Path {
        self.named.as_deref().unwrap_or(Path::new(DEFAULT_FILE))
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
        let config: Config = self.figment(text)?.extract().map_err(readable)?;
        config.validate()?;
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
        );
        let config = match sections {
            (Ok(server), Ok(operator)) => Config {
                server,
                operator,
                ..Config::default()
            },
            // These two are wrong, or the file is not TOML at all.
            _ => self.read_text("")?,
        };
        Ok((config, Some(fault)))
    }

    fn figment(&self, text: &str) -> anyhow::Result<Figment> {
        let file = self.file();
        let folder = file.parent().unwrap_or(Path::new(""));
        let mut figment =
            Figment::from(Serialized::defaults(Config::default())).merge(FileText { file, text });
        // A relative path in the file means: beside the file.
        for key in ["tools.folder", "operator.token_file"] {
            if let Ok(path) = figment.extract_inner::<PathBuf>(key) {
                figment = figment.merge(Serialized::default(key, folder.join(path)));
            }
        }
        let environment = Environment::read(Path::new("."))?;
        environment.check()?;
        Ok(figment.merge(environment).merge(&self.overrides))
    }
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
    #![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

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
        config.validate().map_err(|error| error.to_string())?;
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
        ] {
            let error = extract(toml, &[]).expect_err(toml);
            assert!(error.contains(word), "{error}");
        }
    }
}
