//! What was found and done, for a person and for a machine.

use serde::Serialize;

/// Everything a reader needs to judge one volume.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    pub face: Face,
    pub fit: FitReport,
    /// Voxels of one time point.
    pub voxels: usize,
    pub time_points: usize,
    pub brain: BrainReport,
    pub removed: RemovedReport,
    /// Skin of the face: brow to chin, in front of the ears.
    pub face_surface: SurfaceReport,
    pub ear_surface: SurfaceReport,
    /// Values up to here were taken for air; what is brighter is rendered.
    pub air: f64,
    pub seconds: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Face {
    /// Face or ears were in the volume and have been taken out.
    Removed,
    /// Where the face and the ears would be, this volume has no voxels.
    NotInView,
}

/// How well the template lies on the volume.
#[derive(Debug, Clone, Serialize)]
pub struct FitReport {
    /// Normalised mutual information of the template and the volume: 1 for none, 2 for all.
    pub nmi: f64,
    /// Overlap (Dice) of the template's head and the volume's, where both have voxels.
    pub head_dice: f64,
    /// mm, mean, from the template's skin to the volume's.
    pub skin_distance_mm: f64,
    /// Share of the template's brain that lies in the volume.
    pub brain_in_view: f64,
    /// mm between the best fit and the best from another start, mean of six marks.
    pub disagreement_mm: f64,
    /// Size against the template, across, front to back, upwards; adults have 0.8 to 1.
    pub scale: [f64; 3],
    /// Largest shear.
    pub shear: f64,
    /// Degrees by which the head is turned against the patient's axes.
    pub tilt_degrees: f64,
}

#[derive(Debug, Clone, Serialize)]
pub struct BrainReport {
    /// How it was located.
    pub method: &'static str,
    pub voxels: usize,
    /// mm around it in which nothing changes either.
    pub margin_mm: f64,
    /// Counted by comparing stored bytes before and after. Always 0, or the volume is refused.
    pub voxels_changed: usize,
}

#[derive(Debug, Clone, Serialize)]
pub struct RemovedReport {
    /// Of the face, air before it among them.
    pub face_voxels: usize,
    pub ear_voxels: usize,
    /// Of both, what was not air.
    pub tissue_voxels: usize,
    /// The value that was written.
    pub fill: f64,
}

/// mm² of skin, counted in blocks of about 2 mm: those that a ray meets first which comes from the
/// front, from a side or from between.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct SurfaceReport {
    pub before_mm2: f64,
    pub after_mm2: f64,
    /// `after / before`; 0 where there was none.
    pub share_left: f64,
}
