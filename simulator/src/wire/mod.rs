//! The wire: frames, the handshake, and the messages in their protobuf form.
//!
//! [`message`] names every message once, with its id. The rest of the simulator handles
//! [`Request`](message::Request) and [`Reply`](message::Reply) only; how they look as bytes is
//! this module's business alone, so another encoding is another file beside [`protobuf`].

pub(crate) mod frame;
pub(crate) mod handshake;
pub(crate) mod message;
pub(crate) mod protobuf;

/// The generated message types, from the files in `proto/`.
pub(crate) mod proto {
    include!(concat!(env!("OUT_DIR"), "/tws.rs"));
}
