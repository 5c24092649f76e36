//! BCF's typed values, VCFv4.3 6.3.3.

use std::io::Write;

use kura_model::Refusal;

use super::bcf::{bad, size};
use crate::Limits;

fn write(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // A vector takes any number of bytes.
    let _ = out.write_fmt(text);
}

/// Decimal digits; by hand, for a cohort has thousands of them in each record.
pub(super) fn write_integer(out: &mut Vec<u8>, number: i64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    let mut rest = number.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[at..]);
}

/// VCFv4.3 6.3.3: 0x7F800001 is missing.
pub(super) fn float(out: &mut Vec<u8>, bits: u32) {
    if bits == 0x7f80_0001 {
        out.push(b'.');
        return;
    }
    let value = f32::from_bits(bits);
    if value.is_nan() {
        out.extend_from_slice(b"NaN");
    } else {
        write(out, format_args!("{value}"));
    }
}

/// VCFv4.3 6.3.3: atomic types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Missing,
    Int8,
    Int16,
    Int32,
    Float,
    Char,
}

pub(super) enum Value {
    Number(i32),
    Missing,
    End,
}

impl Kind {
    pub(super) fn size(self) -> usize {
        match self {
            Kind::Missing => 0,
            Kind::Int8 | Kind::Char => 1,
            Kind::Int16 => 2,
            Kind::Int32 | Kind::Float => 4,
        }
    }

    pub(super) fn is_integer(self) -> bool {
        matches!(self, Kind::Int8 | Kind::Int16 | Kind::Int32)
    }

    pub(super) fn integer(self, bytes: &[u8]) -> Value {
        let (number, low) = match (self, bytes) {
            (Kind::Int8, [a]) => (i32::from(i8::from_le_bytes([*a])), i32::from(i8::MIN)),
            (Kind::Int16, [a, b]) => (i32::from(i16::from_le_bytes([*a, *b])), i32::from(i16::MIN)),
            (Kind::Int32, [a, b, c, d]) => (i32::from_le_bytes([*a, *b, *c, *d]), i32::MIN),
            _ => return Value::Missing,
        };
        // The lowest value is missing, the next one ends a vector.
        match number.wrapping_sub(low) {
            0 => Value::Missing,
            1 => Value::End,
            _ => Value::Number(number),
        }
    }

    pub(super) fn write(self, bytes: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        match self {
            Kind::Missing => {}
            Kind::Char => {
                let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
                out.extend_from_slice(&bytes[..end]);
            }
            Kind::Float => {
                for chunk in bytes.chunks_exact(4) {
                    let bits = u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]);
                    if bits == 0x7f80_0002 {
                        break;
                    }
                    if out.len() > start {
                        out.push(b',');
                    }
                    float(out, bits);
                }
            }
            _ => {
                for chunk in bytes.chunks_exact(self.size()) {
                    let value = self.integer(chunk);
                    if matches!(value, Value::End) {
                        break;
                    }
                    if out.len() > start {
                        out.push(b',');
                    }
                    match value {
                        Value::Number(number) => write_integer(out, i64::from(number)),
                        _ => out.push(b'.'),
                    }
                }
            }
        }
        if out.len() == start {
            out.push(b'.');
        }
    }
}

/// VCFv4.3 6.3.3: (allele + 1) << 1 | phased.
pub(super) fn write_genotype(kind: Kind, bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    for chunk in bytes.chunks_exact(kind.size()) {
        let value = kind.integer(chunk);
        if matches!(value, Value::End) {
            break;
        }
        let number = match value {
            Value::Number(number) => number,
            _ => 0,
        };
        if out.len() > start {
            out.push(if number & 1 == 1 { b'|' } else { b'/' });
        }
        match (number >> 1) - 1 {
            -1 => out.push(b'.'),
            allele => write_integer(out, i64::from(allele)),
        }
    }
    if out.len() == start {
        out.push(b'.');
    }
}

pub(super) struct Cursor<'a> {
    pub bytes: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) fn take(&mut self, count: usize, path: &str) -> Result<&'a [u8], Refusal> {
        let (head, tail) = self
            .bytes
            .split_at_checked(count)
            .ok_or_else(|| bad(path, "a value is longer than its record"))?;
        self.bytes = tail;
        Ok(head)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Refusal> {
        let bytes = self.take(4, "record")?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    pub(super) fn i32(&mut self) -> Result<i32, Refusal> {
        Ok(self.u32()?.cast_signed())
    }

    /// VCFv4.3 6.3.3: type in the low four bits, length in the high four, 15 for "more follows".
    pub(super) fn descriptor(&mut self, path: &str) -> Result<(Kind, usize), Refusal> {
        let byte = self.take(1, path)?[0];
        let kind = match byte & 0x0f {
            0 => Kind::Missing,
            1 => Kind::Int8,
            2 => Kind::Int16,
            3 => Kind::Int32,
            5 => Kind::Float,
            7 => Kind::Char,
            _ => return Err(bad(path, "a value is of an unknown type")),
        };
        let mut length = usize::from(byte >> 4);
        if length == 15 {
            let (inner, one) = self.descriptor_small(path)?;
            let bytes = self.take(inner.size() * one, path)?;
            length = match inner.integer(bytes) {
                Value::Number(number) => usize::try_from(number).ok(),
                _ => None,
            }
            .ok_or_else(|| bad(path, "a value states an impossible length"))?;
        }
        Ok((kind, length))
    }

    fn descriptor_small(&mut self, path: &str) -> Result<(Kind, usize), Refusal> {
        match self.take(1, path)?[0] {
            0x11 => Ok((Kind::Int8, 1)),
            0x12 => Ok((Kind::Int16, 1)),
            0x13 => Ok((Kind::Int32, 1)),
            _ => Err(bad(path, "a length is one whole number")),
        }
    }

    pub(super) fn integer(&mut self, path: &str) -> Result<i64, Refusal> {
        let (kind, _) = self.descriptor_small(path)?;
        let bytes = self.take(kind.size(), path)?;
        match kind.integer(bytes) {
            Value::Number(number) => Ok(i64::from(number)),
            _ => Err(bad(path, "a key is a number")),
        }
    }

    pub(super) fn string(
        &mut self,
        path: &str,
        out: &mut Vec<u8>,
        limits: &Limits,
    ) -> Result<(), Refusal> {
        let (kind, length) = self.descriptor(path)?;
        let bytes = self.take(length.saturating_mul(kind.size()), path)?;
        if !matches!(kind, Kind::Char | Kind::Missing) {
            return Err(bad(path, "this value is text"));
        }
        kind.write(bytes, out);
        size(out, limits)
    }
}
