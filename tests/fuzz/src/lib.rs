//! What a component file can do to the host before anybody calls it: it is
//! read, compiled, inspected, asked to describe itself, and what it says is
//! checked.
//!
//! Two fuzzers feed the host: `loader` with files that are nearly components,
//! `descriptor` with components that say anything at all of themselves. Both
//! take the way that a file in the tool folder takes. `just fuzz` runs them;
//! the test `replay` runs their corpus, and a fixed number of mutations of it,
//! with everything else.

pub mod corpus;
pub mod descriptor;
mod guest;
mod host;
pub mod sections;

pub use host::Host;
