//! What the pages show of a version, gathered by the service's functions, and what a person may
//! decide about it.

use kura_model::{ContentHash, Error, RequestContext, Result, Role};
use kura_service::Bank;
use kura_service::access::{Action, may};
use kura_service::models::{
    self, Model, ModelFile, Proposal, State, Step, TestReport, TrialEvidence, Which, looks,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::ui::text::{self, Text};

/// One version with everything that is known of it.
pub(super) struct Found {
    pub(super) model: Model,
    pub(super) file: ModelFile,
    /// Oldest first.
    pub(super) steps: Vec<Step>,
    pub(super) looks: Vec<Value>,
    /// The newest test and the newest comparison under a plan.
    pub(super) report: Option<TestReport>,
    pub(super) proposal: Option<Proposal>,
    /// The newest performance test, if its newest test is one.
    pub(super) trial: Option<TrialEvidence>,
    /// Every version of this name.
    pub(super) family: Vec<Model>,
    /// The version that a roll-back would bring back.
    pub(super) before: Option<u32>,
    pub(super) reader: Reader,
}

/// What the reader may do.
pub(super) struct Reader {
    pub(super) may_release: bool,
    /// Registered this version, and is not alone: somebody else approves it.
    pub(super) made_it: bool,
}

/// Every version of every model, by name, the newest first.
pub(super) fn everything(bank: &Bank, context: &RequestContext) -> Result<Vec<Found>> {
    let all = models::list(bank, context)?;
    let mut found = Vec::with_capacity(all.len());
    for model in &all {
        let family = all.iter().filter(|other| other.name == model.name);
        found.push(gather(
            bank,
            context,
            &which(model),
            family.cloned().collect(),
        )?);
    }
    found.sort_by(|a, b| (&a.model.name, b.model.version).cmp(&(&b.model.name, a.model.version)));
    Ok(found)
}

pub(super) fn version(bank: &Bank, context: &RequestContext, asked: &Which) -> Result<Found> {
    let mut family = models::list(bank, context)?;
    family.retain(|model| model.name == asked.name);
    gather(bank, context, asked, family)
}

fn which(model: &Model) -> Which {
    Which {
        name: model.name.clone(),
        version: Some(model.version),
    }
}

fn gather(
    bank: &Bank,
    context: &RequestContext,
    asked: &Which,
    family: Vec<Model>,
) -> Result<Found> {
    let (model, file, steps) = models::show(bank, context, asked)?;
    // Either a test on locked patients, or a performance test.
    let evidence: Option<Value> = newest(bank, context, asked, &steps, "evaluated")?;
    let damaged = |error| Error::internal("stored evidence is damaged").because(error);
    let (mut report, mut trial) = (None, None);
    match evidence {
        Some(evidence) if evidence["trial"].is_string() => {
            trial = Some(serde_json::from_value(evidence).map_err(damaged)?);
        }
        Some(evidence) => report = Some(serde_json::from_value(evidence).map_err(damaged)?),
        None => {}
    }
    let proposal = newest(bank, context, asked, &steps, "proposed")?;
    let before = match model.state {
        State::InUse => replaced(bank, context, &family)?,
        _ => None,
    };
    let reader = Reader {
        may_release: may(bank, context, Action::ReleaseModel),
        made_it: context.actor.role != Role::SingleUser
            && context.actor.name == model.registered_by,
    };
    Ok(Found {
        looks: looks(bank, &model, &file)?,
        model,
        file,
        steps,
        report,
        trial,
        proposal,
        family,
        before,
        reader,
    })
}

fn newest<T: DeserializeOwned>(
    bank: &Bank,
    context: &RequestContext,
    asked: &Which,
    steps: &[Step],
    code: &str,
) -> Result<Option<T>> {
    let hash: Option<ContentHash> = steps
        .iter()
        .rev()
        .find_map(|step| step.evidence.filter(|_| step.state == code));
    let Some(hash) = hash else {
        return Ok(None);
    };
    serde_json::from_slice(&models::evidence(bank, context, asked, hash)?)
        .map(Some)
        .map_err(|error| Error::internal("stored evidence is damaged").because(error))
}

/// The version that was replaced last and is suspended since.
fn replaced(bank: &Bank, context: &RequestContext, family: &[Model]) -> Result<Option<u32>> {
    let mut last: Option<(String, u32)> = None;
    for model in family.iter().filter(|one| one.state == State::Suspended) {
        let (_, _, steps) = models::show(bank, context, &which(model))?;
        if let Some(step) = models::last_state_step(&steps).filter(|step| step.state == "replaced")
            && last.as_ref().is_none_or(|(at, _)| step.at > *at)
        {
            last = Some((step.at.clone(), model.version));
        }
    }
    Ok(last.map(|(_, version)| version))
}

/// A decision a person takes with a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Promote,
    Approve,
    Use,
    RollBack,
    Suspend,
    ShadowOn,
    ShadowOff,
    Retire,
}

impl Act {
    /// In the order they are offered.
    pub(super) const ALL: [Act; 8] = [
        Act::Promote,
        Act::Approve,
        Act::Use,
        Act::RollBack,
        Act::Suspend,
        Act::ShadowOn,
        Act::ShadowOff,
        Act::Retire,
    ];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Act::Promote => "promote",
            Act::Approve => "approve",
            Act::Use => "use",
            Act::RollBack => "roll-back",
            Act::Suspend => "suspend",
            Act::ShadowOn => "shadow-on",
            Act::ShadowOff => "shadow-off",
            Act::Retire => "retire",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Act::ALL.into_iter().find(|act| act.as_str() == text)
    }
}

impl Found {
    /// The version of this name that is in use.
    pub(super) fn in_use(&self) -> Option<&Model> {
        self.family.iter().find(|model| model.state == State::InUse)
    }

    /// Compared with the version in use now, and inside the bounds.
    pub(super) fn can_replace(&self) -> bool {
        // One that was in use and is suspended comes back by a roll-back or a new proposal.
        matches!(self.model.state, State::Evaluated | State::Approved)
            && self
                .proposal
                .as_ref()
                .is_some_and(|proposal| proposal.inside && !self.stale(proposal))
    }

    /// Compared with the version in use now, and outside the bounds.
    pub(super) fn outside(&self) -> bool {
        self.proposal
            .as_ref()
            .is_some_and(|proposal| !proposal.inside && !self.stale(proposal))
    }

    /// What it was compared with is not in use any more.
    pub(super) fn stale(&self, proposal: &Proposal) -> bool {
        self.in_use()
            .is_none_or(|now| now.version != proposal.in_use)
    }

    /// What the state lets happen. The service looks again.
    pub(super) fn open(&self, act: Act) -> bool {
        let state = self.model.state;
        match act {
            Act::Promote => self.can_replace(),
            Act::Approve => state.step(State::Approved).is_ok(),
            Act::Use => state.step(State::InUse).is_ok() && self.in_use().is_none(),
            Act::RollBack => state == State::InUse && self.before.is_some(),
            Act::Suspend => state.step(State::Suspended).is_ok(),
            Act::ShadowOn => !self.model.shadow && !matches!(state, State::Retired | State::InUse),
            Act::ShadowOff => self.model.shadow,
            Act::Retire => state.step(State::Retired).is_ok(),
        }
    }

    /// What waits for somebody's decision.
    pub(super) fn waits(&self) -> Option<Text> {
        match self.model.state {
            State::Evaluated | State::Approved if self.can_replace() => Some(text::WAITS_PROMOTE),
            State::Evaluated | State::Approved if self.outside() => Some(text::WAITS_OUTSIDE),
            State::Evaluated => Some(text::WAITS_APPROVE),
            State::Approved if self.in_use().is_none() => Some(text::WAITS_USE),
            State::Suspended if self.in_use().is_none() => Some(text::WAITS_RESUME),
            _ => None,
        }
    }

    /// AUC in cross-validation, and that of the best plain baseline.
    pub(super) fn auc(&self) -> (Option<f64>, Option<f64>) {
        let training = &self.file.training;
        let best = ["prevalence", "single_feature", "logistic"]
            .iter()
            .filter_map(|name| training["baselines"][name]["auc"].as_f64())
            .max_by(f64::total_cmp);
        (training["auc"].as_f64(), best)
    }

    /// No patients were locked away to test it on: a performance test is its evidence.
    pub(super) fn without_test_set(&self) -> bool {
        match &self.file.data {
            Some(data) => data.test.cases == 0,
            None => self.file.cases.outcome.is_none(),
        }
    }

    /// Both are known, and the model is no better.
    pub(super) fn not_above(&self) -> bool {
        matches!(self.auc(), (Some(model), Some(baseline)) if model <= baseline)
    }
}
