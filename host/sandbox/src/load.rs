//! From bytes to a component that has described itself.

use std::sync::Arc;

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component as Code, InstancePre};

use crate::cache::{Cache, digest_of};
use crate::call::Call;
use crate::capability::Capability;
use crate::config::CallLimits;
use crate::descriptor::Descriptor;
use crate::error::{CallError, LoadError, reason};
use crate::inspected::{Inner, Inspected};
use crate::kind::{self, Exported, Exports};
use crate::run::{self, Ended};
use crate::sandbox::Shared;
use crate::state::State;
use crate::{capabilities, descriptor, memory, prompt, wasi};

/// The version of the packages `sandpit:tool` and `sandpit:broker`.
const VERSION: &str = "0.1.0";

/// What a component imports.
#[derive(Default)]
struct Imports {
    capabilities: Vec<Capability>,
    wasi: Vec<String>,
}

pub(crate) async fn inspect(shared: &Arc<Shared>, bytes: Vec<u8>) -> Result<Inspected, LoadError> {
    check_kind(&bytes, shared.config.max_component_bytes)?;
    let size = bytes.len();
    let (code, digest) = compile_elsewhere(shared, bytes).await?;

    let imports = imports(&code, shared)?;
    let is_prompt = is_prompt(&code, shared)?;
    if is_prompt && imports.capabilities.contains(&Capability::Trading) {
        return Err(LoadError::PromptTrades);
    }
    // Everything is linked, to check its type; behind it there is no broker.
    let (pre, exports) = link(&code, &imports.capabilities, is_prompt, shared)?;
    let descriptor = describe(shared, &pre, &exports, &digest).await?;
    tracing::debug!(
        tool = descriptor.name,
        digest,
        size,
        capabilities = ?imports.capabilities,
        wasi = ?imports.wasi,
        "inspected a component"
    );
    Ok(Inspected {
        inner: Arc::new(Inner {
            descriptor,
            digest,
            size,
            capabilities: imports.capabilities,
            wasi: imports.wasi,
            code,
            shared: Arc::clone(shared),
        }),
    })
}

/// Looks at the first bytes, which say what the rest is.
fn check_kind(bytes: &[u8], limit: usize) -> Result<(), LoadError> {
    if bytes.len() > limit {
        return Err(LoadError::TooLarge {
            size: bytes.len(),
            limit,
        });
    }
    match bytes.get(..8) {
        Some([0, b'a', b's', b'm', _, _, 1, 0]) => Ok(()),
        Some([0, b'a', b's', b'm', _, _, 0, 0]) => Err(LoadError::CoreModule),
        _ => Err(LoadError::NotWebAssembly),
    }
}

/// Compiles on a thread of its own, since it takes long and would hold up the
/// runtime.
async fn compile_elsewhere(
    shared: &Arc<Shared>,
    bytes: Vec<u8>,
) -> Result<(Code, String), LoadError> {
    // Compiling uses whole cores, and the calls need some as well. Whoever
    // waits no longer leaves the place to the thread until it has ended.
    let place = Arc::clone(&shared.compiling).acquire_owned().await;
    let place = place.map_err(|error| LoadError::Host(error.to_string()))?;
    let shared = Arc::clone(shared);
    let work = move || {
        let _place = place;
        let digest = digest_of(&bytes);
        let code = compile(&shared, &bytes, &digest);
        drop(bytes);
        memory::give_back();
        Ok((code?, digest))
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| LoadError::Host(error.to_string()))?
}

fn compile(shared: &Shared, bytes: &[u8], digest: &str) -> Result<Code, LoadError> {
    let invalid = |error: wasmtime::Error| LoadError::Invalid(reason(&error));
    let Some(cache) = &shared.cache else {
        return Code::from_binary(&shared.engine, bytes).map_err(invalid);
    };
    if let Some(code) = from_cache(shared, cache, digest) {
        return Ok(code);
    }
    let code = Code::from_binary(&shared.engine, bytes).map_err(invalid)?;
    match code.serialize() {
        Ok(precompiled) => cache.write(digest, &precompiled),
        Err(error) => tracing::warn!(%error, digest, "a component could not be serialized"),
    }
    Ok(code)
}

#[expect(
    unsafe_code,
    reason = "deserializing trusts the code: it comes from a folder that only the host's user \
              can write to, under the name of exactly this component and engine, and its digest \
              was checked on the very bytes that are used"
)]
fn from_cache(shared: &Shared, cache: &Cache, digest: &str) -> Option<Code> {
    let precompiled = cache.read(digest)?;
    // SAFETY: see the reason above.
    match unsafe { Code::deserialize(&shared.engine, &precompiled) } {
        Ok(code) => Some(code),
        Err(error) => {
            tracing::warn!(%error, digest, "a precompiled component does not fit; it is compiled anew");
            cache.remove(digest);
            None
        }
    }
}

/// Lists what the component imports, and refuses what the host does not know.
fn imports(code: &Code, shared: &Shared) -> Result<Imports, LoadError> {
    let mut imports = Imports::default();
    for (name, item) in code.component_type().imports(&shared.engine) {
        let unknown = || LoadError::UnknownImport {
            import: name.to_owned(),
        };
        if !matches!(item.ty, ComponentItem::ComponentInstance(_)) {
            return Err(unknown());
        }
        let (interface, version) = name.split_once('@').unwrap_or((name, ""));
        if interface.starts_with("wasi:") {
            // Which versions fit is wasmtime's business: see `link`.
            if !wasi::offers(interface) {
                return Err(unknown());
            }
            imports.wasi.push(name.to_owned());
            continue;
        }
        let capability = match interface {
            "sandpit:tool/context" | "sandpit:tool/types" => None,
            "sandpit:broker/types" | "sandpit:broker/orders" => None,
            other => Some(
                other
                    .strip_prefix("sandpit:broker/")
                    .and_then(Capability::from_name)
                    .ok_or_else(unknown)?,
            ),
        };
        if !fits(version) {
            return Err(LoadError::WrongVersion {
                import: name.to_owned(),
                offered: VERSION,
            });
        }
        imports.capabilities.extend(capability);
    }
    imports.capabilities.sort_unstable();
    imports.capabilities.dedup();
    Ok(imports)
}

/// Whether an import of this version is served by the version that is
/// offered: not newer, and compatible by the rules of semantic versioning.
fn fits(version: &str) -> bool {
    let parse = semver::Version::parse;
    match (parse(version), parse(VERSION)) {
        (Ok(wanted), Ok(offered)) => {
            semver::VersionReq::parse(&format!("^{wanted}")).is_ok_and(|req| req.matches(&offered))
        }
        _ => false,
    }
}

/// Whether it is a prompt and not a tool.
fn is_prompt(code: &Code, shared: &Shared) -> Result<bool, LoadError> {
    let exports = code.component_type();
    let names = exports.exports(&shared.engine).map(|(name, _)| name);
    match kind::exported(names) {
        Exported::Plugin => Ok(false),
        Exported::Prompt => Ok(true),
        Exported::Both => Err(LoadError::TwoKinds),
        Exported::Neither => Err(LoadError::NotATool),
    }
}

/// Links these capabilities and no other, and looks up the exports once for
/// all calls.
pub(crate) fn link(
    code: &Code,
    capabilities: &[Capability],
    is_prompt: bool,
    shared: &Shared,
) -> Result<(InstancePre<State>, Exports), LoadError> {
    let mut linker = shared.linker.clone();
    for capability in capabilities {
        capabilities::add_to_linker(*capability, &mut linker)
            .map_err(|error| LoadError::Host(reason(&error)))?;
    }
    let mismatch = |error: wasmtime::Error| LoadError::Mismatch(reason(&error));
    let pre: InstancePre<State> = linker.instantiate_pre(code).map_err(mismatch)?;
    let exports = Exports::of(&pre, is_prompt).map_err(mismatch)?;
    Ok((pre, exports))
}

/// Asks the component what it is, in an instance that cannot reach the broker.
async fn describe(
    shared: &Shared,
    pre: &InstancePre<State>,
    exports: &Exports,
    digest: &str,
) -> Result<Descriptor, LoadError> {
    // It has no name yet.
    let short: String = digest.chars().take(12).collect();
    let mut call = Call::new("describe", "host", "");
    call.limits = CallLimits {
        deadline: shared.config.describe_deadline,
        memory: shared.config.memory_limit,
        ..CallLimits::default()
    };
    let short = short.into();
    match exports {
        Exports::Plugin(indices) => {
            let said = run::run(
                shared,
                pre,
                short,
                None,
                call,
                async |instance, store, _| {
                    let plugin = indices.load(&mut *store, instance)?;
                    plugin.call_describe(store).await
                },
            );
            descriptor::from_guest(returned(said.await)?)
        }
        Exports::Prompt(indices) => {
            let said = run::run(
                shared,
                pre,
                short,
                None,
                call,
                async |instance, store, _| {
                    let prompt = indices.load(&mut *store, instance)?;
                    prompt.call_describe(store).await
                },
            );
            prompt::descriptor_from_guest(returned(said.await)?)
        }
    }
}

fn returned<T>(said: Result<Ended<T>, CallError>) -> Result<T, LoadError> {
    match said.map_err(LoadError::Describe)? {
        Ended::Returned(said) => Ok(said),
        // It reaches no broker, and so no order.
        Ended::Unconfirmed(_) => Err(LoadError::Describe(CallError::Trapped)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_fit_by_semantic_versioning() {
        assert!(fits("0.1.0"));
        for version in ["0.1.1", "0.2.0", "1.0.0", "", "x"] {
            assert!(!fits(version), "{version}");
        }
    }

    #[test]
    fn the_first_bytes_tell_the_kind() {
        assert_eq!(check_kind(b"\0asm\x0d\0\x01\0", 100), Ok(()));
        assert_eq!(
            check_kind(b"\0asm\x01\0\0\0", 100),
            Err(LoadError::CoreModule)
        );
        for bytes in [&b""[..], b"\0asm", b"#!/bin/sh\n"] {
            assert_eq!(check_kind(bytes, 100), Err(LoadError::NotWebAssembly));
        }
        assert_eq!(
            check_kind(&[0; 101], 100),
            Err(LoadError::TooLarge {
                size: 101,
                limit: 100
            })
        );
    }
}
