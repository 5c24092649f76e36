//! The states of a model version, and what leads from one to the next.

use kura_model::{Error, Result};
use serde::{Deserialize, Serialize};

/// Where a version stands. It goes forward only, but for `suspended`, from which it may come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Registered. Nobody has tested it.
    Draft,
    /// Tested on the locked test set; the report is its evidence.
    Evaluated,
    /// A named person approved it.
    Approved,
    /// It is asked for live work, and its answers are shown as proposals.
    InUse,
    /// It was in use and is not asked now.
    Suspended,
    /// Never asked again.
    Retired,
}

impl State {
    pub const ALL: [State; 6] = [
        State::Draft,
        State::Evaluated,
        State::Approved,
        State::InUse,
        State::Suspended,
        State::Retired,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            State::Draft => "draft",
            State::Evaluated => "evaluated",
            State::Approved => "approved",
            State::InUse => "in-use",
            State::Suspended => "suspended",
            State::Retired => "retired",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        State::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether a step is one there is. The reasons a step may be refused besides (evidence,
    /// plan, who) are the registry's.
    ///
    /// # Errors
    /// Says from where the state can be reached.
    pub fn step(self, to: State) -> Result<()> {
        let allowed = match to {
            State::Draft => &[][..],
            // Tested again: the newest evidence counts.
            State::Evaluated => &[State::Draft, State::Evaluated],
            State::Approved => &[State::Evaluated],
            State::InUse => &[State::Approved, State::Suspended],
            State::Suspended => &[State::InUse],
            State::Retired => &[
                State::Draft,
                State::Evaluated,
                State::Approved,
                State::Suspended,
            ],
        };
        if allowed.contains(&self) {
            return Ok(());
        }
        let from: Vec<&str> = allowed.iter().map(|state| state.as_str()).collect();
        Err(Error::conflict(format!(
            "the version is {}; {} is reached from {}",
            self.as_str(),
            to.as_str(),
            if from.is_empty() {
                "nowhere".to_owned()
            } else {
                from.join(" or ")
            }
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_used_that_nobody_approved() {
        for from in [State::Draft, State::Evaluated, State::Retired, State::InUse] {
            assert!(from.step(State::InUse).is_err(), "{}", from.as_str());
        }
        assert!(State::Draft.step(State::Approved).is_err());
        for state in State::ALL {
            assert!(State::Retired.step(state).is_err());
            assert!(state.step(State::Draft).is_err());
            assert_eq!(State::parse(state.as_str()), Some(state));
        }
        // A model in use is suspended before it is retired: somebody says why.
        assert!(State::InUse.step(State::Retired).is_err());
    }
}
