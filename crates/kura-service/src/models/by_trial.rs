//! A performance test (性能評価試験) as the evidence of a version.

use kura_model::{ContentHash, Error, RequestContext, Result};
use serde::{Deserialize, Serialize};

use super::registry::{self, Change, Which};
use super::state::State;
use super::test;
use crate::access::{Action, authorize};
use crate::{Bank, trial};

/// What the evidence says. The numbers are the trial's: its report is at `/trials/TRIAL`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrialEvidence {
    pub model: String,
    pub version: u32,
    pub onnx: ContentHash,
    pub trial: ContentHash,
    /// Hash of the result of its first analysis.
    pub result: ContentHash,
    /// Whether the hypothesis was shown.
    pub met: bool,
    /// Whether the protocol was kept in every point; else the result only describes.
    pub confirmatory: bool,
    pub at: String,
}

/// Takes the first analysis of a trial as the test of a version; it becomes `evaluated`.
///
/// That the answers which were analysed are this version's is the word of whoever gave them: the
/// protocol names the model, the trial locks the answers.
///
/// # Errors
/// A trial of another model, one that was not analysed, a version that cannot be tested any more.
pub fn evaluate_by_trial(
    bank: &Bank,
    context: &RequestContext,
    which: &Which,
    id: ContentHash,
) -> Result<TrialEvidence> {
    authorize(bank, context, Action::BuildModel)?;
    let model = registry::find(bank, which)?;
    model.state.step(State::Evaluated)?;
    let file = registry::model_file(bank, &model)?;
    if file.data.is_some_and(|data| data.test.cases > 0) {
        return Err(Error::conflict(
            "this version has a locked test set: it is tested on that (--set)",
        ));
    }
    let found = trial::first_analysis(bank, id)?;
    if !found.answers_locked {
        return Err(Error::conflict(
            "the model's answers were not locked with the cases (kura trial fix --answers): anything could have been analysed",
        ));
    }
    let registered = registry::steps(bank, &model)?
        .into_iter()
        .next()
        .map(|step| step.at);
    if registered.is_none_or(|registered| registered > found.at) {
        return Err(Error::conflict(
            "this version was registered after the trial was analysed: the trial is of another",
        ));
    }
    if found.model != model.name || found.version != model.version.to_string() {
        return Err(Error::conflict(format!(
            "the protocol of this trial is of another model than {}@{}",
            model.name, model.version
        )));
    }
    let evidence = TrialEvidence {
        model: model.name.clone(),
        version: model.version,
        onnx: model.onnx,
        trial: id,
        result: found.result,
        met: found.met,
        confirmatory: found.confirmatory,
        at: kura_fhir::date::instant(registry::now()),
    };
    let (hash, size) = test::keep(bank, &evidence)?;
    registry::write_steps(
        bank,
        context,
        vec![(
            &model,
            Change {
                to: Some(State::Evaluated),
                shadow: None,
                code: State::Evaluated.as_str(),
                why: WHY,
                evidence: Some(hash),
                blobs: vec![(hash, size)],
            },
        )],
    )?;
    Ok(evidence)
}

const WHY: &str = "judged by a performance test";
