//! The tables of readers.

use super::super::super::document::Table;
use super::super::super::wording as w;
use super::super::{labelled, strings};
use super::View;
use crate::analysis::{Computed, MatchedPoint, PairedComparison, Standing};
use crate::words::Lang;

impl View<'_> {
    pub(super) fn own(&self) -> Table {
        let lang = self.lang;
        let rows = self
            .result
            .readers
            .iter()
            .map(|r| {
                let accuracy =
                    |of: &dyn Fn(&kura_evaluation::table::DiagnosticAccuracy) -> String| {
                        r.accuracy.as_ref().map_or_else(w::none, of)
                    };
                vec![
                    self.name(r),
                    r.experience.clone(),
                    accuracy(&|a| w::proportion(&a.sensitivity, lang)),
                    accuracy(&|a| w::proportion(&a.specificity, lang)),
                    accuracy(&|a| w::interval(&a.accuracy.interval(), lang)),
                    r.auc.as_ref().map_or_else(w::none, |auc| {
                        w::computed(auc, lang, |a| w::interval(&a.interval(), lang))
                    }),
                ]
            })
            .collect();
        Table {
            caption: lang.pick("読影者の性能", "Readers alone").to_owned(),
            head: strings(&[
                lang.pick("読影者", "Reader"),
                lang.pick("経験", "Experience"),
                lang.pick("感度", "Sensitivity"),
                lang.pick("特異度", "Specificity"),
                lang.pick("正診率", "Accuracy"),
                "AUC",
            ]),
            rows,
            numbers_from: 2,
            notes: Vec::new(),
        }
    }

    /// Difference and p, without the values that stand elsewhere.
    fn compared(&self, c: &Option<Computed<PairedComparison>>) -> [String; 2] {
        match c {
            None => [w::none(), w::none()],
            Some(Computed::NotComputed { reason }) => {
                [w::not_computed(reason, self.lang), w::none()]
            }
            Some(Computed::Value(c)) => {
                [w::difference(&c.difference, self.lang), p_of(c, self.lang)]
            }
        }
    }

    pub(super) fn at_operating_point(&self) -> Table {
        let lang = self.lang;
        let rows = self
            .result
            .readers
            .iter()
            .filter_map(|r| {
                let beside = r.beside_ai.as_ref()?;
                let mut row = vec![self.name(r)];
                row.extend(self.compared(&beside.sensitivity));
                row.extend(self.compared(&beside.specificity));
                row.push(standing(beside.standing, lang).to_owned());
                Some(row)
            })
            .collect();
        Table {
            caption: lang
                .pick(
                    "AI（事前に定めた閾値）− 読影者、同じ症例での差",
                    "AI at its fixed threshold minus reader, on the same cases",
                )
                .to_owned(),
            head: strings(&[
                lang.pick("読影者", "Reader"),
                lang.pick("感度の差", "Sensitivity, difference"),
                "p",
                lang.pick("特異度の差", "Specificity, difference"),
                "p",
                lang.pick("AIのROC曲線と読影者", "The AI's ROC curve and the reader"),
            ]),
            rows,
            numbers_from: 1,
            notes: vec![
                lang.pick(
                    "区間はTango法、pはMcNemar検定、括弧内は正確検定（両側、多重性は調整していない）。患者が複数の症例をもつ場合は患者間の分散による。",
                    "Tango's interval; p by McNemar's test, in brackets by its exact form; two-sided, \
                     not adjusted for the number of readers. Where patients have several cases, both \
                     rest on the variance between patients.",
                )
                .to_owned(),
            ],
        }
    }

    pub(super) fn matched(&self) -> Table {
        let lang = self.lang;
        let cell = |m: &Option<Computed<MatchedPoint>>, of_sensitivity: bool| match m {
            None => [w::none(), w::none(), w::none()],
            Some(Computed::NotComputed { reason }) => {
                [w::not_computed(reason, lang), w::none(), w::none()]
            }
            Some(Computed::Value(m)) => [
                if of_sensitivity {
                    w::number(m.ai_specificity)
                } else {
                    w::number(m.ai_sensitivity)
                },
                w::difference(&m.comparison.difference, lang),
                p_of(&m.comparison, lang),
            ],
        };
        let rows = self
            .result
            .readers
            .iter()
            .filter_map(|r| {
                let beside = r.beside_ai.as_ref()?;
                let mut row = vec![self.name(r)];
                row.extend(cell(&beside.at_readers_specificity, false));
                row.extend(cell(&beside.at_readers_sensitivity, true));
                Some(row)
            })
            .collect();
        Table {
            caption: lang
                .pick(
                    "読影者と同じ特異度・感度にそろえたAI",
                    "The AI matched to each reader",
                )
                .to_owned(),
            head: strings(&[
                lang.pick("読影者", "Reader"),
                lang.pick(
                    "同じ特異度でのAIの感度",
                    "AI's sensitivity at the reader's specificity",
                ),
                lang.pick("読影者との差", "minus the reader's"),
                "p",
                lang.pick(
                    "同じ感度でのAIの特異度",
                    "AI's specificity at the reader's sensitivity",
                ),
                lang.pick("読影者との差", "minus the reader's"),
                "p",
            ]),
            rows,
            numbers_from: 1,
            notes: vec![
                lang.pick(
                    "閾値をこの症例で選んでいるため記述的な値であり、区間とpは選択を数えていない。",
                    "Descriptive: the threshold is chosen on these same cases, which interval and \
                     p do not count.",
                )
                .to_owned(),
            ],
        }
    }

    pub(super) fn areas(&self) -> Table {
        let lang = self.lang;
        let rows = self
            .result
            .readers
            .iter()
            .filter_map(|r| {
                let auc = r.beside_ai.as_ref()?.auc.as_ref()?;
                Some(match auc {
                    Computed::Value(c) => {
                        let p = c.clustered.as_ref().map_or(c.p, |c| c.p);
                        vec![
                            self.name(r),
                            w::number(c.first),
                            w::number(c.second),
                            w::difference(&c.interval(), lang),
                            p.value().map_or_else(w::none, |p| w::p_value(*p)),
                        ]
                    }
                    Computed::NotComputed { reason } => vec![
                        self.name(r),
                        w::not_computed(reason, lang),
                        w::none(),
                        w::none(),
                        w::none(),
                    ],
                })
            })
            .collect();
        Table {
            caption: lang
                .pick("AUC：AI − 読影者", "AUC: AI minus reader")
                .to_owned(),
            head: strings(&[
                lang.pick("読影者", "Reader"),
                "AI",
                lang.pick("読影者", "Reader's"),
                lang.pick("差", "Difference"),
                "p",
            ]),
            rows,
            numbers_from: 1,
            notes: vec![lang.pick("DeLong法。", "DeLong's method.").to_owned()],
        }
    }

    pub(super) fn groups(&self) -> Table {
        let lang = self.lang;
        let mut rows = Vec::new();
        for group in &self.result.groups {
            let name = group
                .experience
                .as_deref()
                .unwrap_or(lang.pick("全読影者", "all readers"));
            for (figure, value) in &group.figures {
                let mut row = vec![
                    labelled(name, group.condition, self.two_conditions, lang),
                    group.readers.to_string(),
                    w::short(*figure, lang).to_owned(),
                ];
                match value {
                    Computed::Value(v) => {
                        row.push(
                            v.interval
                                .map_or_else(|| w::number(v.mean), |i| w::interval(&i, lang)),
                        );
                        row.push(v.ai.map_or_else(w::none, w::number));
                        match &v.difference {
                            Some(d) => {
                                row.push(w::difference(&d.interval, lang));
                                row.push(d.p.value().map_or_else(w::none, |p| w::p_value(*p)));
                            }
                            None => row.extend([w::none(), w::none()]),
                        }
                    }
                    Computed::NotComputed { reason } => {
                        row.push(w::not_computed(reason, lang));
                        row.extend([w::none(), w::none(), w::none()]);
                    }
                }
                rows.push(row);
            }
        }
        Table {
            caption: if self.result.stand_alone.is_some() {
                lang.pick("経験ごとの平均とAI", "Means by experience, and the AI")
            } else {
                lang.pick("経験ごとの平均", "Means by experience")
            }
            .to_owned(),
            head: strings(&[
                lang.pick("経験", "Experience"),
                lang.pick("人数", "Readers"),
                lang.pick("指標", "Measure"),
                lang.pick("平均", "Mean"),
                "AI",
                lang.pick("AI − 平均", "AI minus mean"),
                "p",
            ]),
            rows,
            numbers_from: 3,
            notes: vec![if self.result.stand_alone.is_some() {
                lang.pick(
                    "平均と差の区間はObuchowski–Rockette法（AIは読影者間のばらつきのない一つの検査として扱う）。",
                    "Intervals by Obuchowski and Rockette; the AI counts as one test without \
                     variance between readers.",
                )
            } else {
                lang.pick(
                    "平均の区間はObuchowski–Rockette法。",
                    "Intervals by Obuchowski and Rockette.",
                )
            }
            .to_owned()],
        }
    }

    pub(super) fn agreement(&self) -> Table {
        let lang = self.lang;
        let rows = self
            .result
            .agreement
            .iter()
            .map(|a| {
                let name = a
                    .experience
                    .as_deref()
                    .unwrap_or(lang.pick("全読影者", "all readers"));
                let mut row = vec![
                    labelled(name, a.condition, self.two_conditions, lang),
                    a.readers.to_string(),
                ];
                match &a.kappa {
                    Computed::Value(k) => row.extend([
                        w::interval(&k.interval, lang),
                        w::number(k.observed_agreement),
                    ]),
                    Computed::NotComputed { reason } => {
                        row.extend([w::not_computed(reason, lang), w::none()]);
                    }
                }
                row
            })
            .collect();
        let mut notes = Vec::new();
        if self.result.cases.largest_cluster > 1 {
            notes.push(
                lang.pick(
                    "区間は症例を独立とみなしており、狭すぎる。",
                    "Intervals count each case as independent and are too narrow.",
                )
                .to_owned(),
            );
        }
        Table {
            caption: lang
                .pick(
                    "読影者間の一致（Fleissのκ）",
                    "Agreement between readers (Fleiss' κ)",
                )
                .to_owned(),
            head: strings(&[
                lang.pick("読影者", "Readers"),
                lang.pick("人数", "Number"),
                "κ",
                lang.pick("一致の割合", "Observed agreement"),
            ]),
            rows,
            numbers_from: 1,
            notes,
        }
    }
}

fn p_of(c: &PairedComparison, lang: Lang) -> String {
    match c.p_exact {
        Some(exact) => lang.pick(
            format!("{}（{}）", w::p_value(c.p), w::p_value(exact)),
            format!("{} ({})", w::p_value(c.p), w::p_value(exact)),
        ),
        None => w::p_value(c.p),
    }
}

fn standing(standing: Option<Standing>, lang: Lang) -> &'static str {
    match standing {
        Some(Standing::AiAbove) => lang.pick("曲線が上", "curve above reader"),
        Some(Standing::Level) => lang.pick("曲線上", "reader on curve"),
        Some(Standing::ReaderAbove) => lang.pick("読影者が上", "reader above curve"),
        None => "–",
    }
}
