//! As much CBOR (RFC 8949) as authenticators write, read in place: nothing is allocated for a
//! length that is only claimed.
//!
//! WebAuthn asks of authenticators the CTAP2 canonical form: definite lengths, little nesting.
//! What has neither is refused; that numbers are written as short as can be is not asked.

/// What is no such CBOR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// CTAP2 canonical form allows 4 levels; attestation statements, which are passed over, have more.
const DEPTH: usize = 8;

pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
}

/// RFC 8949 §3.1 major types.
const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// What is not read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.bytes.split_at_checked(length).ok_or(Malformed)?;
        self.bytes = rest;
        Ok(taken)
    }

    /// Major type, additional information and argument, RFC 8949 §3.
    fn head(&mut self) -> Result<(u8, u8, u64), Malformed> {
        let first = self.take(1)?[0];
        let (major, info) = (first >> 5, first & 31);
        let argument = match info {
            0..=23 => u64::from(info),
            // 24 to 27: in one, two, four or eight bytes.
            24..=27 => self
                .take(1 << (info - 24))?
                .iter()
                .fold(0, |value, byte| (value << 8) | u64::from(*byte)),
            // Reserved, and indefinite lengths.
            _ => return Err(Malformed),
        };
        Ok((major, info, argument))
    }

    fn of(&mut self, major: u8) -> Result<u64, Malformed> {
        match self.head()? {
            (found, _, argument) if found == major => Ok(argument),
            _ => Err(Malformed),
        }
    }

    /// Entries of a map; each takes two bytes at least.
    pub(crate) fn map(&mut self) -> Result<usize, Malformed> {
        let entries = usize::try_from(self.of(MAP)?).map_err(|_| Malformed)?;
        if entries > self.bytes.len() / 2 {
            return Err(Malformed);
        }
        Ok(entries)
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(self.of(BYTES)?).map_err(|_| Malformed)?;
        self.take(length)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Malformed> {
        let length = usize::try_from(self.of(TEXT)?).map_err(|_| Malformed)?;
        std::str::from_utf8(self.take(length)?).map_err(|_| Malformed)
    }

    pub(crate) fn integer(&mut self) -> Result<i64, Malformed> {
        let (major, _, argument) = self.head()?;
        let value = i64::try_from(argument).map_err(|_| Malformed)?;
        match major {
            UNSIGNED => Ok(value),
            NEGATIVE => Ok(-1 - value),
            _ => Err(Malformed),
        }
    }

    /// Passes over one item.
    pub(crate) fn skip(&mut self) -> Result<(), Malformed> {
        self.skip_within(DEPTH)
    }

    fn skip_within(&mut self, depth: usize) -> Result<(), Malformed> {
        let (major, _, argument) = self.head()?;
        let items = match major {
            BYTES | TEXT => {
                let length = usize::try_from(argument).map_err(|_| Malformed)?;
                self.take(length)?;
                0
            }
            ARRAY => argument,
            MAP => argument.checked_mul(2).ok_or(Malformed)?,
            TAG => 1,
            // Numbers, and simple values and floats, whose argument is all there is.
            _ => 0,
        };
        if items > self.bytes.len() as u64 || (items > 0 && depth == 0) {
            return Err(Malformed);
        }
        for _ in 0..items {
            self.skip_within(depth - 1)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rfc_8949_appendix_a() {
        let integers: [(&[u8], i64); 8] = [
            (&[0x00], 0),
            (&[0x17], 23),
            (&[0x18, 0x18], 24),
            (&[0x19, 0x03, 0xe8], 1000),
            (&[0x1a, 0x00, 0x0f, 0x42, 0x40], 1_000_000),
            (&[0x20], -1),
            (&[0x38, 0x63], -100),
            (&[0x39, 0x03, 0xe7], -1000),
        ];
        for (bytes, value) in integers {
            assert_eq!(Reader::new(bytes).integer(), Ok(value));
        }
        // 18446744073709551615 and -18446744073709551616.
        for first in [0x1b, 0x3b] {
            let mut bytes = [0xff; 9];
            bytes[0] = first;
            assert_eq!(Reader::new(&bytes).integer(), Err(Malformed));
        }
        assert_eq!(Reader::new(b"\x62\xc3\xbc").text(), Ok("ü"));
        assert_eq!(Reader::new(b"\x62\xc3\x28").text(), Err(Malformed));
        assert_eq!(
            Reader::new(&[0x44, 1, 2, 3, 4]).bytes(),
            Ok(&[1, 2, 3, 4][..])
        );
        // {"a": 1, "b": [2, 3]}, 1.1, false, null, 2013-03-21T20:04:00Z as a tag.
        for bytes in [
            &[0xa2, 0x61, 0x61, 0x01, 0x61, 0x62, 0x82, 0x02, 0x03][..],
            &[0xfb, 0x3f, 0xf1, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a],
            &[0xf4],
            &[0xf6],
            &[0xc1, 0x1a, 0x51, 0x4b, 0x67, 0xb0],
        ] {
            let mut reader = Reader::new(bytes);
            assert_eq!(reader.skip(), Ok(()));
            assert!(reader.rest().is_empty());
        }
    }

    #[test]
    fn claimed_lengths_and_depths_are_refused() {
        // Four gigabytes of bytes, a map of 2^64 entries, an array of 2^32, indefinite lengths.
        for bytes in [
            &[0x5a, 0xff, 0xff, 0xff, 0xff, 0][..],
            &[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0x9a, 0xff, 0xff, 0xff, 0xff, 0],
            &[0x5f, 0x41, 0x00, 0xff],
            &[0xbf, 0xff],
            &[0x9f, 0xff],
            &[0x1c],
            &[],
        ] {
            assert_eq!(Reader::new(bytes).skip(), Err(Malformed), "{bytes:?}");
        }
        assert_eq!(Reader::new(&[0x81; 9]).skip(), Err(Malformed));
        assert_eq!(Reader::new(&[0x81; 100_000]).skip(), Err(Malformed));
        assert_eq!(Reader::new(&[0xba, 0, 0, 1, 0]).map(), Err(Malformed));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
            let mut reader = Reader::new(&bytes);
            while !reader.rest().is_empty() && reader.skip().is_ok() {}
            let _ = Reader::new(&bytes).map();
            let _ = Reader::new(&bytes).text();
            let _ = Reader::new(&bytes).integer();
        }
    }
}
