//! Subscriptions to resources: those of a session, for clients before
//! 2026-07-28, and those of a stream since.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::request::Parts;
use rmcp::ErrorData;
use rmcp::model::{ResourceUpdatedNotificationParam, SubscriptionFilter};
use rmcp::service::{Peer, RequestContext, RoleServer, SubscriptionContext};
use sandpit_tools::News;
use tokio::task::{AbortHandle, JoinSet};

use super::handler::{Handler, identity};
use super::resources::unreadable;
use super::sessions::session_of;
use crate::auth::Identity;
use crate::resources::reading::Unreadable;
use crate::resources::watching::{NotWatched, Subscription};

/// How long one client may hold up its own notifications.
const PATIENCE: Duration = Duration::from_secs(30);

/// What one session has subscribed to. They end with it.
#[derive(Default)]
pub(super) struct Subscriptions {
    by_uri: Mutex<HashMap<String, AbortOnDrop>>,
}

/// A task that ends when this is dropped.
struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Subscriptions {
    fn by_uri(&self) -> MutexGuard<'_, HashMap<String, AbortOnDrop>> {
        self.by_uri.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the subscription to a URI, if there is one.
    pub(super) fn remove(&self, uri: &str) {
        self.by_uri().remove(uri);
    }
}

/// Answers `resources/subscribe`: the session is told of changes from now on.
pub(super) async fn subscribe(
    handler: &Handler,
    uri: String,
    context: &RequestContext<RoleServer>,
) -> Result<(), ErrorData> {
    let identity = identity(context)?.clone();
    let parts = context.extensions.get::<Parts>();
    let session = parts.and_then(|parts| session_of(&parts.headers));
    let Some(session) = session.map(str::to_owned) else {
        let sentence = "Only a session can be told of changes. Begin with initialize.";
        return Err(ErrorData::invalid_request(sentence, None));
    };
    let shared = Arc::clone(&handler.shared);
    let watchers = &shared.watchers;
    {
        let mut by_uri = handler.subscriptions.by_uri();
        by_uri.retain(|_, task| !task.0.is_finished());
        if !by_uri.contains_key(&uri) && by_uri.len() >= watchers.limit() {
            let sentence = format!(
                "This session has {} subscriptions, the most that it may have. Unsubscribe from \
                 one first.",
                watchers.limit()
            );
            return Err(ErrorData::invalid_request(sentence, None));
        }
    }
    let subscribed = watchers.subscribe(&uri, &identity);
    let mut subscription = subscribed.map_err(|error| refused(error, &uri))?;
    // What changes once this is answered is not missed.
    subscription.begun().await;
    let peer = context.peer.clone();
    let task = tokio::spawn(async move {
        tokio::select! {
            () = shared.streams.cancelled() => {}
            () = identity.over() => {}
            // Without a stream there is nobody to tell.
            () = shared.ledger.left(&session, shared.session_left) => {}
            () = notify(&peer, subscription) => {}
        }
    });
    let task = AbortOnDrop(task.abort_handle());
    handler.subscriptions.by_uri().insert(uri, task);
    Ok(())
}

/// Tells a session of every change, until it takes no more.
async fn notify(peer: &Peer<RoleServer>, mut subscription: Subscription) {
    loop {
        subscription.changed().await;
        let updated = ResourceUpdatedNotificationParam::new(subscription.uri());
        let notified = tokio::time::timeout(PATIENCE, peer.notify_resource_updated(updated));
        if !matches!(notified.await, Ok(Ok(()))) {
            return;
        }
    }
}

/// Why there is no subscription.
fn refused(error: NotWatched, uri: &str) -> ErrorData {
    match error {
        NotWatched::Unknown => unreadable(&Unreadable::Unknown, uri),
        NotWatched::Full(limit) => ErrorData::invalid_request(
            format!("{limit} resources are watched, the most that this host watches. Try later."),
            None,
        ),
    }
}

/// The URIs that a stream may subscribe to: all that were asked for, up to the
/// limit. Which of them there are for the caller is not known here, and need
/// not be told.
pub(super) fn accepted(handler: &Handler, requested: &SubscriptionFilter) -> Option<Vec<String>> {
    let uris = requested.resource_subscriptions.as_ref()?;
    let limit = handler.shared.watchers.limit();
    Some(uris.iter().take(limit).cloned().collect())
}

/// Tells a stream of every change of the resources that it subscribed to, until
/// this is dropped. `before` has followed the news since before the stream was
/// told that it is served.
pub(super) fn follow(
    handler: &Handler,
    context: &SubscriptionContext,
    identity: &Identity,
    before: Option<News>,
) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let watchers = &handler.shared.watchers;
    let uris = context.accepted().resource_subscriptions.iter().flatten();
    let subscribed = uris.filter_map(|uri| watchers.subscribe(uri, identity).ok());
    let mut subscriptions: Vec<_> = subscribed.collect();
    if subscriptions.is_empty() {
        return tasks;
    }
    let sink = context.sink().clone();
    tasks.spawn(async move {
        for subscription in &mut subscriptions {
            subscription.begun().await;
        }
        // What happened before the first reading may be what it has read.
        let missed = before.is_some_and(|news| news.has_some());
        let mut each = JoinSet::new();
        for mut subscription in subscriptions {
            let sink = sink.clone();
            each.spawn(async move {
                let mut is_due = missed;
                loop {
                    if !is_due {
                        subscription.changed().await;
                    }
                    is_due = false;
                    let notified = sink.notify_resource_updated(subscription.uri());
                    if !matches!(tokio::time::timeout(PATIENCE, notified).await, Ok(Ok(()))) {
                        return;
                    }
                }
            });
        }
        while each.join_next().await.is_some() {}
    });
    tasks
}
