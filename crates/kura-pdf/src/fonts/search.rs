//! Where fonts lie, and which of them to take.

use std::fs;
use std::path::{Path, PathBuf};

use super::names::{self, FaceNames};
use super::{FAMILIES, Face, FontError};

/// Folders of fonts are flat; deeper than this is something else.
const DEEPEST: u32 = 8;

#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    pub path: PathBuf,
    pub index: u32,
}

pub struct Found {
    pub family: String,
    pub regular: Place,
    pub bold: Option<Place>,
}

/// A font that lies somewhere.
struct Candidate {
    path: PathBuf,
    names: FaceNames,
}

pub fn in_system() -> Result<Found, FontError> {
    let folders = system_folders();
    let mut candidates = Vec::new();
    for folder in &folders {
        gather(folder, DEEPEST, &mut candidates);
    }
    preferred(&candidates).ok_or(FontError::NotFound(folders))
}

/// A file or a folder that the operator named.
pub fn in_place(place: &Path) -> Result<Found, FontError> {
    let unreadable = |source| FontError::Unreadable {
        path: place.to_owned(),
        source,
    };
    let mut candidates = Vec::new();
    if fs::metadata(place).map_err(unreadable)?.is_dir() {
        gather(place, DEEPEST, &mut candidates);
        return preferred(&candidates)
            .or_else(|| any_japanese(&candidates))
            .ok_or_else(|| FontError::NotFound(vec![place.to_owned()]));
    }
    for names in names::read(place).map_err(unreadable)? {
        candidates.push(Candidate {
            path: place.to_owned(),
            names,
        });
    }
    if candidates.is_empty() {
        return Err(FontError::NoFont(place.to_owned()));
    }
    let mut found = preferred(&candidates)
        .or_else(|| any_japanese(&candidates))
        .ok_or_else(|| FontError::NotJapanese(place.to_owned()))?;
    if found.bold.is_none()
        && let Some(folder) = place.parent()
    {
        // Its bold is mostly a file beside it.
        let mut beside = Vec::new();
        gather(folder, 1, &mut beside);
        found.bold = of_weight(&beside, &found.family, 700);
    }
    Ok(found)
}

fn system_folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = [
        "/usr/share/fonts",
        "/usr/local/share/fonts",
        "/System/Library/Fonts",
        "/Library/Fonts",
        "C:\\Windows\\Fonts",
    ]
    .into_iter()
    .map(PathBuf::from)
    .collect();
    if let Some(home) = std::env::var_os("HOME").map(PathBuf::from) {
        folders.extend([".local/share/fonts", ".fonts", "Library/Fonts"].map(|it| home.join(it)));
    }
    folders.retain(|folder| folder.is_dir());
    folders
}

/// Fonts under a folder, in the order of their paths. What cannot be read is no candidate.
fn gather(folder: &Path, deep: u32, out: &mut Vec<Candidate>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            if deep > 1 {
                gather(&path, deep - 1, out);
            }
            continue;
        }
        let ending = path.extension().map(|it| it.to_ascii_lowercase());
        let is_font = ["ttf", "otf", "ttc", "otc"]
            .iter()
            .any(|font| ending.as_deref() == Some(font.as_ref()));
        if is_font && let Ok(faces) = names::read(&path) {
            out.extend(faces.into_iter().map(|names| Candidate {
                path: path.clone(),
                names,
            }));
        }
    }
}

fn preferred(candidates: &[Candidate]) -> Option<Found> {
    FAMILIES
        .iter()
        .find_map(|family| family_of(candidates, family))
}

fn family_of(candidates: &[Candidate], family: &str) -> Option<Found> {
    Some(Found {
        family: family.to_owned(),
        regular: of_weight(candidates, family, 400)?,
        bold: of_weight(candidates, family, 700),
    })
}

/// The font of a family whose weight is nearest, if it is near.
fn of_weight(candidates: &[Candidate], family: &str, weight: u16) -> Option<Place> {
    candidates
        .iter()
        .filter(|one| !one.names.variable && one.names.weight.abs_diff(weight) <= 100)
        .filter(|one| one.names.families.iter().any(|it| it == family))
        .min_by_key(|one| one.names.weight.abs_diff(weight))
        .map(Candidate::place)
}

/// Another family than those that are known.
fn any_japanese(candidates: &[Candidate]) -> Option<Found> {
    candidates.iter().find_map(|one| {
        let family = one.names.families.first()?;
        let found = family_of(candidates, family)?;
        let face = Face::load(&found.regular).ok()?;
        face.is_japanese().then_some(found)
    })
}

impl Candidate {
    fn place(&self) -> Place {
        Place {
            path: self.path.clone(),
            index: self.names.index,
        }
    }
}
