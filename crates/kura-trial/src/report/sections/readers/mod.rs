//! Each reader, and the model beside each.

mod tables;

use std::collections::BTreeMap;

use super::super::document::{Block, Picture, Section};
use super::super::plot::{self, Mark};
use super::super::wording as w;
use super::{labelled, warning_lines};
use crate::analysis::{Computed, Figure, ReaderResult, TrialResult};
use crate::readings::Condition;
use crate::words::Lang;

pub(in crate::report) fn readers(result: &TrialResult, lang: Lang) -> Option<Section> {
    if result.readers.is_empty() {
        return None;
    }
    let level = w::level(result.protocol.hypothesis.alpha_one_sided, lang);
    let mut section = Section::new(
        "readers",
        if result.stand_alone.is_some() {
            lang.pick("各読影者とAI", "Each reader, and the AI beside")
        } else {
            lang.pick("各読影者", "Each reader")
        },
    );
    section.text(lang.pick(
        format!("括弧内は{level}。表と図の番号は読影者を指す。"),
        format!("Brackets hold the {level}. Numbers name readers in tables and drawings."),
    ));
    let view = View::new(result, lang);
    if result.readers.iter().any(|r| r.accuracy.is_some()) {
        section.blocks.push(Block::Picture(view.roc()));
    }
    section.blocks.push(Block::Picture(view.forest()));
    section.table(view.own());
    if result.readers.iter().any(|r| r.beside_ai.is_some()) {
        if result.readers.iter().any(|r| r.accuracy.is_some()) {
            section.table(view.at_operating_point());
            section.table(view.matched());
        }
        if result.readers.iter().any(|r| r.auc.is_some()) {
            section.table(view.areas());
        }
    }
    let warnings = result.readers.iter().flat_map(|r| {
        let own = r.accuracy.iter().flat_map(|a| &a.warnings);
        let auc = r.auc.iter().filter_map(Computed::value);
        own.chain(auc.flat_map(|a| &a.warnings))
    });
    let lines = warning_lines(warnings, lang);
    if !lines.is_empty() {
        section.heading(lang.pick("注意", "Warnings"));
        section.list(lines);
    }
    section.table(view.groups());
    section.table(view.agreement());
    Some(section)
}

struct View<'a> {
    result: &'a TrialResult,
    lang: Lang,
    two_conditions: bool,
    /// Numbers from 1, in the order of the readings.
    numbers: BTreeMap<&'a str, usize>,
    experiences: Vec<&'a str>,
}

impl<'a> View<'a> {
    fn new(result: &'a TrialResult, lang: Lang) -> Self {
        let mut numbers = BTreeMap::new();
        let mut experiences: Vec<&str> = Vec::new();
        for r in &result.readers {
            let next = numbers.len() + 1;
            numbers.entry(r.reader.as_str()).or_insert(next);
            if !experiences.contains(&r.experience.as_str()) {
                experiences.push(&r.experience);
            }
        }
        let first = result.readers.first().map(|r| r.condition);
        View {
            result,
            lang,
            two_conditions: result.readers.iter().any(|r| Some(r.condition) != first),
            numbers,
            experiences,
        }
    }

    fn number(&self, reader: &str) -> usize {
        self.numbers.get(reader).copied().unwrap_or_default()
    }

    fn name(&self, r: &ReaderResult) -> String {
        let name = format!("{}. {}", self.number(&r.reader), r.reader);
        labelled(&name, r.condition, self.two_conditions, self.lang)
    }

    fn group(&self, experience: &str) -> usize {
        self.experiences
            .iter()
            .position(|e| *e == experience)
            .unwrap_or_default()
    }

    /// Hollow without the model, filled with it; where there is one condition, filled.
    fn mark(&self, r: &ReaderResult) -> Mark {
        Mark::Group(self.group(&r.experience), self.is_full(r.condition))
    }

    fn is_full(&self, condition: Condition) -> bool {
        !self.two_conditions || condition == Condition::Aided
    }

    fn legend(&self) -> Vec<(maud::Markup, String)> {
        let mut legend = Vec::new();
        for (index, experience) in self.experiences.iter().enumerate() {
            for condition in [Condition::Unaided, Condition::Aided] {
                if self.two_conditions || condition == Condition::Unaided {
                    legend.push((
                        Mark::Group(index, self.is_full(condition)).sample(),
                        labelled(experience, condition, self.two_conditions, self.lang),
                    ));
                }
            }
        }
        legend
    }

    fn roc(&self) -> Picture {
        let lang = self.lang;
        let alone = self.result.stand_alone.as_ref();
        let mut points: Vec<plot::Point> = Vec::new();
        for r in &self.result.readers {
            let Some(accuracy) = &r.accuracy else {
                continue;
            };
            if let (Some(se), Some(sp)) =
                (accuracy.sensitivity.value(), accuracy.specificity.value())
            {
                let second = self.two_conditions && r.condition == Condition::Aided;
                points.push(plot::Point {
                    sensitivity: se.estimate,
                    specificity: sp.estimate,
                    mark: self.mark(r),
                    label: if second {
                        String::new()
                    } else {
                        self.number(&r.reader).to_string()
                    },
                    joined: second,
                });
            }
        }
        for point in alone.iter().flat_map(|a| &a.operating_points) {
            let accuracy = &point.accuracy;
            if let (Some(se), Some(sp)) =
                (accuracy.sensitivity.value(), accuracy.specificity.value())
            {
                points.push(plot::Point {
                    sensitivity: se.estimate,
                    specificity: sp.estimate,
                    mark: Mark::Ai,
                    label: String::new(),
                    joined: false,
                });
            }
        }
        let mut legend = Vec::new();
        if let Some(alone) = alone {
            legend.push((
                plot::curve_sample(),
                lang.pick("AIのROC曲線", "ROC curve of the AI").to_owned(),
            ));
            if !alone.operating_points.is_empty() {
                legend.push((
                    Mark::Ai.sample(),
                    lang.pick("AI（事前に定めた閾値）", "AI, threshold fixed before")
                        .to_owned(),
                ));
            }
        }
        legend.extend(self.legend());
        Picture {
            caption: match alone {
                Some(_) => lang.pick(
                    "ROC平面での読影者とAI",
                    "Readers and the AI in the ROC plane",
                ),
                None => lang.pick("ROC平面での読影者", "Readers in the ROC plane"),
            }
            .to_owned(),
            alternative: lang
                .pick(
                    "AIのROC曲線と動作点、各読影者の感度と特異度の点",
                    "ROC curve and operating point of the AI, and each reader's sensitivity and \
                     specificity as a point",
                )
                .to_owned(),
            parts: vec![plot::roc(
                alone.map_or(&[][..], |a| &a.curve),
                &points,
                &super::ai_alone::axes(lang),
            )],
            legend,
        }
    }

    /// A reader's figure with its interval.
    fn value(&self, r: &ReaderResult, figure: Figure) -> Option<(f64, f64, f64)> {
        let interval = match figure {
            Figure::Auc => r.auc.as_ref()?.value()?.interval(),
            Figure::Sensitivity => r.accuracy.as_ref()?.sensitivity.value()?.interval(),
            Figure::Specificity => r.accuracy.as_ref()?.specificity.value()?.interval(),
            Figure::Accuracy => r.accuracy.as_ref()?.accuracy.interval(),
        };
        Some((interval.estimate, interval.lower, interval.upper))
    }

    fn ai_value(&self, figure: Figure) -> Option<(f64, f64, f64)> {
        let alone = self.result.stand_alone.as_ref()?;
        let point = || alone.operating_points.first().map(|p| &p.accuracy);
        let interval = match figure {
            Figure::Auc => alone.auc.value()?.interval(),
            Figure::Sensitivity => point()?.sensitivity.value()?.interval(),
            Figure::Specificity => point()?.specificity.value()?.interval(),
            Figure::Accuracy => point()?.accuracy.interval(),
        };
        Some((interval.estimate, interval.lower, interval.upper))
    }

    fn forest(&self) -> Picture {
        let lang = self.lang;
        let mut parts = Vec::new();
        for figure in [Figure::Auc, Figure::Sensitivity, Figure::Specificity] {
            let mut rows: Vec<plot::Row> = self
                .result
                .readers
                .iter()
                .map(|r| plot::Row {
                    label: self.name(r),
                    mark: self.mark(r),
                    values: self.value(r, figure),
                })
                .collect();
            if rows.iter().all(|r| r.values.is_none()) {
                continue;
            }
            for group in &self.result.groups {
                let mean = group.figures.get(&figure).and_then(Computed::value);
                let Some(interval) = mean.and_then(|m| m.interval) else {
                    continue;
                };
                let name = group
                    .experience
                    .as_deref()
                    .unwrap_or(lang.pick("全読影者", "all readers"));
                // A group of one is that reader again.
                if group.readers > 1 {
                    let name = if self.experiences.len() == 1 {
                        lang.pick("平均", "Mean")
                    } else {
                        name
                    };
                    let place = group.experience.as_deref().map(|e| self.group(e));
                    rows.push(plot::Row {
                        label: labelled(name, group.condition, self.two_conditions, lang),
                        mark: Mark::Mean(
                            place.unwrap_or(self.experiences.len()),
                            self.is_full(group.condition),
                        ),
                        values: Some((interval.estimate, interval.lower, interval.upper)),
                    });
                }
            }
            let band = self.ai_value(figure);
            if band.is_some() {
                rows.push(plot::Row {
                    label: "AI".to_owned(),
                    mark: Mark::Ai,
                    values: band,
                });
            }
            parts.push(plot::forest(w::short(figure, lang), &rows, band));
        }
        let mut legend = self.legend();
        if self.result.groups.iter().any(|g| g.readers > 1) {
            let larger = lang.pick("大きい印は平均", "larger marker: mean");
            legend.push((Mark::Mean(0, true).sample(), larger.to_owned()));
        }
        if self.result.stand_alone.is_some() {
            legend.push((
                Mark::Ai.sample(),
                lang.pick("AI（帯はその信頼区間）", "AI; the band is its interval")
                    .to_owned(),
            ));
        }
        Picture {
            caption: lang
                .pick("読影者ごとの値と信頼区間", "Each reader with the interval")
                .to_owned(),
            alternative: lang
                .pick(
                    "各読影者と平均の推定値と信頼区間を並べ、AIの値を帯で示す",
                    "Estimates and intervals of each reader and of means, the AI's as a band",
                )
                .to_owned(),
            parts,
            legend,
        }
    }
}
