//! Telling clients that the tools changed.
//!
//! Clients of 2026-07-28 subscribe and are served in
//! [`super::handler::Handler`]; those before are told without asking, here.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rmcp::service::{Peer, RoleServer};
use sandpit_tools::Tools;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long one client may hold up a round of notifications.
const PATIENCE: Duration = Duration::from_secs(5);

/// The clients of open sessions. There are at most as many as sessions.
#[derive(Clone, Default)]
pub(crate) struct ListChanges {
    peers: Arc<Mutex<Vec<Peer<RoleServer>>>>,
}

impl ListChanges {
    /// Remembers a client, and forgets those that are gone.
    pub(super) fn add(&self, peer: Peer<RoleServer>) {
        let mut peers = self.peers();
        peers.retain(|known| !known.is_transport_closed());
        peers.push(peer);
    }

    /// Tells the clients of every change until `stop`.
    pub(crate) async fn announce(self, tools: Tools, stop: CancellationToken) {
        let mut changes = tools.changes();
        let mut prompt_changes = tools.prompt_changes();
        loop {
            let (changed, prompts) = tokio::select! {
                () = stop.cancelled() => return,
                changed = changes.changed() => (changed, false),
                changed = prompt_changes.changed() => (changed, true),
            };
            if changed.is_err() {
                return;
            }
            let peers: Vec<_> = {
                let mut peers = self.peers();
                peers.retain(|known| !known.is_transport_closed());
                peers.clone()
            };
            let mut round = JoinSet::new();
            for peer in peers {
                round.spawn(async move {
                    // A client that does not take it will see the change when
                    // it lists them again.
                    let told = async {
                        if prompts {
                            return peer.notify_prompt_list_changed().await;
                        }
                        peer.notify_tool_list_changed().await?;
                        // Resources come and go with their tools.
                        peer.notify_resource_list_changed().await
                    };
                    let _ = tokio::time::timeout(PATIENCE, told).await;
                });
            }
            while round.join_next().await.is_some() {}
        }
    }

    fn peers(&self) -> MutexGuard<'_, Vec<Peer<RoleServer>>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
