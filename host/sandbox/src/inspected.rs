//! A component that was looked at, before it is decided what it may do.

use std::fmt;
use std::sync::Arc;

use wasmtime::component::Component as Code;

use crate::capability::{Capability, Grants};
use crate::component::{self, Component};
use crate::descriptor::Descriptor;
use crate::error::LoadError;
use crate::load;
use crate::sandbox::Shared;

/// A component that fits the contract and has described itself. It cannot be
/// called: [`Inspected::link`] decides what it may do. A cheap handle: clones
/// share the code.
#[derive(Clone)]
pub struct Inspected {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) descriptor: Descriptor,
    pub(crate) digest: String,
    pub(crate) size: usize,
    pub(crate) capabilities: Vec<Capability>,
    pub(crate) wasi: Vec<String>,
    pub(crate) code: Code,
    pub(crate) shared: Arc<Shared>,
}

impl Inspected {
    /// What the tool or prompt says of itself.
    pub fn descriptor(&self) -> &Descriptor {
        &self.inner.descriptor
    }

    /// SHA-256 of the component's bytes, in hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.inner.digest
    }

    /// Size of the component in bytes.
    pub fn size(&self) -> usize {
        self.inner.size
    }

    /// The capabilities that it imports, in a fixed order.
    pub fn capabilities(&self) -> &[Capability] {
        &self.inner.capabilities
    }

    /// The WASI interfaces that it imports, as it names them.
    pub fn wasi_imports(&self) -> &[String] {
        &self.inner.wasi
    }

    /// Links exactly the capabilities that it imports and that are granted.
    /// Nothing is compiled, so this is quick.
    ///
    /// # Errors
    ///
    /// [`LoadError::NotGranted`] with everything that it imports and may not
    /// have.
    pub fn link(&self, grants: &Grants) -> Result<Component, LoadError> {
        let inner = &self.inner;
        let imported = inner.capabilities.iter().copied();
        let (granted, missing): (Vec<_>, Vec<_>) =
            imported.partition(|capability| grants.allow(*capability));
        if !missing.is_empty() {
            return Err(LoadError::NotGranted { missing });
        }
        let is_prompt = inner.descriptor.prompt.is_some();
        let (pre, exports) = load::link(&inner.code, &granted, is_prompt, &inner.shared)?;
        Ok(Component {
            inner: Arc::new(component::Inner {
                name: inner.descriptor.name.as_str().into(),
                inspected: self.clone(),
                pre,
                exports,
            }),
        })
    }
}

impl fmt::Debug for Inspected {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Inspected")
            .field("name", &self.inner.descriptor.name)
            .field("digest", &self.inner.digest)
            .finish_non_exhaustive()
    }
}
