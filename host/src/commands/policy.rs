//! `sandpit grant`, `revoke`, `enable`, `disable` and `pin`: edits of the
//! policy, and what became of them.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use http::Uri;
use sandpit_sandbox::Capability;
use sandpit_tools::{ToolState, ToolStatus};

use super::call::is_name;
use crate::cli::operator::{GrantArgs, PinArgs, RevokeArgs, SwitchArgs};
use crate::client::{self, AskError, HostStatus};
use crate::component;
use crate::config::{Config, Sources};
use crate::output::plain;
use crate::policy_file::{self, Edit};

/// How often, and how often in a row, a running host is asked whether it has
/// taken the edit over.
const ASK: (Duration, u32) = (Duration::from_millis(100), 50);

/// `sandpit grant`.
pub async fn grant(args: GrantArgs) -> anyhow::Result<()> {
    let added = capabilities(&args.capabilities)?;
    let edits = Edits::open(args.host.config.sources(), args.host.url, &args.tool)?;
    let grants = edits.grants().unwrap_or_default();
    edits.make(grants.union(&added).copied().collect()).await
}

/// `sandpit revoke`.
pub async fn revoke(args: RevokeArgs) -> anyhow::Result<()> {
    let removed = capabilities(&args.capabilities)?;
    let edits = Edits::open(args.host.config.sources(), args.host.url, &args.tool)?;
    let Some(grants) = edits.grants() else {
        bail!(
            "the policy grants {} nothing, so that there is nothing to revoke",
            args.tool
        );
    };
    edits
        .make(grants.difference(&removed).copied().collect())
        .await
}

/// `sandpit enable` and `sandpit disable`.
pub async fn switch(args: SwitchArgs, enabled: bool) -> anyhow::Result<()> {
    let edits = Edits::open(args.host.config.sources(), args.host.url, &args.tool)?;
    edits.make(Change::Enabled(enabled)).await
}

/// `sandpit pin`.
pub async fn pin(args: PinArgs) -> anyhow::Result<()> {
    let edits = Edits::open(args.sources(), args.host.url, &args.tool)?;
    let digest = match (args.remove, args.digest, args.file) {
        (true, ..) => None,
        (false, Some(digest), _) => Some(checked(&digest)?),
        (false, None, file) => Some(edits.find_digest(file.as_deref()).await?),
    };
    edits.make(Change::Pin(digest)).await
}

/// What an edit sets.
enum Change {
    Grants(BTreeSet<Capability>),
    Enabled(bool),
    Pin(Option<String>),
}

impl FromIterator<Capability> for Change {
    fn from_iter<T: IntoIterator<Item = Capability>>(capabilities: T) -> Self {
        Self::Grants(capabilities.into_iter().collect())
    }
}

impl Change {
    fn edit(&self) -> Edit {
        match self {
            Self::Grants(grants) => {
                Edit::Grants(grants.iter().map(|of| of.name().to_owned()).collect())
            }
            Self::Enabled(enabled) => Edit::Enabled(*enabled),
            Self::Pin(pin) => Edit::Pin(pin.clone()),
        }
    }

    /// The change in words, of a tool that is named before.
    fn words(&self) -> String {
        match self {
            Self::Grants(grants) if grants.is_empty() => {
                "may run and is granted no capability".to_owned()
            }
            Self::Grants(grants) => format!("is granted {}", names(grants)),
            Self::Enabled(true) => "is enabled".to_owned(),
            Self::Enabled(false) => "is disabled".to_owned(),
            Self::Pin(Some(digest)) => format!("is pinned to {digest}"),
            Self::Pin(None) => "is not pinned".to_owned(),
        }
    }

    /// Whether a host's status shows it.
    fn shows_in(&self, tool: &ToolStatus) -> bool {
        match self {
            Self::Grants(grants) => tool.grants.as_ref().is_some_and(|shown| {
                shown.len() == grants.len()
                    && grants
                        .iter()
                        .all(|of| shown.iter().any(|name| name == of.name()))
            }),
            Self::Enabled(enabled) => (tool.state == ToolState::Disabled) != *enabled,
            Self::Pin(pin) => tool.pin == *pin,
        }
    }
}

fn names(capabilities: &BTreeSet<Capability>) -> String {
    let names: Vec<_> = capabilities.iter().map(|of| of.name()).collect();
    names.join(", ")
}

/// The capabilities of these names.
fn capabilities(names: &[String]) -> anyhow::Result<BTreeSet<Capability>> {
    let of = |name: &String| {
        Capability::from_name(name).with_context(|| {
            let width = Capability::ALL
                .map(|of| of.name().len())
                .into_iter()
                .max()
                .unwrap_or(0);
            let all: Vec<_> = Capability::ALL
                .iter()
                .map(|of| format!("\n  {:width$}  {}", of.name(), of.powers()))
                .collect();
            format!(
                "there is no capability {:?}; there are:{}",
                plain(name),
                all.concat()
            )
        })
    };
    names.iter().map(of).collect()
}

/// A digest as the policy writes it.
fn checked(digest: &str) -> anyhow::Result<String> {
    let digest = digest.to_ascii_lowercase();
    if digest.len() != 64 || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        bail!(
            "{:?} is not a SHA-256; it must have 64 hexadecimal digits",
            plain(&digest)
        );
    }
    Ok(digest)
}

/// The policy of one tool, about to be edited.
struct Edits {
    sources: Sources,
    config: Config,
    url: Option<Uri>,
    tool: String,
}

impl Edits {
    fn open(sources: Sources, url: Option<Uri>, tool: &str) -> anyhow::Result<Self> {
        if !is_name(tool) {
            bail!(
                "{:?} is not the name of a tool; names have 1 to 64 of a-z, 0-9 and _. Patterns \
                 are written into {} by hand",
                plain(tool),
                sources.file().display()
            );
        }
        // A file that is not there is made.
        let text = policy_file::read(sources.file())?.unwrap_or_default();
        Ok(Self {
            config: sources.read_text(&text)?,
            sources,
            url,
            tool: tool.to_owned(),
        })
    }

    /// What the tool is granted now, by its own entry or by a pattern.
    fn grants(&self) -> Option<BTreeSet<Capability>> {
        self.config.policy.of(&self.tool).grants
    }

    /// The digest of a file, or of the one in the tool folder that calls itself
    /// as the tool is called.
    async fn find_digest(&self, file: Option<&Path>) -> anyhow::Result<String> {
        let sandbox = component::sandbox(&self.config)?;
        let tool = &self.tool;
        if let Some(file) = file {
            let inspected = component::inspect(file, &sandbox).await?;
            let name = &inspected.descriptor().name;
            if name != tool {
                bail!("{} calls itself {name}, not {tool}", file.display());
            }
            return Ok(inspected.digest().to_owned());
        }
        let folder = &self.config.tools.folder;
        let found = component::named(tool, folder, &sandbox).await?;
        match found.as_slice() {
            [(_, one)] => Ok(one.digest().to_owned()),
            [] => bail!(
                "no file in {} calls itself {tool}; name one with --file, or a digest with \
                 --digest",
                folder.display()
            ),
            several => {
                let files: Vec<_> = several
                    .iter()
                    .map(|(file, _)| file.display().to_string())
                    .collect();
                bail!(
                    "several files call themselves {tool}: {}; name one with --file",
                    files.join(", ")
                )
            }
        }
    }

    /// Edits the file, and tells what became of it.
    async fn make(self, change: Change) -> anyhow::Result<()> {
        let file = self.sources.file();
        let check = |text: &str| self.sources.read_text(text).map(|_| ());
        let changed = policy_file::change(file, &self.tool, &change.edit(), check)?;
        let words = change.words();
        let where_ = if changed { "in" } else { "already in" };
        println!("{} {words}, {where_} {}.", self.tool, file.display());
        println!("{}", self.outcome(&change).await);
        Ok(())
    }

    /// What a running host made of it.
    async fn outcome(&self, change: &Change) -> String {
        let asked = client::as_operator(self.url.as_ref(), &self.config).await;
        let (client, token) = match asked {
            Ok(asked) => asked,
            Err(error) => return unknown(&error),
        };
        let mut last = None;
        for _ in 0..ASK.1 {
            let status = match client.status(&token).await {
                Ok(status) => status,
                Err(error) => return unknown(&error),
            };
            if let Some(other) = self.other_file(&status) {
                return format!(
                    "The host at {} follows another file, {}, and so nothing changes there.",
                    client.base(),
                    plain(&other)
                );
            }
            let tool = status
                .tools
                .tools
                .iter()
                .find(|tool| tool.name.as_ref() == Some(&self.tool));
            match tool {
                Some(tool) if change.shows_in(tool) => return became(&self.tool, tool),
                _ => last = Some((tool.cloned(), status.tools.policy_fault)),
            }
            tokio::time::sleep(ASK.0).await;
        }
        match last {
            Some((_, Some(fault))) => {
                format!("The running host did not take it over: {}.", plain(&fault))
            }
            Some((None, None)) => format!(
                "No file in the tool folder of the running host calls itself {}; it counts when \
                 one comes.",
                self.tool
            ),
            _ => format!(
                "The host at {} has not taken it over yet; see sandpit tools.",
                client.base()
            ),
        }
    }

    /// The configuration file of the host, if it is not the one that was edited.
    fn other_file(&self, status: &HostStatus) -> Option<String> {
        let theirs = status.config_file.as_deref()?;
        let ours = std::fs::canonicalize(self.sources.file()).ok()?;
        let same = std::fs::canonicalize(theirs).is_ok_and(|theirs| theirs == ours);
        (!same).then(|| theirs.to_owned())
    }
}

/// What is said when the host cannot be asked.
fn unknown(error: &AskError) -> String {
    match error {
        AskError::NotRunning { base } => {
            format!("No host runs at {base}; it counts when one starts.")
        }
        error @ (AskError::NoTls { .. } | AskError::Other(_)) => {
            format!("What the running host made of it is not known: {error}.")
        }
    }
}

/// What a tool is now.
fn became(name: &str, tool: &ToolStatus) -> String {
    let mut text = match tool.state {
        ToolState::Served => {
            let with = match tool.grants.as_deref() {
                None | Some([]) => "no capability".to_owned(),
                Some(grants) => grants.join(", "),
            };
            format!("{name} is served now, with {with}.")
        }
        state => format!("{name} is {state} now."),
    };
    if let Some(reason) = &tool.reason {
        text.push(' ');
        text.push_str(&plain(reason));
    }
    text
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn an_unknown_capability_gets_the_list_in_plain_words() {
        let error = capabilities(&["acount".to_owned()])
            .unwrap_err()
            .to_string();
        assert!(error.contains("\"acount\""), "{error}");
        for of in Capability::ALL {
            assert!(
                error.contains(of.name()) && error.contains(of.powers()),
                "{error}"
            );
        }
    }

    #[test]
    fn a_digest_is_64_digits() {
        let digest = "AB".repeat(32);
        assert_eq!(checked(&digest).unwrap(), "ab".repeat(32));
        assert!(checked("ab").is_err() && checked(&"xy".repeat(32)).is_err());
    }

    #[test]
    fn grants_are_those_that_apply() {
        let sources = Sources::default();
        let text = "[policy.\"ibkr_*\"]\ngrants = [\"account\"]\n[policy.ibkr_b]\nenabled = true\n";
        let edits = |tool: &str| Edits {
            config: sources.read_text(text).unwrap(),
            sources: sources.clone(),
            url: None,
            tool: tool.to_owned(),
        };
        assert_eq!(edits("ibkr_b").grants(), Some([Capability::Account].into()));
        assert_eq!(edits("other").grants(), None);
    }
}
