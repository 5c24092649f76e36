//! What somebody chose so far, and what is still wrong with it.

use kura_cases::Take;
use serde::{Deserialize, Serialize};

use super::code::Code;
use super::survey::{CodeRow, Count, Survey};
use crate::models::file::check_name;

/// When a case begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// Hours after the start of an encounter of class IMP.
    #[default]
    Admission,
    /// A measurement of a code.
    Measurement,
    /// An image series of a modality.
    Series,
}

/// What is foreseen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Foreseen {
    /// A value of a code beyond a limit.
    #[default]
    Value,
    /// A condition that is recorded.
    Condition,
    Death,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    #[default]
    Below,
    Above,
}

/// What a model is made from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Material {
    #[default]
    Numbers,
    /// The first image of the series.
    Image,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LearnerKind {
    #[default]
    Logistic,
    Trees,
}

/// How strongly a model is held back from learning chance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strength {
    Weak,
    #[default]
    Medium,
    Strong,
}

/// Which share the threshold is set by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aim {
    #[default]
    Sensitivity,
    Specificity,
}

/// One feature of a code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chosen {
    pub code: Code,
    pub take: Take,
    /// How far it looks back; all if absent.
    pub hours: Option<f64>,
}

/// A specification in the making. A number somebody has not typed, or not as a number, is absent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Draft {
    pub name: String,
    pub title_ja: String,
    pub title_en: String,
    pub use_ja: String,
    pub use_en: String,
    /// Folder of the data set.
    pub set: String,
    pub start: Start,
    /// After the admission.
    pub after_hours: Option<f64>,
    pub case_code: Option<Code>,
    /// Only the first measurement of a day (in Japan) begins a case.
    pub daily: bool,
    pub modality: String,
    pub foreseen: Foreseen,
    pub outcome_code: Option<Code>,
    pub direction: Direction,
    pub limit: Option<f64>,
    pub ahead_hours: Option<f64>,
    pub condition: Option<Code>,
    /// The condition's finer codes too: those that begin with it.
    pub finer: bool,
    /// Patients whom it was recorded of before begin no case.
    pub new_only: bool,
    pub ahead_days: Option<f64>,
    pub from: Material,
    /// Pixels of a side.
    pub pixels: Option<f64>,
    /// Grey values that become 0 and 1.
    pub low: Option<f64>,
    pub high: Option<f64>,
    pub features: Vec<Chosen>,
    pub age: bool,
    pub sex: bool,
    pub learner: LearnerKind,
    pub strength: Strength,
    pub folds: Option<f64>,
    /// Per cent of the cases.
    pub test_share: Option<f64>,
    pub aim: Aim,
    /// Per cent.
    pub share: Option<f64>,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            name: String::new(),
            title_ja: String::new(),
            title_en: String::new(),
            use_ja: String::new(),
            use_en: String::new(),
            set: String::new(),
            start: Start::default(),
            after_hours: Some(24.0),
            case_code: None,
            daily: true,
            modality: String::new(),
            foreseen: Foreseen::default(),
            outcome_code: None,
            direction: Direction::default(),
            limit: None,
            ahead_hours: Some(24.0),
            condition: None,
            finer: true,
            new_only: true,
            ahead_days: Some(30.0),
            from: Material::default(),
            pixels: Some(28.0),
            low: Some(0.0),
            high: Some(255.0),
            features: Vec::new(),
            age: true,
            sex: false,
            learner: LearnerKind::default(),
            strength: Strength::default(),
            folds: Some(5.0),
            test_share: Some(30.0),
            aim: Aim::default(),
            share: Some(85.0),
        }
    }
}

/// Why a field cannot stay as it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// Something has to be typed or chosen.
    Missing,
    /// One of the two languages at least.
    OneLanguage,
    /// 1 to 40 small letters, digits and '-', beginning with a letter.
    Name,
    /// At most this many characters, on one line.
    Long(usize),
    /// A number from here to there.
    Between(f64, f64),
    /// A whole number from here to there.
    Whole(u32, u32),
    /// The lower bound is below the upper one.
    Order,
    /// A modality is two to sixteen capital letters and digits.
    Modality,
    /// What the model is made from: at least one.
    NoFeature,
    /// More than this many.
    Many(usize),
    /// The set has no such thing.
    NotInSet,
}

/// What is wrong with one field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Problem {
    /// As the draft names it.
    pub field: &'static str,
    pub rule: Rule,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: ", self.field)?;
        match self.rule {
            Rule::Missing => write!(f, "something has to be given"),
            Rule::OneLanguage => write!(f, "give it in one of the two languages at least"),
            Rule::Name => write!(
                f,
                "1 to 40 small letters, digits and '-', and begins with a letter"
            ),
            Rule::Long(most) => write!(f, "one line of at most {most} characters"),
            Rule::Between(low, high) => write!(f, "a number from {low} to {high}"),
            Rule::Whole(low, high) => write!(f, "a whole number from {low} to {high}"),
            Rule::Order => write!(f, "the lower bound is below the upper one"),
            Rule::Modality => write!(f, "2 to 16 capital letters and digits"),
            Rule::NoFeature => write!(f, "choose at least one"),
            Rule::Many(most) => write!(f, "at most {most}"),
            Rule::NotInSet => write!(f, "the set has none"),
        }
    }
}

/// Steps of the page, from 1; the last one is the summary.
pub(super) const STEPS: u8 = 6;

/// Features at most: what a person chooses by hand.
const FEATURES: usize = 60;

struct Found(Vec<Problem>);

impl Found {
    fn add(&mut self, wrong: bool, field: &'static str, rule: Rule) {
        if wrong {
            self.0.push(Problem { field, rule });
        }
    }

    fn line(&mut self, text: &str, field: &'static str, most: usize) {
        let wrong = text.chars().count() > most || text.chars().any(char::is_control);
        self.add(wrong, field, Rule::Long(most));
    }

    fn between(&mut self, number: Option<f64>, field: &'static str, low: f64, high: f64) {
        match number {
            None => self.add(true, field, Rule::Missing),
            Some(number) => {
                let wrong = !(low..=high).contains(&number);
                self.add(wrong, field, Rule::Between(low, high));
            }
        }
    }

    fn whole(&mut self, number: Option<f64>, field: &'static str, low: u32, high: u32) {
        let wrong = !number.is_some_and(|number| {
            number.fract() == 0.0 && (f64::from(low)..=f64::from(high)).contains(&number)
        });
        self.add(wrong, field, Rule::Whole(low, high));
    }
}

/// A year, and ten of them.
const YEAR_HOURS: f64 = 8_784.0;
const TEN_YEARS_DAYS: f64 = 3_660.0;

impl Draft {
    /// What is wrong with the fields of one step (1 to 5); of the summary, all of them.
    pub fn problems(&self, step: u8) -> Vec<Problem> {
        let mut found = Found(Vec::new());
        match step {
            1 => self.purpose(&mut found),
            2 => found.add(self.set.is_empty(), "set", Rule::Missing),
            3 => self.question(&mut found),
            4 => self.material(&mut found),
            5 => self.method(&mut found),
            _ => return (1..STEPS).flat_map(|step| self.problems(step)).collect(),
        }
        found.0
    }

    fn purpose(&self, found: &mut Found) {
        found.add(check_name(&self.name).is_err(), "name", Rule::Name);
        let neither = |ja: &str, en: &str| ja.trim().is_empty() && en.trim().is_empty();
        found.add(
            neither(&self.title_ja, &self.title_en),
            "title_ja",
            Rule::OneLanguage,
        );
        found.add(
            neither(&self.use_ja, &self.use_en),
            "use_ja",
            Rule::OneLanguage,
        );
        found.line(&self.title_ja, "title_ja", 100);
        found.line(&self.title_en, "title_en", 200);
        found.line(&self.use_ja, "use_ja", 500);
        found.line(&self.use_en, "use_en", 1000);
    }

    fn question(&self, found: &mut Found) {
        match self.start {
            Start::Admission => found.between(self.after_hours, "after_hours", 0.0, YEAR_HOURS),
            Start::Measurement => {
                found.add(self.case_code.is_none(), "case_code", Rule::Missing);
            }
            Start::Series => {
                // PS3.5 6.2: CS, at most 16 characters; no modality has a space or a '_'.
                let plain = (2..=16).contains(&self.modality.len())
                    && self
                        .modality
                        .bytes()
                        .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
                found.add(!plain, "modality", Rule::Modality);
            }
        }
        match self.foreseen {
            Foreseen::Value => {
                found.add(self.outcome_code.is_none(), "outcome_code", Rule::Missing);
                found.between(self.limit, "limit", -1e9, 1e9);
                found.between(self.ahead_hours, "ahead_hours", 0.1, YEAR_HOURS);
            }
            Foreseen::Condition => {
                found.add(self.condition.is_none(), "condition", Rule::Missing);
                found.between(self.ahead_days, "ahead_days", 0.1, TEN_YEARS_DAYS);
            }
            Foreseen::Death => found.between(self.ahead_days, "ahead_days", 0.1, TEN_YEARS_DAYS),
        }
    }

    fn material(&self, found: &mut Found) {
        if self.takes_image() {
            found.whole(self.pixels, "pixels", 8, 512);
            found.between(self.low, "low", -1e6, 1e6);
            found.between(self.high, "high", -1e6, 1e6);
            found.add(self.low >= self.high, "high", Rule::Order);
            return;
        }
        let none = self.features.is_empty() && !self.age && !self.sex;
        found.add(none, "features", Rule::NoFeature);
        found.add(
            self.features.len() > FEATURES,
            "features",
            Rule::Many(FEATURES),
        );
        let window = |chosen: &Chosen| {
            chosen
                .hours
                .is_none_or(|hours| (0.1..=10.0 * YEAR_HOURS).contains(&hours))
        };
        found.add(
            !self.features.iter().all(window),
            "features",
            Rule::Between(0.1, 10.0 * YEAR_HOURS),
        );
    }

    fn method(&self, found: &mut Found) {
        found.whole(self.folds, "folds", 2, 20);
        found.between(self.test_share, "test_share", 5.0, 90.0);
        found.between(self.share, "share", 1.0, 99.0);
    }

    /// What this set does not have: codes of another set, a modality, deaths.
    pub fn unfit(&self, step: u8, survey: &Survey) -> Vec<Problem> {
        let mut found = Found(Vec::new());
        if step != 3 {
            return found.0;
        }
        let absent = |code: &Option<Code>, rows: &[CodeRow]| {
            code.as_ref()
                .is_some_and(|code| !rows.iter().any(|row| row.code == *code))
        };
        match self.start {
            Start::Admission => {}
            Start::Measurement => found.add(
                absent(&self.case_code, &survey.observations),
                "case_code",
                Rule::NotInSet,
            ),
            Start::Series => found.add(
                !survey
                    .series
                    .iter()
                    .any(|one| one.modality == self.modality),
                "modality",
                Rule::NotInSet,
            ),
        }
        match self.foreseen {
            Foreseen::Value => found.add(
                absent(&self.outcome_code, &survey.observations),
                "outcome_code",
                Rule::NotInSet,
            ),
            Foreseen::Condition => found.add(
                absent(&self.condition, &survey.conditions),
                "condition",
                Rule::NotInSet,
            ),
            Foreseen::Death => {
                found.add(survey.deaths == Count::Known(0), "foreseen", Rule::NotInSet)
            }
        }
        found.0
    }

    /// The image of the series, where a case is one.
    pub fn takes_image(&self) -> bool {
        self.start == Start::Series && self.from == Material::Image
    }

    /// `日本語 / English`, or the one that was given.
    pub fn title(&self) -> String {
        both(&self.title_ja, &self.title_en)
    }

    pub fn intended_use(&self) -> String {
        both(&self.use_ja, &self.use_en)
    }
}

pub(super) fn both(ja: &str, en: &str) -> String {
    match (ja.trim(), en.trim()) {
        (ja, "") => ja.to_owned(),
        ("", en) => en.to_owned(),
        (ja, en) => format!("{ja} / {en}"),
    }
}
