//! Several readers and modalities in a free-response study: Obuchowski–Rockette on JAFROC figures.

use super::data::FreeResponse;
use super::jafroc::JafrocFigure;
use crate::error::{EvaluationError, same_length};
use crate::interval::Level;
use crate::mrmc::{CovarianceMatrix, Generalization, MrmcAnalysis, analyse_figures};

/// The same cases marked by every reader in every modality.
#[derive(Debug, Clone)]
pub struct FreeResponseStudy {
    modalities: Vec<String>,
    readers: Vec<String>,
    /// `[modality, reader]`, the reader fastest.
    cells: Vec<FreeResponse>,
}

impl FreeResponseStudy {
    /// `cells[modality · readers + reader]`; cases in the same order in all.
    ///
    /// # Errors
    /// Another number of cells, or cells whose cases differ in number or in lesions.
    pub fn new(
        modalities: Vec<String>,
        readers: Vec<String>,
        cells: Vec<FreeResponse>,
    ) -> Result<Self, EvaluationError> {
        same_length(
            "cells of the study",
            modalities.len() * readers.len(),
            cells.len(),
        )?;
        if let Some(first) = cells.first() {
            for cell in &cells {
                same_length("cases of a cell", first.cases.len(), cell.cases.len())?;
                for (index, (a, b)) in first.cases.iter().zip(&cell.cases).enumerate() {
                    let weights = |c: &super::LocalisationCase| -> Vec<f64> {
                        c.lesions.iter().map(|l| l.weight).collect()
                    };
                    if weights(a) != weights(b) || a.cluster != b.cluster {
                        return Err(EvaluationError::Contradiction {
                            what: "readers disagree about the lesions or the cluster of a case",
                            index,
                        });
                    }
                }
            }
        }
        Ok(FreeResponseStudy {
            modalities,
            readers,
            cells,
        })
    }
}

/// Analyses a study with the jackknife over clusters of cases.
///
/// # Errors
/// As [`crate::mrmc::obuchowski_rockette`] and [`FreeResponse::jafroc`].
pub fn jafroc_analysis(
    study: &FreeResponseStudy,
    figure: JafrocFigure,
    generalization: Generalization,
    level: Level,
) -> Result<MrmcAnalysis, EvaluationError> {
    let theta: Vec<f64> = study.cells.iter().map(|c| c.jafroc_value(figure)).collect();
    let Some(first) = study.cells.first() else {
        return Err(EvaluationError::EmptyGroup {
            group: "reader study",
        });
    };
    let ids: Vec<_> = first.cases.iter().map(|c| c.cluster).collect();
    let mut keep = vec![true; ids.len()];
    let mut rows = Vec::new();
    for group in crate::observation::members(&ids) {
        group.iter().for_each(|&i| keep[i] = false);
        let row: Option<Vec<f64>> = study
            .cells
            .iter()
            .map(|c| c.figure_of(figure, &keep))
            .collect();
        rows.push(row.ok_or(EvaluationError::NotEstimable {
            what: "JAFROC figure of merit",
            reason: "without one cluster no normal or no abnormal case is left",
        })?);
        group.iter().for_each(|&i| keep[i] = true);
    }
    let covariance =
        CovarianceMatrix::jackknife(study.modalities.len(), study.readers.len(), &rows)?;
    analyse_figures(
        figure.name(),
        &study.modalities,
        &study.readers,
        &theta,
        &covariance,
        generalization,
        level,
    )
}
