//! Scripts: what is done, and when.

use serde::{Deserialize, Serialize};

use super::fault::{Fault, Wait};
use crate::error::ControlError;

/// When something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Moment {
    /// So long after the script began.
    At(Wait),
    /// So long after the event before it, or after the beginning.
    After(Wait),
}

/// One line of a script.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    #[serde(flatten)]
    pub moment: Moment,
    /// What.
    #[serde(flatten)]
    pub fault: Fault,
}

/// A list of things to do to the simulator, each at its time.
///
/// ```
/// use sandpit_simulator::Script;
///
/// let script = Script::from_json(
///     r#"{"events": [
///         {"at": {"steps": 10}, "do": "linkLost"},
///         {"after": {"steps": 5}, "do": "linkRestored", "dataLost": true},
///         {"at": {"millis": 2000}, "do": "restart", "login": {"millis": 500}}
///     ]}"#,
/// )?;
/// assert_eq!(script.events.len(), 3);
/// # Ok::<(), sandpit_simulator::ControlError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// The seed that it was made from, if it was made from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// What is done. Steps and milliseconds have clocks of their own: an event that is due by
    /// steps does not wait for one before it that is due by the clock.
    pub events: Vec<Event>,
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    ///
    /// [`ControlError::Script`] for JSON that is not one.
    pub fn from_json(json: &str) -> Result<Self, ControlError> {
        serde_json::from_str(json).map_err(|error| ControlError::Script(error.to_string()))
    }

    /// Each event with its time since the beginning, in steps or milliseconds.
    pub(crate) fn schedule(self) -> Vec<(Wait, Fault)> {
        let (mut steps, mut millis) = (0_u64, 0_u64);
        self.events
            .into_iter()
            .map(|event| {
                let due = match event.moment {
                    Moment::At(Wait::Steps(at)) => Wait::Steps(*set(&mut steps, at)),
                    Moment::After(Wait::Steps(more)) => Wait::Steps(*add(&mut steps, more)),
                    Moment::At(Wait::Millis(at)) => Wait::Millis(*set(&mut millis, at)),
                    Moment::After(Wait::Millis(more)) => Wait::Millis(*add(&mut millis, more)),
                };
                (due, event.fault)
            })
            .collect()
    }
}

fn set(clock: &mut u64, at: u64) -> &u64 {
    *clock = at;
    clock
}

fn add(clock: &mut u64, more: u64) -> &u64 {
    *clock = clock.saturating_add(more);
    clock
}
