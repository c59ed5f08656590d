//! The wire: frames, the handshake, and the messages in their two forms.
//!
//! [`message`] names every message once, with its id. The rest of the simulator handles
//! [`Request`](message::Request) and [`Reply`](message::Reply) only; how they look as bytes is
//! this module's business alone. [`dialect`] picks between [`protobuf`] and [`text`], by the
//! version that the handshake settled on.

pub(crate) mod dialect;
pub(crate) mod frame;
pub(crate) mod handshake;
pub(crate) mod message;
mod protobuf;
pub(crate) mod text;
pub(crate) mod unoffered;

/// The generated message types, from the files in `proto/`.
pub(crate) mod proto {
    include!(concat!(env!("OUT_DIR"), "/tws.rs"));
}
