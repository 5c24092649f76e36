//! Fonts of the machine: a Japanese one is looked for, none is carried along.

mod names;
mod search;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use skrifa::{FontRef, MetadataProvider};
use thiserror::Error;

/// Looked for in this order.
pub const FAMILIES: [&str; 14] = [
    "Noto Sans CJK JP",
    "Noto Sans JP",
    "Source Han Sans JP",
    "BIZ UDPGothic",
    "BIZ UDGothic",
    "IPAexGothic",
    "IPAPGothic",
    "IPAGothic",
    "TakaoPGothic",
    "TakaoGothic",
    "VL PGothic",
    "Hiragino Sans",
    "Yu Gothic",
    "MS PGothic",
];

/// Larger files are no fonts that we know of (Noto Sans CJK has 19 MB).
const MOST_BYTES: u64 = 128 << 20;

#[derive(Debug, Error)]
pub enum FontError {
    #[error(
        "no Japanese font is in {}: install one (on Debian and Ubuntu the package fonts-noto-cjk or fonts-ipafont), or name a font's file or folder", list(.0)
    )]
    NotFound(Vec<PathBuf>),
    #[error("{} has no Japanese letters", .0.display())]
    NotJapanese(PathBuf),
    #[error("{} cannot be read", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} is no font that can be embedded", .0.display())]
    NoFont(PathBuf),
}

fn list(folders: &[PathBuf]) -> String {
    let folders: Vec<String> = folders
        .iter()
        .map(|folder| folder.display().to_string())
        .collect();
    folders.join(", ")
}

/// The letters of a document: a Japanese font, and its bold where there is one.
#[derive(Debug, Clone)]
pub struct Fonts {
    family: String,
    pub(crate) regular: Face,
    pub(crate) bold: Option<Face>,
}

/// One font of a file. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Face {
    data: Arc<Vec<u8>>,
    /// Which font of a collection (`.ttc`) it is.
    index: u32,
    pub(crate) krilla: krilla::text::Font,
}

impl Fonts {
    /// Finds a Japanese font: in the file or folder that is named, else in the system's folders.
    /// Of several the first of a list of families is taken; in a place that was named any font
    /// will do that has Japanese letters.
    pub fn find(named: Option<&Path>) -> Result<Self, FontError> {
        let found = match named {
            Some(place) => search::in_place(place)?,
            None => search::in_system()?,
        };
        let regular = Face::load(&found.regular)?;
        if !regular.is_japanese() {
            return Err(FontError::NotJapanese(found.regular.path));
        }
        // A bold without Japanese letters would show headings as missing.
        let bold = match &found.bold {
            Some(place) => Some(Face::load(place)?).filter(Face::is_japanese),
            None => None,
        };
        Ok(Self {
            family: found.family,
            regular,
            bold,
        })
    }

    /// `Noto Sans CJK JP`
    pub fn family(&self) -> &str {
        &self.family
    }
}

impl Face {
    fn load(place: &search::Place) -> Result<Self, FontError> {
        let unreadable = |source| FontError::Unreadable {
            path: place.path.clone(),
            source,
        };
        let bytes = std::fs::metadata(&place.path).map_err(unreadable)?.len();
        if bytes > MOST_BYTES {
            return Err(FontError::NoFont(place.path.clone()));
        }
        let data = Arc::new(std::fs::read(&place.path).map_err(unreadable)?);
        let krilla = krilla::text::Font::new(Arc::clone(&data).into(), place.index)
            .ok_or_else(|| FontError::NoFont(place.path.clone()))?;
        Ok(Self {
            data,
            index: place.index,
            krilla,
        })
    }

    pub(crate) fn open(&self) -> Option<FontRef<'_>> {
        FontRef::from_index(&self.data, self.index).ok()
    }

    fn is_japanese(&self) -> bool {
        self.open().is_some_and(|font| {
            let charmap = font.charmap();
            "あア加療、"
                .chars()
                .all(|letter| charmap.map(letter).is_some())
        })
    }
}
