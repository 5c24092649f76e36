//! What a class of rows that look alike has to be, before it may be shown.

use super::classes::Classes;
use super::hierarchy::Hierarchy;
use super::table::Table;

/// A demand on every class. Columns are sensitive ones, from 0.
#[derive(Debug, Clone, PartialEq)]
pub enum Model {
    /// k-anonymity (Sweeney 2002): so many rows.
    Anonymity { k: u32 },
    /// Distinct ℓ-diversity (Machanavajjhala 2007): so many sensitive values.
    DistinctDiversity { column: usize, l: u32 },
    /// Entropy ℓ-diversity: values as even as ℓ equally frequent ones.
    EntropyDiversity { column: usize, l: f64 },
    /// Recursive (c, ℓ)-diversity: the most frequent value is less than `c` times as frequent as
    /// all from the ℓ-th on together.
    RecursiveDiversity { column: usize, l: u32, c: f64 },
    /// t-closeness (Li 2007): the earth mover's distance of the class's values from those of the
    /// whole table, over a ground.
    Closeness {
        column: usize,
        t: f64,
        ground: Ground,
    },
    /// δ-presence (Nergiz 2007): of the people of the population ([`super::Rows::people`]) who look
    /// alike, the share that is in the table.
    Presence { least: f64, most: f64 },
}

/// How far sensitive values lie from each other.
#[derive(Debug, Clone, PartialEq)]
pub enum Ground {
    /// All are equally far.
    Equal,
    /// Numbers: as many steps as there are values between. The places of the column's values in
    /// their order.
    Ordered(Vec<u32>),
    /// By the lowest level at which two are one.
    Hierarchical(Box<Hierarchy>),
}

impl Model {
    /// Whether a class of these values, each with how many rows have it, is shown. `all` is the
    /// same of the whole table, by place; `share` that of the population that is in the class.
    pub(super) fn allows(&self, class: &[(u32, u32)], all: &[u64], share: f64) -> bool {
        let rows: u64 = class.iter().map(|(_, rows)| u64::from(*rows)).sum();
        match self {
            Model::Anonymity { k } => rows >= u64::from(*k),
            Model::DistinctDiversity { l, .. } => class.len() as u64 >= u64::from(*l),
            Model::EntropyDiversity { l, .. } => {
                let entropy: f64 = class
                    .iter()
                    .map(|(_, count)| f64::from(*count) / rows as f64)
                    .map(|share| -share * share.ln())
                    .sum();
                // Equal values reach ln ℓ but for the last bits.
                entropy >= l.ln() - 1e-12
            }
            Model::RecursiveDiversity { l, c, .. } => {
                let mut counts: Vec<u32> = class.iter().map(|(_, count)| *count).collect();
                counts.sort_unstable_by(|a, b| b.cmp(a));
                let tail: u64 = counts
                    .iter()
                    .skip((*l as usize).saturating_sub(1))
                    .map(|count| u64::from(*count))
                    .sum();
                let first = counts.first().copied().unwrap_or(0);
                f64::from(first) < c * tail as f64
            }
            Model::Closeness { t, ground, .. } => distance(class, rows, all, ground) <= t + 1e-12,
            Model::Presence { least, most } => (*least..=*most).contains(&share),
        }
    }
}

/// The earth mover's distance of a class from the table.
pub(super) fn distance(class: &[(u32, u32)], rows: u64, all: &[u64], ground: &Ground) -> f64 {
    let whole: u64 = all.iter().sum();
    let mut apart: Vec<f64> = all.iter().map(|n| -(*n as f64) / whole as f64).collect();
    for (place, count) in class {
        apart[*place as usize] += f64::from(*count) / rows as f64;
    }
    match ground {
        Ground::Equal => apart.iter().map(|one| one.abs()).sum::<f64>() / 2.0,
        Ground::Ordered(order) => {
            let steps = (order.len().max(2) - 1) as f64;
            let moved = order.iter().scan(0.0, |sum, place| {
                *sum += apart[*place as usize];
                Some(f64::abs(*sum))
            });
            moved.sum::<f64>() / steps
        }
        Ground::Hierarchical(hierarchy) => hierarchical(&apart, hierarchy),
    }
}

/// Li 2007, 4.2: at each level what is too much below a node meets what is too little, and is
/// moved as far as that level is high.
fn hierarchical(apart: &[f64], hierarchy: &Hierarchy) -> f64 {
    let height = (hierarchy.levels() - 1).max(1) as f64;
    let mut below = apart.to_vec();
    let mut cost = 0.0;
    for level in 1..hierarchy.levels() {
        let mut more = vec![0.0; hierarchy.labels(level)];
        let mut less = vec![0.0; hierarchy.labels(level)];
        // Each label of the level below once.
        let mut met = vec![false; hierarchy.labels(level - 1)];
        for (under, over) in hierarchy
            .codes(level - 1)
            .iter()
            .zip(hierarchy.codes(level))
        {
            if std::mem::replace(&mut met[*under as usize], true) {
                continue;
            }
            let extra = below[*under as usize];
            if extra > 0.0 {
                more[*over as usize] += extra;
            } else {
                less[*over as usize] -= extra;
            }
        }
        let moved = more.iter().zip(&less).map(|(more, less)| more.min(*less));
        cost += moved.sum::<f64>() * level as f64 / height;
        below = more
            .iter()
            .zip(&less)
            .map(|(more, less)| more - less)
            .collect();
    }
    cost
}

/// Of each class how many of the population it has.
pub(super) fn people(table: &Table, classes: &Classes) -> Vec<u32> {
    let mut out = vec![0; classes.rows.len()];
    for (class, people) in classes.of.iter().zip(&table.population) {
        out[*class as usize] += people;
    }
    out
}

/// Of each class its sensitive values and how many rows have each.
pub(super) fn values(table: &Table, classes: &Classes, column: usize) -> Vec<Vec<(u32, u32)>> {
    let mut out: Vec<Vec<(u32, u32)>> = vec![Vec::new(); classes.rows.len()];
    for ((class, place), weight) in classes
        .of
        .iter()
        .zip(&table.sensitive[column])
        .zip(&table.weight)
    {
        out[*class as usize].push((*place, *weight));
    }
    for class in &mut out {
        class.sort_unstable();
        class.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of Li, Li and Venkatasubramanian (ICDE 2007), 4.1 and 4.2.
    #[test]
    fn distances_of_the_paper() {
        // Salaries 3k to 11k; {3k, 4k, 5k} is 0.375 away, {6k, 8k, 11k} 0.167.
        let all = [1; 9];
        let ordered = Ground::Ordered((0..9).collect());
        let far = distance(&[(0, 1), (1, 1), (2, 1)], 3, &all, &ordered);
        let near = distance(&[(3, 1), (5, 1), (8, 1)], 3, &all, &ordered);
        assert!((far - 0.375).abs() < 1e-9 && (near - 1.0 / 6.0).abs() < 1e-9);
        // Diseases: gastric ulcer, gastritis, stomach cancer; colon cancer, gastroenteritis... of
        // two organs of one system, a third of the other. All moves stay below the root.
        let tree = Hierarchy::of(
            [
                ["a", "stomach", "digestive", "*"],
                ["b", "stomach", "digestive", "*"],
                ["c", "colon", "digestive", "*"],
                ["d", "lung", "respiratory", "*"],
            ]
            .map(|line| line.to_vec()),
        )
        .unwrap();
        let ground = Ground::Hierarchical(Box::new(tree));
        let all = [1, 1, 1, 1];
        // Half of "a" goes to its neighbour and a quarter of all each to the others' places.
        let found = distance(&[(0, 4)], 4, &all, &ground);
        assert!(
            (found - (0.25 / 3.0 + 0.25 * 2.0 / 3.0 + 0.25)).abs() < 1e-9,
            "{found}"
        );
    }

    #[test]
    fn three_kinds_of_diversity() {
        let class = [(0, 3), (1, 3), (2, 1)];
        let holds = |model: Model| model.allows(&class, &[], 1.0);
        assert!(holds(Model::DistinctDiversity { column: 0, l: 3 }));
        assert!(!holds(Model::DistinctDiversity { column: 0, l: 4 }));
        // exp(entropy) is 2.73
        assert!(holds(Model::EntropyDiversity { column: 0, l: 2.7 }));
        assert!(!holds(Model::EntropyDiversity { column: 0, l: 2.8 }));
        // 3 < c × (3 + 1), 3 < c × 1
        let recursive = |l, c| Model::RecursiveDiversity { column: 0, l, c };
        assert!(holds(recursive(2, 0.8)) && !holds(recursive(2, 0.75)));
        assert!(holds(recursive(3, 3.1)) && !holds(recursive(3, 3.0)));
    }
}
