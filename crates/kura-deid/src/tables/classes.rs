//! Which rows are one at given levels of their hierarchies.

use super::table::Table;

/// Of each different row, its class; classes are numbered in the order in which they are met.
#[derive(Debug, Default)]
pub(super) struct Classes {
    pub(super) of: Vec<u32>,
    /// How many rows each has.
    pub(super) rows: Vec<u32>,
}

/// Finds classes, again and again in the same memory.
pub(super) struct Classing<'a> {
    table: &'a Table,
    keys: Vec<u64>,
    /// Class and key of each slot; a class of 0 is none, others are one more than theirs.
    slots: Vec<(u64, u32)>,
    /// Where keys are few, the class of each key, in the same way.
    few: Vec<u32>,
    pub(super) found: Classes,
}

impl<'a> Classing<'a> {
    pub(super) fn new(table: &'a Table) -> Self {
        let slots = (table.different() * 2).next_power_of_two();
        Self {
            table,
            keys: vec![0; table.different()],
            slots: vec![(0, 0); slots],
            few: Vec::new(),
            found: Classes::default(),
        }
    }

    /// The classes at these levels.
    pub(super) fn at(&mut self, levels: &[usize]) -> &Classes {
        let table = self.table;
        self.found.of.clear();
        self.found.rows.clear();
        self.keys.fill(0);
        let mut most: u64 = 1;
        for (column, (hierarchy, level)) in table.columns.iter().zip(levels).enumerate() {
            let labels = hierarchy.labels(*level) as u64;
            if labels < 2 {
                continue;
            }
            if most.checked_mul(labels).is_none() {
                most = self.narrow(most);
            }
            let weights: Vec<u64> = hierarchy
                .codes(*level)
                .iter()
                .map(|code| u64::from(*code) * most)
                .collect();
            for (key, place) in self.keys.iter_mut().zip(&table.places[column]) {
                *key += weights[*place as usize];
            }
            // Both are below 2^32, or the product was looked at.
            most *= labels;
        }
        self.number(Some(&table.weight), most);
        &self.found
    }

    /// Numbers the keys anew where their product would not fit.
    fn narrow(&mut self, most: u64) -> u64 {
        self.number(None, most);
        for (key, class) in self.keys.iter_mut().zip(&self.found.of) {
            *key = u64::from(*class);
        }
        let most = self.found.rows.len() as u64;
        self.found.of.clear();
        self.found.rows.clear();
        most
    }

    /// Numbers the keys, which are below `most`.
    fn number(&mut self, weight: Option<&[u32]>, most: u64) {
        if most <= self.slots.len() as u64 {
            self.few.clear();
            self.few.resize(most as usize, 0);
            for (at, key) in self.keys.iter().enumerate() {
                let class = &mut self.few[*key as usize];
                if *class == 0 {
                    self.found.rows.push(0);
                    *class = self.found.rows.len() as u32;
                }
                let class = *class - 1;
                self.found.rows[class as usize] += weight.map_or(1, |weight| weight[at]);
                self.found.of.push(class);
            }
            return;
        }
        self.slots.fill((0, 0));
        let mask = self.slots.len() - 1;
        let shift = 64 - self.slots.len().trailing_zeros();
        for (at, key) in self.keys.iter().enumerate() {
            // Fibonacci hashing: the high bits of the product are well mixed.
            let mixed = key.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let mut slot = mixed.checked_shr(shift).unwrap_or(0) as usize;
            let class = loop {
                let (held, class) = &mut self.slots[slot];
                if *class == 0 {
                    self.found.rows.push(0);
                    *held = *key;
                    *class = self.found.rows.len() as u32;
                    break *class - 1;
                }
                if held == key {
                    break *class - 1;
                }
                slot = (slot + 1) & mask;
            };
            self.found.rows[class as usize] += weight.map_or(1, |weight| weight[at]);
            self.found.of.push(class);
        }
    }
}
