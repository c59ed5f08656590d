//! Which content of which file serves: a pure function of what is in the
//! folder, of what served before, and of the policy.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sandpit_sandbox::Capability;

use crate::policy::{Policy, ToolPolicy};
use crate::status::ToolState;

/// What counts of a component when it is decided whether it serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) digest: String,
    pub(crate) asks: Vec<Capability>,
    /// What its resources stand for, by [`UriTemplate::shape`].
    ///
    /// [`UriTemplate::shape`]: sandpit_sandbox::UriTemplate::shape
    pub(crate) resources: Vec<String>,
}

impl Facts {
    /// What no other tool may be called: its name, and the URIs of its
    /// resources. No name is a URI.
    fn names(&self) -> impl Iterator<Item = &str> {
        let resources = self.resources.iter().map(String::as_str);
        std::iter::once(self.name.as_str()).chain(resources)
    }
}

/// One file of the folder.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FileFacts<'a> {
    /// What it holds now.
    pub(crate) present: Present<'a>,
    /// What it held when it served last. The file holds that name until it
    /// serves under another one or is gone.
    pub(crate) held: Option<&'a Facts>,
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Present<'a> {
    /// It is not known yet, for this reason.
    Waiting(&'a str),
    /// Something that is no tool, for this reason.
    Bad(&'a str),
    /// A tool.
    Good(&'a Facts),
}

/// What becomes of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) state: ToolState,
    /// Why it is not served, or why its newer content is not.
    pub(crate) reason: Option<String>,
    /// What is known of what serves, or else of what is in the file.
    pub(crate) facts: Option<Facts>,
    /// What the policy says of it, if it has a name.
    pub(crate) policy: Option<Arc<ToolPolicy>>,
    /// Which content serves.
    pub(crate) serves: Option<Content>,
    /// What is the matter with the newer content while the one before serves.
    pub(crate) newer: Option<ToolState>,
}

/// One of the two contents of a file that are remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// What it holds now.
    Present,
    /// What it held when it served last.
    Held,
}

/// What becomes of all files, by file name.
pub(crate) type Verdicts = BTreeMap<String, Verdict>;

/// Decides for all files.
///
/// No two files serve under one name. A file that holds a name keeps it; a
/// newcomer that claims it is refused, and its own previous content goes on. Of
/// several newcomers that claim a free name none is served: which of them the
/// operator means cannot be known.
pub(crate) fn decide(files: &BTreeMap<String, FileFacts<'_>>, policy: &Policy) -> Verdicts {
    let mut claims: BTreeMap<&str, Claim<'_>> = files
        .iter()
        .map(|(file, facts)| (file.as_str(), Claim::new(*facts, policy)))
        .collect();
    while settle_one_round(&mut claims) {}
    claims
        .into_iter()
        .map(|(file, claim)| (file.to_owned(), claim.verdict()))
        .collect()
}

/// Whether the policy lets a component serve.
///
/// # Errors
///
/// The state that it is in instead, and why, with what would change it.
pub(crate) fn admit(facts: &Facts, policy: &ToolPolicy) -> Result<(), (ToolState, String)> {
    let name = &facts.name;
    if !policy.enabled {
        return Err((
            ToolState::Disabled,
            format!("The policy disables it. To enable it: sandpit enable {name}"),
        ));
    }
    if let Some(pin) = &policy.pin
        && *pin != facts.digest
    {
        let digest = &facts.digest;
        return Err((
            ToolState::Quarantined,
            format!(
                "Its digest is {digest}, and the policy accepts only {pin}. To accept this one: \
                 sandpit pin {name} --digest {digest}"
            ),
        ));
    }
    let Some(grants) = &policy.grants else {
        return Err((ToolState::Quarantined, no_grants(facts)));
    };
    let missing: Vec<_> = facts
        .asks
        .iter()
        .filter(|capability| !grants.contains(capability))
        .map(|capability| capability.name())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let be = if missing.len() == 1 { "is" } else { "are" };
    Err((
        ToolState::Quarantined,
        format!(
            "It asks for {}, which {be} not granted. To grant that: sandpit grant {name} {}",
            missing.join(", "),
            missing.join(" ")
        ),
    ))
}

fn no_grants(facts: &Facts) -> String {
    let name = &facts.name;
    if facts.asks.is_empty() {
        return format!(
            "No entry of the policy has grants for it. It asks for nothing; to serve it, add \
             grants = [] to [policy.{name}]"
        );
    }
    let asks: Vec<_> = facts.asks.iter().map(|of| of.name()).collect();
    format!(
        "No entry of the policy has grants for it. It asks for {}. To grant that: sandpit grant \
         {name} {}",
        asks.join(", "),
        asks.join(" ")
    )
}

/// What a file claims while it is decided.
struct Claim<'a> {
    facts: FileFacts<'a>,
    /// What the policy says of the present content, if it is a tool.
    present: Option<Judged>,
    /// What the policy says of the content before.
    held: Option<Judged>,
    /// Set when the present content may not have its name.
    lost: Option<String>,
}

/// What the policy says of one content.
struct Judged {
    policy: Arc<ToolPolicy>,
    result: Result<(), (ToolState, String)>,
}

impl Judged {
    fn new(facts: &Facts, policy: &Policy) -> Self {
        let policy = policy.of(&facts.name);
        Self {
            result: admit(facts, &policy),
            policy: Arc::new(policy),
        }
    }
}

impl<'a> Claim<'a> {
    fn new(facts: FileFacts<'a>, policy: &Policy) -> Self {
        let present = match facts.present {
            Present::Good(present) => Some(Judged::new(present, policy)),
            Present::Waiting(_) | Present::Bad(_) => None,
        };
        Self {
            facts,
            present,
            held: facts.held.map(|held| Judged::new(held, policy)),
            lost: None,
        }
    }

    /// The names of the present content, unless it may not have them.
    fn present_names(&self) -> BTreeSet<&'a str> {
        match self.facts.present {
            Present::Good(facts) if self.lost.is_none() => facts.names().collect(),
            _ => BTreeSet::new(),
        }
    }

    fn held_names(&self) -> BTreeSet<&'a str> {
        self.facts.held.into_iter().flat_map(Facts::names).collect()
    }

    fn present_serves(&self) -> bool {
        self.lost.is_none() && self.present.as_ref().is_some_and(|of| of.result.is_ok())
    }

    /// The names that the file held and still stands for.
    fn holds(&self) -> BTreeSet<&'a str> {
        if self.present_serves() {
            return BTreeSet::new();
        }
        self.held_names()
    }

    fn verdict(self) -> Verdict {
        let (state, reason) = match (&self.facts.present, &self.present, self.lost) {
            (_, _, Some(lost)) => (ToolState::Refused, lost),
            (Present::Waiting(reason), ..) => (ToolState::Waiting, (*reason).to_owned()),
            (Present::Bad(reason), ..) => (ToolState::Refused, (*reason).to_owned()),
            (Present::Good(facts), Some(judged), None) => match &judged.result {
                Ok(()) => {
                    return Verdict {
                        state: ToolState::Served,
                        reason: None,
                        facts: Some((*facts).clone()),
                        policy: Some(Arc::clone(&judged.policy)),
                        serves: Some(Content::Present),
                        newer: None,
                    };
                }
                Err((state, reason)) => (*state, reason.clone()),
            },
            // Every good content is judged when the claim is made.
            (Present::Good(_), None, None) => (ToolState::Waiting, String::new()),
        };
        if let (Some(held), Some(judged)) = (self.facts.held, &self.held)
            && judged.result.is_ok()
        {
            return Verdict {
                state: ToolState::Served,
                reason: Some(format!("The newer file is not served. {reason}")),
                facts: Some(held.clone()),
                policy: Some(Arc::clone(&judged.policy)),
                serves: Some(Content::Held),
                newer: Some(state),
            };
        }
        // What served before may be why nothing serves now: its name is known.
        let known = match self.facts.present {
            Present::Good(facts) => Some((facts, self.present)),
            _ => self.facts.held.map(|facts| (facts, self.held)),
        };
        let (facts, judged) = known.unzip();
        Verdict {
            state,
            reason: Some(reason),
            facts: facts.cloned(),
            policy: judged.flatten().map(|judged| judged.policy),
            serves: None,
            newer: None,
        }
    }
}

/// Takes names from those that may not have them. Answers whether it took one:
/// whoever falls back on what it held claims that name from then on.
fn settle_one_round(claims: &mut BTreeMap<&str, Claim<'_>>) -> bool {
    let mut by_name: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut holders: BTreeMap<&str, &str> = BTreeMap::new();
    for (file, claim) in claims.iter() {
        let (present, holds) = (claim.present_names(), claim.holds());
        for name in present.union(&holds) {
            by_name.entry(name).or_default().push(file);
        }
        // A file that serves newer content under the name that it held goes on
        // holding it.
        for held in claim.held_names() {
            if holds.contains(held) || present.contains(held) {
                holders.entry(held).or_insert(file);
            }
        }
    }
    let mut losers = Vec::new();
    let mut contested: Vec<_> = by_name.into_iter().collect();
    contested.retain(|(_, files)| files.len() > 1);
    // Of two files with one name it is the name that is told.
    contested.sort_by_key(|(name, _)| is_uri(name));
    for (name, files) in contested {
        let holder = holders.get(name).copied();
        for file in files.iter().filter(|file| Some(**file) != holder) {
            losers.push((*file, conflict(name, file, holder, &files)));
        }
    }
    let mut lost = false;
    for (file, reason) in losers {
        if let Some(claim) = claims.get_mut(file) {
            lost |= claim.lost.is_none();
            claim.lost.get_or_insert(reason);
        }
    }
    lost
}

fn is_uri(name: &str) -> bool {
    name.contains(':')
}

/// Why a file may not have a name.
fn conflict(name: &str, file: &str, holder: Option<&str>, files: &[&str]) -> String {
    let is_uri = is_uri(name);
    match holder {
        Some(holder) if is_uri => format!(
            "{file} has a resource {name}, which is one of {holder}. Remove one of the two files, \
             or build the tool with another URI."
        ),
        None if is_uri => format!(
            "Several files have a resource {name}, so none of them is served: {}. Keep one of \
             them in the folder.",
            files.join(", ")
        ),
        Some(holder) => format!(
            "{file} calls itself {name}, which is the name of {holder}. Remove one of the two \
             files, or build the tool under another name."
        ),
        None => format!(
            "Several files call themselves {name}, so none of them is served: {}. Keep one of \
             them in the folder.",
            files.join(", ")
        ),
    }
}

#[cfg(test)]
mod tests;
