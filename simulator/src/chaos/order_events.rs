//! What is told of orders, on its way to the clients: late, out of order, double, or not at all.

use time::OffsetDateTime;

use super::fault::Wait;
use crate::exchange::Event;
use crate::wire::message::Reply;

/// When something that waits is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    Step(u64),
    At(OffsetDateTime),
}

impl Due {
    /// A time from now.
    pub(crate) fn after(wait: Wait, step: u64, now: OffsetDateTime) -> Self {
        match wait {
            Wait::Steps(steps) => Self::Step(step.saturating_add(steps)),
            Wait::Millis(millis) => {
                // No wait is longer than a year.
                let millis = i64::try_from(millis)
                    .unwrap_or(i64::MAX)
                    .min(31_536_000_000);
                Self::At(now + time::Duration::milliseconds(millis))
            }
        }
    }

    /// Whether it has come.
    pub(crate) fn is_past(self, step: u64, now: OffsetDateTime) -> bool {
        match self {
            Self::Step(at) => at <= step,
            Self::At(at) => at <= now,
        }
    }
}

/// What is done to the messages about orders.
#[derive(Debug, Default)]
pub(crate) struct OrderEvents {
    pub(crate) omit: u32,
    pub(crate) duplicate: u32,
    pub(crate) delay: Option<(u32, Wait)>,
    pub(crate) reverse: u32,
    /// How many orders end their connection, and whether they are carried out.
    pub(crate) drop: (u32, bool),
    delayed: Vec<(Due, Event)>,
    held: Vec<Event>,
    /// What was done, in words, since it was last asked.
    pub(crate) effects: Vec<String>,
}

impl OrderEvents {
    /// What becomes of an event: the ones to send now.
    pub(crate) fn pass(&mut self, event: Event, step: u64, now: OffsetDateTime) -> Vec<Event> {
        let Event::ToClient(client, reply) = &event else {
            return vec![event];
        };
        let Some(about) = about(reply) else {
            return vec![event];
        };
        let what = format!("{about} to client {client}");
        let is_status = matches!(reply, Reply::OrderStatus(_));
        if is_status && take(&mut self.omit) {
            self.effects.push(format!("not sent: {what}"));
            return Vec::new();
        }
        if let Some((next, by)) = &mut self.delay
            && take(next)
        {
            self.effects.push(format!("delayed: {what}"));
            let due = Due::after(*by, step, now);
            self.delayed.push((due, event));
            return Vec::new();
        }
        if take(&mut self.reverse) {
            self.effects.push(format!("held back: {what}"));
            self.held.push(event);
            return if self.reverse == 0 {
                self.release()
            } else {
                Vec::new()
            };
        }
        if is_status && take(&mut self.duplicate) {
            self.effects.push(format!("sent twice: {what}"));
            return vec![event.clone(), event];
        }
        vec![event]
    }

    /// What was held back, last first.
    pub(crate) fn release(&mut self) -> Vec<Event> {
        self.reverse = 0;
        let mut held = std::mem::take(&mut self.held);
        held.reverse();
        held
    }

    /// What was delayed until now, oldest first; all of it when there is no time.
    pub(crate) fn due(&mut self, by: Option<(u64, OffsetDateTime)>) -> Vec<Event> {
        let (due, later) = std::mem::take(&mut self.delayed)
            .into_iter()
            .partition(|(due, _)| by.is_none_or(|(step, now)| due.is_past(step, now)));
        self.delayed = later;
        let due: Vec<(Due, Event)> = due;
        due.into_iter().map(|(_, event)| event).collect()
    }

    /// Whether something waits for the clock.
    pub(crate) fn awaits_clock(&self) -> bool {
        self.delayed
            .iter()
            .any(|(due, _)| matches!(due, Due::At(_)))
    }
}

/// Counts down; whether there was one left.
pub(crate) fn take(left: &mut u32) -> bool {
    let is_left = *left > 0;
    *left = left.saturating_sub(1);
    is_left
}

/// What a message says of an order; `None` for those that are not about one.
fn about(reply: &Reply) -> Option<String> {
    Some(match reply {
        Reply::OpenOrder(open) => format!("order {}", open.order_id.unwrap_or_default()),
        Reply::OrderStatus(status) => format!(
            "status {} of order {}",
            status.status.as_deref().unwrap_or_default(),
            status.order_id.unwrap_or_default()
        ),
        Reply::ExecutionDetails(details) => format!(
            "execution {}",
            details
                .execution
                .as_ref()
                .and_then(|execution| execution.exec_id.as_deref())
                .unwrap_or_default()
        ),
        Reply::CommissionAndFeesReport(report) => format!(
            "commission of {}",
            report.exec_id.as_deref().unwrap_or_default()
        ),
        _ => return None,
    })
}
