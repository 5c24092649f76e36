//! A draft as the specification that `kura train` takes, with comments for who goes on by hand.

use std::collections::BTreeSet;

use kura_cases::Take;
use kura_model::{Error, Result};

use super::code::{Code, Holder};
use super::draft::{Aim, Chosen, Direction, Draft, Foreseen, LearnerKind, Start, Strength, both};
use super::names;
use super::sql::{AGE, SEX, feature_sql};
use crate::models::TrainSpec;

/// A text as a basic string of TOML.
fn string(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// SQL on lines of its own. It holds neither a backslash nor three quotation marks: it is made of
/// checked codes and our words.
fn lines(sql: &str) -> String {
    format!("\"\"\"\n{sql}\"\"\"")
}

/// Japanese and English of a code, as far as it is known.
fn called(code: &Code) -> (String, String) {
    match names::name(&code.code) {
        Some((ja, en)) => (ja.to_owned(), en.to_owned()),
        None => (code.code.clone(), code.code.clone()),
    }
}

/// A whole number without decimals, otherwise as it is.
fn decimal(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        format!("{number:.1}")
    } else {
        number.to_string()
    }
}

fn take_word(take: Take) -> &'static str {
    match take {
        Take::Last => "last",
        Take::First => "first",
        Take::Min => "min",
        Take::Max => "max",
        Take::Mean => "mean",
        Take::Count => "count",
        Take::Change => "change",
    }
}

impl Chosen {
    /// `spo2_min_72h`.
    fn feature_name(&self) -> String {
        let window = match self.hours {
            Some(hours) => format!("{hours}h").replace('.', "_"),
            None => "all".to_owned(),
        };
        format!(
            "{}_{}_{window}",
            names::plain(&self.code.code),
            take_word(self.take)
        )
    }
}

impl Draft {
    /// What is foreseen, in a few words and both languages.
    pub fn outcome_name(&self) -> String {
        let (hours, days) = (
            self.ahead_hours.unwrap_or_default(),
            self.ahead_days.unwrap_or_default(),
        );
        match self.foreseen {
            Foreseen::Value => {
                let Some(code) = &self.outcome_code else {
                    return String::new();
                };
                let (ja, en) = called(code);
                let limit = self.limit.unwrap_or_default();
                let unit = code
                    .unit
                    .as_ref()
                    .map(|unit| format!(" {unit}"))
                    .unwrap_or_default();
                let (below, under) = match self.direction {
                    Direction::Below => ("未満", "below"),
                    Direction::Above => ("超", "above"),
                };
                both(
                    &format!("{hours}時間以内に{ja}が{limit}{unit}{below}"),
                    &format!("{en} {under} {limit}{unit} within {hours} h"),
                )
            }
            Foreseen::Condition => {
                let Some(code) = &self.condition else {
                    return String::new();
                };
                let (ja, en) = called(code);
                both(
                    &format!("{days}日以内に{ja}の傷病名"),
                    &format!("Diagnosis {en} within {days} days"),
                )
            }
            Foreseen::Death => both(
                &format!("{days}日以内の死亡"),
                &format!("Death within {days} days"),
            ),
        }
    }

    /// The specification. `tables` are those of the set: what tells until when a patient was
    /// followed is read from those there are.
    ///
    /// # Errors
    /// The first field that is not as it must be, with the rule; never what was typed.
    pub fn to_toml(&self, tables: &BTreeSet<String>) -> Result<String> {
        if let Some(problem) = self.problems(super::draft::STEPS).first() {
            return Err(Error::invalid(problem.to_string()));
        }
        let missing = |what: &str| Error::invalid(format!("{what}: something has to be given"));
        let mut out = self.head();
        let cases = self.cases_sql(tables).ok_or_else(|| missing("case_code"))?;
        out += &format!("\n{}cases = {}\n", self.cases_comment(), lines(&cases));
        out += &self.learner_toml();
        out += &self.outcome_toml(tables)?;
        if self.takes_image() {
            out += &self.image_toml();
        } else {
            out += &self.features_toml();
        }
        TrainSpec::parse(&out)?;
        Ok(out)
    }

    fn head(&self) -> String {
        let (folds, test) = (
            self.folds.unwrap_or_default(),
            self.test_share.unwrap_or_default(),
        );
        format!(
            "# {title}\n\
             #\n\
             #   kura train train-{name}.toml --bank BANK --out DIR\n\
             #\n\
             # Written step by step on the page /models/new; change it as you like (docs/models.md).\n\
             \n\
             name = {quoted_name}\n\
             title = {quoted_title}\n\
             intended_use = {intended_use}\n\
             # 学習に使うデータセットのフォルダー / Folder of the data set.\n\
             set = {set}\n\
             seed = 7\n\
             # 封印する患者の割合。学習では見ない / Share set aside, never looked at in training.\n\
             test_share = {test}\n\
             folds = {folds}\n",
            title = self.title(),
            name = self.name,
            quoted_name = string(&self.name),
            quoted_title = string(&self.title()),
            intended_use = string(&self.intended_use()),
            set = string(&self.set),
            test = decimal(test / 100.0),
        )
    }

    fn cases_comment(&self) -> String {
        let (ja, en) = match self.start {
            Start::Admission => {
                let hours = self.after_hours.unwrap_or_default();
                (
                    format!(
                        "症例は入院(IMP)。入院から{hours}時間の時点で予測する。それより前に退院した入院と、その時点以降に測定のない入院は除く。"
                    ),
                    format!(
                        "A case is a stay (IMP), {hours} h after admission; stays that ended before, or without a measurement from then on, are none."
                    ),
                )
            }
            Start::Measurement if self.daily => (
                "症例は一日(日本時間)の最初の測定。".to_owned(),
                "A case is the first measurement of a day in Japan.".to_owned(),
            ),
            Start::Measurement => (
                "症例は測定の一回ごと。".to_owned(),
                "A case is each measurement.".to_owned(),
            ),
            Start::Series => (
                "症例は画像シリーズ。".to_owned(),
                "A case is an image series.".to_owned(),
            ),
        };
        let (more_ja, more_en) =
            if self.foreseen == Foreseen::Condition && self.new_only && !self.judged() {
                (
                    "すでに傷病名のある患者は除く。",
                    " Patients who have the diagnosis already are left out.",
                )
            } else {
                ("", "")
            };
        format!("# {ja}{more_ja}\n# {en}{more_en}\n")
    }

    fn learner_toml(&self) -> String {
        let share = decimal(self.share.unwrap_or_default() / 100.0);
        let (key, ja, en) = match self.aim {
            Aim::Sensitivity => (
                "sensitivity",
                "陽性の症例のうち、見つける割合",
                "Share of the positive cases that is found",
            ),
            Aim::Specificity => (
                "specificity",
                "陰性の症例のうち、知らせない割合",
                "Share of the negative cases that is passed over",
            ),
        };
        let mut out = format!("\n# {ja} / {en}.\n[threshold]\n{key} = {share}\n\n");
        match self.learner {
            LearnerKind::Logistic => {
                // Many pixels that say about the same want to be held back more.
                let scale = if self.takes_image() { 100.0 } else { 1.0 };
                let strength = scale
                    * match self.strength {
                        Strength::Weak => 0.1,
                        Strength::Medium => 1.0,
                        Strength::Strong => 10.0,
                    };
                out += &format!(
                    "# 大きいほど偶然を学びにくい / The larger, the less chance is learnt.\n\
                     [learner.logistic]\npenalty = \"l2\"\nstrength = {}\n",
                    decimal(strength)
                );
            }
            LearnerKind::Trees => {
                let (depth, leaf, l2) = match self.strength {
                    Strength::Weak => (6, 1.0, 1.0),
                    Strength::Medium => (4, 2.0, 5.0),
                    Strength::Strong => (2, 5.0, 20.0),
                };
                out += &format!(
                    "# 浅いほど、葉が重いほど、偶然を学びにくい / Shallow trees with heavy leaves learn less chance.\n\
                     [learner.trees]\niterations = 100\nlearning_rate = 0.1\nmax_depth = {depth}\n\
                     min_leaf_weight = {}\nl2 = {}\n",
                    decimal(leaf),
                    decimal(l2)
                );
            }
        }
        out
    }

    fn outcome_toml(&self, tables: &BTreeSet<String>) -> Result<String> {
        let sql = self
            .outcome_sql()
            .ok_or_else(|| Error::invalid("outcome_code: something has to be given"))?;
        let mut out = format!(
            "\n# 予測するもの / What is foreseen.\n[outcome]\nname = {}\nsql = {}\n",
            string(&self.outcome_name()),
            lines(&sql)
        );
        if self.judged() {
            return Ok(out);
        }
        let hours = match self.foreseen {
            Foreseen::Value => self.ahead_hours.unwrap_or_default(),
            _ => self.ahead_days.unwrap_or_default() * 24.0,
        };
        out += &format!("look_ahead_hours = {}\n", decimal(hours));
        if let Some(followed) = self.followed_sql(tables) {
            out += &format!(
                "# 何が起きたかを知っている最後の時。足りない症例は陰性とせず除く。\n\
                 # Until when it is known what happened; a case not followed to the end is left out.\n\
                 followed_until = {}\n",
                lines(&followed)
            );
        }
        Ok(out)
    }

    fn image_toml(&self) -> String {
        let pixels = self.pixels.unwrap_or_default();
        format!(
            "\n# シリーズの最初の画像。low–highの明るさを0–1にする / The first image of the series; low to high becomes 0 to 1.\n\
             [image]\nheight = {pixels}\nwidth = {pixels}\nlow = {}\nhigh = {}\n",
            decimal(self.low.unwrap_or_default()),
            decimal(self.high.unwrap_or_default())
        )
    }

    fn features_toml(&self) -> String {
        let mut out =
            "\n# 症例の時点までの値だけが使われる / Only what was known at the moment of the case counts.\n"
                .to_owned();
        let mut seen = BTreeSet::new();
        for chosen in &self.features {
            let mut name = chosen.feature_name();
            // One code of two systems, or with two units.
            let mut number = 2;
            while !seen.insert(name.clone()) {
                name = format!("{}_{number}", chosen.feature_name());
                number += 1;
            }
            let (ja, en) = called(&chosen.code);
            out += &format!(
                "\n# {} ({} {})\n[[feature]]\nname = {}\n",
                both(&ja, if ja == en { "" } else { &en }),
                names::system(chosen.code.system.as_deref()),
                chosen.code.code,
                string(&name)
            );
            let counted = chosen.take == Take::Count || chosen.code.holder == Holder::Condition;
            if let (Some(unit), false) = (&chosen.code.unit, counted) {
                out += &format!("unit = {}\n", string(unit));
            }
            out += &format!("sql = {}\n", lines(&feature_sql(chosen)));
            if let Some(hours) = chosen.hours {
                out += &format!("window_hours = {}\n", decimal(hours));
            }
            if chosen.take != Take::Last {
                out += &format!("take = \"{}\"\n", take_word(chosen.take));
            }
        }
        if self.age {
            out += &format!(
                "\n# 年齢(生まれた年から)/ Age, by the year of birth.\n[[feature]]\nname = \"age\"\nunit = \"a\"\nsql = {}\n",
                lines(AGE)
            );
        }
        if self.sex {
            out += &format!(
                "\n# 男1、女0 / 1 male, 0 female.\n[[feature]]\nname = \"male\"\nsql = {}\n",
                lines(SEX)
            );
        }
        out
    }
}
