//! What the report says, section by section.

mod ai_alone;
mod cases;
mod closing;
mod protocol;
mod readers;
mod study;
mod summary;

pub(super) use ai_alone::ai_alone;
pub(super) use cases::cases;
pub(super) use closing::{checklist, methods, statements};
pub(super) use protocol::protocol;
pub(super) use readers::readers;
pub(super) use study::study;
pub(super) use summary::{deviations, summary};

use kura_evaluation::warning::Warning;

use super::wording;
use crate::words::Lang;

/// Warnings once each; what says the same of several figures is one line.
fn warning_lines<'a>(warnings: impl Iterator<Item = &'a Warning>, lang: Lang) -> Vec<String> {
    // (figures, largest cluster, smallest and largest design effect)
    let mut clustered: Option<(Vec<&str>, usize, f64, f64)> = None;
    let mut few: Option<(Vec<&str>, usize)> = None;
    let mut others: Vec<String> = Vec::new();
    let add = |names: &mut Vec<&'a str>, name: &'static str| {
        if !names.contains(&name) {
            names.push(name);
        }
    };
    for warning in warnings {
        match warning {
            Warning::ClusteredObservations {
                quantity,
                largest_cluster,
                design_effect: Some(effect),
                ..
            } => {
                let line = clustered.get_or_insert((Vec::new(), 0, *effect, *effect));
                add(&mut line.0, quantity);
                line.1 = line.1.max(*largest_cluster);
                line.2 = line.2.min(*effect);
                line.3 = line.3.max(*effect);
            }
            Warning::FewClusters { quantity, clusters } => {
                let line = few.get_or_insert((Vec::new(), *clusters));
                add(&mut line.0, quantity);
                line.1 = line.1.min(*clusters);
            }
            other => {
                let line = wording::warning(other, lang);
                if !others.contains(&line) {
                    others.push(line);
                }
            }
        }
    }
    let mut lines = Vec::new();
    if let Some((names, largest, low, high)) = clustered {
        let effect = |value| wording::digits(value, 1);
        lines.push(lang.pick(
            format!(
                "{}：患者（単位）が複数の症例をもつ（最大{largest}件）。分散は独立とみなした場合の{}〜{}倍で、患者単位で補正した区間を示す。",
                wording::quantities(&names, lang),
                effect(low),
                effect(high)
            ),
            format!(
                "{}: patients have several cases (up to {largest}); the variance is {} to {} times \
                 that of independent cases, and the intervals shown are corrected for it.",
                wording::quantities(&names, lang),
                effect(low),
                effect(high)
            ),
        ));
    }
    if let Some((names, clusters)) = few {
        lines.push(lang.pick(
            format!(
                "{}：患者（単位）が少なく（最少{clusters}）、患者単位の区間は粗い。",
                wording::quantities(&names, lang)
            ),
            format!(
                "{}: few patients (as few as {clusters}) for an interval between patients.",
                wording::quantities(&names, lang)
            ),
        ));
    }
    lines.append(&mut others);
    lines
}

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|w| (*w).to_owned()).collect()
}

/// "Expert, without AI"; the condition only where there are two.
fn labelled(
    name: &str,
    condition: crate::readings::Condition,
    two_conditions: bool,
    lang: Lang,
) -> String {
    if two_conditions {
        format!(
            "{name}{}{}",
            lang.pick("・", ", "),
            wording::condition(condition, lang)
        )
    } else {
        name.to_owned()
    }
}
