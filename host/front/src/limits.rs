//! What one client may take of the front: how much, how many and how slowly.

use std::time::Duration;

/// The bounds of connections, requests and sessions. Whoever goes beyond one
/// gets an answer that says so, or a closed connection where HTTP has none.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The largest head of a request, in bytes: its line and its headers. At
    /// least 8,192, which is what a connection reads at once.
    pub header_bytes: usize,
    /// How many headers a request may have.
    pub headers: usize,
    /// The largest request body, in bytes.
    pub body_bytes: usize,
    /// How deeply the JSON of a request may be nested. Above 127 has no effect:
    /// no JSON is read that is deeper.
    pub json_depth: usize,
    /// How many connections may be open at once. Further ones are told so and
    /// closed.
    pub connections: usize,
    /// How many of these may come from one address (of IPv6: from one network,
    /// a /64).
    pub connections_per_address: usize,
    /// How many requests one HTTP/2 connection may have open.
    pub streams_per_connection: u32,
    /// How many MCP sessions may be open at once. At the limit the session
    /// that has been idle longest makes room, if it was idle for a while.
    pub sessions: usize,
    /// How many of these one caller may have. At the limit its own session that
    /// has been idle longest makes room.
    pub sessions_per_caller: usize,
    /// How long an MCP session is kept without a message.
    pub session_idle: Duration,
    /// How long an MCP session whose client has let go of every connection may
    /// keep calls running. Then it is closed, and they are cancelled.
    pub session_left: Duration,
    /// How long a client may take to send the head of a request, or its body,
    /// and how long a connection may be quiet between two requests.
    pub request_time: Duration,
    /// How long a client may take nothing of what is sent to it. Then its
    /// connection is cut.
    pub write_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_bytes: 32 << 10,
            headers: 100,
            body_bytes: 1 << 20,
            json_depth: 64,
            connections: 1024,
            connections_per_address: 512,
            streams_per_connection: 64,
            sessions: 256,
            sessions_per_caller: 128,
            session_idle: Duration::from_secs(4 * 60 * 60),
            session_left: Duration::from_secs(60),
            request_time: Duration::from_secs(30),
            write_time: Duration::from_secs(30),
        }
    }
}
