//! What the values of one column become, level by level: from themselves to nothing.

use std::collections::HashMap;

use thiserror::Error;

/// The value that says nothing.
pub const ANYTHING: &str = "*";

/// Why a hierarchy is none. Lines are counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HierarchyError {
    #[error("a hierarchy without a line")]
    Empty,
    #[error("line {line}: {found} levels, where the first line has {wanted}")]
    Levels {
        line: usize,
        found: usize,
        wanted: usize,
    },
    /// The value itself is not told: it may be a patient's.
    #[error("line {line}: its value stands in line {before} already")]
    Twice { line: usize, before: usize },
    /// Two values that are one at a level are one at every level after it; else going up would
    /// tell them apart again.
    #[error("line {line}: one with line {before} at level {level}, and another at level {above}")]
    Apart {
        line: usize,
        before: usize,
        level: usize,
        above: usize,
    },
}

/// The values of a column and what each becomes. Level 0 is the value itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hierarchy {
    levels: Vec<Level>,
    places: HashMap<String, u32>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Level {
    /// Of each value, the place of its label.
    of: Vec<u32>,
    labels: Vec<String>,
    /// How many values each label stands for.
    covers: Vec<u32>,
}

impl Hierarchy {
    /// Of lines of a value and what it becomes at each level above; the last is usually
    /// [`ANYTHING`].
    ///
    /// # Errors
    /// Those of [`HierarchyError`].
    pub fn of<T: Into<String>>(
        lines: impl IntoIterator<Item = Vec<T>>,
    ) -> Result<Self, HierarchyError> {
        let mut levels: Vec<Level> = Vec::new();
        let mut known: Vec<HashMap<String, u32>> = Vec::new();
        // Where each label of each level was seen first.
        let mut seen: Vec<Vec<usize>> = Vec::new();
        for (index, fields) in lines.into_iter().enumerate() {
            let line = index + 1;
            if index == 0 {
                let empty = Level {
                    of: Vec::new(),
                    labels: Vec::new(),
                    covers: Vec::new(),
                };
                levels.resize(fields.len(), empty);
                known.resize(fields.len(), HashMap::new());
                seen.resize(fields.len(), Vec::new());
            }
            if fields.len() != levels.len() || fields.is_empty() {
                return Err(HierarchyError::Levels {
                    line,
                    found: fields.len(),
                    wanted: levels.len(),
                });
            }
            for (at, field) in fields.into_iter().enumerate() {
                let label = field.into();
                let level = &mut levels[at];
                let place = match known[at].get(&label) {
                    Some(place) if at == 0 => {
                        let before = seen[0][*place as usize];
                        return Err(HierarchyError::Twice { line, before });
                    }
                    Some(place) => *place,
                    None => {
                        let place = level.labels.len() as u32;
                        known[at].insert(label.clone(), place);
                        level.labels.push(label);
                        level.covers.push(0);
                        seen[at].push(line);
                        place
                    }
                };
                level.of.push(place);
                level.covers[place as usize] += 1;
            }
            // What is one below is one here.
            for at in 1..levels.len() {
                let below = levels[at - 1].of[index] as usize;
                let before = seen[at - 1][below];
                if levels[at].of[before - 1] != levels[at].of[index] {
                    return Err(HierarchyError::Apart {
                        line,
                        before,
                        level: at - 1,
                        above: at,
                    });
                }
            }
        }
        if levels.is_empty() {
            return Err(HierarchyError::Empty);
        }
        Ok(Self {
            levels,
            places: known.swap_remove(0),
        })
    }

    /// Every value, and then nothing.
    ///
    /// # Errors
    /// [`HierarchyError::Empty`], [`HierarchyError::Twice`].
    pub fn all_or_nothing<T: Into<String>>(
        values: impl IntoIterator<Item = T>,
    ) -> Result<Self, HierarchyError> {
        Self::of(
            values
                .into_iter()
                .map(|value| vec![value.into(), ANYTHING.to_owned()]),
        )
    }

    /// The same of these values, in their order; `None` if one of them is not of it.
    pub fn of_values(&self, values: &[String]) -> Option<Self> {
        let line = |value: &String| {
            let at = match self.place(value) {
                // What was too rare to be shown is far from all others.
                None if value == ANYTHING => return Some(vec![value.clone(); self.levels()]),
                found => found?,
            };
            let labels = (0..self.levels()).map(|level| self.label(level, at).to_owned());
            Some(labels.collect::<Vec<String>>())
        };
        let lines: Option<Vec<Vec<String>>> = values.iter().map(line).collect();
        Self::of(lines?).ok()
    }

    pub fn levels(&self) -> usize {
        self.levels.len()
    }

    /// How many values there are.
    pub fn values(&self) -> usize {
        self.places.len()
    }

    /// The place of a value.
    pub fn place(&self, value: &str) -> Option<u32> {
        self.places.get(value).copied()
    }

    /// What a value is at a level.
    pub fn label(&self, level: usize, value: u32) -> &str {
        let level = &self.levels[level];
        &level.labels[level.of[value as usize] as usize]
    }

    /// How many labels a level has.
    pub(super) fn labels(&self, level: usize) -> usize {
        self.levels[level].labels.len()
    }

    /// The place of its label, of each value.
    pub(super) fn codes(&self, level: usize) -> &[u32] {
        &self.levels[level].of
    }

    /// What is lost of each value at a level: 0 for itself, 1 for all values in one.
    pub(super) fn loss(&self, level: usize) -> Vec<f64> {
        let others = (self.values() - 1).max(1) as f64;
        let level = &self.levels[level];
        level
            .of
            .iter()
            .map(|place| f64::from(level.covers[*place as usize] - 1) / others)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_no_hierarchy() {
        let of = |lines: &[&[&str]]| {
            Hierarchy::of(lines.iter().map(|line| line.to_vec())).map(|one| one.levels())
        };
        assert_eq!(of(&[&["a", "x", "*"], &["b", "x", "*"]]), Ok(3));
        assert_eq!(of(&[]), Err(HierarchyError::Empty));
        assert_eq!(
            of(&[&["a", "*"], &["b"]]),
            Err(HierarchyError::Levels {
                line: 2,
                found: 1,
                wanted: 2
            })
        );
        assert_eq!(
            of(&[&["a", "*"], &["b", "*"], &["a", "*"]]),
            Err(HierarchyError::Twice { line: 3, before: 1 })
        );
        assert_eq!(
            of(&[&["a", "x", "p"], &["b", "y", "q"], &["c", "x", "q"]]),
            Err(HierarchyError::Apart {
                line: 3,
                before: 1,
                level: 1,
                above: 2
            })
        );
    }

    #[test]
    fn what_is_lost_is_the_share_of_the_others() {
        let ages = Hierarchy::of((0..10).map(|age| {
            let five = if age < 5 { "0-4" } else { "5-9" };
            vec![age.to_string(), five.to_owned(), ANYTHING.to_owned()]
        }))
        .unwrap();
        assert_eq!(ages.loss(0)[3], 0.0);
        assert_eq!(ages.loss(1)[3], 4.0 / 9.0);
        assert_eq!(ages.loss(2)[3], 1.0);
        assert_eq!(ages.label(1, ages.place("7").unwrap()), "5-9");
        // A column of one value has nothing to lose.
        let one = Hierarchy::all_or_nothing(["x"]).unwrap();
        assert_eq!(one.loss(1), [0.0]);
    }
}
