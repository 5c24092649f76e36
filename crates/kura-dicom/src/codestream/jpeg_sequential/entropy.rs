//! Huffman codes (T.81 Annex C and F.2.2).

/// A table by code length: codes of one length follow each other.
pub(super) struct Table {
    /// For lengths 1 to 16: the code after the last one, and what to add to a code to find its
    /// symbol.
    lengths: [(u32, i32); 16],
    symbols: Vec<u8>,
}

impl Table {
    /// T.81 C.2. `None` where there are more codes than a length has.
    pub(super) fn new(counts: [u8; 16], symbols: &[u8]) -> Option<Self> {
        let mut lengths = [(0, 0); 16];
        let (mut code, mut first) = (0_u32, 0_i32);
        for (length, count) in counts.into_iter().enumerate() {
            let begin = code;
            code += u32::from(count);
            if code > 1 << (length + 1) {
                return None;
            }
            lengths[length] = (code, first - begin as i32);
            first += i32::from(count);
            code <<= 1;
        }
        Some(Self {
            lengths,
            symbols: symbols.to_vec(),
        })
    }

    pub(super) fn symbol(&self, bits: &mut Bits<'_>) -> Option<u8> {
        let mut code = 0;
        for (end, offset) in self.lengths {
            code = code << 1 | bits.take(1)?;
            if code < end {
                let at = usize::try_from(code as i32 + offset).ok()?;
                return self.symbols.get(at).copied();
            }
        }
        None
    }
}

/// The entropy-coded bytes; FF 00 stands for FF (T.81 B.1.1.5), any other FF is a marker.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    hold: u32,
    held: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            hold: 0,
            held: 0,
        }
    }

    /// Up to 16 bits; `None` past the end.
    pub(super) fn take(&mut self, count: u32) -> Option<u32> {
        while self.held < count {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            if byte == 0xFF {
                if self.bytes.get(self.at) != Some(&0) {
                    return None;
                }
                self.at += 1;
            }
            self.hold = self.hold << 8 | u32::from(byte);
            self.held += 8;
        }
        self.held -= count;
        Some(self.hold >> self.held & ((1 << count) - 1))
    }

    /// T.81 F.2.2.1, RECEIVE and EXTEND.
    pub(super) fn signed(&mut self, size: u32) -> Option<i32> {
        if size == 0 {
            return Some(0);
        }
        if size > 15 {
            return None;
        }
        let value = self.take(size)? as i32;
        Some(if value < 1 << (size - 1) {
            value - (1 << size) + 1
        } else {
            value
        })
    }

    /// Goes behind the RSTn that must follow.
    pub(super) fn restart(&mut self) -> Option<()> {
        self.held = 0;
        while self.bytes.get(self.at) == Some(&0xFF) && self.bytes.get(self.at + 1) == Some(&0xFF) {
            self.at += 1;
        }
        match self.bytes.get(self.at..self.at + 2) {
            Some([0xFF, 0xD0..=0xD7]) => {
                self.at += 2;
                Some(())
            }
            _ => None,
        }
    }
}
