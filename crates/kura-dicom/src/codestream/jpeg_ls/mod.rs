//! JPEG-LS (ITU-T T.87), lossless and near-lossless, 2 to 16 bits, every interleave mode.

mod bits;
mod scan;

use kura_model::Refusal;

use super::{refuse, u16_at};
use bits::Bits;
use scan::{Parameters, Scan};

/// LSE (T.87 C.2.4.1.1): what differs from the defaults; 0 stands for the default.
#[derive(Clone, Copy, Default)]
struct Preset {
    max_value: u16,
    t1: u16,
    t2: u16,
    t3: u16,
    reset: u16,
}

struct FrameHeader {
    precision: u32,
    rows: usize,
    columns: usize,
    components: Vec<u8>,
}

/// Samples of one frame, pixel by pixel. `expected` is rows, columns and components, which the
/// frame header must repeat: nothing is allocated before it does.
///
/// # Errors
/// `dicom-codestream`.
pub fn decode(bytes: &[u8], expected: (u32, u32, u16)) -> Result<Vec<u16>, Refusal> {
    if u16_at(bytes, 0)? != 0xFFD8 {
        return Err(refuse("a JPEG-LS frame begins with SOI", 0));
    }
    let mut at = 2;
    let mut frame: Option<FrameHeader> = None;
    let mut preset = Preset::default();
    let mut planes: Vec<Option<Vec<u16>>> = Vec::new();
    loop {
        // T.81 B.1.1.2: fill bytes before a marker
        while bytes.get(at) == Some(&0xFF) && bytes.get(at + 1) == Some(&0xFF) {
            at += 1;
        }
        let marker = u16_at(bytes, at)?;
        if marker == 0xFFD9 {
            break;
        }
        let length = usize::from(u16_at(bytes, at + 2)?);
        let Some(body) = bytes.get(at + 4..at + 2 + length).filter(|_| length >= 2) else {
            return Err(refuse("a JPEG-LS segment is cut short", at));
        };
        let next = at + 2 + length;
        match marker {
            // SOF55
            0xFFF7 => {
                let header = frame_header(body, at)?;
                let (rows, columns, components) = expected;
                let same = (header.rows, header.columns, header.components.len())
                    == (rows as usize, columns as usize, usize::from(components));
                if !same || frame.is_some() {
                    return Err(refuse(
                        "the codestream's size or components differ from the object's",
                        at,
                    ));
                }
                planes = vec![None; header.components.len()];
                frame = Some(header);
            }
            0xFFF8 => preset = lse(body, at)?,
            // DRI
            0xFFDD if body.iter().any(|byte| *byte != 0) => {
                return Err(refuse("JPEG-LS with restart intervals is not read", at));
            }
            // APP8 of HP's colour transforms, which DICOM does not have (PS3.5 8.2.3)
            0xFFE8 if body.starts_with(b"mrfx") && body.get(4) != Some(&0) => {
                return Err(refuse("a colour transform that DICOM does not have", at));
            }
            0xFFDA => {
                let Some(frame) = &frame else {
                    return Err(refuse("a scan before its frame header", at));
                };
                at = next + read_scan(bytes, next, body, frame, preset, &mut planes)?;
                if planes.iter().all(Option::is_some) {
                    break;
                }
                continue;
            }
            0xFFDD | 0xFFE0..=0xFFEF | 0xFFFE => {}
            _ => return Err(refuse("a JPEG-LS marker was expected", at)),
        }
        at = next;
    }
    let planes: Option<Vec<Vec<u16>>> = planes.into_iter().collect();
    let planes = planes
        .filter(|planes| !planes.is_empty())
        .ok_or_else(|| refuse("a component has no scan", at))?;
    Ok(interleave(planes))
}

/// T.87 C.2.2; the parameters are those of T.81 B.2.2.
fn frame_header(body: &[u8], at: usize) -> Result<FrameHeader, Refusal> {
    let cut = || refuse("a JPEG-LS frame header is cut short", at);
    let [precision, y1, y2, x1, x2, count, rest @ ..] = body else {
        return Err(cut());
    };
    let components: Vec<u8> = rest.chunks_exact(3).map(|c| c[0]).collect();
    if components.len() != usize::from(*count) {
        return Err(cut());
    }
    // A component of another size than the image would be `Hi`, `Vi` other than 1.
    if !(2..=16).contains(precision) || rest.chunks_exact(3).any(|c| c[1] != 0x11) {
        return Err(refuse("2 to 16 bits, no subsampling were expected", at));
    }
    Ok(FrameHeader {
        precision: u32::from(*precision),
        rows: usize::from(u16::from_be_bytes([*y1, *y2])),
        columns: usize::from(u16::from_be_bytes([*x1, *x2])),
        components,
    })
}

/// T.87 C.2.4.1
fn lse(body: &[u8], at: usize) -> Result<Preset, Refusal> {
    if body.first() != Some(&1) || body.len() != 11 {
        return Err(refuse(
            "JPEG-LS mapping tables and oversize images are not read",
            at,
        ));
    }
    let word = |n: usize| u16::from_be_bytes([body[1 + 2 * n], body[2 + 2 * n]]);
    Ok(Preset {
        max_value: word(0),
        t1: word(1),
        t2: word(2),
        t3: word(3),
        reset: word(4),
    })
}

/// T.87 C.2.3: `body` is the scan header, the entropy-coded bytes begin at `from`. Gives how many
/// there are.
fn read_scan(
    bytes: &[u8],
    from: usize,
    body: &[u8],
    frame: &FrameHeader,
    preset: Preset,
    planes: &mut [Option<Vec<u16>>],
) -> Result<usize, Refusal> {
    let bad = |message: &str| refuse(message, from);
    let count = usize::from(*body.first().unwrap_or(&0));
    if body.len() != 4 + 2 * count {
        return Err(bad("a JPEG-LS scan header is of another length"));
    }
    let mut which = Vec::with_capacity(count);
    for pair in body[1..1 + 2 * count].chunks_exact(2) {
        let index = frame.components.iter().position(|id| *id == pair[0]);
        match index {
            Some(index) if pair[1] == 0 && planes[index].is_none() && !which.contains(&index) => {
                which.push(index);
            }
            _ => return Err(bad("a scan names another component, or a mapping table")),
        }
    }
    let [near, mode, transform] = [
        body[1 + 2 * count],
        body[2 + 2 * count],
        body[3 + 2 * count],
    ];
    if transform != 0 {
        return Err(bad("JPEG-LS with a point transform is not read"));
    }
    let parameters = Parameters::new(frame.precision, near, preset)
        .ok_or_else(|| bad("the coding parameters contradict each other"))?;
    let mut scan = Scan::new(parameters, frame.columns, which.len());
    let mut bits = Bits::new(&bytes[from..]);
    let decoded = match (mode, which.len()) {
        (0, 1) | (1 | 2, 1..=4) => {
            if mode == 2 && which.len() > 1 {
                scan.by_sample(&mut bits, frame.rows)
            } else {
                scan.by_line(&mut bits, frame.rows)
            }
        }
        _ => return Err(bad("an interleave mode that does not fit the components")),
    };
    let decoded = decoded.ok_or_else(|| bad("the JPEG-LS data are damaged or cut short"))?;
    for (index, plane) in which.into_iter().zip(decoded) {
        planes[index] = Some(plane);
    }
    Ok(bits.used())
}

fn interleave(mut planes: Vec<Vec<u16>>) -> Vec<u16> {
    if planes.len() == 1 {
        return planes.remove(0);
    }
    let length = planes[0].len();
    let mut out = Vec::with_capacity(length * planes.len());
    for at in 0..length {
        out.extend(planes.iter().map(|plane| plane[at]));
    }
    out
}
