use std::path::PathBuf;
use std::process::ExitCode;

use kura_model::Result;
use kura_service::deid_face;

use super::Shell;
use crate::output::{self, Format};

/// Take face and ears out of a volume of the head
///
/// The head is fitted to a template; what lies in the regions of the face and the ears, away from
/// the brain, becomes air. No voxel of the brain is changed. What is no head, or one whose fit is
/// poor, is refused. Texts in the header of a NIfTI file go; attributes of DICOM stay as they are,
/// so what is written is not de-identified yet: `kura dataset build` does that.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kura deid face head.nii.gz --out head-defaced.nii.gz --pictures look-at
  kura deid face series/ --out series-defaced")]
pub struct Face {
    /// A NIfTI file, or a folder with the files of one DICOM series
    from: PathBuf,
    /// File or folder to write; must not be there
    #[arg(long, value_name = "PATH")]
    out: PathBuf,
    /// Folder for pictures of the surface before and after
    #[arg(long, value_name = "FOLDER")]
    pictures: Option<PathBuf>,
}

impl Face {
    pub fn run(self, shell: &Shell) -> Result<ExitCode> {
        let report = deid_face::face(&self.from, &self.out, self.pictures.as_deref())?;
        match shell.format {
            Format::Json => output::json(&report)?,
            Format::Text => output::line(&format!(
                "{}: face surface {:.0} mm² before, {:.0} after; ears {:.0} and {:.0}; {} voxels of the brain changed",
                self.out.display(),
                report.face_surface.before_mm2,
                report.face_surface.after_mm2,
                report.ear_surface.before_mm2,
                report.ear_surface.after_mm2,
                report.brain.voxels_changed
            ))?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
