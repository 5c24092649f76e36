//! Sequential DCT JPEG of 8 or 12 bits with Huffman codes (ITU-T T.81, processes 1, 2 and 4), as
//! far as medicine has it beyond 8 bits: all components in one scan, none subsampled.

mod entropy;
mod idct;

use kura_model::Refusal;

use super::{refuse, u16_at};
use entropy::{Bits, Table};

/// T.81 Figure A.6: where the coefficients that follow each other lie in a block.
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

struct Component {
    id: u8,
    quantization: usize,
}

#[derive(Default)]
struct Tables {
    quantization: [Option<[u16; 64]>; 4],
    dc: [Option<Table>; 4],
    ac: [Option<Table>; 4],
    restart: usize,
}

struct FrameHeader {
    precision: u32,
    rows: usize,
    columns: usize,
    components: Vec<Component>,
}

/// Samples of one frame, pixel by pixel. `expected` is rows, columns and components, which the
/// frame header must repeat: nothing is allocated before it does.
///
/// # Errors
/// `dicom-codestream`.
pub fn decode(bytes: &[u8], expected: (u32, u32, u16)) -> Result<Vec<u16>, Refusal> {
    if u16_at(bytes, 0)? != 0xFFD8 {
        return Err(refuse("a JPEG frame begins with SOI", 0));
    }
    let mut at = 2;
    let mut tables = Tables::default();
    let mut frame: Option<FrameHeader> = None;
    loop {
        while bytes.get(at) == Some(&0xFF) && bytes.get(at + 1) == Some(&0xFF) {
            at += 1;
        }
        let marker = u16_at(bytes, at)?;
        let length = usize::from(u16_at(bytes, at + 2)?);
        let Some(body) = bytes.get(at + 4..at + 2 + length).filter(|_| length >= 2) else {
            return Err(refuse("a JPEG segment is cut short", at));
        };
        let next = at + 2 + length;
        let read = match marker {
            0xFFC0 | 0xFFC1 => {
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
                frame = Some(header);
                Some(())
            }
            0xFFC2..=0xFFC3 | 0xFFC5..=0xFFC7 | 0xFFC9..=0xFFCF => {
                return Err(refuse("another JPEG process than the sequential ones", at));
            }
            0xFFC4 => huffman_tables(body, &mut tables),
            0xFFDB => quantization_tables(body, &mut tables),
            0xFFDD => {
                tables.restart = usize::from(u16_at(bytes, at + 4)?);
                (body.len() == 2).then_some(())
            }
            0xFFDA => {
                let frame = frame.ok_or_else(|| refuse("a scan before its frame header", at))?;
                return scan(&bytes[next..], body, &frame, &tables)
                    .ok_or_else(|| refuse("the JPEG scan is damaged or cut short", at));
            }
            0xFFE0..=0xFFEF | 0xFFFE => Some(()),
            _ => None,
        };
        read.ok_or_else(|| refuse("a JPEG segment cannot be read", at))?;
        at = next;
    }
}

/// T.81 B.2.2
fn frame_header(body: &[u8], at: usize) -> Result<FrameHeader, Refusal> {
    let cut = || refuse("a JPEG frame header is cut short", at);
    let [precision, y1, y2, x1, x2, count, rest @ ..] = body else {
        return Err(cut());
    };
    let specified = rest.chunks_exact(3);
    if specified.len() != usize::from(*count) || !matches!(count, 1..=4) {
        return Err(cut());
    }
    if !matches!(precision, 8 | 12) {
        return Err(refuse("sequential JPEG has 8 or 12 bits", at));
    }
    // One component is coded block by block whatever its factors are (T.81 A.2.2).
    if *count > 1 && specified.clone().any(|c| c[1] != 0x11)
        || rest.chunks_exact(3).any(|c| c[2] > 3)
    {
        return Err(refuse(
            "JPEG of more than 8 bits with subsampled colour is not read",
            at,
        ));
    }
    Ok(FrameHeader {
        precision: u32::from(*precision),
        rows: usize::from(u16::from_be_bytes([*y1, *y2])),
        columns: usize::from(u16::from_be_bytes([*x1, *x2])),
        components: specified
            .map(|c| Component {
                id: c[0],
                quantization: usize::from(c[2]),
            })
            .collect(),
    })
}

/// T.81 B.2.4.1
fn quantization_tables(mut body: &[u8], tables: &mut Tables) -> Option<()> {
    while let Some((head, rest)) = body.split_first() {
        let size = if head >> 4 == 0 { 1 } else { 2 };
        let values = rest.get(..64 * size)?;
        let slot = tables.quantization.get_mut(usize::from(head & 15))?;
        let mut table = [0; 64];
        for (value, chunk) in table.iter_mut().zip(values.chunks_exact(size)) {
            *value = chunk
                .iter()
                .fold(0, |sum, byte| sum << 8 | u16::from(*byte));
        }
        *slot = Some(table);
        body = &rest[64 * size..];
    }
    Some(())
}

/// T.81 B.2.4.2
fn huffman_tables(mut body: &[u8], tables: &mut Tables) -> Option<()> {
    while let Some((head, rest)) = body.split_first() {
        let counts: [u8; 16] = rest.get(..16)?.try_into().ok()?;
        let total: usize = counts.iter().map(|count| usize::from(*count)).sum();
        let symbols = rest.get(16..16 + total)?;
        let class = match head >> 4 {
            0 => &mut tables.dc,
            1 => &mut tables.ac,
            _ => return None,
        };
        *class.get_mut(usize::from(head & 15))? = Some(Table::new(counts, symbols)?);
        body = &rest[16 + total..];
    }
    Some(())
}

struct Plan<'t> {
    quantization: &'t [u16; 64],
    dc: &'t Table,
    ac: &'t Table,
}

/// T.81 B.2.3 and F.2; `None` where it is damaged.
fn scan(data: &[u8], body: &[u8], frame: &FrameHeader, tables: &Tables) -> Option<Vec<u16>> {
    let count = usize::from(*body.first()?);
    if count != frame.components.len() || body.len() != 4 + 2 * count {
        return None;
    }
    let plans: Vec<Plan<'_>> = body[1..=2 * count]
        .chunks_exact(2)
        .zip(&frame.components)
        .map(|(chosen, component)| {
            let slot = |tables: &'_ [Option<Table>; 4], at: u8| {
                tables.get(usize::from(at)).is_some_and(Option::is_some)
            };
            let there = chosen[0] == component.id
                && slot(&tables.dc, chosen[1] >> 4)
                && slot(&tables.ac, chosen[1] & 15);
            there.then_some(())?;
            Some(Plan {
                quantization: tables.quantization[component.quantization].as_ref()?,
                dc: tables.dc[usize::from(chosen[1] >> 4)].as_ref()?,
                ac: tables.ac[usize::from(chosen[1] & 15)].as_ref()?,
            })
        })
        .collect::<Option<_>>()?;
    let mut bits = Bits::new(data);
    let mut out = vec![0; frame.rows * frame.columns * count];
    let mut predicted = vec![0_i32; count];
    let across = frame.columns.div_ceil(8);
    for unit in 0..across * frame.rows.div_ceil(8) {
        // T.81 F.2.1.3.1: after a restart nothing is known of what came before
        if tables.restart > 0 && unit > 0 && unit % tables.restart == 0 {
            bits.restart()?;
            predicted.fill(0);
        }
        for (component, plan) in plans.iter().enumerate() {
            let block = block(&mut bits, plan, &mut predicted[component])?;
            let samples = idct::samples(&block, frame.precision);
            let (top, left) = (unit / across * 8, unit % across * 8);
            for row in top..(top + 8).min(frame.rows) {
                for column in left..(left + 8).min(frame.columns) {
                    out[(row * frame.columns + column) * count + component] =
                        samples[(row - top) * 8 + column - left];
                }
            }
        }
    }
    Some(out)
}

/// T.81 F.2.2: one block's coefficients, dequantised, in their places.
fn block(bits: &mut Bits<'_>, plan: &Plan<'_>, predicted: &mut i32) -> Option<[f32; 64]> {
    let mut out = [0.0; 64];
    let size = plan.dc.symbol(bits)?;
    *predicted = predicted.checked_add(bits.signed(u32::from(size))?)?;
    out[0] = *predicted as f32 * f32::from(plan.quantization[0]);
    let mut at = 1;
    while at < 64 {
        let symbol = plan.ac.symbol(bits)?;
        let (zeros, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
        match (zeros, size) {
            (0, 0) => break,
            (15, 0) => at += 16,
            (_, 0) => return None,
            _ => {
                at += zeros;
                let value = bits.signed(size)?;
                let place = usize::from(*ZIGZAG.get(at)?);
                out[place] = value as f32 * f32::from(plan.quantization[at]);
                at += 1;
            }
        }
    }
    Some(out)
}
