//! Opening, closing and describing the connection.

use time::OffsetDateTime;

/// Where to connect. What is absent comes from the gateway's configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// Host name or address of TWS or IB Gateway.
    pub host: Option<String>,
    /// TCP port: 7497 TWS paper, 7496 TWS live, 4002 Gateway paper, 4001
    /// Gateway live.
    pub port: Option<u16>,
    /// The API client id, 0 to 2147483647.
    pub client_id: Option<i32>,
}

/// What kind of account the connection reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountKind {
    /// Only paper accounts.
    Paper,
    /// At least one live account: real money.
    Live,
    /// Not known, because there is no connection.
    Unknown,
}

/// How the connection stands, for programs. [`Status::reason`] says the same to
/// a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConnectionState {
    /// TWS can be asked, and it is connected to IBKR.
    Connected,
    /// TWS can be asked, but it has lost its own connection to IBKR (1100).
    LinkDown,
    /// A connection is being opened, or its orders are being reconciled.
    Connecting,
    /// Nobody has asked for a connection, or it was closed on request.
    Closed,
    /// Nothing listens at the address (502), or it cannot be reached.
    TwsUnreachable,
    /// What listens there closes the connection, is too old, or is no TWS.
    Refused,
    /// TWS was there before and now takes no session: it waits for a login.
    WaitingForLogin,
    /// Another program is connected with the same client id (326).
    ClientIdInUse,
    /// The connection is gone in the hour of TWS's daily restart.
    Restarting,
}

impl ConnectionState {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Connected,
        Self::LinkDown,
        Self::Connecting,
        Self::Closed,
        Self::TwsUnreachable,
        Self::Refused,
        Self::WaitingForLogin,
        Self::ClientIdInUse,
        Self::Restarting,
    ];

    /// Its name, for example `waiting-for-login`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::LinkDown => "link-down",
            Self::Connecting => "connecting",
            Self::Closed => "closed",
            Self::TwsUnreachable => "tws-unreachable",
            Self::Refused => "refused",
            Self::WaitingForLogin => "waiting-for-login",
            Self::ClientIdInUse => "client-id-in-use",
            Self::Restarting => "restarting",
        }
    }
}

/// What is known of the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// What the gateway is called.
    pub gateway: String,
    /// Whether TWS can be asked right now.
    pub connected: bool,
    /// How the connection stands.
    pub state: ConnectionState,
    /// Whether TWS's API is set to read only, as far as TWS has said so: then
    /// it takes no orders.
    pub read_only: bool,
    /// Host of the current, or else of the configured, TWS.
    pub host: String,
    /// Port of the current, or else of the configured, TWS.
    pub port: u16,
    /// Client id of the current, or else of the configured, connection.
    pub client_id: i32,
    /// TWS server version, while connected.
    pub server_version: Option<i32>,
    /// The accounts that the connection reaches.
    pub accounts: Vec<String>,
    /// Paper or live, judged by the account ids.
    pub account_kind: AccountKind,
    /// Since when it has been connected or disconnected.
    pub since: Option<OffsetDateTime>,
    /// Time zone of TWS, as an IANA name, while connected.
    pub time_zone: Option<String>,
    /// Why there is no connection, or what is wrong with it, in a sentence.
    pub reason: Option<String>,
    /// The latest messages of TWS about its own links, newest last.
    pub notices: Vec<String>,
}

/// What `connect` did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectResult {
    /// True if a connection to the same endpoint was already open.
    pub already_connected: bool,
    /// The state after the call.
    pub status: Status,
}
