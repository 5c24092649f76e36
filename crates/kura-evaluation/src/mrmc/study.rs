//! A fully crossed reader study.

use std::collections::HashMap;
use std::hash::Hash;

use crate::error::{EvaluationError, at_least, finite, same_length};

/// One reading.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading<'a> {
    pub modality: &'a str,
    pub reader: &'a str,
    pub case: u64,
    pub diseased: bool,
    /// A higher rating means more suspicion; 0 and 1 for a yes/no decision.
    pub rating: f64,
}

/// Ratings of every case by every reader in every modality.
#[derive(Debug, Clone)]
pub struct ReaderStudy {
    pub(super) modalities: Vec<String>,
    pub(super) readers: Vec<String>,
    pub(super) truth: Vec<bool>,
    /// `[modality, reader, case]`, the case fastest.
    pub(super) ratings: Vec<f64>,
}

impl ReaderStudy {
    /// Modalities, readers and cases in the order of their first appearance.
    ///
    /// # Errors
    /// A cell of the design missing or given twice, a case with two truths, a rating that is not
    /// finite, fewer than two cases of a class.
    pub fn from_readings(readings: &[Reading<'_>]) -> Result<Self, EvaluationError> {
        let modalities = distinct(readings.iter().map(|r| r.modality));
        let readers = distinct(readings.iter().map(|r| r.reader));
        let cases = distinct(readings.iter().map(|r| r.case));
        let place_modality = places(&modalities);
        let place_reader = places(&readers);
        let place_case = places(&cases);
        let mut truth: Vec<Option<bool>> = vec![None; cases.len()];
        let mut ratings: Vec<Option<f64>> =
            vec![None; modalities.len() * readers.len() * cases.len()];
        for (index, reading) in readings.iter().enumerate() {
            let case = place_case[&reading.case];
            if truth[case].is_some_and(|t| t != reading.diseased) {
                return Err(EvaluationError::Contradiction {
                    what: "one case with two truths",
                    index,
                });
            }
            truth[case] = Some(reading.diseased);
            let cell = (place_modality[&reading.modality] * readers.len()
                + place_reader[&reading.reader])
                * cases.len()
                + case;
            if ratings[cell].replace(reading.rating).is_some() {
                return Err(EvaluationError::IncompleteDesign {
                    modality: reading.modality.to_owned(),
                    reader: reading.reader.to_owned(),
                    reason: "a case is rated twice",
                });
            }
        }
        if let Some(cell) = ratings.iter().position(Option::is_none) {
            let pair = cell / cases.len();
            return Err(EvaluationError::IncompleteDesign {
                modality: modalities[pair / readers.len()].to_owned(),
                reader: readers[pair % readers.len()].to_owned(),
                reason: "a case is not rated",
            });
        }
        Self::new(
            modalities.into_iter().map(str::to_owned).collect(),
            readers.into_iter().map(str::to_owned).collect(),
            truth.into_iter().flatten().collect(),
            ratings.into_iter().flatten().collect(),
        )
    }

    /// From a dense array `[modality, reader, case]`.
    ///
    /// # Errors
    /// As [`ReaderStudy::from_readings`], where they can occur.
    pub fn new(
        modalities: Vec<String>,
        readers: Vec<String>,
        truth: Vec<bool>,
        ratings: Vec<f64>,
    ) -> Result<Self, EvaluationError> {
        same_length(
            "ratings",
            modalities.len() * readers.len() * truth.len(),
            ratings.len(),
        )?;
        finite("rating", &ratings)?;
        at_least("modalities", modalities.len(), 1)?;
        at_least("readers", readers.len(), 1)?;
        let diseased = truth.iter().filter(|&&t| t).count();
        at_least("diseased cases", diseased, 2)?;
        at_least("cases free of the disease", truth.len() - diseased, 2)?;
        Ok(ReaderStudy {
            modalities,
            readers,
            truth,
            ratings,
        })
    }

    pub fn modalities(&self) -> &[String] {
        &self.modalities
    }

    pub fn readers(&self) -> &[String] {
        &self.readers
    }

    /// Reference standard per case.
    pub fn truth(&self) -> &[bool] {
        &self.truth
    }

    /// Ratings of one reader in one modality, per case.
    pub fn ratings(&self, modality: usize, reader: usize) -> &[f64] {
        let cases = self.truth.len();
        let start = (modality * self.readers.len() + reader) * cases;
        &self.ratings[start..start + cases]
    }

    /// (modality, reader) in storage order.
    pub(super) fn cells(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        (0..self.modalities.len()).flat_map(|i| (0..self.readers.len()).map(move |j| (i, j)))
    }
}

fn distinct<T: Eq + Hash + Copy>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = std::collections::HashSet::new();
    items.filter(|item| seen.insert(*item)).collect()
}

fn places<T: Eq + Hash + Copy>(items: &[T]) -> HashMap<T, usize> {
    items.iter().enumerate().map(|(i, &t)| (t, i)).collect()
}
