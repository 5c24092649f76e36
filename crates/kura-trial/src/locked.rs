//! Cases that can no longer change unnoticed, and the order in which they are read.

use kura_evaluation::random::Generator;
use kura_model::ContentHash;
use serde::{Deserialize, Serialize};

use crate::cases::Cases;
use crate::readings::Condition;

/// Cases with the hash they had when they were locked. Kept as JSON; [`crate::analyse`] computes
/// the hash again and refuses a set that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedCases {
    pub hash: ContentHash,
    pub cases: Cases,
}

/// Locks cases, truth and subgroups included.
pub fn lock(cases: Cases) -> LockedCases {
    LockedCases {
        hash: hash(&cases),
        cases,
    }
}

impl LockedCases {
    /// Cases read again, with the hash that was kept when they were locked.
    pub fn reopen(cases: Cases, hash: ContentHash) -> Self {
        LockedCases { hash, cases }
    }

    /// The hash the cases have now.
    pub fn hash_now(&self) -> ContentHash {
        hash(&self.cases)
    }
}

/// JSON of the cases in the order of their names: the order of the file does not count.
fn hash(cases: &Cases) -> ContentHash {
    let mut sorted: Vec<_> = cases.all().iter().collect();
    sorted.sort_by(|a, b| a.case.cmp(&b.case));
    ContentHash::of(&serde_json::to_vec(&sorted).unwrap_or_default())
}

/// The cases in the order in which a reader sees them in one condition: random, different for each
/// reader and condition, the same whenever it is asked for.
pub fn reading_order(
    locked: &LockedCases,
    reader: &str,
    condition: Condition,
    seed: u64,
) -> Vec<String> {
    let mut order: Vec<String> = locked.cases.all().iter().map(|c| c.case.clone()).collect();
    order.sort();
    let condition = condition.as_str();
    let purpose = format!("{seed}\u{0}{}\u{0}{condition}\u{0}{reader}", locked.hash);
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&ContentHash::of(purpose.as_bytes()).0[..8]);
    let mut generator = Generator::new(u64::from_le_bytes(bytes));
    // Fisher and Yates, in Durstenfeld's form.
    for last in (1..order.len()).rev() {
        order.swap(last, generator.below(last + 1));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locked(text: &str) -> LockedCases {
        lock(Cases::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn the_hash_follows_content_and_not_order() {
        let first = locked("case,cluster,truth,sex\na,1,1,f\nb,2,0,m\n");
        let turned = locked("case,truth,sex,cluster\nb,negative,m,2\na,positive,f,1\n");
        assert_eq!(first, turned);
        for other in [
            "case,cluster,truth,sex\na,1,0,f\nb,2,0,m\n",
            "case,cluster,truth,sex\na,1,1,f\nb,1,0,m\n",
            "case,cluster,truth,sex\na,1,1,f\nb,2,0,f\n",
        ] {
            assert_ne!(locked(other).hash, first.hash, "{other}");
        }
        let text = serde_json::to_string(&first).unwrap();
        let back: LockedCases = serde_json::from_str(&text).unwrap();
        assert_eq!((back.hash_now(), &back), (first.hash, &first));
    }

    #[test]
    fn each_reader_and_condition_has_an_order_of_its_own() {
        let rows: String = (0..40)
            .map(|i| format!("c{i:02},{i},{}\n", i % 2))
            .collect();
        let locked = locked(&format!("case,cluster,truth\n{rows}"));
        let order = |reader, condition, seed| reading_order(&locked, reader, condition, seed);
        let first = order("A", Condition::Unaided, 1);
        assert_eq!(first, order("A", Condition::Unaided, 1));
        for other in [
            order("A", Condition::Aided, 1),
            order("B", Condition::Unaided, 1),
            order("A", Condition::Unaided, 2),
        ] {
            assert_ne!(first, other);
            let mut sorted = other;
            sorted.sort();
            let names: Vec<&str> = locked.cases.all().iter().map(|c| c.case.as_str()).collect();
            assert_eq!(sorted, names);
        }
    }

    /// Over many readers each case stands at each place about equally often: χ² on 9 degrees of
    /// freedom for the place of one case, whose .9999 quantile is 33.7.
    #[test]
    fn no_place_is_favoured() {
        let rows: String = (0..10).map(|i| format!("c{i},{i},{}\n", i % 2)).collect();
        let locked = locked(&format!("case,cluster,truth\n{rows}"));
        for case in ["c0", "c9"] {
            let mut counts = [0.0_f64; 10];
            for reader in 0..2000 {
                let order = reading_order(&locked, &reader.to_string(), Condition::Aided, 7);
                counts[order.iter().position(|c| c == case).unwrap()] += 1.0;
            }
            let chi: f64 = counts.iter().map(|n| (n - 200.0).powi(2) / 200.0).sum();
            assert!(chi < 33.7, "{case}: {chi}");
        }
    }
}
