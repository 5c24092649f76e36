/// Bits from the most significant on. After a byte FF the next byte's first bit is a stuffed 0
/// (T.87 A.1); FF with the bit set is a marker, and ends the data.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    hold: u64,
    held: u32,
    after_ff: bool,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            hold: 0,
            held: 0,
            after_ff: false,
        }
    }

    fn fill(&mut self) {
        while self.held <= 48 {
            let Some(&byte) = self.bytes.get(self.at) else {
                return;
            };
            if byte == 0xFF && self.bytes.get(self.at + 1).is_none_or(|next| *next >= 0x80) {
                return;
            }
            let width = if self.after_ff { 7 } else { 8 };
            self.hold = self.hold << width | u64::from(byte);
            self.held += width;
            self.after_ff = byte == 0xFF;
            self.at += 1;
        }
    }

    /// Up to 16 bits; `None` past the end.
    pub(super) fn take(&mut self, count: u32) -> Option<u32> {
        if count == 0 {
            return Some(0);
        }
        if self.held < count {
            self.fill();
        }
        self.held = self.held.checked_sub(count)?;
        Some((self.hold >> self.held) as u32 & ((1 << count) - 1))
    }

    /// How many 0 before the next 1, which is taken too; `None` where there are more than `most`.
    pub(super) fn zeros(&mut self, most: u32) -> Option<u32> {
        let mut zeros = 0;
        while self.take(1)? == 0 {
            zeros += 1;
            if zeros > most {
                return None;
            }
        }
        Some(zeros)
    }

    /// Bytes up to the marker that ends the data.
    pub(super) fn used(&mut self) -> usize {
        let rest = &self.bytes[self.at..];
        let end = rest
            .windows(2)
            .position(|pair| pair[0] == 0xFF && pair[1] >= 0x80);
        self.at + end.unwrap_or(rest.len())
    }
}
