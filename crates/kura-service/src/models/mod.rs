//! AI models: trained on a data set, tested on patients nobody trained on, registered, approved,
//! put to use, changed under a plan.
//!
//! * [`train`](fn@train): a specification and a data set become a model folder.
//! * [`register`]: the folder becomes a version, a FHIR `Device`, in state draft.
//! * [`evaluate`]: the locked test set is opened, counted, and the report is the evidence.
//! * [`step`], [`shadow`]: approve, use, suspend, retire; run without being shown.
//! * [`wizard`]: a specification written step by step, and a training in the background.
//! * [`propose`], [`promote`], [`roll_back`]: change inside the bounds of a plan.

pub(crate) mod asked;
mod by_trial;
mod change;
mod encoder;
mod examples;
pub(crate) mod file;
mod foreign;
pub(crate) mod image;
mod judgement;
mod method;
pub(crate) mod occlusion;
pub(crate) mod output;
mod plan;
pub(crate) mod registry;
mod report;
mod state;
pub(crate) mod test;
mod train;
mod volume;
pub mod wizard;

pub use by_trial::{TrialEvidence, evaluate_by_trial};
pub use change::{Check, Notice, Proposal, adopt_plan, in_force, promote, propose, roll_back};
pub use encoder::{EncoderFile, EncoderSpec};
pub use file::{LockedTest, ModelFile, TrainingData};
pub use foreign::Foreign;
pub use image::ImageInput;
pub use method::{Method, NetworkSettings};
pub use output::{Activation, Output, SegmentMeaning};
pub use plan::{Bound, Change, ChangePlan, Measure, WatchPlan};
pub use registry::{
    MODEL_SYSTEM, Model, Step, Which, evidence, last_state_step, list, register, shadow, show, step,
};
pub(crate) use report::STYLE as REPORT_STYLE;
pub use state::State;
pub use test::{Estimate, TestReport, evaluate, looks};
pub use train::{Observer, TrainSpec, Trained, train};
pub use volume::{Level, VolumeInput};
