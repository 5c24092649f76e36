//! What a font file says of itself, by reading a few hundred bytes of it: a machine has hundreds of
//! fonts, some of 20 MB. OpenType 1.9: `otff`, `name`, `OS/2`.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// More than any collection or font has.
const MOST_FONTS: u32 = 64;
const MOST_TABLES: u16 = 256;
const MOST_NAMES: u32 = 1 << 20;

/// One font of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct FaceNames {
    pub index: u32,
    /// Its family in each language it is named in.
    pub families: Vec<String>,
    /// 400 is regular, 700 bold.
    pub weight: u16,
    /// One file for all weights; it would be shown in the one it happens to start with.
    pub variable: bool,
}

/// The fonts of a file; none where it is no font.
pub fn read(path: &Path) -> io::Result<Vec<FaceNames>> {
    let mut file = File::open(path)?;
    let mut faces = Vec::new();
    let magic: [u8; 4] = bytes(&mut file, 0)?;
    if &magic == b"ttcf" {
        let [a, b, c, d] = bytes(&mut file, 8)?;
        for index in 0..u32::from_be_bytes([a, b, c, d]).min(MOST_FONTS) {
            let at: [u8; 4] = bytes(&mut file, 12 + 4 * u64::from(index))?;
            let start = u64::from(u32::from_be_bytes(at));
            faces.extend(face(&mut file, start, index)?);
        }
    } else if matches!(&magic, b"\0\x01\0\0" | b"OTTO" | b"true") {
        faces.extend(face(&mut file, 0, 0)?);
    }
    Ok(faces)
}

fn bytes<const N: usize>(file: &mut File, at: u64) -> io::Result<[u8; N]> {
    let mut out = [0; N];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut out)?;
    Ok(out)
}

fn face(file: &mut File, start: u64, index: u32) -> io::Result<Option<FaceNames>> {
    let head: [u8; 12] = bytes(file, start)?;
    let tables = u16::from_be_bytes([head[4], head[5]]);
    if tables > MOST_TABLES {
        return Ok(None);
    }
    let mut directory = vec![0; usize::from(tables) * 16];
    file.read_exact(&mut directory)?;
    let table = |tag: &[u8; 4]| {
        let record = directory
            .chunks_exact(16)
            .find(|record| &record[..4] == tag)?;
        Some((number(record, 8)?, number(record, 12)?))
    };
    let (Some((names_at, names_length)), Some((os2_at, _))) = (table(b"name"), table(b"OS/2"))
    else {
        return Ok(None);
    };
    let os2: [u8; 6] = bytes(file, u64::from(os2_at))?;
    let mut names = vec![0; names_length.min(MOST_NAMES) as usize];
    file.seek(SeekFrom::Start(u64::from(names_at)))?;
    file.read_exact(&mut names)?;
    Ok(Some(FaceNames {
        index,
        families: families(&names).unwrap_or_default(),
        weight: u16::from_be_bytes([os2[4], os2[5]]),
        variable: table(b"fvar").is_some(),
    }))
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at + 4)?.try_into().ok()?;
    Some(u32::from_be_bytes(four))
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    let two = bytes.get(at..at + 2)?.try_into().ok()?;
    Some(u16::from_be_bytes(two))
}

/// Names 1 (family) and 16 (typographic family) of the `name` table.
fn families(table: &[u8]) -> Option<Vec<String>> {
    let count = usize::from(short(table, 2)?);
    let strings = usize::from(short(table, 4)?);
    let mut out = Vec::new();
    for at in 0..count {
        let record = 6 + at * 12;
        let platform = short(table, record)?;
        let name = short(table, record + 6)?;
        // Unicode and Windows: UTF-16. What Macintosh names say, these say too.
        if !matches!((platform, name), (0 | 3, 1 | 16)) {
            continue;
        }
        let length = usize::from(short(table, record + 8)?);
        let from = strings + usize::from(short(table, record + 10)?);
        let Some(text) = table.get(from..from + length) else {
            continue;
        };
        let (units, _) = text.as_chunks::<2>();
        let letters = char::decode_utf16(units.iter().map(|&unit| u16::from_be_bytes(unit)));
        let family: String = letters.filter_map(Result::ok).collect();
        if !out.contains(&family) {
            out.push(family);
        }
    }
    Some(out)
}
