//! The plan of change (変更計画, IDATEN): what may change, how it is proved, and within which bounds.
//!
//! A plan is a file that an authority or a board has seen before any change is made. The engine
//! only compares: inside the bounds a named person can promote a candidate, outside them nobody
//! can. Source: 医薬品医療機器等法 第23条の2の10の2 (変更計画の確認); seed 002, items ⑥ to ⑧.

use std::collections::BTreeMap;

use kura_model::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::toml_file;

/// ```toml
/// model = "deterioration"
/// title = "Retraining with newer patients / 新しい患者での再学習"
/// may_change = ["training-data", "threshold"]
/// looks = 5
/// non_inferiority_margin = 0.02
///
/// [bounds]
/// sensitivity = { not_below = 0.80 }
/// auc = { not_below = 0.75 }
/// calibration_slope = { not_below = 0.7, not_above = 1.4 }
///
/// [[subgroup]]
/// feature = "age"
/// from = 75
/// at_least = 20
/// bounds = { sensitivity = { not_below = 0.70 } }
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangePlan {
    /// Name of the model it is for.
    pub model: String,
    pub title: String,
    /// What a candidate may differ in; anything else is another model.
    pub may_change: Vec<Change>,
    /// How often the locked test set may be opened under this plan.
    pub looks: u32,
    /// The candidate's AUC may be this much below that of the version in use, at most: the lower
    /// end of the paired 95 % interval counts.
    pub non_inferiority_margin: f64,
    pub bounds: BTreeMap<Measure, Bound>,
    #[serde(default, rename = "subgroup", skip_serializing_if = "Vec::is_empty")]
    pub subgroups: Vec<Subgroup>,
    /// How the version in use is watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch: Option<WatchPlan>,
    /// Given where the model is an approved medical device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Device>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// The same learner and features on other patients.
    TrainingData,
    /// The settings of the learner, the learner itself.
    Learner,
    /// The probability from which the model speaks.
    Threshold,
    Features,
}

impl Change {
    pub fn as_str(self) -> &'static str {
        match self {
            Change::TrainingData => "training-data",
            Change::Learner => "learner",
            Change::Threshold => "threshold",
            Change::Features => "features",
        }
    }
}

/// What is measured on the locked test set. Point estimates are compared with the bounds; the
/// report shows their intervals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    Sensitivity,
    Specificity,
    Ppv,
    Npv,
    Auc,
    Brier,
    CalibrationSlope,
    CalibrationIntercept,
}

impl Measure {
    pub fn as_str(self) -> &'static str {
        match self {
            Measure::Sensitivity => "sensitivity",
            Measure::Specificity => "specificity",
            Measure::Ppv => "ppv",
            Measure::Npv => "npv",
            Measure::Auc => "auc",
            Measure::Brier => "brier",
            Measure::CalibrationSlope => "calibration_slope",
            Measure::CalibrationIntercept => "calibration_intercept",
        }
    }

    /// The values it can have.
    fn range(self) -> (f64, f64) {
        match self {
            Measure::CalibrationSlope | Measure::CalibrationIntercept => {
                (f64::NEG_INFINITY, f64::INFINITY)
            }
            _ => (0.0, 1.0),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_below: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_above: Option<f64>,
}

impl Bound {
    pub fn holds(&self, value: f64) -> bool {
        self.not_below.is_none_or(|low| value >= low)
            && self.not_above.is_none_or(|high| value <= high)
    }
}

/// Cases whose feature lies in `from..to`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subgroup {
    pub feature: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<f64>,
    /// Patients the test set must have of it; with fewer the bounds cannot be proved, and do not
    /// hold.
    pub at_least: u32,
    pub bounds: BTreeMap<Measure, Bound>,
}

/// How a version in use is watched, and when it is stopped.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WatchPlan {
    /// Days looked back.
    pub days: u32,
    /// With fewer answers, or fewer cases whose truth is known, nothing is judged.
    pub at_least: u32,
    /// Of the features called drifted, the share that may be false.
    pub false_discovery_rate: f64,
    /// Smallest |Cohen's d| that matters.
    pub cohen_d: f64,
    /// Smallest population stability index that matters.
    pub psi: f64,
    /// Share of the decisions that accept the proposal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acceptance_not_below: Option<f64>,
    /// Suspend the version when a bound of the plan or the acceptance is broken.
    pub suspend: bool,
}

impl Default for WatchPlan {
    fn default() -> Self {
        Self {
            days: 30,
            at_least: 30,
            false_discovery_rate: 0.05,
            cohen_d: 0.3,
            psi: 0.25,
            acceptance_not_below: None,
            suspend: false,
        }
    }
}

/// What makes a change to an approved device lawful.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// 確認番号 of the plan.
    pub confirmation_number: String,
    /// Days between the notification (届出) of a change and its use.
    pub waiting_days: u32,
}

impl ChangePlan {
    /// # Errors
    /// Unknown keys, bounds that contradict each other or can never hold. The message names the
    /// place.
    pub fn parse(text: &str) -> Result<Self> {
        let plan: Self = toml_file::parse("the plan of change", text)?;
        plan.check()?;
        Ok(plan)
    }

    fn check(&self) -> Result<()> {
        let wrong = |place: &str, what: &str| {
            Err(Error::invalid(format!("plan of change, {place}: {what}")))
        };
        if self.may_change.is_empty() {
            return wrong(
                "may_change",
                "nothing may change, so nothing can be proposed",
            );
        }
        if self.looks == 0 {
            return wrong(
                "looks",
                "a plan without a look at the test set proves nothing",
            );
        }
        if !(0.0..1.0).contains(&self.non_inferiority_margin) {
            return wrong("non_inferiority_margin", "it lies between 0 and 1");
        }
        if self.bounds.is_empty() {
            return wrong("bounds", "there is none");
        }
        bounds("bounds", &self.bounds)?;
        for (number, subgroup) in self.subgroups.iter().enumerate() {
            let place = format!("subgroup {}", number + 1);
            if let (Some(from), Some(to)) = (subgroup.from, subgroup.to)
                && from >= to
            {
                return wrong(&place, "from is not below to: nobody is in it");
            }
            if subgroup.bounds.is_empty() {
                return wrong(&place, "there are no bounds");
            }
            bounds(&place, &subgroup.bounds)?;
            for other in &self.subgroups[..number] {
                let same = other.feature == subgroup.feature
                    && other.from == subgroup.from
                    && other.to == subgroup.to;
                if same {
                    return wrong(&place, "the same group is there twice");
                }
            }
        }
        if let Some(watch) = &self.watch {
            let rate = watch.false_discovery_rate;
            let share = watch.acceptance_not_below.unwrap_or(0.5);
            if !(rate > 0.0 && rate < 1.0 && (0.0..=1.0).contains(&share) && watch.days > 0) {
                return wrong(
                    "watch",
                    "rates lie between 0 and 1, and days are at least 1",
                );
            }
        }
        if let Some(device) = &self.device
            && device.confirmation_number.trim().is_empty()
        {
            return wrong("device", "the 確認番号 is empty");
        }
        Ok(())
    }
}

fn bounds(place: &str, all: &BTreeMap<Measure, Bound>) -> Result<()> {
    for (measure, bound) in all {
        let name = measure.as_str();
        let wrong = |what: &str| {
            Err(Error::invalid(format!(
                "plan of change, {place}, {name}: {what}"
            )))
        };
        let (least, most) = measure.range();
        if bound.not_below.is_none() && bound.not_above.is_none() {
            return wrong("neither not_below nor not_above");
        }
        for limit in [bound.not_below, bound.not_above].into_iter().flatten() {
            if !limit.is_finite() || limit < least || limit > most {
                return wrong("the bound is outside the values there can be");
            }
        }
        if let (Some(low), Some(high)) = (bound.not_below, bound.not_above)
            && low > high
        {
            return wrong("the bounds contradict: not_below is above not_above");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = r#"
model = "m"
title = "t"
may_change = ["training-data"]
looks = 3
non_inferiority_margin = 0.05
[bounds]
sensitivity = { not_below = 0.8 }
[[subgroup]]
feature = "age"
from = 75
at_least = 20
bounds = { auc = { not_below = 0.6, not_above = 1.0 } }
"#;

    #[test]
    fn a_sound_plan_reads_back() {
        let plan = ChangePlan::parse(SOUND).unwrap();
        assert!(plan.bounds[&Measure::Sensitivity].holds(0.8));
        assert!(!plan.bounds[&Measure::Sensitivity].holds(0.79));
        assert!(plan.device.is_none());
    }

    #[test]
    fn contradictions_are_refused() {
        for (from, to, says) in [
            (
                "{ not_below = 0.8 }",
                "{ not_below = 0.8, not_above = 0.7 }",
                "contradict",
            ),
            (
                "{ not_below = 0.8 }",
                "{ not_below = 1.8 }",
                "outside the values",
            ),
            ("{ not_below = 0.8 }", "{ }", "neither"),
            ("{ not_below = 0.8 }", "{ not_under = 0.8 }", "line 8"),
            ("from = 75", "from = 75\nto = 60", "nobody is in it"),
            ("[\"training-data\"]", "[]", "nothing may change"),
            ("looks = 3", "looks = 0", "proves nothing"),
            ("margin = 0.05", "margin = -0.05", "between 0 and 1"),
            (
                "[bounds]",
                "[device]\nconfirmation_number = \" \"\nwaiting_days = 30\n[bounds]",
                "確認番号",
            ),
        ] {
            let text = SOUND.replace(from, to);
            assert_ne!(text, SOUND, "{from}");
            let message = ChangePlan::parse(&text).unwrap_err().message().to_owned();
            assert!(message.contains(says), "{to}: {message}");
        }
    }
}
