//! The head of a file on its way in: preamble, prefix and file meta information, from a reader
//! that cannot go back. PS3.10 7.1.

use std::io::{self, Read};

use kura_model::Refusal;

/// Bytes of the head that are taken; private information (0002,0102) is the only long element.
const HEAD_BYTES: usize = 1024 * 1024;

/// What file meta information says of the object that follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileMeta {
    pub sop_class_uid: String,
    pub sop_instance_uid: String,
    pub transfer_syntax_uid: String,
}

/// The head of a file: what it says, and the bytes that were read of it.
pub struct FileHead {
    pub meta: Result<FileMeta, Refusal>,
    /// All that was read, for whoever keeps a file that is refused.
    pub read: Vec<u8>,
    /// Where in `read` the data set begins.
    pub dataset: usize,
}

/// Whether a text is a UID. PS3.5 9.1.
pub fn is_uid(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

struct Head<'a, R> {
    reader: &'a mut R,
    read: Vec<u8>,
}

impl<R: Read> Head<'_, R> {
    /// The next `count` bytes, or fewer at the end of the file.
    fn next(&mut self, count: usize) -> io::Result<&[u8]> {
        let start = self.read.len();
        let room = HEAD_BYTES.saturating_sub(start).min(count);
        self.reader
            .by_ref()
            .take(room as u64)
            .read_to_end(&mut self.read)?;
        Ok(&self.read[start..])
    }
}

/// Reads up to the data set. A head that is not sound is told in [`FileHead::meta`]
/// (`dicom-file-meta`), not as an error.
///
/// # Errors
/// What the reader says.
pub fn read_file_head(reader: &mut impl Read) -> io::Result<FileHead> {
    let mut head = Head {
        reader,
        read: Vec::new(),
    };
    let mut fields: [Option<String>; 3] = [None, None, None];
    let (sound, dataset) = walk(&mut head, &mut fields)?;
    let [class, instance, syntax] = fields.map(|field| field.filter(|uid| is_uid(uid)));
    let meta = match (sound, class, instance, syntax) {
        (true, Some(sop_class_uid), Some(sop_instance_uid), Some(transfer_syntax_uid)) => {
            Ok(FileMeta {
                sop_class_uid,
                sop_instance_uid,
                transfer_syntax_uid,
            })
        }
        _ => Err(Refusal::new(
            "dicom-file-meta",
            "a file begins with a preamble, DICM and file meta information that names its SOP class, instance and transfer syntax",
        )
        .at_byte(dataset as u64)),
    };
    Ok(FileHead {
        meta,
        read: head.read,
        dataset,
    })
}

/// Whether the head is sound, and where it ends.
fn walk<R: Read>(
    head: &mut Head<'_, R>,
    fields: &mut [Option<String>; 3],
) -> io::Result<(bool, usize)> {
    if head.next(132)?.get(128..) != Some(b"DICM") {
        return Ok((false, 0));
    }
    loop {
        let dataset = head.read.len();
        let Ok([g0, g1, e0, e1, v0, v1, l0, l1]) = <[u8; 8]>::try_from(head.next(8)?) else {
            return Ok((false, dataset));
        };
        if [g0, g1] != [2, 0] {
            return Ok((true, dataset));
        }
        // PS3.5 7.1.2: always explicit VR little endian.
        let length = if matches!(&[v0, v1], b"OB" | b"OW" | b"UN" | b"UT" | b"UR" | b"UC") {
            match <[u8; 4]>::try_from(head.next(4)?) {
                Ok(bytes) => u32::from_le_bytes(bytes),
                Err(_) => return Ok((false, dataset)),
            }
        } else {
            u32::from(u16::from_le_bytes([l0, l1]))
        };
        let length = length as usize;
        if length > HEAD_BYTES {
            return Ok((false, dataset));
        }
        let value = head.next(length)?;
        if value.len() < length {
            return Ok((false, dataset));
        }
        let place = match u16::from_le_bytes([e0, e1]) {
            0x0002 => 0,
            0x0003 => 1,
            0x0010 => 2,
            _ => continue,
        };
        fields[place] = std::str::from_utf8(value)
            .ok()
            .map(|text| text.trim_matches(['\0', ' ']).to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_we_write_is_read() {
        let mut bytes = crate::file_head("1.2", "1.2.3", "1.2.840.10008.1.2.1");
        let dataset = bytes.len();
        bytes.extend(b"\x08\0\x16\0UI\x04\x001.2\0");
        let head = read_file_head(&mut &bytes[..]).unwrap();
        let meta = head.meta.unwrap();
        assert_eq!(
            (&meta.sop_class_uid[..], &meta.sop_instance_uid[..]),
            ("1.2", "1.2.3")
        );
        assert_eq!(meta.transfer_syntax_uid, "1.2.840.10008.1.2.1");
        assert_eq!(head.dataset, dataset);
        assert_eq!(head.read, bytes[..dataset + 8]);
        // Cut anywhere, it is refused and never half believed.
        for cut in 0..dataset + 8 {
            let head = read_file_head(&mut &bytes[..cut]).unwrap();
            assert_eq!(head.meta.unwrap_err().rule, "dicom-file-meta", "{cut}");
        }
    }
}
