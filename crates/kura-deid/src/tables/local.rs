//! Rows generalised in different ways: those that the best levels for all leave alone are a table
//! of their own, with the best levels for them, and so on.

use super::model::Model;
use super::search::{Goal, Search};
use super::table::Table;

/// Levels for parts of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Recoded {
    /// What rows become: levels of each column.
    pub forms: Vec<Vec<usize>>,
    /// Of each different row its form; `None` where it is kept back.
    pub of: Vec<Option<u32>>,
    /// As [`super::Found::loss`].
    pub loss: f64,
    pub rows_kept_back: u64,
}

/// The levels of least loss for all rows; for those that are left alone at these, the levels of
/// least loss for them; until nobody is left, or nobody else finds company. Every class holds what
/// is asked of it by itself. `None` where more rows are left than may be kept back, and for
/// δ-presence: of the population nobody is told by which levels they would have been shown.
pub fn local(table: &Table, goal: &Goal) -> Option<Recoded> {
    let presence = |model: &Model| matches!(model, Model::Presence { .. });
    if goal.models.iter().any(presence) {
        return None;
    }
    let all = table.sensitive_rows();
    // In between as many rows may wait as the levels leave: they are looked at again.
    let part_goal = Goal {
        kept_back: 1.0,
        ..goal.clone()
    };
    let mut out = Recoded {
        forms: Vec::new(),
        of: vec![None; table.different()],
        loss: 0.0,
        rows_kept_back: 0,
    };
    let mut left: Vec<usize> = (0..table.different()).collect();
    loop {
        let part = table.part(&left);
        let Some(found) = Search::new(&part, &part_goal, &all).best() else {
            break;
        };
        let shown = Search::new(&part, &part_goal, &all).shown(&found.levels);
        let before = left.len();
        let form = out.forms.len() as u32;
        let mut at = 0;
        left.retain(|row| {
            let shown = shown[at];
            at += 1;
            if shown {
                out.of[*row] = Some(form);
            }
            !shown
        });
        if left.len() == before {
            break;
        }
        out.forms.push(found.levels);
        if left.is_empty() {
            break;
        }
    }
    out.rows_kept_back = left.iter().map(|at| u64::from(table.weight[*at])).sum();
    out.loss = table.loss(|at| out.of[at].map(|form| &out.forms[form as usize][..]));
    let most = (table.rows() as f64 * goal.kept_back) as u64;
    (out.rows_kept_back <= most).then_some(out)
}
