//! The levels at which least is lost, of all there are.
//!
//! What generalisation alone loses is known of each level of each column before a row is looked
//! at, and only grows upwards: it bounds from below what a choice of levels loses. So choices are
//! looked at in the order of that bound, and the search ends when the bound has reached the best
//! that was found: no other can be better. Rows kept back for want of company become fewer
//! upwards, so a choice that keeps back too many rules out all below it; to meet such choices
//! early, and good ones too, each that is looked at is followed by a climb.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::classes::Classing;
use super::model::{self, Model};
use super::table::{Table, mean};

/// What is asked of a table.
#[derive(Debug, Clone)]
pub struct Goal {
    pub models: Vec<Model>,
    /// The share of rows that may be kept back.
    pub kept_back: f64,
    /// Choices of levels that are looked at, at most.
    pub budget: u64,
}

impl Goal {
    pub fn new(models: Vec<Model>, kept_back: f64) -> Self {
        Self {
            models,
            kept_back,
            budget: u64::MAX,
        }
    }
}

/// Levels that meet a goal.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Of each column.
    pub levels: Vec<usize>,
    /// 0: nothing; 1: everything. Of each column the share of other values that a row's value may
    /// be, on average over rows, where one kept back may be any; of all columns the geometric mean
    /// of one more than that, less one.
    pub loss: f64,
    pub rows_kept_back: u64,
    /// Classes that are shown.
    pub classes: u64,
    /// Choices of levels that were looked at.
    pub looked_at: u64,
    /// No choice loses less: all others were looked at or ruled out.
    pub proved: bool,
}

/// What is lost at given levels, and whether they meet the goal.
#[derive(Debug, Clone, Copy)]
struct Seen {
    loss: f64,
    rows_kept_back: u64,
    classes: u64,
    /// Rows kept back by demands that can only ease upwards are few enough.
    open: bool,
    meets: bool,
}

struct Judged {
    shown: Vec<bool>,
    rows_kept_back: u64,
    open: bool,
    meets: bool,
}

/// A choice that waits, by its bound.
#[derive(Debug, PartialEq)]
struct Waiting {
    bound: f64,
    levels: Vec<usize>,
    /// Columns before this one stay as they are: so each choice waits once.
    from: usize,
}

impl Eq for Waiting {}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let by_bound = self.bound.total_cmp(&other.bound);
        by_bound.then_with(|| self.levels.cmp(&other.levels))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

pub(super) struct Search<'a> {
    table: &'a Table,
    goal: &'a Goal,
    classing: Classing<'a>,
    /// Of column, level and value.
    losses: Vec<Vec<Vec<f64>>>,
    /// Of column and level, for all rows.
    of_level: Vec<Vec<f64>>,
    all: &'a [Vec<u64>],
    most_kept_back: u64,
    /// Choices that keep back too many, none below another.
    closed: Vec<Vec<usize>>,
    looked_at: u64,
    best: Option<Found>,
}

/// The levels of least loss, or `None` where not even the highest levels meet the goal.
pub fn optimum(table: &Table, goal: &Goal) -> Option<Found> {
    let all = table.sensitive_rows();
    Search::new(table, goal, &all).best()
}

/// Of each different row, whether it is shown at these levels.
pub fn shown(table: &Table, goal: &Goal, levels: &[usize]) -> Vec<bool> {
    let all = table.sensitive_rows();
    Search::new(table, goal, &all).shown(levels)
}

impl<'a> Search<'a> {
    /// `all` is how many rows of the whole table have each sensitive value.
    pub(super) fn new(table: &'a Table, goal: &'a Goal, all: &'a [Vec<u64>]) -> Self {
        let losses: Vec<Vec<Vec<f64>>> = table
            .columns
            .iter()
            .map(|column| {
                (0..column.levels())
                    .map(|level| column.loss(level))
                    .collect()
            })
            .collect();
        let rows = table.rows().max(1) as f64;
        let of_level = losses
            .iter()
            .zip(&table.places)
            .map(|(levels, places)| {
                let sum = |loss: &Vec<f64>| -> f64 {
                    places
                        .iter()
                        .zip(&table.weight)
                        .map(|(place, weight)| loss[*place as usize] * f64::from(*weight))
                        .sum()
                };
                levels.iter().map(|loss| sum(loss) / rows).collect()
            })
            .collect();
        Self {
            most_kept_back: (table.rows() as f64 * goal.kept_back) as u64,
            classing: Classing::new(table),
            closed: Vec::new(),
            looked_at: 0,
            best: None,
            table,
            goal,
            losses,
            of_level,
            all,
        }
    }

    pub(super) fn best(mut self) -> Option<Found> {
        let proved = self.run();
        let looked_at = self.looked_at;
        self.best.map(|found| Found {
            looked_at,
            proved,
            ..found
        })
    }

    fn bound(&self, levels: &[usize]) -> f64 {
        mean(
            self.of_level
                .iter()
                .zip(levels)
                .map(|(of, level)| of[*level]),
        )
    }

    fn is_better(&self, loss: f64) -> bool {
        self.best.as_ref().is_none_or(|best| loss < best.loss)
    }

    /// Gives whether everything was looked at or ruled out.
    fn run(&mut self) -> bool {
        let bottom = vec![0; self.table.columns.len()];
        let mut waiting = BinaryHeap::from([Reverse(Waiting {
            bound: 0.0,
            levels: bottom,
            from: 0,
        })]);
        while let Some(Reverse(next)) = waiting.pop() {
            if !self.is_better(next.bound) {
                return true;
            }
            if self.looked_at >= self.goal.budget {
                return false;
            }
            for column in next.from..next.levels.len() {
                if next.levels[column] + 1 < self.table.columns[column].levels() {
                    let mut levels = next.levels.clone();
                    levels[column] += 1;
                    let bound = self.bound(&levels);
                    if self.is_better(bound) {
                        waiting.push(Reverse(Waiting {
                            bound,
                            levels,
                            from: column,
                        }));
                    }
                }
            }
            if !self.is_closed(&next.levels) && !self.look(&next.levels).open {
                self.climb(next.levels);
            }
        }
        true
    }

    fn is_closed(&self, levels: &[usize]) -> bool {
        self.closed
            .iter()
            .any(|closed| levels.iter().zip(closed).all(|(own, closed)| own <= closed))
    }

    fn close(&mut self, levels: &[usize]) {
        self.closed
            .retain(|closed| closed.iter().zip(levels).any(|(closed, own)| closed > own));
        self.closed.push(levels.to_vec());
    }

    /// Goes up from a choice that keeps back too many, always where the bound grows least, and
    /// finds by halving where it first does not.
    fn climb(&mut self, from: Vec<usize>) {
        let mut path = vec![from];
        while let Some(last) = path.last() {
            let next = (0..last.len())
                .filter(|column| last[*column] + 1 < self.table.columns[*column].levels())
                .map(|column| {
                    let mut levels = last.clone();
                    levels[column] += 1;
                    (self.bound(&levels), levels)
                })
                .min_by(|a, b| a.0.total_cmp(&b.0));
            match next {
                Some((bound, levels)) if self.is_better(bound) => path.push(levels),
                _ => break,
            }
        }
        // The first keeps back too many.
        let (mut low, mut high) = (0, path.len());
        while low + 1 < high {
            let middle = usize::midpoint(low, high);
            if self.is_closed(&path[middle]) || !self.look(&path[middle]).open {
                low = middle;
            } else {
                high = middle;
            }
        }
    }

    fn look(&mut self, levels: &[usize]) -> Seen {
        self.looked_at += 1;
        let seen = self.seen(levels);
        if !seen.open {
            self.close(levels);
        }
        if seen.meets && self.is_better(seen.loss) {
            self.best = Some(Found {
                levels: levels.to_vec(),
                loss: seen.loss,
                rows_kept_back: seen.rows_kept_back,
                classes: seen.classes,
                looked_at: 0,
                proved: false,
            });
        }
        seen
    }

    /// Which classes at these levels are shown, as the last of [`Classing::at`] numbers them.
    fn judged(&mut self, levels: &[usize]) -> Judged {
        let (table, goal, most) = (self.table, self.goal, self.most_kept_back);
        let classes = self.classing.at(levels);
        let kept_back = |shown: &[bool]| -> u64 {
            let rows = classes.rows.iter().zip(shown).filter(|(_, shown)| !**shown);
            rows.map(|(rows, _)| u64::from(*rows)).sum()
        };
        let enough = |rows: &u32| {
            goal.models.iter().all(|model| match model {
                Model::Anonymity { k } => rows >= k,
                _ => true,
            })
        };
        let mut shown: Vec<bool> = classes.rows.iter().map(enough).collect();
        let mut rows_kept_back = kept_back(&shown);
        let open = rows_kept_back <= most;
        for model in goal.models.iter().filter(|_| open) {
            match model {
                Model::Anonymity { .. } => continue,
                Model::Presence { .. } => {
                    let people = model::people(table, classes);
                    let counts = classes.rows.iter().zip(&people);
                    for ((rows, people), shown) in counts.zip(&mut shown) {
                        // Who is in the table is one of the population, whoever counted it.
                        let share = f64::from(*rows) / f64::from((*people).max(*rows).max(1));
                        *shown &= model.allows(&[], &[], share);
                    }
                }
                Model::DistinctDiversity { column, .. }
                | Model::EntropyDiversity { column, .. }
                | Model::RecursiveDiversity { column, .. }
                | Model::Closeness { column, .. } => {
                    let values = model::values(table, classes, *column);
                    for (class, shown) in values.iter().zip(&mut shown) {
                        *shown &= model.allows(class, &self.all[*column], 1.0);
                    }
                }
            }
            rows_kept_back = kept_back(&shown);
        }
        Judged {
            meets: rows_kept_back <= most,
            shown,
            rows_kept_back,
            open,
        }
    }

    /// Of each different row, whether it is shown at these levels.
    pub(super) fn shown(mut self, levels: &[usize]) -> Vec<bool> {
        let judged = self.judged(levels);
        let classes = &self.classing.found.of;
        classes
            .iter()
            .map(|class| judged.shown[*class as usize])
            .collect()
    }

    fn seen(&mut self, levels: &[usize]) -> Seen {
        let judged = self.judged(levels);
        let (table, classes) = (self.table, &self.classing.found);
        let hidden: Vec<usize> = match judged.meets {
            true => (0..classes.of.len())
                .filter(|at| !judged.shown[classes.of[*at] as usize])
                .collect(),
            false => Vec::new(),
        };
        let rows = table.rows().max(1) as f64;
        let loss = mean(levels.iter().enumerate().map(|(column, level)| {
            let (own, places) = (&self.losses[column][*level], &table.places[column]);
            let more =
                |at: &usize| (1.0 - own[places[*at] as usize]) * f64::from(table.weight[*at]);
            self.of_level[column][*level] + hidden.iter().map(more).sum::<f64>() / rows
        }));
        Seen {
            loss,
            rows_kept_back: judged.rows_kept_back,
            classes: judged.shown.iter().filter(|shown| **shown).count() as u64,
            open: judged.open,
            meets: judged.meets,
        }
    }
}
