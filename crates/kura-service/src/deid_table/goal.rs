//! What the plan asks for, of this table.

use std::collections::BTreeSet;

use kura_deid::tables::{Goal, Ground, Model, Table};
use kura_model::Result;
use toml::Spanned;

use super::Work;
use super::plan::{DiversityKind, GroundKind};

impl Work<'_> {
    pub(super) fn goal(&self, table: &Table) -> Result<Goal> {
        let goal = &self.plan.goal;
        let mut models = vec![Model::Anonymity {
            k: *goal.k.get_ref(),
        }];
        let column = |name: &Spanned<String>| {
            self.sensitive
                .iter()
                .position(|at| self.names[*at] == *name.get_ref())
                .ok_or_else(|| {
                    self.place.fail(
                        name.span().start,
                        "there is no sensitive column of this name",
                    )
                })
        };
        for one in &goal.diversity {
            let at = one.column.span().start;
            let column = column(&one.column)?;
            let whole = || {
                let whole = one.l.fract() == 0.0 && (1.0..=1e9).contains(&one.l);
                whole
                    .then_some(one.l as u32)
                    .ok_or_else(|| self.place.fail(at, "l is a whole number"))
            };
            models.push(match one.kind {
                DiversityKind::Distinct => Model::DistinctDiversity {
                    column,
                    l: whole()?,
                },
                DiversityKind::Entropy => Model::EntropyDiversity { column, l: one.l },
                DiversityKind::Recursive => Model::RecursiveDiversity {
                    column,
                    l: whole()?,
                    c: one
                        .c
                        .ok_or_else(|| self.place.fail(at, "recursive diversity needs c"))?,
                },
            });
        }
        for one in &goal.closeness {
            let at = one.column.span().start;
            let column = column(&one.column)?;
            let values = table.sensitive_values(column);
            let ground = match one.ground {
                GroundKind::Equal => Ground::Equal,
                GroundKind::Ordered => {
                    let mut numbered = Vec::with_capacity(values.len());
                    for (place, value) in values.iter().enumerate() {
                        let number: f64 = value.trim().parse().map_err(|_| {
                            self.place
                                .fail(at, "an ordered ground needs numbers in the column")
                        })?;
                        numbered.push((number, place as u32));
                    }
                    numbered.sort_by(|a, b| a.0.total_cmp(&b.0));
                    Ground::Ordered(numbered.into_iter().map(|(_, place)| place).collect())
                }
                GroundKind::Hierarchical => {
                    let of = self.sensitive[column];
                    let all: BTreeSet<String> = values.iter().cloned().collect();
                    // In the order of the column's values, as the ground counts them.
                    let ordered = self.hierarchy(of, &all)?.of_values(values).ok_or_else(|| {
                        self.place
                            .fail(at, "a value of the column is not in its hierarchy")
                    })?;
                    Ground::Hierarchical(Box::new(ordered))
                }
            };
            models.push(Model::Closeness {
                column,
                t: one.t,
                ground,
            });
        }
        if let Some(presence) = &goal.presence {
            models.push(Model::Presence {
                least: presence.least,
                most: presence.most,
            });
        }
        Ok(Goal::new(models, goal.suppression))
    }
}
